"""The tokenizer that a recipe names by a path: a folder, a tokenizer's file, or a model's.

Knows formats of tokenizers and checkpoints by their readers; trains none.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from model.tokenizer.tokenizer import Tokenizer, TokenizerError
from model.train.recipe import Recipe


def tokenizer_at(path: str) -> Tokenizer:
    """Read a tokenizer.

    Args:
        path: of a folder that holds one, of any file of it, or of a model that has one.

    Raises:
        TokenizerError: there is none.
    """
    place = Path(path)
    _check_there(place)
    if place.is_dir():
        if Tokenizer.in_folder(place):
            return Tokenizer.from_folder(place)
        try:
            return _of_model(place)
        except TokenizerError:
            return Tokenizer.from_folder(place)  # says what a folder of a tokenizer has
    if place.suffix == ".gguf" or _begins_as_gguf(place):
        return _of_gguf(place)
    if place.suffix in _WEIGHTS:
        return _of_model(place)
    return Tokenizer.from_file(place)


def with_tokenizer_word(recipe: Recipe) -> Recipe:
    """A recipe whose tokenizer may be named as people name it.

    ``characters`` is ``char``, ``bpe`` has a vocabulary of its usual size, and ``open`` is the
    tokenizer of the model whose weights it begins with.

    Raises:
        TokenizerError: there is no such model.
    """
    word = recipe.tokenizer
    if word == "open" and not recipe.weights:
        raise TokenizerError(
            "The tokenizer 'open' is that of the model that a run begins with, and this recipe "
            "names none in weights: give the path of a model or of a tokenizer."
        )
    known = {"characters": "char", "bpe": Recipe().tokenizer, "open": recipe.weights}
    return replace(recipe, tokenizer=known[word]) if word in known else recipe


def check_tokenizer_word(path: str) -> None:
    """See that a recipe's tokenizer, which is no kind, leads somewhere.

    Raises:
        TokenizerError: it doesn't; the message says what there is.
    """
    _check_there(Path(path))


_WEIGHTS = (".safetensors", ".bin", ".pt", ".pth", ".ckpt")


def _check_there(place: Path) -> None:
    if not os.path.exists(place):  # noqa: PTH110 - Path's raises for a name too long
        raise TokenizerError(
            f"There is no tokenizer {str(place)!r}: give char, bpe:SIZE (for example bpe:1024), or "
            "the path of a tokenizer's file or folder."
        )


def _of_model(place: Path) -> Tokenizer:
    """The tokenizer of a checkpoint, whose weights aren't read."""
    from model.checkpoint.errors import CheckpointError
    from model.checkpoint.sources import source_of

    try:
        tokenizer = source_of(place).tokenizer.read()
    except CheckpointError as error:
        raise TokenizerError(str(error)) from error
    return _there(tokenizer, place)


def _of_gguf(place: Path) -> Tokenizer:
    """The tokenizer of a GGUF file, also of one that is no model, or none that opens here."""
    from model.checkpoint.errors import CheckpointError
    from model.checkpoint.sources.gguf_header import gguf_header

    try:
        metadata = gguf_header(place).metadata
    except CheckpointError as error:
        raise TokenizerError(str(error)) from error
    return _there(Tokenizer.from_gguf(metadata, str(place)), place)


def _there(tokenizer: Tokenizer | None, place: Path) -> Tokenizer:
    if tokenizer is None:
        raise TokenizerError(f"{place} has no tokenizer; choose one that has.")
    return tokenizer


def _begins_as_gguf(place: Path) -> bool:
    from model.checkpoint.sources.gguf_file import is_gguf

    return is_gguf(place)

"""From a recipe to token ids: text is written or read, a tokenizer made, both parts cut.

The text's last tenth is for validation; the story world writes a text of another seed for it, and
a task holds examples out. A text that is too long for the memory is cut into files
(`model.train.token_cache`).

Knows text, tokenizers and NumPy; no torch, no network, no run folder.
"""

from __future__ import annotations

import hashlib
import math
import sys
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from model.counting import counted
from model.slices import finish, retold
from model.tokenizer.client import learning_bpe
from model.tokenizer.tokenizer import Tokenizer
from model.train.cutting import Ids, cut_into_files, dtype_of, ids_of
from model.train.events import Prepared
from model.train.places import names_a_file
from model.train.preferences import Pair, PreferenceError, pairs_of, read_preferences
from model.train.recipe import WORLD, Recipe
from model.train.tasks.chosen import chosen_task, is_task
from model.train.tasks.examples import examples_of
from model.train.tasks.vocabulary import tokenizer_of
from model.train.text_files import DataError, surveying
from model.train.tokenizer_choice import check_tokenizer_word, tokenizer_at
from model.world.text import parts

__all__ = ["DataError", "TextData", "prepare", "read_text"]

VALIDATION_SHARE = 0.1
# Seeds of validation texts lie far from those that a person types.
VALIDATION_SEED = 1_000_000_007
MOST_HELD = 1 << 24
"""Characters of a text that is held in memory while it is cut; longer ones are cut into files."""
_OLD_TOKENS = 20_000
"""Of the story world, where its loss shows what is forgotten."""
_PART = 1 << 20
"""Characters that are looked at before the next sign of progress."""


@dataclass(frozen=True, slots=True, eq=False)
class TextData:
    """A text, ready to train on.

    Attributes:
        tokenizer: what cut it.
        train_ids, val_ids: one dimension each, uint16 where the vocabulary allows it.
        val_tokens_per_byte: turns a loss per token into one per byte.
        n_bytes: of the whole text in UTF-8.
        sha256: of the whole text in UTF-8, for a resumed run to know it again.
        notes: what a person should know of the text, sentences.
        n_example: tokens of each example of a task, which follow each other; 0 for a text.
        answer_at: the token of an example with which its answer begins: only answers are learned.
        old_ids: the validation part of a text that the model knew before, of a run that is
            watched for what it forgets.
        pairs: choices of a run that learns preferences; its two texts then are what is preferred.
    """

    tokenizer: Tokenizer
    train_ids: Ids
    val_ids: Ids
    val_tokens_per_byte: float
    n_bytes: int
    sha256: str
    notes: tuple[str, ...] = ()
    n_example: int = 0
    answer_at: int = 0
    old_ids: Ids | None = None
    pairs: tuple[Pair, ...] = ()

    @property
    def rows(self) -> tuple[Ids, Ids]:
        """A task's examples to train on and those held out, ``[N, n_example]`` each."""
        return self.train_ids.reshape(-1, self.n_example), self.val_ids.reshape(-1, self.n_example)


def prepare(
    recipe: Recipe, tokenizer: Tokenizer | None = None
) -> Generator[Prepared, None, TextData]:
    """Make everything that training reads; slow work is cut into slices.

    Args:
        recipe: names the text and the tokenizer.
        tokenizer: taken instead of the recipe's, for a run that goes on.

    Yields:
        Signs of progress.

    Returns:
        The text as ids.

    Raises:
        DataError: the text can't be read, or is too short for the context.
        TokenizerError: the recipe's tokenizer can't be read or made.
    """
    if tokenizer is None and names_a_file(recipe.tokenizer):
        check_tokenizer_word(recipe.tokenizer)  # before a long text is read
    if is_task(recipe.data):
        return (yield from _examples(recipe))
    if recipe.objective == "preferences":
        return (yield from _prepare_choices(recipe, tokenizer))
    notes: tuple[str, ...] = ()
    if recipe.data == WORLD:
        seed = recipe.seed
        train_text = yield from writing_world(recipe.data_tokens, seed, "Writing the story world")
        n_val = max(1, round(recipe.data_tokens * VALIDATION_SHARE))
        val_text = yield from writing_world(
            n_val, seed + VALIDATION_SEED, "Writing its validation text"
        )
    else:
        path = Path(recipe.data)
        yield Prepared(f"Reading {path.name}", 0.0)
        survey = yield from retold(
            surveying(path, MOST_HELD), lambda share: Prepared(f"Reading {path.name}", share)
        )
        if survey.text is None:
            ready = yield from cut_into_files(recipe, survey, VALIDATION_SHARE, tokenizer)
            _check_length(recipe, len(ready.train_ids), len(ready.val_ids))
            old_ids = None
            if recipe.old_data:
                old_ids = yield from _old_ids(recipe, ready.tokenizer)
            return TextData(
                tokenizer=ready.tokenizer,
                train_ids=ready.train_ids,
                val_ids=ready.val_ids,
                val_tokens_per_byte=len(ready.val_ids) / ready.facts["n_val_bytes"],
                n_bytes=survey.n_bytes,
                sha256=survey.sha256,
                notes=(*survey.notes, *ready.facts["notes"]),
                old_ids=old_ids,
            )
        notes, text = survey.notes, survey.text
        del survey
        cut = round(len(text) * (1 - VALIDATION_SHARE))
        train_text, val_text = text[:cut], text[cut:]
        del text  # both parts of it are copies
    if tokenizer is None:
        tokenizer = yield from making_tokenizer(recipe, train_text, val_text)
    train_ids = yield from cut_text(train_text, tokenizer, "Cutting the text into tokens")
    val_ids = yield from cut_text(val_text, tokenizer, "Cutting the validation text")
    _check_length(recipe, len(train_ids), len(val_ids))
    old_ids = None
    if recipe.old_data:
        old_ids = yield from _old_ids(recipe, tokenizer)
    digest = hashlib.sha256()
    n_train_bytes = yield from _hash(train_text, digest)
    n_val_bytes = yield from _hash(val_text, digest)
    return TextData(
        tokenizer=tokenizer,
        train_ids=train_ids,
        val_ids=val_ids,
        val_tokens_per_byte=len(val_ids) / n_val_bytes,
        n_bytes=n_train_bytes + n_val_bytes,
        sha256=digest.hexdigest(),
        notes=notes,
        old_ids=old_ids,
    )


def _examples(recipe: Recipe) -> Generator[Prepared, None, TextData]:
    """A task's examples; its vocabulary is known, also to a run that goes on."""
    chosen = chosen_task(recipe.data)
    what = f"Writing examples of {chosen.task.title.lower()}"
    yield Prepared(what, 0.0)
    tokenizer = tokenizer_of(chosen)
    found = examples_of(chosen, recipe.data_tokens // chosen.n_tokens, recipe.seed)
    n_train, n_held_out = len(found.train_NT), len(found.held_out_NT)
    if recipe.batch_size > n_train:
        raise DataError(
            f"A batch of {recipe.batch_size:,} is more than the {counted(n_train, 'example')} that "
            f"there are to train on: set batch_size to {n_train} at most, or raise data_tokens."
        )
    train_ids, val_ids = found.train_NT.ravel(), found.held_out_NT.ravel()
    n_bytes = [len(tokenizer.decode(ids.tolist()).encode()) for ids in (train_ids, val_ids)]
    answers = found.held_out_NT[:, chosen.answer_at :].ravel()
    n_answer_bytes = len(tokenizer.decode(answers.tolist()).encode())
    digest = hashlib.sha256(train_ids.astype("<u2").tobytes() + val_ids.astype("<u2").tobytes())
    yield Prepared(what, 1.0)
    return TextData(
        tokenizer=tokenizer,
        train_ids=train_ids,
        val_ids=val_ids,
        val_tokens_per_byte=len(answers) / n_answer_bytes,
        n_bytes=sum(n_bytes),
        sha256=digest.hexdigest(),
        notes=(
            f"{chosen.task.title}: {n_train:,} of {chosen.n_questions:,} questions to train on, "
            f"{n_held_out:,} others held out.",
        ),
        n_example=chosen.n_tokens,
        answer_at=chosen.answer_at,
    )


def _prepare_choices(
    recipe: Recipe, tokenizer: Tokenizer | None
) -> Generator[Prepared, None, TextData]:
    """Of a run that learns preferences."""
    yield Prepared(f"Reading {Path(recipe.data).name}", 0.0)
    text = read_text(Path(recipe.data))
    if tokenizer is None:
        tokenizer = yield from making_tokenizer(recipe, "", "")
    try:
        pairs = pairs_of(read_preferences(text, recipe.data), tokenizer, recipe.n_ctx)
    except PreferenceError as error:
        raise DataError(str(error)) from error
    old_ids = (yield from _old_ids(recipe, tokenizer)) if recipe.old_data else None
    ids = np.array([i for one in pairs for i in one.chosen_ids], dtype=np.uint32)
    raw = text.encode("utf-8")
    return TextData(
        tokenizer=tokenizer,
        train_ids=ids,
        val_ids=np.array(pairs[0].prompt_ids, dtype=np.uint32),
        val_tokens_per_byte=math.nan,
        n_bytes=len(raw),
        sha256=hashlib.sha256(raw).hexdigest(),
        old_ids=old_ids,
        pairs=tuple(pairs),
    )


def _old_ids(recipe: Recipe, tokenizer: Tokenizer) -> Generator[Prepared, None, Ids]:
    """The validation part of the text whose loss shows what is forgotten."""
    what = "Reading the older text"
    if recipe.old_data == WORLD:
        text = yield from writing_world(_OLD_TOKENS, recipe.seed + VALIDATION_SEED, what)
    else:
        yield Prepared(what, 0.0)
        text = read_text(Path(recipe.old_data))
        text = text[round(len(text) * (1 - VALIDATION_SHARE)) :]
    ids = yield from cut_text(text, tokenizer, what)
    if len(ids) <= recipe.n_ctx:
        raise DataError(
            f"The last tenth of {recipe.old_data} gives {counted(len(ids), 'token')}, and a "
            f"context of {recipe.n_ctx} needs {recipe.n_ctx + 1}: take a longer text to watch "
            "what is forgotten, or a smaller context."
        )
    return ids


def read_text(path: Path) -> str:
    """The text of a file or folder: UTF-8, or UTF-16 or UTF-32 with a mark at its start.

    Raises:
        DataError: it can't be read, is empty, or is no text.
    """
    text = finish(surveying(path, sys.maxsize)).text
    assert text is not None  # all of it is held
    return text


def sha256_of_text(path: Path) -> str | None:
    """The sha256 of a place's text in UTF-8, as in `TextData`; None where it is no text."""
    try:
        return finish(surveying(path, 0)).sha256
    except DataError:
        return None


def making_tokenizer(
    recipe: Recipe, train_text: str, val_text: str
) -> Generator[Prepared, None, Tokenizer]:
    """The recipe's tokenizer, trained or read.

    Raises:
        TokenizerError: it can't be made or read.
    """
    what = "Making the tokenizer"
    yield Prepared(what, 0.0)
    if recipe.tokenizer == "char":
        # Of both parts: a character that only the validation text has would be no token at all.
        characters: set[str] = set()
        for part in _parts(train_text, val_text):
            characters.update(part)
            yield Prepared(what, 0.0)
        return Tokenizer.train_char("".join(sorted(characters)))
    if (size := recipe.bpe_size) is not None:
        # Of the training text alone, whose merges it learns.
        learning = learning_bpe([train_text], size)
        return (yield from retold(learning, lambda share: Prepared(what, share)))
    return tokenizer_at(recipe.tokenizer)


def writing_world(n_tokens: int, seed: int, what: str) -> Generator[Prepared, None, str]:
    """At least ``n_tokens`` words of the world, a document a line, as `model.world` writes it."""
    yield Prepared(what, 0.0)
    written: list[str] = []
    for part, share in parts(n_tokens, seed):
        written.append(part)
        yield Prepared(what, share)
    return "".join(written)


def cut_text(text: str, tokenizer: Tokenizer, what: str) -> Generator[Prepared, None, Ids]:
    """A long text as ids, piece by piece."""
    dtype = dtype_of(tokenizer)
    yield Prepared(what, 0.0)
    if not text:
        return np.empty(0, dtype=dtype)
    found: list[Ids] = []
    for done, ids in ids_of(text, tokenizer):
        found.append(ids)
        yield Prepared(what, done / len(text))
    return np.concatenate(found)


def _parts(*texts: str) -> Iterator[str]:
    for text in texts:
        for start in range(0, len(text), _PART):
            yield text[start : start + _PART]


def _hash(text: str, digest: Any) -> Generator[Prepared, None, int]:
    """Add a text to a checksum; how many bytes it has in UTF-8."""
    n_bytes = 0
    for part in _parts(text):
        raw = part.encode("utf-8")
        digest.update(raw)
        n_bytes += len(raw)
        yield Prepared("Cutting the validation text", 1.0)
    return n_bytes


def _check_length(recipe: Recipe, n_train: int, n_val: int) -> None:
    least = recipe.n_ctx + 1
    if n_train < least or n_val < least:
        where = "story world's text" if recipe.data == WORLD else f"text in {recipe.data}"
        share = VALIDATION_SHARE if n_val < least else 1 - VALIDATION_SHARE
        raise DataError(
            f"The {where} is too short: it gives {counted(n_train, 'token')} for training and "
            f"{n_val:,} for validation, and a context of {recipe.n_ctx} needs {least:,} of each. "
            f"Take at least {round(least / share):,} tokens of text, or a smaller context."
        )

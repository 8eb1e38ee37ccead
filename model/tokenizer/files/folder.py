"""Which of a folder's files are its tokenizer, and reading them.

In this order: ``tokenizer.json``; ``vocab.json`` with ``merges.txt``; ``tekken.json``; a
sentencepiece model, or tiktoken's under its name; ``tiktoken.model`` or ``*.tiktoken``;
``vocab.txt``. What is beside them says how they are to be used (`settings`, `classes`).
"""

from __future__ import annotations

import re
from pathlib import Path

import tokenizers

from model.tokenizer.files import byte_level, classes, ranks, sentence_piece, word_pieces
from model.tokenizer.files.errors import TokenizerError, refusing
from model.tokenizer.files.found import (
    GENERIC_CLASS,
    Found,
    add_tokens,
    asked_for,
    few,
    finish,
    keep_places,
)
from model.tokenizer.files.ranks import TEKKEN, TIKTOKEN, TIKTOKEN_ENDING
from model.tokenizer.files.settings import BESIDE, SETTINGS, Beside, read_beside

__all__ = ["BESIDE", "FILES", "SETTINGS", "describe_folder", "read_folder", "read_json"]

JSON = "tokenizer.json"
VOCAB, MERGES = "vocab.json", "merges.txt"
SENTENCE_PIECE = ("tokenizer.model", "spiece.model")
WORDS = "vocab.txt"
FILES = (JSON, VOCAB, MERGES, TEKKEN, *SENTENCE_PIECE, TIKTOKEN, WORDS)

_LARGEST_JSON = 256 * 2**20
_LOOKED_AT = 8 * 2**20
_MODEL_TYPE = re.compile(rb'"model"\s*:\s*\{\s*"type"\s*:\s*"(\w{1,20})"')
_BYTE_LEVEL = re.compile(rb'"type"\s*:\s*"ByteLevel"')
# Vocabularies of other kinds, by the names under which they are published.
_OF_OTHER_KINDS = re.compile(
    r"sentencepiece\.bpe\.model|spm\.model|.+\.spm|vocab\.bpe|encoder\.json|bpe\.codes|.+\.vocab"
)


def is_tokenizer_file(name: str) -> bool:
    """Whether a file of that name may be a tokenizer's vocabulary."""
    return name in FILES or (name.endswith(TIKTOKEN_ENDING) and "/" not in name)


def of_other_kinds(folder: Path) -> tuple[str, ...]:
    """Names of files that hold a vocabulary which can't be read here."""
    try:
        names = sorted(file.name for file in folder.iterdir())
    except OSError:
        return ()
    return tuple(name for name in names if _OF_OTHER_KINDS.fullmatch(name))


def tokenizer_files(folder: Path) -> tuple[Path, ...]:
    """The files that `read_folder` would read first; none where it would find no tokenizer."""
    if (folder / JSON).exists():
        return (folder / JSON,)
    if (folder / VOCAB).exists():
        return (folder / VOCAB, folder / MERGES)
    for name in (TEKKEN, *SENTENCE_PIECE, TIKTOKEN):
        if (folder / name).exists():
            return (folder / name,)
    named = sorted(folder.glob(f"*{TIKTOKEN_ENDING}")) if folder.is_dir() else []
    if named:
        return (named[0],)
    return (folder / WORDS,) if (folder / WORDS).exists() else ()


def read_folder(folder: Path) -> Found:
    """Read a folder's tokenizer.

    Raises:
        TokenizerError: there is none, or it is damaged.
    """
    files = tokenizer_files(folder)
    beside = read_beside(folder)
    match [file.name for file in files]:
        case []:
            others = of_other_kinds(folder)
            if others:
                raise TokenizerError(
                    f"{folder} has no tokenizer that can be read: {others[0]} is of a kind not "
                    f"known here. Copy {JSON} there, from where the model came from."
                )
            raise TokenizerError(
                f"{folder} has no tokenizer: neither {JSON}, nor {VOCAB} with {MERGES}, nor "
                f"{TEKKEN}, nor {' or '.join(SENTENCE_PIECE)}, nor {WORDS}."
            )
        case [name] if name == JSON:
            return read_json(files[0], beside)
        case [_, _]:
            return read_pair(files[0], files[1], beside)
        case _:
            return read_vocabulary(files[0], beside)


def read_pair(vocab: Path, merges: Path, beside: Beside | None = None) -> Found:
    """Byte-level BPE from GPT-2's two files.

    Args:
        vocab, merges: the files.
        beside: what stands beside them; read there if left out.

    Raises:
        TokenizerError: a file is missing or damaged.
    """
    if not merges.exists():
        raise TokenizerError(
            f"{vocab.parent} has {vocab.name}, but {merges.name} is missing, which says how its "
            "tokens are made; copy it there."
        )
    beside = read_beside(vocab.parent) if beside is None else beside
    name = classes.of_pair(beside)
    settings = {**classes.CLASSES[name].roles, **beside.settings}
    inner = classes.built(byte_level.read_vocab_and_merges(vocab, merges), name, settings)
    if name == "RobertaTokenizer":
        mask = settings["mask_token"]
        if isinstance(mask, str):  # as published: it swallows the space before it
            flags = {"lstrip": True, "special": True, "normalized": False}
            settings["mask_token"] = {"content": mask, **flags}
        return finish(inner, settings, *classes.IN_FRAME, notes=beside.notes)
    return finish(inner, settings, *asked_for(settings), notes=beside.notes)


def read_vocabulary(file: Path, beside: Beside) -> Found:
    """A vocabulary of one file that is no ``tokenizer.json``."""
    settings = beside.with_kind
    if file.name == WORDS:
        found = word_pieces.read_vocab(file, settings)
    elif file.name == TEKKEN:
        found = ranks.read_tekken(file, settings)
    elif file.name not in SENTENCE_PIECE or is_tiktoken(file):
        found = ranks.read_tiktoken(file, settings, beside.model_type)
    else:
        found = sentence_piece.read_model(file, settings)
    return Found(found.inner, found.settings, (*beside.notes, *found.notes))


def is_tiktoken(file: Path) -> bool:
    """Whether a file begins as tiktoken's do, whatever its name."""
    try:
        with file.open("rb") as start:
            return ranks.is_tiktoken(start.read(4096))
    except OSError:
        return False  # who reads it says why


def describe_folder(folder: Path) -> str:
    """What kind of tokenizer a folder has, without building it."""
    try:
        match [file.name for file in tokenizer_files(folder)]:
            case []:
                others = of_other_kinds(folder)
                unread = f"{others[0]} is of a kind not known here; " if others else ""
                return f"none: {unread}type token ids"
            case [name] if name == JSON:
                return _describe_json(folder / JSON)
            case [_, _]:
                return "byte-level BPE"
            case [name] if name not in (*SENTENCE_PIECE, WORDS) or is_tiktoken(folder / name):
                return "byte-level BPE"
            case [name] if name == WORDS:
                return "WordPiece"
            case _:
                return "sentencepiece"
    except OSError as error:
        return f"can't be read: {error.strerror or error}"


def read_json(path: Path, beside: Beside | None = None) -> Found:
    """Read a ``tokenizer.json``.

    Args:
        path: the file.
        beside: what stands beside it; read there if left out.

    Raises:
        TokenizerError: it is missing, no tokenizer or damaged.
    """
    beside = read_beside(path.parent) if beside is None else beside
    try:
        if path.stat().st_size > _LARGEST_JSON:
            raise TokenizerError(f"{path} is too large for a tokenizer; is it another file?")
        raw = path.read_bytes()
    except OSError as error:
        raise TokenizerError(f"{path} can't be read: {error.strerror or error}.") from error
    with refusing(
        f"{path} is no readable tokenizer", "copy the file anew from where the model came from."
    ):
        inner = tokenizers.Tokenizer.from_str(raw.decode("utf-8-sig"))
    keep_places(inner)
    return with_settings(inner, beside)


def with_settings(inner: tokenizers.Tokenizer, beside: Beside) -> Found:
    """What a tokenizer.json and the settings beside it make together, as transformers 5.

    ``add_bos_token`` and ``add_eos_token`` are not looked at: transformers 5 drops them beside a
    tokenizer.json, whose own frame stands.
    """
    settings = dict(beside.settings)
    name = classes.class_name(beside, is_byte_level(inner))
    notes: list[str] = []
    if name:
        settings = {**classes.CLASSES[name].roles, **settings}
        with refusing("The tokenizer's settings can't be used", "copy its files anew."):
            notes += classes.apply(inner, name, settings)
            inner, unlisted = classes.listed_only(inner, settings)
        if unlisted:
            notes.append(
                f"Text, as in transformers 5, because {SETTINGS} lists the added tokens without "
                f"them: {few(unlisted)}."
            )
    notes += add_tokens(inner, settings)
    if name:
        classes.frame(inner, name, settings)
    # What the class does is done: whoever reads what is saved from this takes it as it is.
    settings["tokenizer_class"] = GENERIC_CLASS
    return Found(inner, settings, (*beside.notes, *notes))


def is_byte_level(inner: tokenizers.Tokenizer) -> bool:
    """Whether a stage cuts into bytes."""
    found = (inner.pre_tokenizer, inner.decoder)
    return any(b'"ByteLevel"' in stage.__getstate__() for stage in found if stage is not None)


def _describe_json(path: Path) -> str:
    with path.open("rb") as file:
        start = file.read(_LOOKED_AT)
    found = _MODEL_TYPE.search(start)
    if found is None:
        return JSON
    kind = found[1].decode()
    return f"byte-level {kind}" if _BYTE_LEVEL.search(start, 0, found.start()) else kind

"""Which of a folder's files are its tokenizer, and reading them.

In this order: ``tokenizer.json``; ``vocab.json`` with ``merges.txt``; a sentencepiece model;
``vocab.txt``. What is beside them (tokenizer_config.json, special_tokens_map.json,
added_tokens.json, config.json) says how they are to be used.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tokenizers

from model.tokenizer.files import byte_level, sentence_piece, word_pieces
from model.tokenizer.files.errors import TokenizerError, refusing
from model.tokenizer.files.found import (
    Found,
    added_tokens,
    asked_for,
    finish,
    keep_places,
    name_of,
)

JSON = "tokenizer.json"
VOCAB, MERGES = "vocab.json", "merges.txt"
SENTENCE_PIECE = ("tokenizer.model", "spiece.model")
WORDS = "vocab.txt"
SETTINGS = "tokenizer_config.json"
FILES = (JSON, VOCAB, MERGES, *SENTENCE_PIECE, WORDS)
BESIDE = (SETTINGS, "special_tokens_map.json", "added_tokens.json")

_LARGEST_JSON = 256 * 2**20
_LARGEST_SETTINGS = 16 * 2**20
_LOOKED_AT = 8 * 2**20
_MODEL_TYPE = re.compile(rb'"model"\s*:\s*\{\s*"type"\s*:\s*"(\w{1,20})"')
_BYTE_LEVEL = re.compile(rb'"type"\s*:\s*"ByteLevel"')


def tokenizer_files(folder: Path) -> tuple[Path, ...]:
    """The files that `read_folder` would read first; none where it would find no tokenizer."""
    if (folder / JSON).exists():
        return (folder / JSON,)
    if (folder / VOCAB).exists():
        return (folder / VOCAB, folder / MERGES)
    for name in (*SENTENCE_PIECE, WORDS):
        if (folder / name).exists():
            return (folder / name,)
    return ()


def read_folder(folder: Path) -> Found:
    """Read a folder's tokenizer.

    Raises:
        TokenizerError: there is none, or it is damaged.
    """
    files = tokenizer_files(folder)
    settings = read_settings(folder)
    match [file.name for file in files]:
        case []:
            raise TokenizerError(
                f"{folder} has no tokenizer: neither {JSON}, nor {VOCAB} with {MERGES}, nor "
                f"{' or '.join(SENTENCE_PIECE)}, nor {WORDS}."
            )
        case [name] if name == JSON:
            return read_json(files[0], settings)
        case [_, _]:
            if not files[1].exists():
                raise TokenizerError(
                    f"{folder} has {VOCAB}, but {MERGES} is missing, which says how its tokens "
                    "are made; copy it there."
                )
            return byte_level.read_vocab_and_merges(files[0], files[1], settings)
        case [name] if name == WORDS:
            return word_pieces.read_vocab(files[0], settings)
        case _:
            return sentence_piece.read_model(files[0], settings)


def describe_folder(folder: Path) -> str:
    """What kind of tokenizer a folder has, without building it."""
    try:
        match [file.name for file in tokenizer_files(folder)]:
            case []:
                return "none: type token ids"
            case [name] if name == JSON:
                return _describe_json(folder / JSON)
            case [_, _]:
                return "byte-level BPE"
            case [name] if name == WORDS:
                return "WordPiece"
            case _:
                return "sentencepiece"
    except OSError as error:
        return f"can't be read: {error.strerror or error}"


def read_json(path: Path, settings: Mapping[str, Any] | None = None) -> Found:
    """Read a ``tokenizer.json``.

    Args:
        path: the file.
        settings: what stands beside it; read there if left out.

    Raises:
        TokenizerError: it is missing, no tokenizer or damaged.
    """
    settings = read_settings(path.parent) if settings is None else settings
    try:
        if path.stat().st_size > _LARGEST_JSON:
            raise TokenizerError(f"{path} is too large for a tokenizer; is it another file?")
        raw = path.read_bytes()
    except OSError as error:
        raise TokenizerError(f"{path} can't be read: {error.strerror or error}.") from error
    with refusing(
        f"{path} is no readable tokenizer", "copy the file anew from where the model came from."
    ):
        inner = tokenizers.Tokenizer.from_str(raw.decode("utf-8"))
    settings = dict(settings)
    settings.pop("model_type", None)
    flags = (settings.get("add_bos_token"), settings.get("add_eos_token"))
    kind = str(settings.get("tokenizer_class") or "").lower()
    if any(isinstance(flag, bool) for flag in flags) and not kind.startswith(_OWN_FRAME):
        # As transformers 5: what the settings say of the ends of a text replaces the file's.
        found = finish(inner, settings, *asked_for(settings))
        return Found(found.inner, settings, found.notes)
    keep_places(inner)
    return Found(inner, settings)


# Families whose classes put their own tokens around a text, whatever the settings say.
_OWN_FRAME = ("bert", "distilbert", "roberta", "bart", "t5")


def read_settings(folder: Path) -> dict[str, Any]:
    """tokenizer_config.json, completed by the older files beside it and config.json's model_type.

    A damaged one is no reason to refuse the model: it only says how tokens are used.
    """
    settings = _read_object(folder / SETTINGS)
    for role, token in _read_object(folder / "special_tokens_map.json").items():
        settings.setdefault(role, token)
    added = {str(id): about for id, about in added_tokens(settings).items()}
    for name, id in _read_object(folder / "added_tokens.json").items():
        if isinstance(id, int) and name_of(name) is not None:
            added.setdefault(str(id), {"content": name, "special": False})
    if added:
        settings["added_tokens_decoder"] = added
    if not isinstance(settings.get("tokenizer_class"), str):
        settings.pop("tokenizer_class", None)
        model_type = _read_object(folder / "config.json").get("model_type")
        if isinstance(model_type, str):
            settings["model_type"] = model_type
    return settings


def _read_object(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > _LARGEST_SETTINGS:
            return {}
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _describe_json(path: Path) -> str:
    with path.open("rb") as file:
        start = file.read(_LOOKED_AT)
    found = _MODEL_TYPE.search(start)
    if found is None:
        return JSON
    kind = found[1].decode()
    return f"byte-level {kind}" if _BYTE_LEVEL.search(start, 0, found.start()) else kind

"""Long texts as ids in files: cut once, mapped into memory, kept for the next run.

    CACHE/KEY/train.ids, val.ids     little-endian whole numbers, one after the other
    CACHE/KEY/facts.json             of what text, by what tokenizer, how many
    CACHE/KEY/tokenizer/             as it is saved for `transformers`

The key is made of the text's sha256 and the tokenizer, so that a changed text is another entry. An
entry is written beside its place and renamed: it is whole or not there.

Knows files and NumPy; not how a text is cut.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.preview import file_size
from model.tokenizer.tokenizer import Tokenizer, TokenizerError
from model.train.text_files import DataError

Ids = NDArray[np.unsignedinteger[Any]]

PLACE = "GLASSFORMER_CACHE_DIR"
"""The variable that says where cut texts are kept instead of the system's place for caches."""
_VERSION = 1
_FACTS, _TOKENIZER = "facts.json", "tokenizer"
_PARTS = ("train", "val")


def cache_dir() -> Path:
    """Where cut texts are kept."""
    if named := os.environ.get(PLACE):
        return Path(named).expanduser() / "texts"
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "glassformer" / "texts"


def key_of(sha256: str, share: float, tokenizer: str | Tokenizer) -> str:
    """The name of a text's entry.

    Args:
        sha256: of the text.
        share: of it that is for validation.
        tokenizer: its kind where it is made of the text, else the tokenizer.
    """
    kind = tokenizer if isinstance(tokenizer, str) else _digest(tokenizer.to_json())
    return _digest(json.dumps([_VERSION, sha256, share, kind]))[:40]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """A text that is cut.

    Attributes:
        train_ids, val_ids: mapped from their files, read-only.
        tokenizer: what cut it.
        facts: what its writer said of it.
    """

    train_ids: Ids
    val_ids: Ids
    tokenizer: Tokenizer
    facts: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Kept:
    """An entry as a person sees it.

    Attributes:
        path: its folder.
        text: where the text lay.
        tokenizer: how it was cut.
        n_tokens: of both parts.
        n_bytes: on the disk.
    """

    path: Path
    text: str
    tokenizer: str
    n_tokens: int
    n_bytes: int


class EntryWriter:
    """An entry while it is written.

    Args:
        folder: beside its place.
        dtype: of the ids.
    """

    def __init__(self, folder: Path, dtype: type[np.unsignedinteger[Any]]) -> None:
        self._folder = folder
        self._dtype = np.dtype(dtype).newbyteorder("<")

    @contextmanager
    def part(self, name: str) -> Iterator[Any]:
        """A file to which ids are added by calling what this gives."""
        with (self._folder / f"{name}.ids").open("wb") as file:

            def add(ids: Ids) -> None:
                file.write(ids.astype(self._dtype, copy=False).tobytes())

            yield add
            file.flush()
            os.fsync(file.fileno())

    def finish(self, tokenizer: Tokenizer, facts: dict[str, Any]) -> None:
        """Everything but the ids."""
        (self._folder / _TOKENIZER).mkdir()
        tokenizer.save(self._folder / _TOKENIZER)
        facts = {"version": _VERSION, "dtype": self._dtype.str, **facts}
        (self._folder / _FACTS).write_text(json.dumps(facts, indent=1), encoding="utf-8")


@contextmanager
def writing(key: str, dtype: type[np.unsignedinteger[Any]], n_bytes: int) -> Iterator[EntryWriter]:
    """Write an entry; at the end of the block it is there, or after a failure nothing is.

    Args:
        key: its name.
        dtype: of the ids.
        n_bytes: that it may take at most.

    Raises:
        DataError: there is no room, or the place can't be written.
    """
    place = cache_dir() / key
    beside = place.with_name(f".{key}.{secrets.token_hex(4)}.part")
    try:
        beside.mkdir(parents=True)
        try:
            _check_room(beside, n_bytes)
            yield EntryWriter(beside, dtype)
            _put(beside, place)
        finally:
            shutil.rmtree(beside, ignore_errors=True)
    except OSError as error:
        raise DataError(
            f"The text is too long to be held in memory, and its tokens can't be kept in "
            f"{place.parent}: {error.strerror or error}. Make room there, or name another folder "
            f"by {PLACE}."
        ) from error


def _put(beside: Path, place: Path) -> None:
    try:
        beside.rename(place)
    except OSError:
        if read(place.name) is not None:
            return  # another process was quicker
        shutil.rmtree(place)  # damaged
        beside.rename(place)


def _check_room(folder: Path, n_bytes: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < n_bytes:
        raise OSError(0, f"it needs up to {file_size(n_bytes)}, with {file_size(free)} free")


def read(key: str) -> Entry | None:
    """An entry; None where there is none that is whole."""
    folder = cache_dir() / key
    try:
        facts = json.loads((folder / _FACTS).read_text(encoding="utf-8"))
        dtype = np.dtype(facts["dtype"])
        train_ids, val_ids = (
            _mapped(folder / f"{name}.ids", dtype, facts[f"n_{name}_tokens"]) for name in _PARTS
        )
        return Entry(train_ids, val_ids, Tokenizer.from_folder(folder / _TOKENIZER), facts)
    except (OSError, ValueError, KeyError, TypeError, TokenizerError):
        return None


def _mapped(file: Path, dtype: np.dtype[Any], n: int) -> Ids:
    if file.stat().st_size != n * dtype.itemsize:
        raise ValueError(f"{file} is not whole")
    if n == 0:
        return np.empty(0, dtype)
    return np.asarray(np.memmap(file, dtype=dtype, mode="r"))


def kept() -> list[Kept]:
    """All entries, and what was left by processes that were killed."""
    found = []
    with suppress(OSError):
        for folder in sorted(cache_dir().iterdir()):
            found += [_kept(folder)] if folder.is_dir() else []
    return found


def _kept(folder: Path) -> Kept:
    facts: dict[str, Any] = {}
    with suppress(OSError, ValueError):
        facts = json.loads((folder / _FACTS).read_text(encoding="utf-8"))
    n_bytes = 0
    for file in folder.rglob("*"):
        with suppress(OSError):
            n_bytes += file.stat().st_size if file.is_file() else 0
    n_tokens = facts.get("n_train_tokens", 0) + facts.get("n_val_tokens", 0)
    return Kept(
        folder, facts.get("text", "not whole"), facts.get("tokenizer", ""), n_tokens, n_bytes
    )


def delete(entries: list[Kept]) -> list[Kept]:
    """Delete entries; runs that read one go on with what they have mapped (not on Windows).

    Returns:
        Those that could not be deleted.
    """
    left = []
    for entry in entries:
        shutil.rmtree(entry.path, ignore_errors=True)
        if entry.path.exists():
            left.append(entry)
    return left

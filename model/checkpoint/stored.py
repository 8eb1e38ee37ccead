"""Tensors as they lie in files: name, shape, dtype, place.

Knows no file format and no torch: a whole checkpoint can be described without reading a weight.
"""

from __future__ import annotations

import json
import math
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from model.checkpoint.errors import CheckpointError

SINGLE = "model.safetensors"
INDEX = "model.safetensors.index.json"
REFERENCE = "reference.safetensors"
"""What transformers computed, beside a checkpoint: numbers, but no weights."""

ITEM_BYTES = {
    "float64": 8,
    "float32": 4,
    "float16": 2,
    "bfloat16": 2,
    "float8_e4m3fn": 1,
    "float8_e5m2": 1,
    "complex64": 8,
    "int64": 8,
    "int32": 4,
    "int16": 2,
    "int8": 1,
    "uint64": 8,
    "uint32": 4,
    "uint16": 2,
    "uint8": 1,
    "bool": 1,
}
"""Bytes of one number, by torch's name of its dtype. A dtype that is not here is quantised."""

WEIGHT_DTYPES = ("float32", "bfloat16", "float16", "float64")
"""What weights can be stored in, quantised ones aside."""

# Far above any published tensor; what exceeds it is a damaged file.
MOST_NUMBERS = 2**40
MOST_DIMENSIONS = 8

# A tensor in a header has two; room for 160,000.
_MOST_JSON_PARTS = 500_000


@dataclass(frozen=True, slots=True)
class Stamp:
    """What changes when a file is written to, or another one takes its place."""

    size: int
    modified_ns: int
    inode: int


@dataclass(frozen=True, slots=True)
class StoredTensor:
    """Where one tensor lies.

    Attributes:
        name: in the file.
        shape: of the tensor.
        dtype: torch's name of it, or of a quantised type (``Q4_K``).
        path: the file.
        offset: of its first byte in the file.
        n_bytes: that it spans there.
        stamp: of the file when this was read from it.
        strides: in numbers, where it doesn't lie in row-major order.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    path: Path
    offset: int
    n_bytes: int
    stamp: Stamp
    strides: tuple[int, ...] | None = None

    @property
    def n(self) -> int:
        """How many numbers it has."""
        return math.prod(self.shape)

    @property
    def quantised(self) -> bool:
        return self.dtype not in ITEM_BYTES


@contextmanager
def reading(path: Path) -> Iterator[tuple[BinaryIO, Stamp]]:
    """A file opened for reading, unbuffered, and its stamp.

    Raises:
        CheckpointError: it is missing, no ordinary file, or may not be read.
    """
    try:
        # A pipe or a device would block or never end; the check is made on what is opened.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | _BINARY)
    except FileNotFoundError as error:
        raise CheckpointError(f"{path} is missing; copy it there.") from error
    except OSError as error:
        if path.is_dir():  # Windows reports a folder as one that may not be read
            raise CheckpointError(_is_folder(path)) from error
        raise unreadable(path, error) from error
    try:
        kind = os.fstat(descriptor).st_mode
        if stat.S_ISDIR(kind):
            raise CheckpointError(_is_folder(path))
        if not stat.S_ISREG(kind):
            raise CheckpointError(f"{path} is no ordinary file; choose the file itself.")
        file = os.fdopen(descriptor, "rb", buffering=0, closefd=False)
        try:
            yield file, stamp_of(file)
        except OSError as error:
            raise unreadable(path, error) from error
    finally:
        os.close(descriptor)


def stamp_of(file: BinaryIO) -> Stamp:
    """The stamp of an open file as it is now."""
    status = os.fstat(file.fileno())
    return Stamp(status.st_size, status.st_mtime_ns, status.st_ino)


def read_exactly(file: BinaryIO, n_bytes: int, path: Path) -> bytes:
    """The next bytes of a file.

    Raises:
        CheckpointError: it ends before.
    """
    parts = []
    left = n_bytes
    while left:
        part = file.read(min(left, 2**24))
        if not part:
            raise cut_short(path)
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def read_text(path: Path, most_bytes: int, what: str) -> str:
    """A whole text file.

    Args:
        path: the file.
        most_bytes: a larger file is refused.
        what: what it should be, for the message: "a config".

    Raises:
        CheckpointError: it is missing, too large or no UTF-8.
    """
    with reading(path) as (file, stamp):
        if stamp.size > most_bytes:
            raise CheckpointError(
                f"{path} is too large for {what}; is it another file? Copy the right one there."
            )
        raw = read_exactly(file, stamp.size, path)
    try:
        return raw.decode("utf-8-sig")  # some editors leave a byte order mark
    except UnicodeDecodeError as error:
        raise CheckpointError(
            f"{path} is no JSON (no UTF-8 at byte {error.start}); copy it again from where the "
            "model came from."
        ) from error


def parse_json(text: str, *, unique: bool = False) -> Any:
    """The value of a JSON text.

    Args:
        text: what was read.
        unique: refuse an object that has a name twice.

    Raises:
        ValueError: it is none, or has more parts than any file of a checkpoint, which would only
            cost time and memory.
    """
    if text.count("[") + text.count("{") > _MOST_JSON_PARTS:
        raise ValueError("it has too many parts")
    try:
        return json.loads(text, object_pairs_hook=_unique if unique else None)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a name stands there twice")
    return made


def unreadable(path: str | Path, error: OSError) -> CheckpointError:
    """The system refuses to read a file."""
    return CheckpointError(
        f"{path} can't be read ({error.strerror or error}); check where it leads and who may read "
        "it."
    )


def cut_short(path: Path) -> CheckpointError:
    """A file has fewer bytes than its header says."""
    return CheckpointError(
        f"{path} ends before all of its contents; it was cut short on its way here. Copy it again."
    )


def _is_folder(path: Path) -> str:
    return f"{path} is a folder, where a file should be; move it away and copy the file there."


_BINARY = getattr(os, "O_BINARY", 0)  # Windows

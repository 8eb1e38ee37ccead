"""The header of a GGUF file: its key-values, and every tensor's name, shape, dtype and place.

A reader of our own and not the library's: that one maps the file and believes every count in it,
so that a damaged header costs memory and time without end. Here every count is held against the
bytes that are left. Format: github.com/ggml-org/ggml, docs/gguf.md.
"""

from __future__ import annotations

import io
import math
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from model.checkpoint.errors import CheckpointError
from model.checkpoint.sources.gguf_types import types
from model.checkpoint.sources.instead import is_instead
from model.checkpoint.stored import MOST_NUMBERS, Stamp, StoredTensor, reading

_VERSIONS = (2, 3)
_MOST_KEYS = 65_536
_MOST_TENSORS = 200_000
# Large vocabularies have 300,000 tokens and 500,000 merges.
_MOST_ITEMS = 4_000_000
_MOST_DIMENSIONS = 4
_LONGEST_NAME = 256
_LONGEST_STRING = 16 * 2**20
_NUMBERS = {
    0: "<B",
    1: "<b",
    2: "<H",
    3: "<h",
    4: "<I",
    5: "<i",
    6: "<f",
    7: "<?",
    10: "<Q",
    11: "<q",
    12: "<d",
}
_STRING, _ARRAY = 8, 9


@dataclass(frozen=True, slots=True)
class GgufHeader:
    """What stands before the weights.

    Attributes:
        metadata: the key-values, plain Python values; arrays are lists.
        tensors: by their names in the file, shapes in torch's order.
    """

    metadata: dict[str, Any]
    tensors: dict[str, StoredTensor]


def gguf_header(path: Path) -> GgufHeader:
    """Read the header.

    Raises:
        CheckpointError: it is no whole GGUF file.
    """
    with reading(path) as (raw, stamp):
        reader = _Reader(raw, path, stamp)
        if reader.take(4) != b"GGUF":
            raise CheckpointError(
                is_instead(path)
                or f"{path} is no GGUF file: it does not begin with GGUF. Copy it again."
            )
        version = reader.number("<I")
        if version not in _VERSIONS:
            other = int.from_bytes(version.to_bytes(4, "little"), "big")
            why = "the byte order of other machines" if other in _VERSIONS else f"version {version}"
            raise CheckpointError(
                f"{path} is a GGUF file of {why}; versions 2 and 3 in little-endian order can be "
                "opened. Convert it anew with llama.cpp."
            )
        n_tensors = reader.count("<Q", 24, _MOST_TENSORS, "tensors")
        n_keys = reader.count("<Q", 13, _MOST_KEYS, "keys")
        metadata: dict[str, Any] = {}
        for _ in range(n_keys):
            key = reader.string(_LONGEST_NAME * 4)
            metadata[key] = reader.value(reader.number("<I"), key)
        entries = [reader.entry() for _ in range(n_tensors)]
        alignment = metadata.get("general.alignment", 32)
        if not isinstance(alignment, int) or not 1 <= alignment <= 2**20 or alignment % 8:
            raise reader.damaged(f"its general.alignment is {str(alignment)[:40]}")
        start = -(-reader.at // alignment) * alignment
        tensors = {}
        for name, shape, code, offset in entries:
            if name in tensors:
                raise reader.damaged(f"it has two tensors {name!r}")
            tensors[name] = reader.tensor(name, shape, code, start + offset)
        end = start
        for tensor in sorted(tensors.values(), key=lambda t: t.offset):
            if tensor.offset < end:
                raise reader.damaged(f"tensor {tensor.name!r} overlaps another one")
            end = tensor.offset + tensor.n_bytes
    return GgufHeader(metadata, tensors)


class _Reader:
    """A place in the file, and what may still be believed of it."""

    def __init__(self, raw: BinaryIO, path: Path, stamp: Stamp) -> None:
        self.file = io.BufferedReader(raw, 2**20)  # type: ignore[type-var]  # it is a raw file
        self.path = path
        self.stamp = stamp
        self.at = 0

    @property
    def left(self) -> int:
        return self.stamp.size - self.at

    def damaged(self, why: str) -> CheckpointError:
        return CheckpointError(
            f"{self.path} is no whole GGUF file ({why}); it was cut short or damaged on its way "
            "here. Copy it again."
        )

    def take(self, n: int) -> bytes:
        if n > self.left:
            raise self.damaged("its header ends early")
        taken = self.file.read(n)
        if len(taken) != n:
            raise self.damaged("its header ends early")
        self.at += n
        return taken

    def number(self, code: str) -> Any:
        return struct.unpack(code, self.take(struct.calcsize(code)))[0]

    def count(self, code: str, least_bytes: int, most: int, what: str) -> int:
        """A number of things that follow, each of at least that many bytes."""
        n = int(self.number(code))
        if n > min(most, self.left // least_bytes):
            raise self.damaged(f"it claims {n:,} {what}")
        return n

    def string(self, longest: int = _LONGEST_STRING) -> str:
        n = int(self.number("<Q"))
        if n > min(longest, self.left):
            raise self.damaged(f"it claims a text of {n:,} bytes")
        return self.take(n).decode("utf-8", "replace")

    def value(self, code: int, key: str, *, inside: bool = False) -> Any:
        if code in _NUMBERS:
            return self.number(_NUMBERS[code])
        if code == _STRING:
            return self.string()
        if code == _ARRAY and not inside:
            return self.array(key)
        raise self.damaged(f"the value of {key[:60]!r} has an unknown type")

    def array(self, key: str) -> list[Any]:
        code = self.number("<I")
        if code in _NUMBERS:
            size = struct.calcsize(_NUMBERS[code])
            n = self.count("<Q", size, _MOST_ITEMS, f"items of {key[:60]!r}")
            return list(struct.unpack(f"<{n}{_NUMBERS[code][1]}", self.take(n * size)))
        n = self.count("<Q", 8, _MOST_ITEMS, f"items of {key[:60]!r}")
        if code == _ARRAY:
            raise self.damaged(f"the value of {key[:60]!r} is an array of arrays")
        return [self.value(code, key, inside=True) for _ in range(n)]

    def entry(self) -> tuple[str, tuple[int, ...], int, int]:
        """A tensor's name, shape in torch's order, type and offset."""
        name = self.string(_LONGEST_NAME)
        n = self.number("<I")
        if n > _MOST_DIMENSIONS:
            raise self.damaged(f"tensor {name[:60]!r} has {n} dimensions")
        sizes = tuple(int(self.number("<Q")) for _ in range(n))
        return name, sizes[::-1], int(self.number("<I")), int(self.number("<Q"))

    def tensor(self, name: str, shape: tuple[int, ...], code: int, offset: int) -> StoredTensor:
        if code not in types():
            raise CheckpointError(
                f"{self.path}: tensor {name!r} has a number format (code {code}) that this version "
                "of the gguf library does not know; update it, or take another file of this model."
            )
        dtype, block, block_bytes = types()[code]
        n = math.prod(shape)
        if n > MOST_NUMBERS:
            raise self.damaged(f"tensor {name!r} has an impossible shape")
        if shape and shape[-1] % block:
            raise self.damaged(
                f"tensor {name!r} has rows of {shape[-1]}, where {dtype} has blocks of {block}"
            )
        n_bytes = n // block * block_bytes
        if offset + n_bytes > self.stamp.size:
            raise self.damaged(f"tensor {name!r} ends behind the end of the file")
        return StoredTensor(name, shape, dtype, self.path, offset, n_bytes, self.stamp)

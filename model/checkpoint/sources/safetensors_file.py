"""The header of a safetensors file: every tensor's name, shape, dtype and place.

Checked as strictly as the safetensors library does, and with messages that name the file and the
tensor. Reads no weight. Format: github.com/huggingface/safetensors.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from model.checkpoint.errors import CheckpointError
from model.checkpoint.sources.instead import is_instead
from model.checkpoint.stored import (
    ITEM_BYTES,
    MOST_DIMENSIONS,
    MOST_NUMBERS,
    Stamp,
    StoredTensor,
    parse_json,
    read_exactly,
    reading,
)

_DTYPES = {
    "F64": "float64",
    "F32": "float32",
    "F16": "float16",
    "BF16": "bfloat16",
    "F8_E4M3": "float8_e4m3fn",
    "F8_E5M2": "float8_e5m2",
    "C64": "complex64",
    "I64": "int64",
    "I32": "int32",
    "I16": "int16",
    "I8": "int8",
    "U64": "uint64",
    "U32": "uint32",
    "U16": "uint16",
    "U8": "uint8",
    "BOOL": "bool",
}
# 100 bytes a tensor: room for 160,000. The library allows 100 MB, which takes seconds to parse.
_LARGEST_HEADER = 16 * 2**20


def safetensors_header(path: Path) -> dict[str, StoredTensor]:
    """The tensors of a file, in its order.

    Raises:
        CheckpointError: it is no whole safetensors file.
    """
    with reading(path) as (file, stamp):
        if stamp.size < 8:
            raise _damaged(path, "it is shorter than its own header")
        length = int.from_bytes(read_exactly(file, 8, path), "little")
        if length > min(stamp.size - 8, _LARGEST_HEADER):
            raise _damaged(path, f"its header claims {length:,} bytes")
        raw = read_exactly(file, length, path)
    try:
        header = parse_json(raw.decode("utf-8"), unique=True)
    except ValueError as error:
        raise _damaged(path, f"its header is no JSON: {str(error)[:100]}") from error
    if not isinstance(header, dict):
        raise _damaged(path, "its header is no JSON object")
    header.pop("__metadata__", None)
    start = 8 + length
    tensors = [_tensor(path, stamp, name, entry, start) for name, entry in header.items()]
    end = start
    for tensor in sorted(tensors, key=lambda t: (t.offset, t.n_bytes)):
        if tensor.offset != end:
            raise _damaged(path, f"tensor {_short(tensor.name)} does not follow the one before it")
        end += tensor.n_bytes
    if end != stamp.size:
        n = abs(stamp.size - end)
        difference = (
            f"{n:,} {'byte' if n == 1 else 'bytes'} {'less' if stamp.size < end else 'more'}"
        )
        raise _damaged(path, f"it has {difference} than its header says")
    return {tensor.name: tensor for tensor in tensors}


def _tensor(path: Path, stamp: Stamp, name: str, entry: Any, start: int) -> StoredTensor:
    what = f"tensor {_short(name)}"
    if not isinstance(entry, dict):
        raise _damaged(path, f"{what} has no entry")
    dtype, shape, offsets = (entry.get(key) for key in ("dtype", "shape", "data_offsets"))
    if not isinstance(dtype, str):
        raise _damaged(path, f"{what} has no dtype")
    if not isinstance(shape, list) or not all(_is_size(n) for n in shape):
        raise _damaged(path, f"{what} has no shape")
    if len(shape) > MOST_DIMENSIONS or math.prod(shape) > MOST_NUMBERS:
        raise _damaged(path, f"{what} has an impossible shape")
    if (
        not isinstance(offsets, list)
        or len(offsets) != 2
        or not all(_is_size(n) for n in offsets)
        or offsets[0] > offsets[1]
    ):
        raise _damaged(path, f"{what} has no place in the file")
    n_bytes = offsets[1] - offsets[0]
    known = _DTYPES.get(dtype, dtype[:20])
    if known in ITEM_BYTES and n_bytes != math.prod(shape) * ITEM_BYTES[known]:
        raise _damaged(path, f"{what} of shape {shape} in {dtype} can't take {n_bytes:,} bytes")
    return StoredTensor(name, tuple(shape), known, path, start + offsets[0], n_bytes, stamp)


def _is_size(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63


def _damaged(path: Path, why: str) -> CheckpointError:
    return CheckpointError(
        is_instead(path)
        or f"{path} is no whole safetensors file ({why}); it was cut short or damaged on its way "
        "here. Copy it again."
    )


def _short(name: str) -> str:
    return repr(name if len(name) <= 80 else name[:77] + "…")

"""Write tensors to a safetensors file one after the other, in slices.

The library's own writer takes all of them at once and a path alone: whoever calls waits until the
last byte, what is not contiguous is copied all at the same time, and nothing can be written into a
pipe. Here one tensor is copied at most.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import BinaryIO

import torch
from torch import Tensor

from model.slices import finish
from model.whole_file import whole_file

SLICE_BYTES = 8 * 2**20

_NAMES = {
    torch.float64: "F64",
    torch.float32: "F32",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.int64: "I64",
    torch.int32: "I32",
    torch.int16: "I16",
    torch.int8: "I8",
    torch.uint8: "U8",
    torch.bool: "BOOL",
}


def write_tensors(
    path: str | Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]
) -> None:
    """Write a file that appears whole or not at all.

    Args:
        path: the file; one that is there is replaced.
        tensors: by name; on any device. What shares memory is written twice.
        metadata: for the file's header; ``{"format": "pt"}`` is what transformers asks for.

    Raises:
        WriteError: the disk refuses.
    """
    with whole_file(path) as file:
        finish(_writing(file, tensors, metadata, None))


def writing_tensors(
    path: Path,
    tensors: Mapping[str, Tensor],
    metadata: Mapping[str, str],
    dtype: torch.dtype | None = None,
) -> Generator[int, None, None]:
    """Write a file in slices, in a folder that appears whole when all is written.

    Args:
        path: to be made.
        tensors: by name; on any device.
        metadata: for the file's header.
        dtype: in which they are stored; None keeps theirs.

    Yields:
        How many bytes of tensors were written since the last time.

    Raises:
        OSError: the disk refuses.
    """
    with path.open("wb") as file:
        yield from _writing(file, tensors, metadata, dtype)


def stored_bytes(tensor: Tensor, dtype: torch.dtype | None) -> int:
    """Bytes that a tensor takes in a file."""
    return tensor.numel() * (dtype or tensor.dtype).itemsize


def _writing(
    file: BinaryIO,
    tensors: Mapping[str, Tensor],
    metadata: Mapping[str, str],
    dtype: torch.dtype | None,
) -> Generator[int, None, None]:
    # Wider numbers first: then each tensor begins at a multiple of its numbers' size.
    order = sorted(tensors, key=lambda name: -(dtype or tensors[name].dtype).itemsize)
    tensors = {name: tensors[name] for name in order}
    file.write(_header(tensors, metadata, dtype))
    for tensor in tensors.values():
        if not tensor.numel():
            continue
        whole = tensor.detach().to("cpu", dtype or tensor.dtype).contiguous()
        raw = whole.flatten().view(torch.uint8).numpy().data
        for begin in range(0, len(raw), SLICE_BYTES):
            piece = raw[begin : begin + SLICE_BYTES]
            file.write(piece)
            yield len(piece)


def _header(
    tensors: Mapping[str, Tensor], metadata: Mapping[str, str], dtype: torch.dtype | None
) -> bytes:
    described: dict[str, object] = {"__metadata__": dict(metadata)}
    at = 0
    for name, tensor in tensors.items():
        end = at + stored_bytes(tensor, dtype)
        described[name] = {
            "dtype": _NAMES[dtype or tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [at, end],
        }
        at = end
    text = json.dumps(described, separators=(",", ":")).encode()
    # The data begin at a multiple of 64, so that a reader may map them.
    text += b" " * (-(8 + len(text)) % 64)
    return len(text).to_bytes(8, "little") + text

"""Write tensors to a safetensors file one after the other, in slices.

The library's own writer takes all of them at once: whoever calls waits until the last byte, and
what is not contiguous is copied all at the same time. Here one tensor is copied at most.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping
from pathlib import Path

import torch
from torch import Tensor

SLICE_BYTES = 8 * 2**20

_NAMES = {
    torch.float64: "F64",
    torch.float32: "F32",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.int64: "I64",
}


def writing_tensors(
    path: Path,
    tensors: Mapping[str, Tensor],
    metadata: Mapping[str, str],
    dtype: torch.dtype | None = None,
) -> Generator[int, None, None]:
    """Write a file.

    Args:
        path: to be made.
        tensors: by name; on any device.
        metadata: for the file's header; ``{"format": "pt"}`` is what transformers asks for.
        dtype: in which they are stored; None keeps theirs.

    Yields:
        How many bytes of tensors were written since the last time.

    Raises:
        OSError: the disk refuses.
    """
    # Wider numbers first: then each tensor begins at a multiple of its numbers' size.
    order = sorted(tensors, key=lambda name: -(dtype or tensors[name].dtype).itemsize)
    tensors = {name: tensors[name] for name in order}
    with path.open("wb") as file:
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


def stored_bytes(tensor: Tensor, dtype: torch.dtype | None) -> int:
    """Bytes that a tensor takes in a file."""
    return tensor.numel() * (dtype or tensor.dtype).itemsize


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

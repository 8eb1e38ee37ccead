"""Reading weights from their places in files into torch tensors, in slices.

A slice is small enough that whoever reads can answer, show progress or stop between two. Bytes go
straight into the memory where the tensor will live, in the dtype that is wanted; nothing is mapped,
since a mapped file that another program cuts short kills the process. Knows no format but the
dequantisation of GGUF's types, and no family.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import torch
from torch import Tensor

from model.checkpoint.errors import CheckpointError
from model.checkpoint.stored import (
    INDEX as INDEX,
)
from model.checkpoint.stored import (
    ITEM_BYTES,
    StoredTensor,
    cut_short,
    reading,
    stamp_of,
)
from model.checkpoint.stored import (
    SINGLE as SINGLE,
)

SLICE_BYTES = 32 * 2**20
"""Read between two yields: 10 to 50 ms."""

_MOST_NOTES = 3
# Looked at for NaN while still in the processor's cache.
_CHUNK_BYTES = 8 * 2**20


@dataclass(frozen=True, slots=True)
class Slice:
    """How far the reading is."""

    done_bytes: int
    path: Path


@dataclass(frozen=True, slots=True)
class Read:
    """What was read.

    Attributes:
        tensors: by the names that they were asked for; two names of one place share a tensor.
        notes: on numbers that are not finite, one sentence each.
    """

    tensors: dict[str, Tensor]
    notes: tuple[str, ...]


def read_weights(
    stored: Mapping[str, StoredTensor],
    dtype: torch.dtype,
    device: str = "cpu",
    adapt: Mapping[str, Callable[[Tensor], Tensor]] | None = None,
) -> Generator[Slice, None, Read]:
    """Read tensors in the order in which they lie on the disk.

    Args:
        stored: what to read, by the names of the result.
        dtype: of the result.
        device: of the result.
        adapt: by name, what is done to a tensor once it is read.

    Raises:
        CheckpointError: a file ends early, changed since its header was read, or can't be read.
    """
    reader = _Reader(dtype, device)
    adapt = adapt or {}
    tensors: dict[str, Tensor] = {}
    places: dict[tuple[object, ...], Tensor] = {}
    by_file: dict[Path, list[str]] = {}
    for name, tensor in stored.items():
        by_file.setdefault(tensor.path, []).append(name)
    for path, names in by_file.items():
        with reading(path) as (file, stamp):
            for name in sorted(names, key=lambda name: stored[name].offset):
                tensor = stored[name]
                if tensor.stamp != stamp:
                    raise _changed(path)
                place = (path, tensor.offset, tensor.dtype, tensor.shape, tensor.strides)
                if place not in places or name in adapt:
                    whole = yield from reader.read(file, tensor)
                    places[place] = adapt[name](whole) if name in adapt else whole
                tensors[name] = places[place]
            if stamp_of(file) != stamp:
                raise _changed(path)
    return Read(tensors, _few(reader.notes))


def _few(notes: list[str]) -> tuple[str, ...]:
    """All notes if they are few: a network that diverged has one for every tensor."""
    if len(notes) <= _MOST_NOTES:
        return tuple(notes)
    more = len(notes) - _MOST_NOTES
    return (
        *notes[:_MOST_NOTES],
        f"So {'does 1 more tensor' if more == 1 else f'do {more:,} more tensors'}.",
    )


class _Reader:
    """Reads one tensor after the other.

    Args:
        dtype, device: of the results.
    """

    def __init__(self, dtype: torch.dtype, device: str) -> None:
        self.dtype = dtype
        self.device = device
        self.done = 0
        self.notes: list[str] = []
        self._since = 0
        self._staging: Tensor | None = None

    def read(self, file: BinaryIO, stored: StoredTensor) -> Generator[Slice, None, Tensor]:
        """One tensor, in its shape."""
        block, block_bytes = _block(stored.dtype)
        n = stored.n_bytes // block_bytes * block
        flat = torch.empty(n, dtype=self.dtype, device=self.device)
        source = None if stored.quantised else _torch_dtype(stored.dtype)
        straight = source == self.dtype and self.device == "cpu"
        file.seek(stored.offset)
        suspicious = False
        step = max(1, _CHUNK_BYTES // block_bytes)
        for first in range(0, n // block, step):
            last = min(first + step, n // block)
            part = flat[first * block : last * block]
            if straight:
                _fill(file, part.view(torch.uint8), stored.path)
            else:
                staging = self._buffer(step * block_bytes)[: (last - first) * block_bytes]
                _fill(file, staging, stored.path)
                if source is None:
                    part.copy_(_dequantised(staging, stored.dtype))
                else:
                    part.copy_(staging.view(source))
            # One NaN or infinity makes the sum one; a sum that only overflowed is looked into.
            if not np.isfinite(part.sum().item()):
                suspicious = True
            self.done += (last - first) * block_bytes
            self._since += (last - first) * block_bytes
            if self._since >= SLICE_BYTES:
                self._since = 0
                yield Slice(self.done, stored.path)
        if suspicious:
            self._look_for_nan(flat, stored)
        if stored.strides is not None:
            return flat.as_strided(stored.shape, stored.strides)
        return flat.view(stored.shape)

    def _buffer(self, n_bytes: int) -> Tensor:
        if self._staging is None or len(self._staging) < n_bytes:
            self._staging = torch.empty(n_bytes, dtype=torch.uint8)
        return self._staging

    def _look_for_nan(self, flat: Tensor, stored: StoredTensor) -> None:
        n = flat.numel() - int(flat.isfinite().sum())
        if n:
            numbers = f"{n:,} {'number that is' if n == 1 else 'numbers that are'}"
            self.notes.append(
                f"Tensor {stored.name!r} in {stored.path.name} holds {numbers} not finite (NaN, "
                f"infinite or too large for {str(self.dtype).removeprefix('torch.')}); what "
                "depends on them is not a number either."
            )


def _block(dtype: str) -> tuple[int, int]:
    """Numbers in the smallest unit of a dtype, and its bytes."""
    if dtype in ITEM_BYTES:
        return 1, ITEM_BYTES[dtype]
    from model.checkpoint.sources.gguf_types import block_of

    return block_of(dtype)


def _dequantised(raw: Tensor, dtype: str) -> Tensor:
    from model.checkpoint.sources.gguf_types import dequantise

    return torch.from_numpy(dequantise(raw.numpy(), dtype))


def _torch_dtype(name: str) -> torch.dtype:
    found: torch.dtype = getattr(torch, name)
    return found


def _fill(file: BinaryIO, target: Tensor, path: Path) -> None:
    """Read exactly as many bytes as the target has."""
    view = target.numpy().data
    at = 0
    while at < len(view):
        n = file.readinto(view[at:])  # type: ignore[attr-defined]  # unbuffered files have it
        if not n:
            raise cut_short(path)
        at += n


def _changed(path: Path) -> CheckpointError:
    return CheckpointError(
        f"{path} changed while it was read; wait until whatever writes it is done, then open it "
        "again."
    )

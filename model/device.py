"""Where the model computes: which device and why, on how many threads, in which memory."""

from __future__ import annotations

import ctypes
import os
import platform
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import torch

from model.config import TransformerConfig
from model.transformer import Transformer

DEVICES = ("auto", "cpu", "cuda", "mps")

# Measured differences between devices in float32 are below 1e-4; a wrong kernel is far off.
_TOLERANCE = 1e-3


class DeviceError(RuntimeError):
    """A device that was asked for can't be used; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class DeviceChoice:
    """The device to compute on.

    Attributes:
        name: as torch calls it: ``cpu``, ``cuda``, ``mps``.
        why: one clause for the status bar.
    """

    name: str
    why: str


def choose_device(wanted: str = "auto") -> DeviceChoice:
    """Settle on a device that has just been seen to compute.

    Args:
        wanted: ``auto`` takes CUDA if there is a GPU that computes, otherwise the CPU. MPS has
            given silently wrong numbers in the past, so it is taken only when asked for, and
            after a small network gave the same logits there as on the CPU.

    Raises:
        DeviceError: the device that was asked for is unknown or unusable.
    """
    match wanted:
        case "cpu":
            return DeviceChoice("cpu", "as asked")
        case "auto":
            if not torch.cuda.is_available():
                return DeviceChoice("cpu", "no CUDA GPU found")
            problem = _cuda_problem()
            if problem:
                return DeviceChoice("cpu", f"the CUDA GPU can't be used: {problem}")
            return DeviceChoice("cuda", torch.cuda.get_device_name())
        case "cuda":
            if not torch.cuda.is_available():
                raise DeviceError(
                    "There is no CUDA GPU that this torch can see; use auto or cpu, or install a "
                    "CUDA build of torch."
                )
            problem = _cuda_problem()
            if problem:
                raise DeviceError(f"The CUDA GPU can't be used ({problem}); use auto or cpu.")
            return DeviceChoice("cuda", torch.cuda.get_device_name())
        case "mps":
            if not torch.backends.mps.is_available():
                raise DeviceError("This machine or torch has no MPS; use auto or cpu.")
            difference = _difference_from_cpu("mps")
            if not difference < _TOLERANCE:
                raise DeviceError(
                    f"MPS computed other logits than the CPU (by {difference:.2g}), so its numbers "
                    "can't be trusted here; use auto or cpu."
                )
            return DeviceChoice("mps", f"agrees with the CPU to {difference:.1g}")
    raise DeviceError(f"There is no device {wanted!r}; known are {', '.join(DEVICES)}.")


def default_threads() -> int:
    """All cores that this process may use but one, which keeps a window and a system fluent."""
    try:
        cores = len(os.sched_getaffinity(0))
    except AttributeError:  # macOS and Windows have no affinity
        cores = os.cpu_count() or 1
    return max(1, cores - 1)


def set_threads(n: int) -> None:
    """How many threads one operation may use."""
    torch.set_num_threads(max(1, n))


# From glibc's malloc.h.
_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3


KEPT_BYTES = 512 * 2**20
"""Freed memory that is reused at most, and not returned to the system."""


@cache
def keep_freed_memory(n_bytes: int = KEPT_BYTES) -> bool:
    """Ask the C library to reuse up to this much freed memory, not to return it to the system.

    A trace holds hundreds of megabytes, taken and freed with every edit of a prompt, and memory
    fresh from the system costs a page fault for each page. Measured for GPT-2 small at 256 tokens:
    47,000 faults and 1.15 × the time of a plain forward; with reuse 300 faults and 1.05 ×. A
    training step of a small network: 350 to 2,000 faults, 3-7 % of its time; with reuse none.

    Returns:
        Whether it was done: glibc only.
    """
    mallopt = _of_glibc("mallopt")
    if mallopt is None:
        return False
    # 32 MB is the most that glibc takes; larger blocks are always given back when freed.
    return bool(mallopt(_M_MMAP_THRESHOLD, 32 * 2**20)) and bool(
        mallopt(_M_TRIM_THRESHOLD, n_bytes)
    )


def give_back_freed_memory() -> None:
    """Hand what is free back to the system, wherever it lies: a model was closed.

    What `keep_freed_memory` keeps for the next trace is as large as the largest model that was ever
    open. Of the processor's memory with glibc only, and of that the end of the calling thread's
    part, not of another's; of a GPU's, torch's cache.
    """
    trim = _of_glibc("malloc_trim")
    if trim is not None:
        with _ends_going_back():
            _free_room_of_products()
            _give_back_the_end()
        trim(0)
    if torch.cuda.is_initialized():
        torch.cuda.empty_cache()


@contextmanager
def _ends_going_back() -> Iterator[None]:
    """What is freed here at the end of a thread's part of the heap goes back at once."""
    mallopt = _of_glibc("mallopt")
    assert mallopt is not None
    mallopt(_M_TRIM_THRESHOLD, 128 * 2**10)
    try:
        yield
    finally:
        mallopt(_M_TRIM_THRESHOLD, KEPT_BYTES)


def _free_room_of_products() -> None:
    """The room that MKL keeps for matrix products, in each thread for good: 5 blocks of 5 MB.

    Two threads held 67 MB after products of a small network, one of which had ended; a thread takes
    a new block with each shape that fits none of its own. To take them anew costs 10 µs. Blocks in
    use are passed over (2 threads that multiplied beside 1,330,000 calls got the same numbers).
    """
    library = Path(torch.__file__).parent / "lib" / "libtorch_cpu.so"
    if library.is_file():
        # What mkl.h calls mkl_free_buffers; torch for Linux has MKL within itself.
        free = getattr(ctypes.CDLL(str(library)), "mkl_serv_free_buffers", None)
        if free is not None:
            free.restype = None
            free()


def _give_back_the_end() -> None:
    """What lies free at the end of a thread's own part of the heap, which malloc_trim passes over.

    To free a block of 64 KiB and more gives it back, where it is larger than the threshold.
    """
    libc = ctypes.CDLL(None)
    libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, (ctypes.c_size_t,)
    libc.free.restype, libc.free.argtypes = None, (ctypes.c_void_p,)
    libc.free(libc.malloc(128 * 2**10))


def _of_glibc(name: str) -> Callable[..., int] | None:
    """A function of the C library, where that is glibc."""
    if platform.libc_ver()[0] != "glibc":
        return None
    function: Callable[..., int] | None = getattr(ctypes.CDLL(None), name, None)
    return function


def _cuda_problem() -> str:
    """Why the GPU does not compute; empty if it does."""
    # Only use shows it: a driver may be too old for this torch, or the memory taken by others.
    try:
        ones = torch.ones(8, 8, device="cuda")
        if (ones @ ones).sum().item() != 512:
            return "it multiplies wrongly"
    except RuntimeError as error:
        return str(error).strip().split("\n")[0]
    return ""


def _difference_from_cpu(name: str) -> float:
    """Largest difference between the logits of one small random network on two devices."""
    config = TransformerConfig(n_layers=2, n_heads=2, d_model=32, d_vocab=64, n_ctx=16)
    network = Transformer(config)
    network.initialize(torch.Generator().manual_seed(0), std=0.2)
    ids_BT = torch.arange(16)[None]
    with torch.inference_mode():
        here = network(ids_BT)
        there = network.to(name)(ids_BT.to(name)).cpu()
    return float((here - there).abs().max())

"""Which device, and why; how many threads."""

from __future__ import annotations

import ctypes
import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from model import device
from model.device import (
    DeviceError,
    choose_device,
    default_threads,
    give_back_freed_memory,
    keep_freed_memory,
    set_threads,
)


def test_auto_without_a_gpu_is_the_cpu_and_says_why(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert choose_device() == device.DeviceChoice("cpu", "no CUDA GPU found")
    with pytest.raises(DeviceError, match="no CUDA GPU that this torch can see; use auto or cpu"):
        choose_device("cuda")


def test_a_gpu_that_is_there_but_does_not_compute_is_not_taken(monkeypatch: pytest.MonkeyPatch):
    def ones(*_: object, **__: object) -> None:
        raise RuntimeError("CUDA error: out of memory\nmore lines")

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch, "ones", ones)
    choice = choose_device("auto")
    assert choice.name == "cpu"
    assert choice.why == "the CUDA GPU can't be used: CUDA error: out of memory"
    with pytest.raises(DeviceError, match=r"can't be used \(CUDA error: out of memory\)"):
        choose_device("cuda")


def test_mps_is_taken_only_when_it_agrees_with_the_cpu(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    monkeypatch.setattr(device, "_difference_from_cpu", lambda name: 2e-6)
    assert choose_device("mps").why == "agrees with the CPU to 2e-06"
    for difference in (0.3, float("nan")):
        monkeypatch.setattr(device, "_difference_from_cpu", lambda name, d=difference: d)
        with pytest.raises(DeviceError, match="MPS computed other logits than the CPU"):
            choose_device("mps")
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(DeviceError, match="has no MPS"):
        choose_device("mps")


def test_the_comparison_with_the_cpu_compares():
    assert device._difference_from_cpu("cpu") == 0
    # On a device without values nothing can agree.
    with pytest.raises(NotImplementedError):
        device._difference_from_cpu("meta")


def test_an_unknown_device_is_refused():
    assert choose_device("cpu").name == "cpu"
    with pytest.raises(DeviceError, match="no device 'tpu'; known are auto, cpu, cuda, mps"):
        choose_device("tpu")


@pytest.mark.parametrize(("cores", "threads"), [(8, 7), (2, 1), (1, 1)])
def test_one_core_is_left_to_others(cores: int, threads: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(cores)), raising=False)
    assert default_threads() == threads


def test_threads_can_be_set():
    before = torch.get_num_threads()
    try:
        set_threads(2)
        assert torch.get_num_threads() == 2
        set_threads(0)
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(before)


GLIBC = platform.libc_ver()[0] == "glibc"


def faults() -> int:
    """Pages of this process that the kernel had to find so far."""
    import resource  # not on every system

    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt


def faults_of_a_step() -> int:
    """4 MiB twenty times: 1,024 pages each, if the kernel hands them out anew."""
    torch.ones(1 << 20)
    before = faults()
    for _ in range(20):
        torch.ones(1 << 20)
    return faults() - before


def test_freed_memory_is_kept_for_the_next_step() -> None:
    assert keep_freed_memory() == GLIBC
    if GLIBC:
        assert faults_of_a_step() < 2000


def resident() -> int:
    """Bytes of this process that are in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


MANY_LENGTHS = """
import ctypes
import model
import torch

class Info(ctypes.Structure):
    _fields_ = [(name, ctypes.c_size_t) for name in "abcdefghij"]

libc = ctypes.CDLL(None)
libc.mallinfo2.restype = Info

def used():
    info = libc.mallinfo2()
    return info.e + info.h  # in blocks of their own, and of the heap

weight = torch.ones(32, 64, dtype=torch.bfloat16)
torch.nn.functional.linear(torch.ones(1, 64, dtype=torch.bfloat16), weight)
before = used()
for n in range(2, 302):
    torch.nn.functional.linear(torch.ones(n, 64, dtype=torch.bfloat16), weight)
print((used() - before) / 2**20)
"""


@pytest.mark.skipif(
    not GLIBC or not hasattr(ctypes.CDLL(None), "mallinfo2"), reason="who else would tell"
)
def test_texts_of_many_lengths_leave_little_behind() -> None:
    done = subprocess.run(
        [sys.executable, "-c", MANY_LENGTHS], capture_output=True, text=True, check=True
    )
    assert float(done.stdout) < 60  # megabytes; 160 with the libraries' own bounds


IN_A_THREAD = """
import ctypes
import threading
from pathlib import Path

from model.device import give_back_freed_memory, keep_freed_memory

libc = ctypes.CDLL(None)
libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, (ctypes.c_size_t,)
libc.free.restype, libc.free.argtypes = None, (ctypes.c_void_p,)

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

def taken_and_freed(n, size):
    blocks = [libc.malloc(size) for _ in range(n)]
    for block in blocks:
        ctypes.memset(block, 1, size)
    before = resident()
    for block in blocks:
        libc.free(block)
    return before

def work():
    taken_and_freed(1, 24 * 2**20)
    libc.malloc_trim(0)
    before = taken_and_freed(40, 2**20)
    kept = before - resident()
    give_back_freed_memory()
    print(kept / 2**20, (before - resident()) / 2**20)

keep_freed_memory()
thread = threading.Thread(target=work)
thread.start()
thread.join()
"""


@pytest.mark.skipif(
    not GLIBC or os.sysconf("SC_PAGE_SIZE") != 4096,
    reason="another C library keeps its own counsel",
)
def test_what_lies_free_at_the_end_of_a_threads_memory_goes_back() -> None:
    done = subprocess.run(
        [sys.executable, "-c", IN_A_THREAD], capture_output=True, text=True, check=True
    )
    when_freed, given_back = map(float, done.stdout.split())
    assert when_freed < 5
    assert given_back > 38  # of 40; malloc_trim alone leaves 17 of them


PRODUCTS = """
import ctypes
import threading
from pathlib import Path

import torch
from model.device import give_back_freed_memory, keep_freed_memory

library = ctypes.CDLL(str(Path(torch.__file__).parent / "lib" / "libtorch_cpu.so"))
held = library.mkl_serv_mem_stat
held.restype = ctypes.c_longlong

def megabytes():
    return held(ctypes.byref(ctypes.c_int())) / 2**20

def multiply():
    for n in (5, 12, 76, 300):
        torch.ones(n, 128) @ torch.ones(128, 512)

keep_freed_memory()
torch.set_num_threads(1)
multiply()
thread = threading.Thread(target=multiply)
thread.start()
thread.join()
before = megabytes()
give_back_freed_memory()
print(before, megabytes())
"""


@pytest.mark.skipif(
    not GLIBC or not torch.backends.mkl.is_available(), reason="there is no MKL that keeps any"
)
def test_room_for_products_goes_back_also_that_of_a_thread_that_is_gone() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PRODUCTS], capture_output=True, text=True, check=True
    )
    before, after = map(float, done.stdout.split())
    assert before > 1  # how much hangs on the processor
    assert after == 0


@pytest.mark.skipif(not GLIBC, reason="another C library keeps its own counsel")
def test_memory_is_kept_again_after_some_was_given_back() -> None:
    keep_freed_memory()
    give_back_freed_memory()
    assert faults_of_a_step() < 2000


@pytest.mark.skipif(not GLIBC, reason="another C library keeps its own counsel")
def test_what_a_closed_model_leaves_free_between_other_things_goes_back() -> None:
    keep_freed_memory()
    blocks = [torch.ones(1 << 18) for _ in range(200)]  # of 1 MiB
    held = blocks[::20]  # in the way of giving back only what lies at the end
    before = resident()
    del blocks
    assert resident() > before - 50 * 2**20
    give_back_freed_memory()
    assert resident() < before - 150 * 2**20
    assert all(bool((block == 1).all()) for block in held)

"""How much memory is free, on this machine and on its GPU.

Free is what can be taken without the machine starting to swap or a process being killed. Knows no
checkpoint.
"""

from __future__ import annotations

import ctypes
import os
import platform
from pathlib import Path

_CGROUP = Path("/sys/fs/cgroup")
# What a cgroup without a limit reports is this or more.
_NO_LIMIT = 2**60


def free_bytes(device: str = "cpu") -> int:
    """Bytes that can still be taken on a device.

    On Linux the least of: memory that is available, what the process's cgroups leave, and what
    its own limit of addresses leaves. Elsewhere what the system reports.

    Args:
        device: ``cpu``, ``cuda`` or ``mps``.
    """
    if device == "cuda":
        import torch

        free, _ = torch.cuda.mem_get_info()
        # torch keeps freed blocks for itself; they are free for the next tensor.
        return int(free) + torch.cuda.memory_reserved() - torch.cuda.memory_allocated()
    if device == "mps":
        import torch

        recommended = torch.mps.recommended_max_memory()
        return max(0, int(recommended) - int(torch.mps.driver_allocated_memory()))
    system = platform.system()
    if system == "Linux":
        return _linux()
    if system == "Windows":
        return _windows()
    # macOS counts caches as used and gives no cheap figure of what is available: three quarters
    # of all memory is what its own frameworks take as a budget.
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") * 3 // 4


def _linux() -> int:
    return max(0, min(_available(), _cgroup_free(), _address_space_free()))


def _available() -> int:
    for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return _NO_LIMIT


def _cgroup_free() -> int:
    """What the tightest of the process's cgroups leaves, versions 1 and 2."""
    least = _NO_LIMIT
    try:
        lines = Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return least
    for line in lines:
        number, controllers, path = line.split(":", 2)
        if number == "0" and not controllers:
            root, limit, used, cache = _CGROUP, "memory.max", "memory.current", "inactive_file"
        elif "memory" in controllers.split(","):
            root = _CGROUP / "memory"
            limit, used = "memory.limit_in_bytes", "memory.usage_in_bytes"
            cache = "total_inactive_file"
        else:
            continue
        # In a container the path may be the host's; then the root is the group.
        folder = root / path.lstrip("/")
        for group in (folder, *folder.parents):
            if group.is_relative_to(root):
                least = min(least, _group_free(group, limit, used, cache))
    return least


def _group_free(group: Path, limit: str, used: str, cache: str) -> int:
    try:
        most = (group / limit).read_text(encoding="ascii").strip()
        if most == "max" or int(most) >= _NO_LIMIT:
            return _NO_LIMIT
        taken = int((group / used).read_text(encoding="ascii"))
        for line in (group / "memory.stat").read_text(encoding="ascii").splitlines():
            name, _, value = line.partition(" ")
            if name == cache:  # pages of files that are given back when memory is asked for
                taken -= int(value)
    except (OSError, ValueError):
        return _NO_LIMIT
    return int(most) - taken


def _address_space_free() -> int:
    """What `ulimit -v` leaves."""
    import resource

    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit == resource.RLIM_INFINITY:
        return _NO_LIMIT
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    return limit - pages * resource.getpagesize()


def _windows() -> int:
    class Status(ctypes.Structure):
        _fields_ = (
            ("length", ctypes.c_uint32),
            ("load", ctypes.c_uint32),
            ("total", ctypes.c_uint64),
            ("available", ctypes.c_uint64),
            ("total_page_file", ctypes.c_uint64),
            ("available_page_file", ctypes.c_uint64),
            ("total_virtual", ctypes.c_uint64),
            ("available_virtual", ctypes.c_uint64),
            ("available_extended", ctypes.c_uint64),
        )

    status = Status(length=ctypes.sizeof(Status))
    kernel = ctypes.windll.kernel32  # type: ignore[attr-defined,unused-ignore]
    kernel.GlobalMemoryStatusEx(ctypes.byref(status))
    return min(int(status.available), int(status.available_page_file))

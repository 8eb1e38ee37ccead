"""What a command says where memory runs out, in its imports too, in place of a traceback.

Knows how Python, NumPy, torch and the system's loader say so; imports only what is there already.
Torch ends the process where it finds no memory for its own start (abort, or a segmentation fault),
so under a limit on addresses (`ulimit -v`) the room is looked at before it is imported.
"""

from __future__ import annotations

import errno
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType

_LOADING = re.compile(
    r"failed to map segment|cannot map|cannot allocate memory|cannot create shared object"
    r"|cannot apply additional memory protection|paging file|not enough memory",
    re.IGNORECASE,
)
_COMPUTING = re.compile(
    r"can't allocate memory|not enough memory|out of memory|bad_alloc|can't start new thread"
    r"|cannot allocate memory|unable to allocate",
    re.IGNORECASE,
)
_WINDOWS = (8, 14, 1455)  # not enough memory, out of memory, the paging file is too small


@contextmanager
def saying_shortage() -> Iterator[None]:
    """End with one sentence and exit code 2 where memory has run out."""
    sys.meta_path.insert(0, _RoomForTorch)
    try:
        yield
    except (MemoryError, ImportError, RuntimeError, OSError, SystemError) as error:
        sentence = shortage(error)
        if sentence is None:
            raise
    else:
        return
    finally:
        if _RoomForTorch in sys.meta_path:
            sys.meta_path.remove(_RoomForTorch)
    # Outside the except clause: what the traceback held is free by now.
    print(sentence, file=sys.stderr)
    sys.exit(2)


def shortage(error: BaseException) -> str | None:
    """The sentence for an exception that means too little memory; None for every other."""
    causes: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None and cause not in causes:
        causes.append(cause)
        cause = cause.__cause__ or cause.__context__
    if any(_is_loading(cause) for cause in causes):
        return (
            "There is too little memory to load the program's libraries. Close other programs, or "
            "raise the limit on memory (ulimit -v)."
        )
    if any(_is_computing(cause) for cause in causes):
        return (
            "There is too little memory for that. Close other programs, raise the limit on memory "
            "(ulimit -v), or take a smaller model, text or batch."
        )
    return None


class _RoomForTorch:
    """Looks at the room there is before torch is imported; finds nothing itself."""

    @staticmethod
    def find_spec(
        name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name == "torch":
            sys.meta_path.remove(_RoomForTorch)
            room = _address_room()
            if room is not None and room < _TORCH_SHARE * _library_bytes(name):
                raise ImportError("not enough memory under the limit on addresses", name=name)
        return None


_TORCH_SHARE = 1.2
"""Addresses that importing torch takes, to the bytes of its libraries, at the least: below it
the CPU build of 2.13 aborts or is refused by the loader, above it Python is told."""


def _library_bytes(package: str) -> int:
    spec = PathFinder.find_spec(package)
    places = [] if spec is None else spec.submodule_search_locations or []
    files = (file for place in places for file in Path(place, "lib").glob("*.so*"))
    return sum(file.stat().st_size for file in files)


def _address_room() -> int | None:
    """Bytes of addresses that `ulimit -v` leaves; None where there is no limit."""
    if sys.platform == "win32":
        return None
    import resource

    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit == resource.RLIM_INFINITY:
        return None
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    except OSError:  # only Linux tells
        return limit
    return limit - pages * resource.getpagesize()


def _is_loading(error: BaseException) -> bool:
    if isinstance(error, ImportError):
        return bool(_LOADING.search(str(error)))
    return isinstance(error, OSError) and getattr(error, "winerror", None) in _WINDOWS


def _is_computing(error: BaseException) -> bool:
    if isinstance(error, MemoryError) or getattr(error, "errno", None) == errno.ENOMEM:
        return True
    return isinstance(error, RuntimeError) and bool(_COMPUTING.search(str(error)))

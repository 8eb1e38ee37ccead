"""Folders that appear whole or not at all: written beside their place, then renamed.

While it is written a folder is locked. What a killed process left half written is known by that: it
is cleared away by whoever writes to the same place next. Knows paths; not what is written.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from model.folder_lock import FolderLock, holder

_LONGEST_STEM = 50
"""Characters of a folder's name in the name beside it, which has to fit where the name does."""


class Half:
    """A folder that is being written.

    Attributes:
        path: where it is, beside its place.
        place: where it belongs, behind links.
    """

    def __init__(self, path: Path, place: Path) -> None:
        self.path = path
        self.place = place
        self._lock = FolderLock.take(path)

    def unlock(self) -> None:
        """It is whole: nothing but what was written lies in it."""
        if self._lock is not None:
            self._lock.release()
            self._lock = None


@contextmanager
def folder_beside(target: Path) -> Iterator[Half]:
    """A new folder beside a place, which is not touched; what of it is left at the end goes.

    Args:
        target: the place, or a link to it: a link stays one.

    Raises:
        OSError: the disk refuses.
    """
    place = Path(os.path.realpath(target))
    place.parent.mkdir(parents=True, exist_ok=True)
    _clear_halves(place)
    beside = place.with_name(f".{place.name[:_LONGEST_STEM]}.{secrets.token_hex(4)}.part")
    beside.mkdir()
    half: Half | None = None
    try:
        half = Half(beside, place)
        yield half
    finally:
        if half is not None:
            half.unlock()
        shutil.rmtree(beside, ignore_errors=True)


@contextmanager
def whole_folder(target: Path) -> Iterator[Path]:
    """Write a folder; at the end of the block it takes its place, which is free or empty.

    Where the block or the disk fails, nothing is left.

    Raises:
        OSError: the disk refuses, or something lies in the place.
    """
    with folder_beside(target) as half:
        yield half.path
        half.unlock()
        put_in_place(half.path, half.place)


def put_in_place(beside: Path, place: Path) -> None:
    """Let a folder that was written beside take a place that is free or empty."""
    if place.exists():
        place.rmdir()
    os.rename(beside, place)  # noqa: PTH104 - never over a folder that holds something


def _clear_halves(place: Path) -> None:
    """What processes that were killed have left of this folder; none that is being written."""
    half = re.compile(re.escape(f".{place.name[:_LONGEST_STEM]}.") + r"[0-9a-f]{8}\.part")
    for other in place.parent.iterdir():
        if half.fullmatch(other.name) and other.is_dir() and holder(other) is None:
            shutil.rmtree(other, ignore_errors=True)

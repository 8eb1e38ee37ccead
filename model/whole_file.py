"""Files that a person keeps: written beside their place, then renamed, so each is whole or the old.

A link is followed: the file that it leads to is replaced. A pipe or a device can't be replaced and
is written to; a disk is refused. Knows bytes and paths, and only the standard library; not what is
written.
"""

from __future__ import annotations

import errno
import os
import re
import secrets
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

READER_SECONDS = 10.0
"""How long a pipe may wait for who reads it: a command that waits for good looks like a hang."""
_LONGEST_STEM = 50
"""Characters of a name in the name beside it, which has to fit where the name does."""
_MOST_LINKS = 40
_DESCRIPTORS = re.compile(r"/dev/fd|/proc/(self|\d+)/(task/\d+/)?fd")


class WriteError(OSError):
    """A file that can't be written; its text is the whole sentence."""

    def __str__(self) -> str:
        return f"{self.filename} can't be written: {self.strerror}."


@contextmanager
def whole_file(path: str | Path, *, ordinary: bool = False) -> Iterator[BinaryIO]:
    """Open a file to be written; at the end of the block it takes its place, whole.

    If the block or the disk fails, what was there stays as it was and nothing is left beside it.
    An older file gives its mode to the new one.

    Args:
        path: the file, or a link to it, also to one that isn't there yet.
        ordinary: refuse pipes and devices: nobody can wait here until a pipe is read.

    Raises:
        WriteError: the disk, the folder or the kind of file refuses.
    """
    path = Path(path)
    try:
        if _is_written_through(path, refused=ordinary):
            with _opened(path) as file:
                yield file
            return
        place = _behind_links(path)
        beside = place.with_name(f".{place.name[:_LONGEST_STEM]}.{secrets.token_hex(4)}.part")
        try:
            with beside.open("xb") as file:
                yield file
            _take_mode(place, beside)
            beside.replace(place)
        finally:
            with suppress(OSError):  # its folder is no folder, or is gone
                beside.unlink(missing_ok=True)
    except OSError as error:
        if isinstance(error, WriteError):
            raise
        raise WriteError(error.errno, error.strerror or str(error), str(path)) from error


def write_whole(path: str | Path, content: str | bytes, *, ordinary: bool = False) -> None:
    """Write a file as `whole_file` does; text in UTF-8.

    Raises:
        WriteError: as there.
    """
    raw = content.encode("utf-8") if isinstance(content, str) else content
    with whole_file(path, ordinary=ordinary) as file:
        file.write(raw)


def write_beside(path: str | Path, content: str) -> Path:
    """Write a file that nobody has named: what lies there already stays, and this one is numbered.

    Args:
        path: where it belongs.
        content: a text.

    Returns:
        Where it is: the path itself, or ``NAME-2``, ``NAME-3``, …; a file that holds the same is
        taken as it is.

    Raises:
        WriteError: the disk refuses.
    """
    first, raw = Path(path), content.encode("utf-8")
    place, n = first, 1
    while os.path.lexists(place):
        if _holds(place, raw):
            return place
        n += 1
        place = first.with_name(f"{first.stem}-{n}{first.suffix}")
    write_whole(place, raw, ordinary=True)
    return place


def _holds(path: Path, content: bytes) -> bool:
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode) or status.st_size != len(content):
            return False
        return path.read_bytes() == content
    except OSError:
        return False


def _is_written_through(path: Path, *, refused: bool) -> bool:
    """Whether a path leads to something that can't be replaced by a file.

    Raises:
        OSError: nothing can be written there, or what is there keeps from it.
    """
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return False  # a new file, or a link to one
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, "it is a folder")
    if stat.S_ISBLK(mode):
        raise OSError(errno.EINVAL, "it is a disk, whose content would be lost")
    if stat.S_ISSOCK(mode):
        raise OSError(errno.EINVAL, "it is a socket")
    if not os.access(path, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    through = not stat.S_ISREG(mode) or _is_descriptor(path)
    if through and refused:
        raise OSError(errno.EINVAL, "it is a pipe or a device; choose an ordinary file")
    return through


def _is_descriptor(path: Path) -> bool:
    """Whether it names what a process has open, as ``/dev/stdout`` does, not a place on a disk."""
    for _ in range(_MOST_LINKS):
        folder = os.path.realpath(path.parent)
        if _DESCRIPTORS.fullmatch(folder):
            return True
        if not path.is_symlink():
            return False
        path = Path(folder) / path.readlink()
    return False


def _behind_links(path: Path) -> Path:
    place = Path(os.path.realpath(path))
    if place.is_symlink():  # it could not be followed: it leads to itself
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
    return place


def _take_mode(place: Path, beside: Path) -> None:
    with suppress(OSError):  # there is none, or the disk knows no modes
        beside.chmod(stat.S_IMODE(place.stat().st_mode))


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    """A pipe or a device, open for writing."""
    if not hasattr(os, "O_NONBLOCK"):
        with path.open("wb") as file:
            yield file
        return
    until = time.monotonic() + READER_SECONDS
    while True:
        try:
            handle = os.open(path, os.O_WRONLY | os.O_TRUNC | os.O_NONBLOCK)
            break
        except OSError as error:
            if error.errno != errno.ENXIO:
                raise
            if time.monotonic() > until:
                raise OSError(errno.ENXIO, "nobody reads from this pipe") from None
            time.sleep(0.02)
    os.set_blocking(handle, True)
    with open(handle, "wb") as file:  # noqa: PTH123  # a handle, no path
        yield file

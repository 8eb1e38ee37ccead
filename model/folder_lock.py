"""A lock on a folder that ends with the process that holds it, however that ends.

The file `.lock` in the folder is locked, not there: what a killed process left behind hinders
nobody. The lock is a record lock (`fcntl.lockf`; on Windows a locked byte), which belongs to the
process: a process that was forked from it has none, and on a network drive other machines see it.
It does not tell two users of one process apart, so those are kept apart here. A drive that knows
no locks at all locks nobody out.

Knows files and processes; not what lies in the folder.
"""

from __future__ import annotations

import contextlib
import errno
import os
import platform
import sys
import threading
import time
from pathlib import Path
from typing import TypeAlias

LOCK_FILE = ".lock"
HERE = "this process"

_TRIES, _WAIT_SECONDS = 10, 0.03
_NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EINVAL}
_FAR = 1 << 30
"""The byte that Windows locks; what it locks nobody can read, so it lies behind the text."""

File: TypeAlias = tuple[int, int]
"""Device and number: what a file is, whatever its name is now."""

_guard = threading.Lock()
_held: dict[File, int] = {}
"""Files that this process has locked, and its id: a forked one inherits the table, no lock."""


class FolderLock:
    """A lock that is held. Made by `take`."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path = path
        self._descriptor = descriptor
        self._process = os.getpid()
        self._file = _which(os.fstat(descriptor))

    @classmethod
    def take(cls, folder: Path) -> FolderLock | None:
        """Lock a folder that exists.

        Returns:
            The lock; None where somebody holds it.

        Raises:
            OSError: the file can't be made there.
        """
        path = folder / LOCK_FILE
        for _ in range(_TRIES):
            with _guard:
                if _is_held_here(path):
                    return None
                descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
                if not _lock(descriptor):
                    os.close(descriptor)
                elif _file_at(path) != _which(os.fstat(descriptor)):
                    os.close(descriptor)  # who held it before has just removed it
                else:
                    lock = cls(path, descriptor)
                    _held[lock._file] = lock._process
                    lock._sign()
                    return lock
            time.sleep(_WAIT_SECONDS)  # somebody may only have asked who holds it
        return None

    @property
    def is_whole(self) -> bool:
        """Whether the folder is still the one that was locked: nobody removed or replaced it."""
        return _file_at(self._path) == self._file

    def release(self) -> None:
        """Let others take it; the file is removed. In a forked process nothing happens."""
        if os.getpid() != self._process or _held.get(self._file) != self._process:
            return
        with _guard, contextlib.suppress(OSError):
            if sys.platform == "win32":  # which removes no file that is open
                os.close(self._descriptor)
                self._path.unlink(missing_ok=True)
            else:
                if self.is_whole:
                    self._path.unlink()
        with _guard:
            if sys.platform != "win32":
                os.close(self._descriptor)
            del _held[self._file]

    def _sign(self) -> None:
        """Say whose it is; a disk that is full makes it no less locked."""
        with contextlib.suppress(OSError):
            os.ftruncate(self._descriptor, 0)
            os.write(self._descriptor, f"process {os.getpid()} on {platform.node()}\n".encode())


def holder(folder: Path) -> str | None:
    """Who holds a folder's lock: `HERE` or ``"process 4711 on HOST"``; None if nobody does."""
    path = folder / LOCK_FILE
    with _guard:
        if _is_held_here(path):
            return HERE
        try:
            descriptor = os.open(path, os.O_RDONLY)
        except (OSError, ValueError):
            return None
        try:
            if _lock(descriptor, shared=True):
                return None
            with contextlib.suppress(OSError):
                signed = os.read(descriptor, 200).decode("utf-8", "replace").strip()
                return signed or "a process"
            return "a process"
        finally:
            os.close(descriptor)


def _lock(descriptor: int, *, shared: bool = False) -> bool:
    """Lock an open file, to hold it or only to see; whether nobody else had."""
    try:
        if sys.platform == "win32":
            import msvcrt

            os.lseek(descriptor, _FAR, os.SEEK_SET)
            try:
                msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
            finally:
                os.lseek(descriptor, 0, os.SEEK_SET)
        else:
            import fcntl

            kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
            fcntl.lockf(descriptor, kind | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno in _NO_LOCKS
    return True


def _is_held_here(path: Path) -> bool:
    """Whether this process holds it. The file isn't opened: closing it would end the lock."""
    file = _file_at(path)
    return file is not None and _held.get(file) == os.getpid()


def _file_at(path: Path) -> File | None:
    try:
        return _which(path.stat())
    except (OSError, ValueError):
        return None


def _which(status: os.stat_result) -> File:
    return status.st_dev, status.st_ino

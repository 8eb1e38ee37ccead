"""What lies in a folder, found out in another thread: a slow disk never holds the window.

Knows folders; no checkpoint.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from PySide6.QtCore import QObject, QRunnable, QThreadPool, Signal

MOST = 2000
"""Entries beyond these are left out of a completion."""


class FolderListing(QObject):
    """Lists one folder at a time; the newest question counts.

    Signals:
        listed: the folder as it was asked for (str), and the paths in it: folders end with a
            separator. Empty where it can't be read.
    """

    listed = Signal(object, object)
    _found = Signal(object, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._wanted = ""
        self._found.connect(self._take)

    def ask(self, folder: str) -> None:
        """List a folder; `listed` follows."""
        self._wanted = folder
        QThreadPool.globalInstance().start(_Listing(folder, self))

    def _take(self, folder: object, paths: object) -> None:
        if folder == self._wanted:
            self.listed.emit(folder, paths)


class _Listing(QRunnable):
    """Runs in the pool."""

    def __init__(self, folder: str, owner: FolderListing) -> None:
        super().__init__()
        self._folder = folder
        self._owner = owner

    def run(self) -> None:
        paths = entries(self._folder)
        with contextlib.suppress(RuntimeError):  # the dialog is gone already
            self._owner._found.emit(self._folder, paths)


def entries(folder: str) -> list[str]:
    """The folder's entries as they are typed: folders first, hidden ones left out."""
    found: list[tuple[bool, str]] = []
    try:
        with os.scandir(Path(folder).expanduser()) as scan:
            for entry in scan:
                if not entry.name.startswith("."):
                    found.append((not entry.is_dir(), entry.name))
                if len(found) >= MOST:
                    break
    except (OSError, ValueError, RuntimeError):
        return []
    return [folder + name + ("" if is_file else os.sep) for is_file, name in sorted(found)]

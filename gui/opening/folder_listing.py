"""What lies in a folder, found out in another thread: a slow disk holds neither window nor end.

A plain thread for each question: Qt waits for those of its pool before the program may end.

Knows folders; no checkpoint.
"""

from __future__ import annotations

import contextlib
import os
import threading
from pathlib import Path

from PySide6.QtCore import QObject, Signal

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
        threading.Thread(target=self._list, args=(folder,), name="listing", daemon=True).start()

    def _list(self, folder: str) -> None:
        """In the thread."""
        paths = entries(folder)
        with contextlib.suppress(RuntimeError):  # the dialog is gone already
            self._found.emit(folder, paths)

    def _take(self, folder: object, paths: object) -> None:
        if folder == self._wanted:
            self.listed.emit(folder, paths)


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

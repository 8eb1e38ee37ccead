"""Files on their way to disk, one after the other, beside the window.

What is written is given as a generator, which a thread of its own drives: a million numbers take a
second, a disk may take longer, and the window waits for neither. Knows a notice; not what is
written, and no widget.
"""

from __future__ import annotations

import threading
import traceback
from collections import deque
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from gui.session.state import Notice

if TYPE_CHECKING:
    from gui.session.store import Store

Writing = Generator[float, None, None]
"""Yields which share is written; closed early, it leaves nothing behind."""
TOLD_SHARE = 0.01
"""Of the work between two words about it."""
LAST_SECONDS = 5.0
"""How long the end of the program waits for a file that is half written."""


class Exporting(QObject):
    """Writes files; each ends with a notice, but one that was cancelled.

    Signals:
        changed: another file is written, or more of it.

    Attributes:
        path: of the file that is being written; None if there is none.
        share: of it that is written.
    """

    changed = Signal()
    _moved = Signal(object)
    _ended = Signal(object)

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._store = store
        self.path: Path | None = None
        self.share = 0.0
        self._waiting: deque[tuple[Path, Writing]] = deque()
        self._thread: threading.Thread | None = None
        self._given_up = threading.Event()
        # From the writing thread; bound methods, so they run in this one.
        self._moved.connect(self._move)
        self._ended.connect(self._end)

    @property
    def going(self) -> bool:
        """Whether a file is being written."""
        return self.path is not None

    def start(self, path: Path, writing: Writing) -> None:
        """Write a file, after those that are being written."""
        self._waiting.append((path, writing))
        if not self.going:
            self._begin()

    def cancel(self) -> None:
        """Write no more; what was there before stays."""
        self._waiting.clear()
        self._given_up.set()

    def finish(self) -> None:
        """The program ends: what can be finished soon is, all else is given up."""
        while self._thread is not None:
            self._thread.join(LAST_SECONDS)
            self.cancel()
            self._thread.join(LAST_SECONDS)
            self._thread = None

    def _begin(self) -> None:
        self.path, writing = self._waiting.popleft()
        self.share = 0.0
        self._given_up = threading.Event()
        self._thread = threading.Thread(
            target=self._write,
            args=(self.path, writing, self._given_up),
            name="export",
            daemon=True,
        )
        self._thread.start()
        self.changed.emit()

    def _write(self, path: Path, writing: Writing, given_up: threading.Event) -> None:
        """In a thread of its own."""
        told = 0.0
        try:
            for share in writing:
                if given_up.is_set():
                    writing.close()
                    break
                if share - told >= TOLD_SHARE:
                    told = share
                    self._moved.emit(share)
            else:
                self._ended.emit(Notice(f"Wrote {path}."))
                return
            self._ended.emit(None)
        except Exception as error:  # noqa: BLE001  # whatever it is, the person is told
            ours = type(error).__module__.partition(".")[0] in ("gui", "model")
            details = "" if ours else traceback.format_exc()
            sentence = str(error) if ours else f"{path} can't be written: {error!r}."
            self._ended.emit(Notice(sentence, details, "error"))

    def _move(self, share: object) -> None:
        self.share = float(share)  # type: ignore[arg-type]
        self.changed.emit()

    def _end(self, notice: object) -> None:
        self.path = None
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        if isinstance(notice, Notice):
            self._store.post(notice)
        if self._waiting:
            self._begin()
        else:
            self.changed.emit()

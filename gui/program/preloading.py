"""Imports ahead what the first run will need, while nobody waits for it.

In the GUI thread: Qt asks what class a widget is of without Python's lock, so a class of Qt that is
made in another thread meanwhile ends the program (PySide6 6.11, Python 3.11: a segmentation fault
in 6 of 140 starts).
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from importlib import import_module

from PySide6.QtCore import QObject, QTimer, Signal

_PLOTS = "gui.panes.training.live_plot"


_QT = ("QtCore", "QtGui", "QtWidgets", "QtSvg", "QtTest", "QtOpenGLWidgets")
"""Modules all of whose classes pyqtgraph asks for, which PySide makes when they are asked for."""
SLICE_SECONDS = 0.004
GAP_MS = 20


class Preloading(QObject):
    """Imports what plots need while nobody waits for it, a few milliseconds at a time.

    Only the last slice is longer: the import itself, which can't be cut (0.08 s).

    Signals:
        done: all is imported.
    """

    done = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._work = _slices()
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._go_on)

    def start(self) -> None:
        """Begin; `done` follows."""
        self._timer.start(GAP_MS)

    def stop(self) -> None:
        """Leave it at what is imported."""
        self._timer.stop()

    def _go_on(self) -> None:
        end = time.perf_counter() + SLICE_SECONDS
        for _ in self._work:
            if time.perf_counter() > end:
                return
        self._timer.stop()
        self.done.emit()


def _slices() -> Iterator[None]:
    for name in _QT:
        module = import_module(f"PySide6.{name}")
        for attribute in dir(module):
            getattr(module, attribute)
            yield
    import_module(_PLOTS)

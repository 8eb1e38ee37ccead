"""The plots of a run, made when there is a run to draw.

pyqtgraph takes 0.2 s to import, a good part of a first window: it is imported with the first run,
or earlier in slices (`Preloading`), in the GUI thread in either case. Qt asks what class a
widget is of without Python's lock, so a class of Qt that is made in another thread meanwhile ends
the program (PySide6 6.11, Python 3.11: a segmentation fault in 1 of 23 starts).
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from importlib import import_module
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtWidgets import QBoxLayout, QWidget

from gui import theme

if TYPE_CHECKING:
    from gui.widgets.loss_plot import AnalogyPlot, LossPlot

_PLOTS = "gui.widgets.loss_plot"


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


class RunPlots(QWidget):
    """Loss and analogies, beside or below one another."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._loss: LossPlot | None = None
        self._analogies: AnalogyPlot | None = None
        self.box = QBoxLayout(QBoxLayout.Direction.TopToBottom, self)
        self.box.setContentsMargins(0, 0, 0, 0)
        self.box.setSpacing(theme.TIGHT)

    @property
    def made(self) -> bool:
        """Whether there has been a run to draw."""
        return self._loss is not None

    @property
    def loss(self) -> LossPlot:
        """Loss over steps; made now, if it was not."""
        if self._loss is None:
            self._make()
        assert self._loss is not None
        return self._loss

    @property
    def analogies(self) -> AnalogyPlot:
        """Analogies over steps; made now, if it was not."""
        if self._analogies is None:
            self._make()
        assert self._analogies is not None
        return self._analogies

    def apply_theme(self) -> None:
        """Take new colours."""
        if self.made:
            self.loss.apply_theme()
            self.analogies.apply_theme()

    def _make(self) -> None:
        from gui.widgets.loss_plot import AnalogyPlot, LossPlot

        self._loss = LossPlot()
        self._analogies = AnalogyPlot()
        self._analogies.setMinimumHeight(80)
        self.box.addWidget(self._loss, 3)
        self.box.addWidget(self._analogies, 2)

"""What every pane is: a titled widget that reads the store and draws when it is seen.

Knows the store and the theme, and of panes what an entry is; no pane.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QSize, Qt, QTimer
from PySide6.QtGui import QPainter, QPaintEvent, QShowEvent
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from gui import theme
from gui.pace import Pace
from gui.panes.entry import PaneEntry
from gui.session.store import Store

FRAME_MS = 33
"""Time between two repaints of a pane that has much to follow: 30 a second."""
LIVE_GAP_MS = 30
"""When a model that learns is looked at again, panes draw one after the other: all at once they
would keep keys and mouse waiting for a tenth of a second."""


class Pane(QWidget):
    """Base of all panes.

    A subclass connects the store's signals to `invalidate` (a bound method), and draws what the
    store holds in `refresh`. `refresh` is called once in `frame_ms`, twice after a rest,
    only while the pane is visible, and once when it becomes visible after it was invalidated.

    Class attributes:
        entry: the ``ENTRY`` of its package.
        frame_ms: time between two repaints, while there is always something new.

    Attributes:
        title: on the dock's header.
        turn: its place among the panes that draw one after the other while a model learns.
    """

    entry: ClassVar[PaneEntry]
    frame_ms: ClassVar[int] = FRAME_MS

    def __init__(self, store: Store, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.store = store
        self.title = self.entry.title
        self.turn = 0
        self.setObjectName(f"{self.key}_pane")
        self.setAccessibleName(self.title)
        self.setAccessibleDescription(self.entry.hint)
        self.setAutoFillBackground(True)  # with the panel's colour; the window behind is darker
        self._dirty = True
        self._pace = Pace(self.frame_ms)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._paint_if_due)
        store.theme_changed.connect(self.apply_theme)
        store.theme_changed.connect(self.invalidate)

    # -------------------------------------------------------------- for subclasses

    def refresh(self) -> None:
        """Draw what the store holds now."""
        raise NotImplementedError

    def apply_theme(self) -> None:
        """Take new colours; called when the theme changes."""

    def set_title(self, title: str) -> None:
        """Another title, where what is shown depends on the model; the dock follows."""
        self.title = title
        self.setAccessibleName(title)
        self.setWindowTitle(title)

    def header_note(self) -> str:
        """A short fact for the right side of the header, for example "7 tokens"."""
        return ""

    def export_data(self) -> Mapping[str, NDArray[Any]]:
        """What is drawn, as named arrays for CSV or npz. Empty if there is nothing."""
        return {}

    def remember(self) -> dict[str, Any]:
        """What it wants to know at the next start, as JSON has it; asked when the window closes."""
        return {}

    def recall(self, kept: Mapping[str, Any]) -> None:
        """Take up what `remember` gave at an earlier end; called once, before it is shown.

        It comes from a file that a person may have edited: what isn't as it should be is passed
        over.
        """

    # ------------------------------------------------------------------ machinery

    @property
    def key(self) -> str:
        """By what the window knows it."""
        return self.entry.key

    def invalidate(self) -> None:
        """Mark as out of date; it is drawn soon if it can be seen."""
        self._dirty = True
        if not self.isVisible():
            return
        delay = self._pace.wait_ms()
        if self.store.hearing_live:
            delay += self.turn * LIVE_GAP_MS
        if not self._timer.isActive() or self._timer.remainingTime() > delay:
            self._timer.start(delay)

    def refresh_now(self) -> None:
        """Draw at once what is out of date, for pictures and tests."""
        self._timer.stop()
        if self._dirty:
            self._dirty = False
            self.refresh()
            self._pace.take()

    @property
    def dirty(self) -> bool:
        """Whether something has changed since it was drawn."""
        return self._dirty

    def _paint_if_due(self) -> None:
        if self.isVisible():
            self.refresh_now()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._dirty:
            self._timer.start(0)


class EmptyState(QLabel):
    """A calm sentence in the middle of a pane that has nothing to draw: what to do, or why."""

    def __init__(self, text: str = "", parent: QWidget | None = None) -> None:
        super().__init__(text, parent)
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.setWordWrap(True)
        self.setMargin(24)
        self.setFont(theme.sans())
        self.setEnabled(True)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setFont(self.font())
        painter.setPen(theme.current().color("dim"))
        box = self.rect().adjusted(24, 24, -24, -24)
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, self.text())
        painter.end()

    def minimumSizeHint(self) -> QSize:
        return QSize(80, 60)


def column(
    parent: QWidget, *, margin: int = theme.SPACE, spacing: int = theme.SPACE
) -> QVBoxLayout:
    """A vertical layout with the house's margins."""
    layout = QVBoxLayout(parent)
    layout.setContentsMargins(margin, margin, margin, margin)
    layout.setSpacing(spacing)
    return layout


def readonly(array: NDArray[Any]) -> NDArray[Any]:
    """The same values, protected from writing."""
    view = np.asarray(array).view()
    view.flags.writeable = False
    return view

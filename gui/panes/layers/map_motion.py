"""The rows of a map on their way from where they were to where they are.

Knows rows and an animation; paints nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from PySide6.QtCore import QObject, QVariantAnimation, Signal
from PySide6.QtGui import QPainterPath

from gui import theme
from gui.panes.layers.map_layout import Row


class Motion(QObject):
    """One motion at a time.

    Signals:
        advanced: a frame is due.

    Attributes:
        lit_at: height down to which the stream was lit.
        ways: lines along which values flow.
        scroll_to: where the map is scrolled to at the end.
    """

    advanced = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.lit_at = 0.0
        self.ways: tuple[QPainterPath, ...] = ()
        self.scroll_to = self._scroll_from = 0
        self._from: Mapping[tuple[str, int], float] = {}
        self._animation = QVariantAnimation(self)
        self._animation.setStartValue(0.0)
        self._animation.setEndValue(1.0)
        self._animation.valueChanged.connect(self._advance)

    @property
    def runs(self) -> bool:
        return self._animation.state() == QVariantAnimation.State.Running

    @property
    def share(self) -> float:
        """How much of the way is done: fast at first, gentle at the end."""
        return 1 - (1 - float(self._animation.currentValue())) ** 3

    @property
    def scroll(self) -> int:
        """Where the map is scrolled to now."""
        t = self.share
        return round(self._scroll_from * (1 - t) + self.scroll_to * t)

    def start(
        self,
        before: Mapping[tuple[str, int], float],
        lit_at: float,
        ways: tuple[QPainterPath, ...],
        scroll: tuple[int, int],
    ) -> None:
        """Begin.

        Args:
            before: where rows were, by their keys.
            lit_at: height down to which the stream was lit.
            ways: lines along which values flow.
            scroll: from where to where the map is scrolled.
        """
        self._from, self.lit_at, self.ways = before, lit_at, ways
        self._scroll_from, self.scroll_to = scroll
        self._animation.setDuration(theme.MOTION_MS)
        self._animation.start()

    def stop(self) -> None:
        """Everything is where it should be."""
        self._animation.stop()

    def tops(self, rows: Sequence[Row]) -> dict[tuple[str, int], float]:
        """Where each row is now, by its key."""
        return {row.key: row.top for row in self.moving(rows)}

    def moving(self, rows: Sequence[Row]) -> tuple[Row, ...]:
        """The rows where they are now.

        Args:
            rows: where they are at the end.
        """
        if not self.runs or not self._from:
            return tuple(rows)
        t = self.share
        heads = {row.layer: row for row in rows if row.kind == "section"}

        def start(row: Row) -> float:
            # A row that was not there comes out of its block's head.
            if row.key in self._from:
                return self._from[row.key]
            head = heads.get(row.layer)
            return self._from.get(head.key, head.top) if head is not None else row.top

        return tuple(replace(row, top=start(row) * (1 - t) + row.top * t) for row in rows)

    def _advance(self) -> None:
        self.advanced.emit()

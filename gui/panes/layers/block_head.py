"""The line at the head of a block: its name, whose values are shown, what the lens reads after it.

Knows a painter, the layout and the figures; nothing of mouse, scrolling or the store.
"""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QPainter, QPen

from gui import theme
from gui.panes.layers.figures import Figures, LensReading
from gui.panes.layers.map_layout import Row
from gui.panes.layers.map_lines import LEAST_STRIP, Geometry
from gui.widgets.drawing_cache import DrawingCache

GAP = 8.0
AFTER_LABEL = 24.0
"""Behind the label stands the sign that says whether the block is folded."""


class BlockHead:
    """Paints one head."""

    def __init__(
        self, painter: QPainter, geometry: Geometry, cache: DrawingCache, row: Row
    ) -> None:
        self._p, self._g, self._cache, self._row = painter, geometry, cache, row
        self._t = theme.current()
        self._label = cache.text(row.label, "small")

    def paint_label(self, *, hovered: bool) -> None:
        """Its name, and the sign of a fold."""
        row = self._row
        color = self._t.color("text" if hovered else "dim")
        if hovered:  # over what was there; smooth letters would get bolder
            box = QRectF(self._g.left, row.top, self._label.width + 14, row.height)
            self._p.fillRect(box, self._t.color("panel"))
        self._p.setPen(color)
        self._label.draw(self._p, self._g.left, row.middle)
        x, y = self._g.left + self._label.width + 10, row.middle + 0.5
        self._p.setPen(QPen(color, 1.3))
        if row.unfolded:
            corners = [QPointF(x - 3, y - 1.5), QPointF(x, y + 1.5), QPointF(x + 3, y - 1.5)]
        else:
            corners = [QPointF(x - 1.5, y - 3), QPointF(x + 1.5, y), QPointF(x - 1.5, y + 3)]
        self._p.drawPolyline(corners)

    def paint_words(self, figures: Figures) -> None:
        """What the lens reads after the block, and of an unfolded one whose values are shown."""
        if self._g.column is None:
            return
        right = self._paint_lens(figures.lens_after(self._row.layer))
        if self._row.unfolded:
            self._paint_whose(figures.whose(), right)

    def _paint_lens(self, reading: LensReading | None) -> float:
        """The token, cut where there is no room for all of it, and its probability.

        Returns:
            The x up to where there is room left.
        """
        assert self._g.column is not None
        left, right = self._left, sum(self._g.column)
        if reading is None:
            return right
        number = self._cache.text(reading.number, "figure")
        gap = self._cache.text("0", "figure").width
        room = right - left - number.width - gap
        if room < LEAST_STRIP:
            return right
        token = self._cache.text(reading.token, "figure", room)
        self._p.setPen(self._t.color("lens"))
        number.draw(self._p, right - number.width, self._row.middle)
        start = right - number.width - gap - token.width
        token.draw(self._p, start, self._row.middle)
        return start - GAP

    def _paint_whose(self, words: str, right: float) -> None:
        """Of which position and head the strips of a block are: all of it, or its beginning."""
        assert self._g.column is not None
        for some in (words, words.partition(" · ")[0]):
            width = self._cache.text(some, "figure").width
            # Above the strips, if the lens leaves them room there.
            places = (self._left,) if self._g.inside else (self._g.column[0], self._left)
            for left in places:
                if some and left + width <= right:
                    self._p.setPen(self._t.color("dim"))
                    self._cache.text(some, "figure").draw(self._p, left, self._row.middle)
                    return

    @property
    def _left(self) -> float:
        """Where the label ends."""
        return self._g.left + self._label.width + AFTER_LABEL

"""The canvas of the stage: a scene's marks, and what the mouse lights up in them.

Knows marks and composers; no store.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from PySide6.QtCore import QPoint, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QPainter, QPen
from PySide6.QtWidgets import QWidget

from gui import theme
from gui.panes.stage.changes import with_changes
from gui.panes.stage.marks import Bars, Cell, Dots, Grid, Mark, Numbered
from gui.panes.stage.scenes.compose import compose
from gui.panes.stage.scenes.kit import Scenery
from gui.panes.stage.stacked import Divided, Stacks
from gui.widgets.canvas import Canvas

MARGIN = 12.0
ALIKE = 0.6
"""Pixels by which lines of two marks may differ and still be the same line."""


@dataclass(frozen=True, slots=True)
class Pointed:
    """A number on the stage.

    Attributes:
        name: of its tensor.
        index: its full index there.
        value: as it is drawn.
        written: whether the operation writes it (and it can be taken apart).
    """

    name: str
    index: tuple[int, ...]
    value: float
    written: bool


class StageView(Canvas):
    """Draws one scene.

    Signals:
        pointed: a `Pointed` under the mouse, or None.
        chosen: a `Pointed` that was clicked.
    """

    pointed = Signal(object)
    chosen = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Stage")
        self._scenery: Scenery | None = None
        self._marks: list[Mark] = []
        self._under: tuple[Numbered, Cell] | None = None

    @property
    def room(self) -> QRectF:
        """Where a scene may be drawn."""
        inside = QRectF(self.viewport().rect())
        return inside.adjusted(MARGIN, 4, -MARGIN, -6)

    @property
    def marks(self) -> list[Mark]:
        """What is drawn now, in the order in which it is painted."""
        return self._marks

    def show_scene(self, scenery: Scenery | None) -> None:
        """Draw another scene, or nothing."""
        self._scenery = scenery
        self._under = None
        self.lay_out()
        self.redraw()

    def lay_out(self) -> None:
        if self._scenery is None:
            self._marks = []
        else:
            scenery = replace(self._scenery, room=self.room)
            self._marks = with_changes(compose(scenery), scenery)

    def paint_ground(self, painter: QPainter) -> None:
        for mark in self._marks:
            mark.paint(painter)

    def paint_overlay(self, painter: QPainter) -> None:
        """The number under the mouse, with the row and the column that it is made of."""
        if self._under is None:
            return
        mark, cell = self._under
        rect = mark.rect_of(cell)
        t = theme.current()
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(t.color("text", 0.55), 1.2))
        for other in self._marks:
            if isinstance(other, Grid | Bars):
                for line in _in_line(other, rect):
                    painter.drawRect(line)
        painter.setPen(QPen(t.color("text"), 1.8))
        painter.drawRect(rect)

    def hover(self, at: QPoint | None) -> None:
        under = None if at is None else self._at(QPointF(at))
        if under != self._under:
            self._under = under
            self.viewport().update()
            self.pointed.emit(None if under is None else self._number(*under))

    def press(self, at: QPoint, modifiers: Qt.KeyboardModifier) -> None:
        under = self._at(QPointF(at))
        if under is not None:
            self.chosen.emit(self._number(*under))

    def tooltip(self, at: QPoint) -> str:
        under = self._at(QPointF(at))
        if under is None:
            return ""
        number = self._number(*under)
        index = ", ".join(map(str, number.index))
        return f"{number.name}[{index}] = {number.value:.6g}"

    def _at(self, point: QPointF) -> tuple[Numbered, Cell] | None:
        for mark in reversed(self._marks):
            if isinstance(mark, Grid | Bars | Dots | Stacks | Divided):
                cell = mark.cell_at(point)
                if cell is not None:
                    return mark, cell
        return None

    def _number(self, mark: Numbered, cell: Cell) -> Pointed:
        panel = mark.panel
        value = float(panel.values_RC[cell])
        return Pointed(panel.name, panel.place(*cell), value, panel.role in ("out", "chain"))


def _in_line(mark: Grid | Bars, rect: QRectF) -> list[QRectF]:
    """The row and the column of a mark that are in line with a number, where they mean the same."""
    found = []
    rows, columns = mark.values.shape if isinstance(mark, Grid) else (len(mark.values), 1)
    high, wide = mark.box.height() / rows, mark.box.width() / columns
    center = rect.center()
    if (
        isinstance(mark, Grid)
        and mark.box.left() <= center.x() <= mark.box.right()
        and abs(wide - rect.width()) < ALIKE
    ):
        column = min(int((center.x() - mark.box.left()) / wide), columns - 1)
        found.append(
            QRectF(mark.box.left() + column * wide, mark.box.top(), wide, mark.box.height())
        )
    if mark.box.top() <= center.y() <= mark.box.bottom() and abs(high - rect.height()) < ALIKE:
        row = min(int((center.y() - mark.box.top()) / high), rows - 1)
        found.append(QRectF(mark.box.left(), mark.box.top() + row * high, mark.box.width(), high))
    return found

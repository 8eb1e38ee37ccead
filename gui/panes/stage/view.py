"""The canvas of the stage: a scene's marks, and what the mouse lights up in them.

A step to another operation is a motion (`motion`). Knows marks and composers; no store.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from PySide6.QtCore import QPoint, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QPixmap, QResizeEvent
from PySide6.QtWidgets import QWidget

from gui import theme
from gui.panes.stage.changes import has_ghosts, with_changes
from gui.panes.stage.marks import Bars, Cell, Dots, Grid, Legend, Mark, Numbered
from gui.panes.stage.motion import StageMotion, flows
from gui.panes.stage.scenes.compose import WITHOUT_COLORS, compose
from gui.panes.stage.scenes.kit import Scenery, called
from gui.panes.stage.stacked import Divided, Stacks
from gui.widgets.canvas import Canvas, is_vector
from gui.widgets.figure import is_figure
from model.probe.scene.asks import Panel

MARGIN = 12.0
LEGEND = 18.0
LEAST_WITH_LEGEND = 200
"""Height of the view from which on it says what its colours mean."""
ALIKE = 0.6
"""Pixels by which lines of two marks may differ and still be the same line."""


@dataclass(frozen=True, slots=True)
class Pointed:
    """A number on the stage.

    Attributes:
        name: of its tensor.
        index: its full index there.
        value: as it is drawn; NaN where it was not looked up.
        written: whether the operation writes it (and it can be taken apart).
    """

    name: str
    index: tuple[int, ...]
    value: float = field(compare=False)
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
        self._marked: tuple[str, tuple[int, ...]] | None = None
        self._motion = StageMotion(self)
        self._motion.advanced.connect(self.viewport().update)

    @property
    def room(self) -> QRectF:
        """Where a scene may be drawn whose colours mean numbers."""
        inside = QRectF(self.viewport().rect()).adjusted(MARGIN, 4, -MARGIN, -4)
        return inside.adjusted(0, 0, 0, -LEGEND) if self._has_legend else inside

    def room_for(self, kind: str) -> QRectF:
        """Where the scene of a kind of operation may be drawn: without colours, without legend."""
        if kind in WITHOUT_COLORS and self._has_legend:
            return self.room.adjusted(0, 0, 0, LEGEND)
        return self.room

    @property
    def _has_legend(self) -> bool:
        """A picture that is less high is worth more than what its colours mean."""
        return self.viewport().height() >= LEAST_WITH_LEGEND

    @property
    def marks(self) -> list[Mark]:
        """What is drawn now, in the order in which it is painted."""
        return self._marks

    def show_scene(self, scenery: Scenery | None) -> None:
        """Draw another scene, or nothing."""
        before, marks, picture = self._scenery, self._marks, self._ground
        self._scenery = scenery
        self._under = None
        self.lay_out()
        self.redraw()
        if before is None or scenery is None or not self.isVisible():
            self._motion.stop()
        elif before.op.output != scenery.op.output or before.model is not scenery.model:
            self._move(scenery, marks, picture)

    def _move(self, scenery: Scenery, before: list[Mark], picture: QPixmap | None) -> None:
        """From one operation to another; where they have no network in common, at once."""
        written = [
            mark
            for mark in self._marks
            if isinstance(mark, Grid | Bars)
            and mark.panel.name == scenery.op.output
            and mark.panel.role in ("out", "chain")
        ]
        gone_through = any(
            isinstance(mark, Grid | Bars) and mark.panel.role in ("weight", "chain")
            for mark in self._marks
        )
        sweep = written[-1] if written and gone_through else None
        self._motion.start(picture, flows(before, self._marks), sweep)

    @property
    def moving(self) -> bool:
        """Whether a step is on its way."""
        return self._motion.runs

    def mark_number(self, name: str, index: tuple[int, ...]) -> None:
        """Outline a number, as far as it is on the stage; an empty name outlines none."""
        marked = (name, index) if name else None
        if marked != self._marked:
            self._marked = marked
            self.viewport().update()

    def place_of(self, name: str, index: tuple[int, ...]) -> QRectF | None:
        """Where a number stands, if it does."""
        for mark in reversed(self._marks):
            if isinstance(mark, Grid | Bars | Dots) and mark.panel.name == name:
                cell = cell_of(mark.panel, index)
                if cell is not None:
                    return mark.rect_of(cell)
        return None

    def finish(self) -> None:
        """Everything at its place at once, for pictures and tests."""
        self._motion.stop()
        super().finish()

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._motion.runs and not is_figure():
            with QPainter(self.viewport()) as painter:
                if not is_vector(painter):
                    self._ratio = painter.deviceTransform().m11()
                    self._motion.paint(painter, self._ground_picture())
                    swept = self._motion.swept
                    if swept is not None:
                        self._paint_lit(painter, *swept, tone="accent")
                    return
        super().paintEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._motion.stop()
        super().resizeEvent(event)

    def lay_out(self) -> None:
        if self._scenery is None:
            self._marks = []
        else:
            room = self.room_for(self._scenery.op.kind)
            scenery = replace(self._scenery, room=room)
            self._marks = with_changes(compose(scenery), scenery)
            ends = _ends(self._marks)
            if self._has_legend and ends:
                box = QRectF(room.left(), room.bottom() + 2, room.width(), LEGEND - 2)
                other = scenery.other_name if has_ghosts(self._marks, scenery) else ""
                self._marks.append(Legend(box, ends, other))

    def paint_ground(self, painter: QPainter) -> None:
        for mark in self._marks:
            mark.paint(painter)

    def paint_overlay(self, painter: QPainter) -> None:
        """The number under the mouse, with the row and the column that it is made of."""
        if self._marked is not None:
            rect = self.place_of(*self._marked)
            if rect is not None:
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.setPen(QPen(theme.current().color("accent"), 1.8))
                painter.drawRect(rect)
        if self._under is not None:
            self._paint_lit(painter, *self._under, tone="text")

    def _paint_lit(self, painter: QPainter, mark: Numbered, cell: Cell, tone: str) -> None:
        """A number, and what is in line with it."""
        rect = mark.rect_of(cell)
        t = theme.current()
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(t.color(tone, 0.55), 1.2))
        for other in self._marks:
            if isinstance(other, Grid | Bars):
                for line in _in_line(other, rect):
                    painter.drawRect(line)
        painter.setPen(QPen(t.color(tone), 1.8))
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

    def number_at(self, at: QPoint) -> Pointed | None:
        """The number under a point."""
        under = self._at(QPointF(at))
        return None if under is None else self._number(*under)

    def tooltip(self, at: QPoint) -> str:
        under = self._at(QPointF(at))
        if under is None:
            return ""
        number = self._number(*under)
        index = ", ".join(map(str, number.index))
        words = f"{number.name}[{index}] = {number.value:.6g}"
        if under[0].panel.role == "in":
            words += "\nclick: go to where it was written"
        return words

    def keyPressEvent(self, event: QKeyEvent) -> None:
        event.ignore()  # nothing scrolls here: the pane walks on

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() in (Qt.MouseButton.BackButton, Qt.MouseButton.ForwardButton):
            event.ignore()
        else:
            super().mousePressEvent(event)

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


def _ends(marks: list[Mark]) -> tuple[tuple[str, float], ...]:
    """Where the colours of what is drawn end; of what shares an end, the last name."""
    ends: dict[str, tuple[str, float]] = {}
    for mark in marks:
        if isinstance(mark, Grid):
            shown = f"{mark.limit:.3g}"
            if shown in ends and mark.panel.role == "in":  # the other side's, beneath its own
                continue
            ends.pop(shown, None)
            ends[shown] = called(mark.panel.name), mark.limit
    return tuple(ends.values())


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


def cell_of(panel: Panel, index: tuple[int, ...]) -> Cell | None:
    """The cell of a panel that shows the number of an index; None where none does."""
    if len(index) != len(panel.index):
        return None
    free = [at for at, place in zip(index, panel.index) if place is None]
    if any(place is not None and at != place for at, place in zip(index, panel.index)):
        return None
    if panel.transposed:
        free = free[::-1]
    row, column = (0, free[0]) if panel.letters[0] == " " else (free[0], free[-1])
    if panel.rows_RC is not None and panel.columns_RC is not None:
        hits = np.argwhere((panel.rows_RC == row) & (panel.columns_RC == column))
        return (int(hits[0][0]), int(hits[0][1])) if len(hits) else None
    cell: list[int] = []
    for at, shown, size in zip(
        (row, column), (panel.at_rows, panel.at_columns), panel.values_RC.shape
    ):
        if panel.letters[0] == " " and not cell:
            cell.append(0)
            continue
        if shown is not None:
            places = np.flatnonzero(shown == at)
            at = int(places[0]) if len(places) else -1
        if not 0 <= at < size:
            return None
        cell.append(at)
    return cell[0], cell[1]

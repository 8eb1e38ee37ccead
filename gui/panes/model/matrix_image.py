"""A matrix of weights as an image on the diverging map; wheel zooms, drag moves.

Draws the picture that it is given: of each cell the number farthest from 0 in its block, with its
place in the matrix. Where it is zoomed it asks for a finer picture, and shows the old one until
that comes. Knows no store and no model.

Shape suffixes: R rows, C columns.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from PySide6.QtCore import QPoint, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QImage, QKeyEvent, QMouseEvent, QPainter, QPen, QWheelEvent
from PySide6.QtWidgets import QWidget

from gui import theme
from gui.panes.model.matrix_picture import (
    MatrixPicture,
    Span,
    paint_axes,
    paint_groups,
    paint_numbers,
)
from gui.widgets.canvas import CAPTION_HEIGHT, Canvas
from gui.widgets.cells import paint_cells
from gui.widgets.heat_map import cell_image
from gui.widgets.heat_map.color_bar import paint_color_bar

LARGEST_CELL = 58.0, 26.0
"""Width and height: so large that its number can be written in it."""
FLATTEST = 6.0
"""How many times longer than wide a cell may be drawn, so that a long matrix fills its place."""
LEAST_WINDOW = 4
EDGE = 13.0
"""Room for the names of the axes."""


class MatrixImage(Canvas):
    """The widget.

    Signals:
        cell_chosen: (row, column, value) of the number that was clicked or reached by a key.
        window_changed: another part of the matrix is in view, or there is more room for it:
            `in_view` and `most_cells` say what picture is wanted.

        set_requested: the chosen number is to be another (Enter).

    Attributes:
        describe: gives the tooltip of (row, column, value).
    """

    cell_chosen = Signal(object)
    window_changed = Signal()
    set_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("The matrix as an image")
        self.describe: Callable[[int, int, float], str] | None = None
        self._picture: MatrixPicture | None = None
        self._image = QImage()
        self._shape = (0, 0)
        self._window: tuple[Span, Span] = ((0, 0), (0, 0))
        self._chosen: tuple[int, int] | None = None
        self._hovered: tuple[int, int] | None = None
        self._dragged_from: tuple[QPointF, tuple[Span, Span]] | None = None
        self._asked: tuple[object, ...] = ()
        self._by_hand: dict[tuple[int, int], float] = {}

    # ------------------------------------------------------------------------ contents

    def set_shape(self, n_rows: int, n_columns: int) -> None:
        """Another matrix: all of it is in view, and nothing is drawn until its picture comes."""
        self._shape = (n_rows, n_columns)
        self._window = ((0, n_rows), (0, n_columns))
        self._picture, self._chosen, self._hovered = None, None, None
        self._asked = ()
        self.redraw()

    def set_picture(self, picture: MatrixPicture) -> None:
        """Draw this; it may be of a part of what is in view, or of more."""
        if (picture.n_rows, picture.n_columns) != self._shape:
            self.set_shape(picture.n_rows, picture.n_columns)
        self._picture = picture
        self._make_image()
        self._hovered = None
        self.redraw()

    @property
    def picture(self) -> MatrixPicture | None:
        """What is drawn."""
        return self._picture

    @property
    def in_view(self) -> tuple[Span, Span]:
        """Rows and columns in view, each first and one past the last."""
        return self._window

    @property
    def most_cells(self) -> tuple[int, int]:
        """The most rows and columns that can be told apart: one a pixel of the screen."""
        room = self._room()
        ratio = self.devicePixelRatioF()
        return max(1, int(room.height() * ratio)), max(1, int(room.width() * ratio))

    def set_chosen(self, cell: tuple[int, int] | None) -> None:
        """Outline one number of the matrix."""
        if cell != self._chosen:
            self._chosen = cell
            self.viewport().update()

    def set_by_hand(self, values: Mapping[tuple[int, int], float]) -> None:
        """Numbers that are others than the tensor's own, by row and column."""
        if values != self._by_hand:
            self._by_hand = dict(values)
            self.redraw()

    def apply_theme(self) -> None:
        """Take new colours."""
        self._make_image()
        self.redraw()

    def _make_image(self) -> None:
        p = self._picture
        if p is None:
            return
        self._image = p.image()

    # ------------------------------------------------------------------------- places

    def _room(self) -> QRectF:
        area = QRectF(self.viewport().rect())
        return area.adjusted(EDGE + 6, EDGE + 4, -6, -CAPTION_HEIGHT - 4)

    @property
    def frame(self) -> QRectF:
        """Where the window of the matrix is drawn."""
        room = self._room()
        (top, bottom), (left, right) = self._window
        n_rows, n_columns = bottom - top, right - left
        if n_rows <= 0 or n_columns <= 0 or room.width() < 8 or room.height() < 8:
            return QRectF()
        wide = min(room.width() / n_columns, LARGEST_CELL[0])
        high = min(room.height() / n_rows, LARGEST_CELL[1])
        if n_rows > 1 and n_columns > 1:
            if min(wide, high) >= 1:  # cells that can be seen keep about their form
                wide, high = min(wide, FLATTEST * high), min(high, FLATTEST * wide)
        else:
            high = min(room.height(), 40.0) if n_rows == 1 else high
            wide = min(room.width(), 40.0) if n_columns == 1 else wide
        return QRectF(room.left(), room.top(), wide * n_columns, high * n_rows)

    def _rect_of(self, rows: tuple[float, float], columns: tuple[float, float]) -> QRectF:
        """Where a part of the matrix is on the screen; it may lie outside the frame."""
        frame = self.frame
        (top, bottom), (left, right) = self._window
        wide, high = frame.width() / (right - left), frame.height() / (bottom - top)
        return QRectF(
            frame.left() + (columns[0] - left) * wide,
            frame.top() + (rows[0] - top) * high,
            (columns[1] - columns[0]) * wide,
            (rows[1] - rows[0]) * high,
        )

    def cell_rect(self, row: int, column: int) -> QRectF:
        """Where one number of the matrix is."""
        return self._rect_of((row, row + 1), (column, column + 1))

    def _cell_at(self, at: QPointF) -> tuple[int, int] | None:
        """Row and column of the picture's cell under a point."""
        p, frame = self._picture, self.frame
        if p is None or not frame.contains(at):
            return None
        (top, bottom), (left, right) = self._window
        row = top + (at.y() - frame.top()) / frame.height() * (bottom - top)
        column = left + (at.x() - frame.left()) / frame.width() * (right - left)
        if not (p.rows[0] <= row < p.rows[1] and p.columns[0] <= column < p.columns[1]):
            return None
        cell = (
            int((row - p.rows[0]) / p.block[0]),
            int((column - p.columns[0]) / p.block[1]),
        )
        n_rows, n_columns = p.values_RC.shape
        return min(cell[0], n_rows - 1), min(cell[1], n_columns - 1)

    def number_at(self, at: QPointF) -> tuple[int, int, float] | None:
        """Row and column in the matrix of the number that is drawn under a point, and it."""
        cell, p = self._cell_at(at), self._picture
        if cell is None or p is None:
            return None
        return int(p.rows_RC[cell]), int(p.columns_RC[cell]), float(p.values_RC[cell])

    def lay_out(self) -> None:
        self._ask()

    def _ask(self) -> None:
        """Say so if another picture is wanted now."""
        wanted = (self._shape, self._window, self.most_cells)
        if wanted != self._asked and self._shape[0] > 0:
            self._asked = wanted
            self.window_changed.emit()

    # ---------------------------------------------------------------------- zoom, move

    def show_all(self) -> None:
        """The whole matrix."""
        self._set_window((0, self._shape[0]), (0, self._shape[1]))

    def zoom(self, factor: float, at: QPointF | None = None) -> None:
        """See ``1 / factor`` of what is in view; the place under the mouse stays there."""
        frame = self.frame
        if frame.isEmpty():
            return
        at = frame.center() if at is None or not frame.contains(at) else at
        shares = (
            (at.y() - frame.top()) / frame.height(),
            (at.x() - frame.left()) / frame.width(),
        )
        spans = []
        for (first, last), share, size in zip(self._window, shares, self._shape):
            seen = (last - first) / factor
            seen = min(size, max(min(LEAST_WINDOW, size), round(seen)))
            centre = first + (last - first) * share
            start = min(max(0, round(centre - seen * share)), size - seen)
            spans.append((start, start + seen))
        self._set_window(spans[0], spans[1])

    def _set_window(self, rows: Span, columns: Span) -> None:
        if (rows, columns) != self._window:
            self._window = (rows, columns)
            self._hovered = None
            self.redraw()
            self._ask()

    def _move(self, window: tuple[Span, Span], by: QPointF) -> None:
        frame = self.frame
        spans = []
        for (first, last), size, shift, length in zip(
            window, self._shape, (by.y(), by.x()), (frame.height(), frame.width())
        ):
            step = round(-shift / length * (last - first)) if length > 0 else 0
            start = min(max(0, first + step), size - (last - first))
            spans.append((start, start + last - first))
        self._set_window(spans[0], spans[1])

    # ------------------------------------------------------------------------ painting

    def paint_ground(self, painter: QPainter) -> None:
        p, frame, t = self._picture, self.frame, theme.current()
        if p is None or frame.isEmpty():
            return
        painter.setClipRect(frame)
        cell_image.fill_hatched(painter, frame)
        n_rows, n_columns = p.values_RC.shape
        target = self._rect_of(
            (p.rows[0], p.rows[0] + n_rows * p.block[0]),
            (p.columns[0], p.columns[0] + n_columns * p.block[1]),
        )
        paint_cells(painter, target, self._image)
        paint_groups(painter, p, frame, self._window)
        paint_numbers(painter, p, self._window, self.cell_rect, self._by_hand)
        painter.setClipping(False)
        painter.setPen(t.color("line"))
        painter.drawRect(frame)
        paint_axes(painter, p, frame, self._window, self._room())
        caption = QRectF(self.viewport().rect())
        caption.setTop(caption.bottom() - CAPTION_HEIGHT)
        paint_color_bar(
            painter,
            caption.adjusted(6, 0, -6, 0),
            "diverging",
            p.limit,
            title=p.wordings,
            no_number=p.has_no_number,
        )

    def paint_overlay(self, painter: QPainter) -> None:
        p, t, frame = self._picture, theme.current(), self.frame
        if p is None:
            return
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setClipRect(frame.adjusted(-2, -2, 2, 2))
        if self._hovered is not None:
            row, column = self._hovered
            first = (p.rows[0] + row * p.block[0], p.columns[0] + column * p.block[1])
            box = self._rect_of(
                (first[0], first[0] + p.block[0]), (first[1], first[1] + p.block[1])
            )
            painter.setPen(QPen(t.color("text", 0.9), 1))
            painter.drawRect(_at_least(box, 3.0))
        if self._chosen is not None:
            painter.setPen(QPen(t.color("accent"), 1.5))
            painter.drawRect(_at_least(self.cell_rect(*self._chosen), 6.0))
        painter.setClipping(False)
        if self._hovered is not None and self.describe is not None:
            self._paint_hovered(painter, self._hovered)

    def _paint_hovered(self, painter: QPainter, cell: tuple[int, int]) -> None:
        """The number under the mouse, in the caption's place."""
        p, t = self._picture, theme.current()
        assert p is not None
        assert self.describe is not None
        number = int(p.rows_RC[cell]), int(p.columns_RC[cell]), float(p.values_RC[cell])
        line = self.describe(*number).replace("\n", "  ")
        caption = QRectF(self.viewport().rect())
        caption.setTop(caption.bottom() - CAPTION_HEIGHT)
        painter.fillRect(caption, t.color("panel"))
        painter.setFont(theme.mono(theme.SMALL_FONT_SIZE))
        painter.setPen(t.color("text"))
        room = caption.adjusted(6, 0, -6, 0)
        shown = painter.fontMetrics().elidedText(
            line, Qt.TextElideMode.ElideRight, int(room.width())
        )
        painter.drawText(room, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, shown)

    # ------------------------------------------------------------------ mouse and keys

    def hover(self, at: QPoint | None) -> None:
        cell = None if at is None else self._cell_at(QPointF(at))
        if cell != self._hovered:
            self._hovered = cell
            self.viewport().update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._dragged_from is not None and event.buttons() & Qt.MouseButton.LeftButton:
            start, window = self._dragged_from
            self._move(window, event.position() - start)
            return
        super().mouseMoveEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._dragged_from is not None:
            start, window = self._dragged_from
            self._dragged_from = None
            if (event.position() - start).manhattanLength() < 4 and window == self._window:
                self._choose_at(event.position())
        event.accept()

    def press(self, at: QPoint, modifiers: Qt.KeyboardModifier) -> None:
        self._dragged_from = (QPointF(at), self._window)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.show_all()

    def _choose_at(self, at: QPointF) -> None:
        number = self.number_at(at)
        if number is not None:
            self.cell_chosen.emit(number)

    def tooltip(self, at: QPoint) -> str:
        if self._picture is not None and at.y() > self.viewport().height() - CAPTION_HEIGHT:
            return f"{self._picture.wordings[0]}\nWheel: zoom. Drag: move. Double click: all of it."
        number = self.number_at(QPointF(at))
        return "" if number is None or self.describe is None else self.describe(*number)

    def wheelEvent(self, event: QWheelEvent) -> None:
        if self._picture is not None:
            self.zoom(1.4 ** (event.angleDelta().y() / 120), event.position())
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = {
            Qt.Key.Key_Left: (0, -1),
            Qt.Key.Key_Right: (0, 1),
            Qt.Key.Key_Up: (-1, 0),
            Qt.Key.Key_Down: (1, 0),
        }
        key = Qt.Key(event.key())
        if self._picture is None:
            event.ignore()
        elif key in steps:
            self._step(*steps[key])
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            self.zoom(1.4, self._chosen_point())
        elif key == Qt.Key.Key_Minus:
            self.zoom(1 / 1.4, self._chosen_point())
        elif key == Qt.Key.Key_0:
            self.show_all()
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self._chosen is not None:
            self.set_requested.emit()
        else:
            event.ignore()

    def _chosen_point(self) -> QPointF | None:
        return None if self._chosen is None else self.cell_rect(*self._chosen).center()

    def _step(self, down: int, across: int) -> None:
        """To the next cell of the picture; at the edge of what is in view, that moves first."""
        p = self._picture
        assert p is not None
        n_rows, n_columns = p.values_RC.shape
        cell = (0, 0)
        if self._chosen is not None:
            row = (self._chosen[0] - p.rows[0]) // p.block[0] + down
            column = (self._chosen[1] - p.columns[0]) // p.block[1] + across
            if not (0 <= row < n_rows and 0 <= column < n_columns):
                self._move_by(down * p.block[0], across * p.block[1])
            cell = min(max(0, row), n_rows - 1), min(max(0, column), n_columns - 1)
        number = int(p.rows_RC[cell]), int(p.columns_RC[cell]), float(p.values_RC[cell])
        self.cell_chosen.emit(number)

    def _move_by(self, rows: int, columns: int) -> None:
        spans = []
        for (first, last), size, step in zip(self._window, self._shape, (rows, columns)):
            start = min(max(0, first + step), size - (last - first))
            spans.append((start, start + last - first))
        self._set_window(spans[0], spans[1])

    def sizeHint(self) -> QSize:
        return QSize(320, 240)


def _at_least(box: QRectF, size: float) -> QRectF:
    """A box that can be seen, however small the cell is."""
    grow_x, grow_y = max(0.0, size - box.width()) / 2, max(0.0, size - box.height()) / 2
    return box.adjusted(-grow_x, -grow_y, grow_x, grow_y)

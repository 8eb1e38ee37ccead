"""An operation for all tokens at once: a line a token, what is read beside what is written.

Draws the lines in view only, and says which those are, so that only their numbers are asked for.
Knows answers and token texts; no store. Shape suffixes: R rows of cells, C columns of cells.
"""

from __future__ import annotations

import math

from PySide6.QtCore import QPoint, QRectF, QSizeF, Qt, Signal
from PySide6.QtGui import QFontMetricsF, QKeyEvent, QPainter, QPen, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QWidget

from gui import theme
from gui.panes.stage.sheet_painter import Matrix, paint_matrix, paint_words
from gui.panes.stage.view import Pointed
from gui.widgets.canvas import CAPTION_HEIGHT, Canvas

LABEL = 96.0
GAP = 26.0
"""Between two matrices."""
HEAD = 36.0
"""What is drawn and what its columns are."""
READABLE_ROW, LARGEST_ROW, LEAST_ROW = 14.0, 24.0, 1.0
LEAST_FITTING = 8.0
"""A text whose lines are this high, or higher, is seen as a whole; a longer one scrolls."""
LARGEST_COLUMN = 22.0
LEAST_WORDS = 136.0
"""Width of what a matrix is called and of its legend: a single column has them, too."""
STEP = 32
"""Lines are asked for in steps of so many, so that a turn of the wheel asks for nothing new."""
WHOLE = 64
"""A text of no more tokens is asked for as a whole."""

Cell = tuple[int, int, int]
"""Which matrix, which token, which column of cells."""


class Sheet(Canvas):
    """Matrices side by side over the same lines.

    Signals:
        pointed: a `Pointed` under the mouse, or None.
        chosen: position of a token that was clicked, and the `Pointed` that was hit (or None).
        moved: position of the token that the keys went to.
        seen_changed: other lines are in view, or as many in more or less room.
    """

    pointed = Signal(object)
    chosen = Signal(int, object)
    moved = Signal(int)
    seen_changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("The operation for all tokens")
        self._matrices: tuple[Matrix, ...] = ()
        self._tokens: tuple[str, ...] = ()
        self._position = 0
        self._row = READABLE_ROW
        self._zoom: float | None = None
        self._boxes: tuple[QRectF, ...] = ()
        self._under: Cell | None = None
        self._told: tuple[object, ...] = ()
        self.verticalScrollBar().valueChanged.connect(self._tell_seen)

    # ------------------------------------------------------------------------ told by the pane

    @property
    def matrices(self) -> tuple[Matrix, ...]:
        """What is drawn."""
        return self._matrices

    def show_tokens(self, tokens: tuple[str, ...], position: int) -> None:
        """Say whose lines these are, and which is selected."""
        if tokens != self._tokens:
            self._tokens, self._zoom, self._under = tokens, None, None
            self._matrices = ()
            self.lay_out()
            self.redraw()
        if position != self._position:
            self._position = position
            self.reveal(position)
            self.viewport().update()

    def show_matrices(self, matrices: tuple[Matrix, ...]) -> None:
        """Draw other numbers."""
        if [id(m.found) for m in matrices] != [id(m.found) for m in self._matrices]:
            self._matrices = matrices
            self._under = None
            self.lay_out()
            self.redraw()

    def reveal(self, position: int) -> None:
        """Scroll so that a token's line is seen."""
        window = self._window
        top = window.top() + position * self._row - self.scrolled.y()
        self.scroll_to(QRectF(window.left(), top, 1, self._row), window)

    # --------------------------------------------------------------------------------- places

    @property
    def _window(self) -> QRectF:
        """Through which the lines are seen."""
        inside = QRectF(self.viewport().rect())
        return inside.adjusted(LABEL, HEAD, -12, -CAPTION_HEIGHT - 4)

    @property
    def seen(self) -> range:
        """The tokens of whose lines something is in view."""
        if not self._tokens:
            return range(0)
        first = int(self.scrolled.y() / self._row)
        last = math.ceil((self.scrolled.y() + self._window.height()) / self._row)
        n = len(self._tokens)
        first = min(first, n - 1)  # scrolled down in a longer text that is gone
        return range(first, max(first + 1, min(n, last)))

    @property
    def asked_rows(self) -> tuple[int, int] | None:
        """The lines to ask for: those in view and some around them; None for all."""
        n = len(self._tokens)
        if n <= WHOLE:
            return None
        seen = self.seen
        more = min(len(seen), 2 * STEP)
        start = max(0, STEP * math.floor((seen.start - more) / STEP))
        return start, min(n, STEP * math.ceil((seen.stop + more) / STEP))

    def most(self, matrices: int) -> tuple[int, int]:
        """Cells down and across for which there is room, in steps.

        Args:
            matrices: how many share the width.
        """
        rows = self.asked_rows or (0, len(self._tokens))
        down = rows[1] - rows[0]
        if self._row < 1.0:
            down = math.ceil(down * self._row)
        across = (self._window.width() - (matrices - 1) * GAP) / max(1, matrices)
        return max(STEP, down), max(STEP, int(across * self.devicePixelRatioF() // STEP) * STEP)

    def lay_out(self) -> None:
        window, n = self._window, len(self._tokens)
        fitting = window.height() / max(1, n)
        self._row = READABLE_ROW
        if fitting >= LEAST_FITTING:
            self._row = min(LARGEST_ROW, float(math.floor(fitting)))
        if self._zoom is not None:
            self._row = min(LARGEST_ROW * 2, max(self._zoom, min(fitting, READABLE_ROW)))
        whole = QSizeF(0, n * self._row)
        self.scroll_over(whole, window.size())
        self._boxes = self._side_by_side(window)
        self._tell_seen()

    def _side_by_side(self, window: QRectF) -> tuple[QRectF, ...]:
        """Where each matrix stands; those that need less leave it to the others."""
        left = window.width() - GAP * (len(self._matrices) - 1)
        cells = [m.found.n_columns * LARGEST_COLUMN for m in self._matrices]
        wanted = [max(LEAST_WORDS, wide) for wide in cells]
        widths = [0.0] * len(wanted)
        order = sorted(range(len(wanted)), key=wanted.__getitem__)
        for done, i in enumerate(order):
            widths[i] = max(4.0, min(wanted[i], left / (len(order) - done)))
            left -= widths[i]
        boxes, x = [], window.left()
        for width, most in zip(widths, cells):
            boxes.append(QRectF(x, window.top(), min(width, most), window.height()))
            x += width + GAP
        return tuple(boxes)

    def row_rect(self, position: int) -> QRectF:
        """A token's line, as wide as the view."""
        top = self._window.top() + position * self._row - self.scrolled.y()
        return QRectF(0, top, self.viewport().width(), self._row)

    def cell_rect(self, cell: Cell) -> QRectF:
        """Where a number of a token is drawn; of a block, all of it across."""
        which, position, column = cell
        box, line = self._boxes[which], self.row_rect(position)
        n = self._matrices[which].found.values_RC.shape[1]
        wide = box.width() / max(1, n)
        return QRectF(box.left() + column * wide, line.top(), wide, line.height())

    def cell_at(self, point: QPoint) -> Cell | None:
        """Which matrix, token and column is under a point."""
        window = self._window
        if not window.top() <= point.y() < window.bottom():
            return None
        position = int((point.y() - window.top() + self.scrolled.y()) / self._row)
        if not 0 <= position < len(self._tokens):
            return None
        for which, (box, matrix) in enumerate(zip(self._boxes, self._matrices, strict=True)):
            n = matrix.found.values_RC.shape[1]
            if box.left() <= point.x() < box.right() and n:
                column = min(int((point.x() - box.left()) / box.width() * n), n - 1)
                return which, position, column
        return None

    def number(self, cell: Cell) -> Pointed | None:
        """The number of a cell; None where it isn't here, or no query may look."""
        which, position, column = cell
        matrix = self._matrices[which]
        found = matrix.found
        row = (position - found.rows[0]) // found.block[0]
        if not found.rows[0] <= position < found.rows[1] or found.masked_RC[row, column]:
            return None
        value = float(found.values_RC[row, column])
        return Pointed(found.activation, found.place(row, column), value, matrix.written)

    def _tell_seen(self) -> None:
        now = self.asked_rows, self.most(max(1, len(self._matrices))), len(self._tokens)
        if now != self._told:
            self._told = now
            self.seen_changed.emit()

    # ------------------------------------------------------------------------------- painting

    def paint_ground(self, painter: QPainter) -> None:
        t, window = theme.current(), self._window
        seen = self.seen
        painter.save()
        painter.setClipRect(QRectF(0, window.top(), self.viewport().width(), window.height()))
        self._paint_tokens(painter, seen)
        for matrix, box in zip(self._matrices, self._boxes, strict=True):
            bottom = min(window.bottom(), self.row_rect(len(self._tokens) - 1).bottom())
            area = QRectF(box.left(), window.top(), box.width(), bottom - window.top())
            painter.fillRect(area, t.color("raised"))  # numbers that are still to come
            top = self.row_rect(matrix.found.rows[0]).top()
            paint_matrix(painter, matrix, QRectF(box.left(), top, box.width(), self._row), seen)
        painter.restore()
        foot = self.viewport().height() - CAPTION_HEIGHT - 1.0
        for i, (matrix, box) in enumerate(zip(self._matrices, self._boxes, strict=True)):
            # A name may be longer than a narrow matrix: it ends where the next one begins.
            last = i == len(self._boxes) - 1
            right = self.viewport().width() - 4 if last else self._boxes[i + 1].left() - 8
            paint_words(painter, matrix, QRectF(box.left(), 2, right - box.left(), foot - 2))

    def _paint_tokens(self, painter: QPainter, seen: range) -> None:
        """Names of lines, as many as can be read."""
        painter.setPen(theme.current().color("dim"))
        high = QFontMetricsF(theme.mono(theme.SMALL_FONT_SIZE)).height() - 3
        apart = max(1, math.ceil(high / self._row))
        for position in seen:
            if position % apart == 0:
                self._paint_token(painter, position)

    def _paint_token(self, painter: QPainter, position: int) -> None:
        font = theme.mono(theme.SMALL_FONT_SIZE)
        painter.setFont(font)
        line = self.row_rect(position)
        digits = len(str(len(self._tokens) - 1))
        box = QRectF(4, line.center().y() - 8, LABEL - 12, 16)
        name = f"{self._tokens[position]} {position:>{digits}}"
        text = QFontMetricsF(font).elidedText(name, Qt.TextElideMode.ElideLeft, box.width())
        painter.drawText(box, _RIGHT, text)

    def paint_overlay(self, painter: QPainter) -> None:
        """The selected token's line, the one under the mouse, and its number."""
        if not self._tokens:
            return
        t, window = theme.current(), self._window
        painter.setClipRect(
            QRectF(0, window.top() - 1, self.viewport().width(), window.height() + 2)
        )
        painter.setBrush(Qt.BrushStyle.NoBrush)
        told = [(min(self._position, len(self._tokens) - 1), "accent")]
        if self._under is not None and self._under[1] != self._position:
            told.insert(0, (self._under[1], "text"))
        for position, tone in told:  # over the names of lines that are near
            line = self.row_rect(position)
            ground = QRectF(0, line.center().y() - 8, LABEL - 3, 16)
            painter.fillRect(ground, t.color("panel"))
            painter.setPen(t.color(tone))
            self._paint_token(painter, position)
        line = self.row_rect(self._position)
        painter.setPen(QPen(t.color("accent"), 1.5))
        right = max((box.right() for box in self._boxes), default=window.right())
        painter.drawRect(
            QRectF(LABEL - 2, line.top(), right - LABEL + 4, line.height()).intersected(
                window.adjusted(-4, 0, 4, 0)
            )
        )
        if self._under is not None:
            hovered = self.row_rect(self._under[1])
            hovered.setLeft(LABEL)
            painter.fillRect(hovered, t.color("text", 0.09))
            painter.setPen(QPen(t.color("text"), 1.5))
            painter.drawRect(self.cell_rect(self._under))
        painter.setClipping(False)

    # --------------------------------------------------------------------------------- events

    def hover(self, at: QPoint | None) -> None:
        under = None if at is None else self.cell_at(at)
        if under != self._under:
            self._under = under
            self.viewport().update()
            self.pointed.emit(None if under is None else self.number(under))

    def press(self, at: QPoint, modifiers: Qt.KeyboardModifier) -> None:
        cell, window = self.cell_at(at), self._window
        position = int((at.y() - window.top() + self.scrolled.y()) / self._row)
        inside = window.top() <= at.y() < window.bottom()
        if inside and 0 <= position < len(self._tokens):
            self.chosen.emit(position, None if cell is None else self.number(cell))

    def tooltip(self, at: QPoint) -> str:
        cell = self.cell_at(at)
        if cell is None:
            return ""
        number = self.number(cell)
        token = self._tokens[cell[1]]
        if number is None:
            return f"{token} {cell[1]}\nnone: it may not look there, or it is on its way"
        index = ", ".join(map(str, number.index))
        return f"{token} {cell[1]}\n{number.name}[{index}] = {number.value:.6g}"

    def keyPressEvent(self, event: QKeyEvent) -> None:
        page = max(1, int(self._window.height() / self._row) - 1)
        steps = {
            Qt.Key.Key_Up: -1,
            Qt.Key.Key_Down: 1,
            Qt.Key.Key_PageUp: -page,
            Qt.Key.Key_PageDown: page,
        }
        key, n = Qt.Key(event.key()), len(self._tokens)
        if n and key in steps:
            self.moved.emit(min(max(self._position + steps[key], 0), n - 1))
        elif n and key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.chosen.emit(self._position, None)
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            self.set_row_height(self._row * 1.25)
        elif key == Qt.Key.Key_Minus:
            self.set_row_height(self._row / 1.25)
        elif key == Qt.Key.Key_0:
            self.set_row_height(None)
        else:
            event.ignore()

    def set_row_height(self, height: float | None) -> None:
        """Zoom to lines of so many pixels; None goes back to the automatic height."""
        self._zoom = None if height is None else max(LEAST_ROW, height)
        self.lay_out()
        self.redraw()

    def wheelEvent(self, event: QWheelEvent) -> None:
        if not event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            super().wheelEvent(event)
            return
        window, y = self._window, event.position().y()
        line = (y - window.top() + self.scrolled.y()) / self._row
        self.set_row_height(self._row * 1.25 ** (event.angleDelta().y() / 120))
        # The line under the mouse stays there.
        self.verticalScrollBar().setValue(round(line * self._row - y + window.top()))
        event.accept()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.redraw()


_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter

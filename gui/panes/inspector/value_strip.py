"""A vector as a strip of coloured cells; few cells carry their number, many wrap to rows.

Where there are more values than cells, a cell shows the one with the largest magnitude of those
that fall together, so that none that matters is lost. Knows the theme; no store, no model.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFontMetricsF,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from gui import theme
from gui.reading.thinning import columns
from gui.reading.vectors import Scale
from gui.widgets.cells import paint_cells
from gui.widgets.focus_ring import draw_focus
from gui.widgets.heat_map import cell_image
from gui.widgets.text import as_written, ink_on
from gui.widgets.tips import Tips

PER_ROW = 160
MOST_ROWS = 8
SINGLE_HEIGHT = 20
ROW_HEIGHT = 7


class ValueStrip(QWidget):
    """Cells from left to right, then down.

    Signals:
        element_chosen: index of the value whose cell was clicked or reached by a key.
    """

    element_chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        Tips(self, self.show_tip)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.tip: Callable[[int], str] | None = None
        self._values: NDArray[np.floating] = np.empty(0)
        self._picks: NDArray[np.intp] = np.empty(0, np.intp)
        self._per_cell = 1
        self._scale: Scale = "signed"
        self._limit = 1.0
        self._n_seen = 0
        self._first_seen = 0
        self._chosen: int | None = None
        self._marked: int | None = None
        self._hovered: int | None = None
        self._n_rows = self._n_columns = 1
        self._font = theme.mono(theme.SMALL_FONT_SIZE - 0.5)

    # ------------------------------------------------------------------------ contents

    def set_values(
        self,
        values: NDArray[np.floating],
        scale: Scale,
        n_seen: int | None = None,
        first_seen: int = 0,
    ) -> None:
        """Show a vector on the diverging map (signed) or the sequential one.

        Args:
            values: the vector; what is no number (NaN) has a look of its own, and infinity the
                colour at its end of the map.
            scale: what the values are.
            n_seen: values from here on are masked, and hatched too; None shows all.
            first_seen: so are values before this one.
        """
        self._values, self._scale = values, scale
        self._n_seen = len(values) if n_seen is None else n_seen
        self._first_seen = first_seen
        chosen = columns(values, PER_ROW * MOST_ROWS)
        self._picks, self._per_cell = chosen.picks, chosen.size
        n = max(1, len(self._picks))
        self._n_rows = -(-n // PER_ROW)
        self._n_columns = -(-n // self._n_rows)
        seen = values[first_seen : self._n_seen]
        finite = np.abs(seen[np.isfinite(seen)])
        self._limit = 1.0 if scale == "share" else float(finite.max()) if finite.size else 0.0
        height = SINGLE_HEIGHT if self._n_rows == 1 else self._n_rows * ROW_HEIGHT
        self.setFixedHeight(height)
        self._hovered = None
        self.update()

    def set_chosen(self, element: int | None) -> None:
        """Outline the cell of one value."""
        if element != self._chosen:
            self._chosen = element
            self.update()

    def set_marked(self, element: int | None) -> None:
        """Outline the cell of one value quietly: the selected position's."""
        if element != self._marked:
            self._marked = element
            self.update()

    @property
    def limit(self) -> float:
        """The value, or magnitude, at the end of the colour map."""
        return self._limit

    @property
    def per_cell(self) -> int:
        """How many values share a cell."""
        return self._per_cell

    def element_at(self, point: QPointF) -> int | None:
        """The value that the cell under a point shows."""
        if not (0 <= point.x() < self.width() and 0 <= point.y() < self.height()):
            return None
        column = int(point.x() * self._n_columns / self.width())
        row = int(point.y() * self._n_rows / self.height())
        cell = row * self._n_columns + column
        return int(self._picks[cell]) if cell < len(self._picks) else None

    def cell_rect(self, element: int) -> QRectF:
        """Where the cell is that shows a value (or the larger one that stands for it)."""
        return self._rect(element // self._per_cell)

    def _rect(self, cell: int) -> QRectF:
        width, height = self.width() / self._n_columns, self.height() / self._n_rows
        row, column = divmod(cell, self._n_columns)
        return QRectF(column * width, row * height, width, height)

    def sizeHint(self) -> QSize:
        return QSize(200, self.minimumHeight())

    # ------------------------------------------------------------------------ painting

    def paintEvent(self, event: QPaintEvent) -> None:
        if not len(self._picks):
            return
        with QPainter(self) as painter:
            t = theme.current()
            box = QRectF(0, 0, self.width(), self.height())
            shown = self._values[self._picks].astype(np.float64)
            within = (self._picks >= self._first_seen) & (self._picks < self._n_seen)
            drawn = within
            if not drawn.all():
                painter.fillRect(box, cell_image.hatch_brush())
            size = self._n_rows * self._n_columns
            rgb = np.zeros((size, 3), np.uint8)
            rgb[: len(shown)] = self._colors(np.where(drawn, shown, 0.0))
            seen = np.zeros(size, np.bool_)
            seen[: len(shown)] = drawn
            shape = (self._n_rows, self._n_columns)
            picture = cell_image.image(rgb.reshape(*shape, 3), seen.reshape(shape))
            paint_cells(painter, box, picture)
            for at in np.flatnonzero(drawn & np.isnan(shown)):
                cell_image.fill_no_number(painter, self._rect(int(at)))
            if self._n_rows == 1:
                self._paint_numbers(painter, shown, drawn, rgb)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            for element, tone in (
                (self._marked, "dim"),
                (self._hovered, "text"),
                (self._chosen, "accent"),
            ):
                if element is not None and 0 <= element < len(self._values):
                    cell = self.cell_rect(element)
                    # A cell of two pixels would drown in its outline, so that is drawn around it.
                    cell.adjust(-1, 0.5, 1, -0.5)
                    painter.setPen(QPen(t.color(tone), 1.5))
                    painter.drawRect(cell.intersected(box.adjusted(0.75, 0.75, -0.75, -0.75)))
            if self.hasFocus():
                draw_focus(painter, box)

    def _colors(self, values: NDArray[np.float64]) -> NDArray[np.uint8]:
        if self._scale == "ids":
            # Ids are names: a hue would say that some are alike. Two greys tell neighbours apart.
            greys = [theme.current().color(name) for name in ("raised", "line")]
            table = np.array([(c.red(), c.green(), c.blue()) for c in greys], np.uint8)
            return table[np.arange(len(self._picks)) % 2]
        kind: cell_image.Kind = "diverging" if self._scale == "signed" else "sequential"
        return cell_image.colors(values, kind, self._limit)

    def _paint_numbers(
        self,
        painter: QPainter,
        shown: NDArray[np.float64],
        drawn: NDArray[np.bool_],
        rgb: NDArray[np.uint8],
    ) -> None:
        if len(shown) > 40:
            return
        texts = [self._number(value) if is_drawn else "" for value, is_drawn in zip(shown, drawn)]
        width = QFontMetricsF(self._font).horizontalAdvance
        room = self.width() / self._n_columns - 4
        if not texts or max(width(text) for text in texts) > room:
            return
        painter.setFont(self._font)
        for cell, text in enumerate(texts):
            painter.setPen(ink_on(QColor(*(int(c) for c in rgb[cell]))))
            painter.drawText(self._rect(cell), int(Qt.AlignmentFlag.AlignCenter), text)

    def _number(self, value: float) -> str:
        if np.isnan(value):
            return "NaN"
        if np.isinf(value):
            return "∞" if value > 0 else "−∞"
        if self._scale == "ids":
            return str(int(value))
        return f"{value:.2f}" if abs(value) < 100 else f"{value:.3g}"

    # ------------------------------------------------------------------ mouse and keys

    def show_tip(self, event: QHelpEvent) -> None:
        """Say what there is to say where the mouse is."""
        element = self.element_at(QPointF(event.pos()))
        if element is not None and self.tip is not None:
            area = self.cell_rect(element).toAlignedRect()
            QToolTip.showText(event.globalPos(), as_written(self.tip(element)), self, area)
        else:
            QToolTip.hideText()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._hover(self.element_at(event.position()))

    def leaveEvent(self, event: QEvent) -> None:
        self._hover(None)

    def _hover(self, element: int | None) -> None:
        if element != self._hovered:
            self._hovered = element
            self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        element = self.element_at(event.position())
        if element is not None and event.button() == Qt.MouseButton.LeftButton:
            self._choose(element)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(event.key()))
        if step is None or not len(self._values):
            super().keyPressEvent(event)
            return
        at = -1 if self._chosen is None and step > 0 else self._chosen or 0
        self._choose(max(0, min(at + step, len(self._values) - 1)))

    def _choose(self, element: int) -> None:
        self.set_chosen(element)
        self.element_chosen.emit(element)


def _channels(color: QColor) -> tuple[int, int, int]:
    return color.red(), color.green(), color.blue()

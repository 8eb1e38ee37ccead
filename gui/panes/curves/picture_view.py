"""A watched tensor as a picture that follows its run.

Knows a picture (`model.train.picture`) and the theme; no store.
"""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPoint, QPointF, QRectF, Qt
from PySide6.QtGui import QImage, QPainter, QPen
from PySide6.QtWidgets import QWidget

from gui import theme
from gui.panes.curves.scale import rounded_up
from gui.theme.color_maps import diverging_rgb, sequential_rgb
from gui.widgets.canvas import Canvas
from gui.widgets.drawing_cache import line as text_line
from gui.widgets.heat_map.color_bar import paint_color_bar
from model.train.picture import Picture

HEAD, FOOT, SIDE = 20.0, 38.0, 20.0


class PictureView(Canvas):
    """The widget.

    Attributes:
        picture: what is drawn; None while none has come.
        limit: number at the ends of the colour map; it moves seldom, so that steps compare.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Picture of a watched tensor")
        self.picture: Picture | None = None
        self.place = ""
        self.why_none = ""
        self.limit = 0.0
        self.setMinimumHeight(110)

    def show_picture(self, place: str, picture: Picture | None, why_none: str) -> None:
        """Draw a tensor.

        Args:
            place: its name.
            picture: of it; None while none has come.
            why_none: what is said then.
        """
        if place != self.place:
            self.limit = 0.0
        if (place, picture, why_none) == (self.place, self.picture, self.why_none):
            return
        self.place, self.picture, self.why_none = place, picture, why_none
        if picture is not None:
            known = np.abs(picture.values_RC[np.isfinite(picture.values_RC)])
            largest = float(known.max()) if known.size else 0.0
            if largest > self.limit or largest < self.limit / 4:
                self.limit = rounded_up(largest)
            self.setAccessibleDescription(f"{self.title}: largest |x| {largest:.4g}")
        self.redraw()

    @property
    def title(self) -> str:
        """The tensor, its step and its shape."""
        if self.picture is None:
            return self.place
        sizes = ", ".join(f"{size:,}" for size in self.picture.layout.sizes)
        return f"{self.place} · step {self.picture.step:,} · [{sizes}]"

    @property
    def signed(self) -> bool:
        """Whether there are numbers below zero: then zero is the middle of the colours."""
        return self.picture is not None and bool((self.picture.values_RC < 0).any())

    @property
    def area(self) -> QRectF:
        """Where the cells are."""
        whole = QRectF(self.viewport().rect()).adjusted(SIDE, HEAD, -4, -FOOT)
        if self.picture is None:
            return whole
        rows, columns = self.picture.values_RC.shape
        # A vector is a strip, and cells are no larger than can be told apart well.
        width, height = min(whole.width(), 40.0 * columns), min(whole.height(), 40.0 * rows)
        return QRectF(whole.left(), whole.top(), width, height)

    def cell_at(self, at: QPoint) -> tuple[int, int] | None:
        """Row and column of the cell under a place."""
        area = self.area
        if self.picture is None or not area.contains(QPointF(at)):
            return None
        rows, columns = self.picture.values_RC.shape
        row = int((at.y() - area.top()) / area.height() * rows)
        column = int((at.x() - area.left()) / area.width() * columns)
        return min(row, rows - 1), min(column, columns - 1)

    def paint_ground(self, painter: QPainter) -> None:
        t, whole = theme.current(), QRectF(self.viewport().rect())
        sans, mono = theme.sans(theme.SMALL_FONT_SIZE), theme.mono(theme.SMALL_FONT_SIZE)
        painter.setPen(t.color("text"))
        title = text_line(self.title, mono, whole.width() - 8, Qt.TextElideMode.ElideMiddle)
        title.draw(painter, 4, HEAD / 2)
        picture = self.picture
        if picture is None:
            painter.setPen(t.color("dim"))
            painter.setFont(sans)
            box = whole.adjusted(12, HEAD, -12, -4)
            flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(box, flags, self.why_none)
            return
        values = picture.values_RC
        limit = self.limit or 1.0
        rgb = diverging_rgb(values, limit) if self.signed else sequential_rgb(values / limit)
        rgb = np.ascontiguousarray(rgb)
        image = QImage(
            rgb.data, rgb.shape[1], rgb.shape[0], 3 * rgb.shape[1], QImage.Format.Format_RGB888
        )
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
        area = self.area
        painter.drawImage(area, image)
        self._paint_borders(painter, area, picture)
        painter.setPen(t.color("dim"))
        layout = picture.layout
        across = text_line(f"{layout.words(layout.columns)} →", sans, area.width())
        across.draw(painter, area.left(), area.bottom() + 10)
        down = text_line(f"← {layout.words(layout.rows)}", sans, area.height())
        painter.save()
        painter.translate(SIDE / 2, area.top() + down.width)
        painter.rotate(-90)
        down.draw(painter, 0, 0)
        painter.restore()
        each = "" if picture.is_whole else f"largest of {picture.by_row} × {picture.by_column}"
        paint_color_bar(
            painter,
            QRectF(SIDE, whole.bottom() - 18, whole.width() - SIDE - 4, 18),
            "diverging" if self.signed else "sequential",
            limit,
            title=each or "value",
        )

    def _paint_borders(self, painter: QPainter, area: QRectF, picture: Picture) -> None:
        """A line between heads that stand beside or below one another."""
        painter.setPen(QPen(theme.current().color("faint"), 1))
        layout = picture.layout
        if len(layout.columns) > 1:
            size, n = layout.sizes[layout.columns[-1]], layout.n_columns
            for at in range(size, n, size):
                x = area.left() + area.width() * at / n
                painter.drawLine(QPointF(x, area.top()), QPointF(x, area.bottom()))
        if len(layout.rows) > 1:
            size, n = layout.sizes[layout.rows[-1]], layout.n_rows
            for at in range(size, n, size):
                y = area.top() + area.height() * at / n
                painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y))

    def tooltip(self, at: QPoint) -> str:
        cell, picture = self.cell_at(at), self.picture
        if cell is None or picture is None:
            return ""
        value = float(picture.values_RC[cell])
        said = f"{value:.6g}" if np.isfinite(value) else "none: the mask sets it to −∞"
        largest = "" if picture.is_whole else " (the largest of these by |x|)"
        return f"{picture.place}[{picture.where(*cell)}]\n{said}{largest}"

"""Tokens as chips that wrap to lines: position, visible text, id and, if wanted, bytes.

Paints only the rows that can be seen, so that a thousand tokens scroll as easily as seven.
Knows the theme and what it is given; no store, no model.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass

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
    QResizeEvent,
)
from PySide6.QtWidgets import QAbstractScrollArea, QFrame, QToolTip, QWidget

from gui import theme
from gui.widgets.text import contrast, hatch, ink_on

PAD = 7.0  # inside a chip, left and right
GAP = 4.0  # between chips
ROW_GAP = 6.0
MARGIN = 3.0  # around all chips, for the ring of the selected one
POSITION_FONT_SIZE = 7.5


@dataclass(frozen=True, slots=True)
class Chip:
    """One token as it is shown.

    Attributes:
        text: its bytes made visible.
        id: as text.
        detail: a third line (bytes in hex), drawn when the strip shows details.
        special: it stands for no text of its own; its border is dashed.
    """

    text: str
    id: str
    detail: str = ""
    special: bool = False


class TokenStrip(QAbstractScrollArea):
    """A wrapping row of chips with one selected and one hovered.

    Signals:
        chip_hovered: index of the chip under the mouse, or None.
        chip_chosen: index of a chip that was clicked or reached by a key.
    """

    chip_hovered = Signal(object)
    chip_chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.viewport().setMouseTracking(True)
        self.viewport().setAutoFillBackground(False)
        self.setAutoFillBackground(False)
        self.tip: Callable[[int], str] | None = None
        self._chips: tuple[Chip, ...] = ()
        self._fills: tuple[QColor | None, ...] = ()
        self._show_details = False
        self._selected = -1
        self._hovered: int | None = None
        self._boxes: list[QRectF] = []  # of the coloured part, in content coordinates
        self._row_tops: list[float] = []
        self._row_starts: list[int] = []
        self._row_height = 0.0
        self._measure_fonts()

    # ------------------------------------------------------------------------ contents

    def set_chips(self, chips: Sequence[Chip], fills: Sequence[QColor | None]) -> None:
        """Show these tokens. A fill of None is hatched: no value."""
        fills = tuple(fills)
        if tuple(chips) != self._chips:
            self._chips = tuple(chips)
            self._hovered = None
            self._lay_out()
        self._fills = fills
        self.viewport().update()

    def set_fills(self, fills: Sequence[QColor | None]) -> None:
        """Change colours only."""
        self._fills = tuple(fills)
        self.viewport().update()

    def set_show_details(self, show: bool) -> None:
        if show != self._show_details:
            self._show_details = show
            self._lay_out()
            self.viewport().update()

    @property
    def chips(self) -> tuple[Chip, ...]:
        return self._chips

    @property
    def selected(self) -> int:
        return self._selected

    def set_selected(self, index: int) -> None:
        """Give one chip the accent's border and bring it into view; -1 for none."""
        if index != self._selected:
            self._selected = index
            self._reveal(index)
            self.viewport().update()

    def set_hovered(self, index: int | None) -> None:
        if index != self._hovered:
            self._hovered = index
            self.viewport().update()

    def chip_rect(self, index: int) -> QRectF:
        """Where a chip's coloured box is in the viewport."""
        return self._boxes[index].translated(0, -self.verticalScrollBar().value())

    def chip_at(self, point: QPointF) -> int | None:
        """The chip under a point of the viewport."""
        y = point.y() + self.verticalScrollBar().value()
        for index in self._indices_between(y, y):
            box = self._boxes[index].adjusted(-GAP / 2, -self._position_height, GAP / 2, 0)
            if box.contains(point.x(), y):
                return index
        return None

    def content_height(self) -> float:
        """Pixels that all rows need at the present width."""
        return self._row_tops[-1] + self._row_height if self._row_tops else 0.0

    # -------------------------------------------------------------------------- layout

    def _measure_fonts(self) -> None:
        self._text_font = theme.mono(theme.FONT_SIZE + 0.5)
        self._id_font = theme.mono(theme.SMALL_FONT_SIZE - 0.5)
        self._position_font = theme.mono(POSITION_FONT_SIZE)
        self._special_font = theme.mono(theme.FONT_SIZE + 0.5)
        self._special_font.setItalic(True)
        self._text_height = QFontMetricsF(self._text_font).height()
        self._id_height = QFontMetricsF(self._id_font).height()
        self._position_height = QFontMetricsF(self._position_font).height()

    def _lay_out(self) -> None:
        text_width = QFontMetricsF(self._text_font).horizontalAdvance
        id_width = QFontMetricsF(self._id_font).horizontalAdvance
        available = max(self.viewport().width() - 2 * MARGIN, 40.0)
        lines = 1 + (2 if self._show_details else 1)
        box_height = 4 + self._text_height + (lines - 1) * self._id_height + 4
        self._row_height = self._position_height + box_height
        self._boxes, self._row_tops, self._row_starts = [], [], []
        x, top = 0.0, 0.0
        for index, chip in enumerate(self._chips):
            inner = max(text_width(chip.text), id_width(chip.id), 12.0)
            if self._show_details:
                inner = max(inner, id_width(chip.detail))
            width = min(inner + 2 * PAD, available)
            if index == 0 or x + width > available:
                if index:
                    top += self._row_height + ROW_GAP
                x = 0.0
                self._row_tops.append(top)
                self._row_starts.append(index)
            box_top = top + self._position_height
            self._boxes.append(QRectF(MARGIN + x, box_top, width, box_height))
            x += width + GAP
        bar = self.verticalScrollBar()
        height = self.viewport().height()
        bar.setRange(0, max(0, round(self.content_height() + MARGIN - height)))
        bar.setPageStep(height)
        bar.setSingleStep(round(self._row_height + ROW_GAP))
        self._reveal(self._selected)

    def _indices_between(self, top: float, bottom: float) -> range:
        if not self._row_tops:
            return range(0)
        first = max(0, bisect_right(self._row_tops, top) - 1)
        last = max(0, bisect_right(self._row_tops, bottom) - 1)
        starts = [*self._row_starts, len(self._boxes)]
        return range(starts[first], starts[last + 1])

    def _reveal(self, index: int) -> None:
        if not 0 <= index < len(self._boxes):
            return
        box, bar = self._boxes[index], self.verticalScrollBar()
        above = box.top() - self._position_height
        if above < bar.value():
            bar.setValue(int(above))
        elif box.bottom() + MARGIN > bar.value() + self.viewport().height():
            bar.setValue(round(box.bottom() + MARGIN - self.viewport().height()))

    def sizeHint(self) -> QSize:
        return QSize(320, round(self._row_height * 2 + ROW_GAP))

    def minimumSizeHint(self) -> QSize:
        return QSize(60, round(self._position_height + self._text_height + self._id_height + 10))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._lay_out()

    # ------------------------------------------------------------------------ painting

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self.viewport())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        offset = self.verticalScrollBar().value()
        painter.translate(0, -offset)
        area = event.rect()
        for index in self._indices_between(area.top() + offset, area.bottom() + offset):
            self._paint_chip(painter, index)
        painter.end()

    def _paint_chip(self, painter: QPainter, index: int) -> None:
        t = theme.current()
        chip, box = self._chips[index], self._boxes[index]
        fill = self._fills[index] if index < len(self._fills) else None
        selected, hovered = index == self._selected, index == self._hovered

        painter.setFont(self._position_font)
        painter.setPen(t.color("accent" if selected else "faint"))
        above = QRectF(box.left(), box.top() - self._position_height, box.width(), 0)
        above.setHeight(self._position_height)
        painter.drawText(above, int(Qt.AlignmentFlag.AlignCenter), str(index))

        if selected or hovered:
            # A ring with a gap: it is seen around a chip of any colour, the accent's own too.
            painter.setPen(QPen(t.color("accent" if selected else "dim"), 1.5))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(box.adjusted(-2, -2, 2, 2), theme.RADIUS + 2, theme.RADIUS + 2)
        border = QPen(Qt.PenStyle.NoPen)
        if fill is None or contrast(fill, t.color("panel")) < 1.2:
            border = QPen(t.color("line"), 1.0)
        if chip.special:
            border = QPen(t.color("dim"), 1.0, Qt.PenStyle.DashLine)
        painter.setPen(border)
        painter.setBrush(t.color("panel") if fill is None else fill)
        painter.drawRoundedRect(box, theme.RADIUS, theme.RADIUS)
        if fill is None:
            hatch(painter, box.adjusted(2, 2, -2, -2), t.color("line"))

        ink = t.color("text") if fill is None else ink_on(fill)
        inner = box.adjusted(PAD, 4, -PAD, -4)
        painter.setPen(ink)
        font = self._special_font if chip.special else self._text_font
        self._paint_line(painter, chip.text, font, inner, 0.0, self._text_height)
        ink.setAlphaF(0.72)
        painter.setPen(ink)
        self._paint_line(painter, chip.id, self._id_font, inner, self._text_height, self._id_height)
        if self._show_details:
            top = self._text_height + self._id_height
            self._paint_line(painter, chip.detail, self._id_font, inner, top, self._id_height)

    def _paint_line(
        self, painter: QPainter, text: str, font: object, inner: QRectF, top: float, height: float
    ) -> None:
        painter.setFont(font)  # type: ignore[arg-type]
        line = QRectF(inner.left(), inner.top() + top, inner.width(), height)
        metrics = QFontMetricsF(painter.font())
        if metrics.horizontalAdvance(text) > line.width() + 0.5:
            text = metrics.elidedText(text, Qt.TextElideMode.ElideMiddle, line.width())
        align = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        # A token of right-to-left text stays in its chip's left corner like every other.
        painter.drawText(line, int(align) | int(Qt.TextFlag.TextForceLeftToRight), text)

    # ------------------------------------------------------------------ mouse and keys

    def viewportEvent(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            index = self.chip_at(QPointF(event.pos()))
            if index is not None and self.tip is not None:
                area = self.chip_rect(index).toAlignedRect()
                QToolTip.showText(event.globalPos(), self.tip(index), self.viewport(), area)
            else:
                QToolTip.hideText()
            return True
        if event.type() == QEvent.Type.Leave:
            self._hover(None)
        return super().viewportEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._hover(self.chip_at(event.position()))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        index = self.chip_at(event.position())
        if index is not None and event.button() == Qt.MouseButton.LeftButton:
            self.chip_chosen.emit(index)

    def _hover(self, index: int | None) -> None:
        if index != self._hovered:
            self._hovered = index
            self.viewport().update()
            self.chip_hovered.emit(index)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        target = self._key_target(event.key())
        if target is None or not self._chips:
            super().keyPressEvent(event)
            return
        self.chip_chosen.emit(max(0, min(target, len(self._chips) - 1)))

    def _key_target(self, key: int) -> int | None:
        at = max(self._selected, 0)
        match key:
            case Qt.Key.Key_Left:
                return at - 1
            case Qt.Key.Key_Right:
                return at + 1
            case Qt.Key.Key_Home:
                return 0
            case Qt.Key.Key_End:
                return len(self._chips) - 1
            case Qt.Key.Key_Up | Qt.Key.Key_Down:
                return self._in_next_row(at, -1 if key == Qt.Key.Key_Up else 1)
        return None

    def _in_next_row(self, index: int, step: int) -> int:
        """The chip above or below, nearest to the middle of this one."""
        if not self._boxes:
            return 0
        row = bisect_right(self._row_starts, index) - 1 + step
        if not 0 <= row < len(self._row_starts):
            return index
        ends = [*self._row_starts, len(self._boxes)]
        middle = self._boxes[index].center().x()
        return min(
            range(ends[row], ends[row + 1]),
            key=lambda i: abs(self._boxes[i].center().x() - middle),
        )

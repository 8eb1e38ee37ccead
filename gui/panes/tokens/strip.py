"""Tokens as chips that wrap to lines: position, visible text, id and, if wanted, bytes.

Paints only the rows that can be seen, so that a thousand tokens scroll as easily as seven.
Knows the theme and what it is given; no store, no model.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
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
_CENTER = int(Qt.AlignmentFlag.AlignCenter)
# A token of right-to-left text stays in its chip's left corner like every other.
_LEFT = (
    int(Qt.AlignmentFlag.AlignLeft)
    | int(Qt.AlignmentFlag.AlignVCenter)
    | int(Qt.TextFlag.TextForceLeftToRight)
)


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


class _Pens:
    """The theme's colours as this strip needs them, made once a painting."""

    def __init__(self, t: theme.Theme) -> None:
        self.accent, self.faint = t.color("accent"), t.color("faint")
        self.panel, self.panel_ink = t.color("panel"), t.color("text")
        self.none = QPen(Qt.PenStyle.NoPen)
        self.line = QPen(t.color("line"), 1.0)
        self.dashed = QPen(t.color("dim"), 1.0, Qt.PenStyle.DashLine)
        self.ring_selected = QPen(self.accent, 1.5)
        self.ring_hovered = QPen(t.color("dim"), 1.5)
        self._near: dict[int, bool] = {}

    def near_panel(self, fill: QColor) -> bool:
        """Whether a fill is so near to the panel's colour that it needs a border."""
        rgb = fill.rgb()
        if rgb not in self._near:
            self._near[rgb] = contrast(fill, self.panel) < 1.2
        return self._near[rgb]


class TokenStrip(QAbstractScrollArea):
    """A wrapping row of chips with one selected and one hovered.

    Signals:
        chip_hovered: index of the chip under the mouse, or None.
        chip_chosen: index of a chip that was clicked or reached by a key.
        chip_activated: index of a chip that was double-clicked.
    """

    chip_hovered = Signal(object)
    chip_chosen = Signal(int)
    chip_activated = Signal(int)

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
        self._lines: list[tuple[str, str, str]] = []  # text, id, detail, elided to the boxes
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
            self._update_chip(self._selected)
            self._selected = index
            self._reveal(index)
            self._update_chip(index)

    def set_hovered(self, index: int | None) -> None:
        """Ring one chip quietly; None for none."""
        if index != self._hovered:
            self._update_chip(self._hovered)
            self._hovered = index
            self._update_chip(index)

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

    def _update_chip(self, index: int | None) -> None:
        """Paint one chip anew, and no other."""
        if index is not None and 0 <= index < len(self._boxes):
            self.viewport().update(self._reach(index).toAlignedRect())

    def _reach(self, index: int) -> QRectF:
        """Everything that is painted for a chip: position and ring too; in the viewport."""
        return self.chip_rect(index).adjusted(-MARGIN, -self._position_height, MARGIN, MARGIN)

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
        text_metrics, id_metrics = QFontMetricsF(self._text_font), QFontMetricsF(self._id_font)
        text_width, id_width = text_metrics.horizontalAdvance, id_metrics.horizontalAdvance
        available = max(self.viewport().width() - 2 * MARGIN, 40.0)
        below = 2 if self._show_details else 1
        box_height = 4 + self._text_height + below * self._id_height + 4
        self._row_height = self._position_height + box_height
        self._boxes, self._lines, self._row_tops, self._row_starts = [], [], [], []
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
            lines = (chip.text, chip.id, chip.detail)
            if width < inner + 2 * PAD:
                room = width - 2 * PAD
                lines = (
                    text_metrics.elidedText(chip.text, Qt.TextElideMode.ElideMiddle, room),
                    chip.id,
                    id_metrics.elidedText(chip.detail, Qt.TextElideMode.ElideMiddle, room),
                )
            self._lines.append(lines)
            x += width + GAP
        bar = self.verticalScrollBar()
        height = self.viewport().height()
        bar.setRange(0, self._whole_row(self.content_height() + MARGIN - height))
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
            bar.setValue(self._whole_row(box.bottom() + MARGIN - self.viewport().height()))

    def _whole_row(self, scrolled: float) -> int:
        """Where to scroll to, at least that far, so that no row is cut through at the top.

        Where much of a row would stay empty for that, part of one is better than none.
        """
        if scrolled <= 0:
            return 0
        pitch = self._row_height + ROW_GAP
        if self.viewport().height() % pitch > pitch / 2 and len(self._row_tops) > 1:
            return round(scrolled)
        row = bisect_left(self._row_tops, scrolled)
        return round(self._row_tops[min(row, len(self._row_tops) - 1)])

    def sizeHint(self) -> QSize:
        return QSize(320, round(self._row_height * 2 + ROW_GAP))

    def minimumSizeHint(self) -> QSize:
        return QSize(60, round(self._position_height + self._text_height + self._id_height + 10))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._lay_out()

    # ------------------------------------------------------------------------ painting

    def paintEvent(self, event: QPaintEvent) -> None:
        with QPainter(self.viewport()) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            offset = self.verticalScrollBar().value()
            painter.translate(0, -offset)
            area = QRectF(event.rect())
            pens = _Pens(theme.current())
            for index in self._indices_between(area.top() + offset, area.bottom() + offset):
                if self._reach(index).intersects(area):
                    self._paint_chip(painter, index, pens)

    def _paint_chip(self, painter: QPainter, index: int, pens: _Pens) -> None:
        chip, box = self._chips[index], self._boxes[index]
        fill = self._fills[index] if index < len(self._fills) else None
        selected, hovered = index == self._selected, index == self._hovered

        painter.setFont(self._position_font)
        painter.setPen(pens.accent if selected else pens.faint)
        top = box.top() - self._position_height
        above = QRectF(box.left(), top, box.width(), self._position_height)
        painter.drawText(above, _CENTER, str(index))

        if selected or hovered:
            # A ring with a gap: it is seen around a chip of any colour, the accent's own too.
            painter.setPen(pens.ring_selected if selected else pens.ring_hovered)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(box.adjusted(-2, -2, 2, 2), theme.RADIUS + 2, theme.RADIUS + 2)
        border = pens.none
        if fill is None or pens.near_panel(fill):
            border = pens.line
        if chip.special:
            border = pens.dashed
        painter.setPen(border)
        painter.setBrush(pens.panel if fill is None else fill)
        painter.drawRoundedRect(box, theme.RADIUS, theme.RADIUS)
        if fill is None:
            hatch(painter, box.adjusted(2, 2, -2, -2), pens.line.color())

        ink = pens.panel_ink if fill is None else ink_on(fill)
        text, token_id, detail = self._lines[index]
        left, top, width = box.left() + PAD, box.top() + 4, box.width() - 2 * PAD + 1
        painter.setPen(ink)
        painter.setFont(self._special_font if chip.special else self._text_font)
        painter.drawText(QRectF(left, top, width, self._text_height), _LEFT, text)
        ink = QColor(ink)
        ink.setAlphaF(0.72)
        painter.setPen(ink)
        painter.setFont(self._id_font)
        top += self._text_height
        painter.drawText(QRectF(left, top, width, self._id_height), _LEFT, token_id)
        if self._show_details:
            top += self._id_height
            painter.drawText(QRectF(left, top, width, self._id_height), _LEFT, detail)

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

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        index = self.chip_at(event.position())
        if index is not None and event.button() == Qt.MouseButton.LeftButton:
            self.chip_activated.emit(index)

    def _hover(self, index: int | None) -> None:
        if index != self._hovered:
            self.set_hovered(index)
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

"""Tokens as chips that wrap to lines: the visible text, and a figure below.

Only chips that can be seen are laid out and painted, so that four thousand tokens scroll as easily
as seven; a slim strip below then says where in the text one is. Knows the theme and what it is
given; no store, no model.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
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
from gui.panes.tokens.chip_rows import ChipRows
from gui.panes.tokens.chips import Look, Tokens
from gui.panes.tokens.overview import HEIGHT as OVERVIEW_HEIGHT
from gui.panes.tokens.overview import Overview
from gui.widgets.drawing_cache import line
from gui.widgets.focus_ring import draw_focus
from gui.widgets.text import as_written, hatch
from gui.widgets.tips import Tips

PAD = 6.0  # inside a chip, left and right
GAP = 4.0  # between chips
ROW_GAP = 4.0
MARGIN = 3.0  # around all chips, for the ring of the selected one
LEAST_WIDTH = 12.0  # inside a chip


class TokenStrip(QAbstractScrollArea):
    """A wrapping row of chips with one selected, one hovered and one key.

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
        Tips(self.viewport(), self.show_tip, partial(self._hover, None))
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        # The overview stands for it.
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.viewport().setMouseTracking(True)
        self.viewport().setAutoFillBackground(False)
        self.setAutoFillBackground(False)
        self.tip: Callable[[int], str] | None = None
        self.look: Callable[[int], Look] = lambda index: Look()
        self._tokens = Tokens()
        self._selected = -1
        self._hovered: int | None = None
        self._key: int | None = None
        self._widths: NDArray[np.float64] = np.empty(0)
        self._rows = ChipRows(self._widths, 1.0, GAP)
        self._advances: dict[str, float] = {}
        self._measure_fonts()
        self.overview = Overview(self)
        self.overview.hide()
        self.overview.place_chosen.connect(self._go_to)
        self.verticalScrollBar().valueChanged.connect(self._tell_seen)

    # ------------------------------------------------------------------------ contents

    def set_tokens(self, tokens: Tokens) -> None:
        """Show these tokens; how each looks is asked of `look` when it is painted."""
        if tokens != self._tokens:
            self._tokens = tokens
            self._hovered = None
            self._widths = self._find_widths()
            self._lay_out()
        self.viewport().update()

    def set_amounts(
        self,
        amounts_T: NDArray[np.float64],
        no_number_T: NDArray[np.bool_] | None = None,
        *,
        signed: bool = False,
    ) -> None:
        """Colours have changed: paint anew, and the overview with these amounts from 0 to 1.

        Args:
            amounts_T: NaN for none.
            no_number_T: where that is what was found; None for nowhere.
            signed: they are differences, from -1 to 1.
        """
        self.overview.set_amounts(amounts_T, no_number_T, signed=signed)
        self.viewport().update()

    @property
    def tokens(self) -> Tokens:
        return self._tokens

    @property
    def n(self) -> int:
        """How many chips there are."""
        return len(self._tokens.texts)

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
            self.overview.set_selected(index)

    def set_hovered(self, index: int | None) -> None:
        """Ring one chip quietly; None for none."""
        if index != self._hovered:
            self._update_chip(self._hovered)
            self._hovered = index
            self._update_chip(index)

    def set_key(self, index: int | None) -> None:
        """Ring the chip that is looked at by the selected one; None for none."""
        if index != self._key:
            self._update_chip(self._key)
            self._key = index
            self._update_chip(index)

    def chip_rect(self, index: int) -> QRectF:
        """Where a chip's coloured box is in the viewport."""
        top = self._top_of(self._rows.row_of(index)) - self.verticalScrollBar().value()
        left = MARGIN + self._rows.left_of(index)
        return QRectF(left, top, float(self._rows.widths[index]), self._box_height)

    def chip_at(self, point: QPointF) -> int | None:
        """The chip under a point of the viewport, its figure included."""
        y = point.y() + self.verticalScrollBar().value()
        row = int((y - MARGIN + ROW_GAP / 2) // self._pitch)
        if not 0 <= row < len(self._rows):
            return None
        index = self._rows.nearest(row, point.x() - MARGIN)
        box = self.chip_rect(index).adjusted(-GAP / 2 - 0.1, -ROW_GAP, GAP / 2 + 0.1, self._pitch)
        return index if box.contains(point) else None

    def content_height(self, width: int | None = None) -> int:
        """Pixels that all rows need, at the present width or another."""
        rows = self._rows
        if width is not None and width != self.viewport().width():
            rows = self._place(width)
        return self.height_of(max(1, len(rows)))

    def height_of(self, n_rows: int) -> int:
        """Pixels that some rows need."""
        return round(n_rows * self._pitch - ROW_GAP + 2 * MARGIN)

    @property
    def shown(self) -> range:
        """The chips that can be seen, at least in part."""
        top = self.verticalScrollBar().value()
        return self._indices_between(top, top + self.viewport().height())

    def _update_chip(self, index: int | None) -> None:
        """Paint one chip anew, and no other."""
        if index is not None and 0 <= index < self.n:
            self.viewport().update(self._reach(index).toAlignedRect())

    def _reach(self, index: int) -> QRectF:
        """Everything that is painted for a chip: figure and ring too; in the viewport."""
        box = self.chip_rect(index)
        return box.adjusted(-MARGIN, -MARGIN, MARGIN, self._below_height + 1)

    # -------------------------------------------------------------------------- layout

    def _measure_fonts(self) -> None:
        self._text_font = theme.mono(theme.FONT_SIZE)
        self._below_font = theme.mono(theme.SMALL_FONT_SIZE - 0.5)
        self._special_font = theme.mono(theme.FONT_SIZE)
        self._special_font.setItalic(True)
        self._metrics = QFontMetricsF(self._text_font)
        self._digit = self._metrics.horizontalAdvance("0")
        below = QFontMetricsF(self._below_font)
        self._below_digit = below.horizontalAdvance("0")
        self._below_height = below.height()
        self._box_height = self._metrics.height() + 6
        self._pitch = self._box_height + self._below_height + ROW_GAP

    def _find_widths(self) -> NDArray[np.float64]:
        """Of each chip: a figure is counted, a text measured once."""
        known = self._advances
        for text in set(self._tokens.texts) - known.keys():
            # Digits and letters of a mono font are equally wide; all else is measured.
            even = text.isascii()
            known[text] = len(text) * self._digit if even else self._metrics.horizontalAdvance(text)
        texts_T = np.array([known[text] for text in self._tokens.texts], np.float64)
        below_T = np.array(self._tokens.below, np.float64) * self._below_digit
        widths: NDArray[np.float64] = (
            np.maximum(np.maximum(texts_T, below_T), LEAST_WIDTH) + 2 * PAD
        )
        return widths

    def _place(self, width: int) -> ChipRows:
        return ChipRows(self._widths, max(width - 2 * MARGIN, 40.0), GAP)

    def _lay_out(self) -> None:
        self._rows = self._place(self.width())
        content = self.content_height()
        fits = content <= self.height()
        # The overview takes no room from the one row that there is.
        overview = not fits and self.height() - OVERVIEW_HEIGHT >= self.height_of(1)
        self.overview.setVisible(overview)
        self.setViewportMargins(0, 0, 0, OVERVIEW_HEIGHT if overview else 0)
        self.overview.setGeometry(0, self.height() - OVERVIEW_HEIGHT, self.width(), OVERVIEW_HEIGHT)
        bar = self.verticalScrollBar()
        height = self.viewport().height()
        bar.setRange(0, 0 if fits else self._whole_row(content - height))
        bar.setPageStep(height)
        bar.setSingleStep(round(self._pitch))
        self._reveal(self._selected)
        self._tell_seen()

    def _top_of(self, row: int) -> float:
        return MARGIN + row * self._pitch

    def _indices_between(self, top: float, bottom: float) -> range:
        """Chips of the rows between two heights of the content."""
        last_row = len(self._rows) - 1
        if last_row < 0:
            return range(0)
        # Of a row of which only the gap below it is left, nothing is seen.
        first = max(0, min(int((top - MARGIN + ROW_GAP) // self._pitch), last_row))
        last = max(0, min(int((bottom - MARGIN) // self._pitch), last_row))
        return range(self._rows.chips_of(first).start, self._rows.chips_of(last).stop)

    def _reveal(self, index: int) -> None:
        if not 0 <= index < self.n:
            return
        bar, height = self.verticalScrollBar(), self.viewport().height()
        top = self._top_of(self._rows.row_of(index))
        bottom = top + self._box_height + self._below_height
        if top - MARGIN < bar.value():
            bar.setValue(int(top - MARGIN))
        elif bottom > bar.value() + height:
            bar.setValue(self._whole_row(bottom - height))

    def _whole_row(self, scrolled: float) -> int:
        """Where to scroll to, at least that far, so that no row is cut through at the top."""
        if scrolled <= 0:
            return 0
        row = -int(-scrolled // self._pitch)
        return round(min(row, len(self._rows) - 1) * self._pitch)

    def _go_to(self, index: int) -> None:
        """Bring a place of the text into the middle, without selecting it."""
        row = self._rows.row_of(index) - round(self.viewport().height() / 2 / self._pitch)
        self.verticalScrollBar().setValue(round(max(row, 0) * self._pitch))

    def _tell_seen(self) -> None:
        self.overview.set_seen(self.shown)

    def sizeHint(self) -> QSize:
        return QSize(320, self.content_height())

    def minimumSizeHint(self) -> QSize:
        return QSize(60, self.height_of(1))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._lay_out()

    # ------------------------------------------------------------------------ painting

    def paintEvent(self, event: QPaintEvent) -> None:
        with QPainter(self.viewport()) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            offset = self.verticalScrollBar().value()
            area = QRectF(event.rect())
            for index in self._indices_between(area.top() + offset, area.bottom() + offset):
                if self._reach(index).intersects(area):
                    self._paint_chip(painter, index)
            if self.hasFocus():
                draw_focus(painter, QRectF(self.viewport().rect()))

    def _paint_chip(self, painter: QPainter, index: int) -> None:
        t, box, look = theme.current(), self.chip_rect(index), self.look(index)
        selected, special = index == self._selected, index in self._tokens.special
        painter.setPen(QPen(t.color("line"), 1.0))
        if special:
            painter.setPen(QPen(t.color("dim"), 1.0, Qt.PenStyle.DashLine))
        painter.setBrush(t.color("raised") if look.fill is None else look.fill)
        inner = box.adjusted(0.5, 0.5, -0.5, -0.5)
        painter.drawRoundedRect(inner, theme.RADIUS, theme.RADIUS)
        if look.hatched:
            hatch(painter, box.adjusted(2, 2, -2, -2), t.color("line"))
        if look.added:
            foot = QRectF(box.left() + 4, box.bottom() - 3, box.width() - 8, 2)
            painter.fillRect(foot, t.color("lens"))
        ring = "accent" if selected else "text" if index == self._key else ""
        if not ring and index == self._hovered:
            ring = "dim"
        if ring:
            painter.setPen(QPen(t.color(ring), 1.5))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            around = box.adjusted(-1, -1, 1, 1)
            painter.drawRoundedRect(around, theme.RADIUS + 1, theme.RADIUS + 1)

        room = box.width() - 2 * PAD + 1
        middle = Qt.TextElideMode.ElideMiddle
        painter.setPen(t.color("dim" if look.pending else "text"))
        font = self._special_font if special else self._text_font
        text = line(self._tokens.texts[index], font, room, middle)
        text.draw(painter, box.left() + (box.width() - text.width) / 2, box.center().y())
        below = box.bottom() + 1 + self._below_height / 2
        if look.pending:
            painter.fillRect(QRectF(box.center().x() - 5, below, 10, 1.5), t.color("line"))
        elif look.below:
            painter.setPen(t.color("accent" if selected else "dim"))
            figure = line(look.below, self._below_font, box.width(), middle)
            figure.draw(painter, box.left() + (box.width() - figure.width) / 2, below)

    # ------------------------------------------------------------------ mouse and keys

    def show_tip(self, event: QHelpEvent) -> None:
        """Say what there is to say where the mouse is."""
        index = self.chip_at(QPointF(event.pos()))
        if index is not None and self.tip is not None:
            area = self.chip_rect(index).toAlignedRect()
            QToolTip.showText(event.globalPos(), as_written(self.tip(index)), self.viewport(), area)
        else:
            QToolTip.hideText()

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
        if target is None or not self.n:
            super().keyPressEvent(event)
            return
        self.chip_chosen.emit(max(0, min(target, self.n - 1)))

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
                return self.n - 1
            case Qt.Key.Key_Up | Qt.Key.Key_Down:
                return self._in_next_row(at, -1 if key == Qt.Key.Key_Up else 1)
        return None

    def _in_next_row(self, index: int, step: int) -> int:
        """The chip above or below, nearest to the middle of this one."""
        row = self._rows.row_of(index) + step
        if not 0 <= row < len(self._rows):
            return index
        middle = self._rows.left_of(index) + float(self._rows.widths[index]) / 2
        return self._rows.nearest(row, middle)

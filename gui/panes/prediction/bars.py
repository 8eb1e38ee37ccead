"""Tokens with their probabilities as bars on an axis that stays: from 0 to 1, or logarithmic.

A token that temperature 0, top-k, top-p or min-p leaves out keeps its place: its name is struck
through, its probability before the cut is hatched, and its number is 0. Knows the theme and what
it is given; no store, no model.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QFontMetricsF,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
)
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from gui import theme
from gui.widgets.focus_ring import draw_focus
from gui.widgets.text import as_written, hatch
from gui.widgets.tips import Tips
from model.sampling import Cut

AXIS_HEIGHT = 16
BAR_HEIGHT = 9.0
GUTTER = 10.0  # left of the texts, for the mark of the token that really comes next
LEAST_ROWS = 3
DECADES = 5
"""The logarithmic axis begins at 10 to the minus so much; what is less likely has no bar."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One token that might come next.

    Attributes:
        token_id: index into the vocabulary.
        text: its bytes made visible.
        rank: 1 for the likeliest.
        probability: with which it would be drawn.
        uncut: its probability before top-k, top-p and min-p.
        cut_by: which of them left it out; empty for none.
        actual: the text really goes on with it.
        before: its probability without interventions; None where that isn't shown.
        led: it was among the likeliest before.
    """

    token_id: int
    text: str
    rank: int
    probability: float
    uncut: float
    actual: bool = False
    before: float | None = None
    led: bool = False
    cut_by: Cut = ""

    @property
    def cut(self) -> bool:
        """Whether it can't be drawn although the model gave it a chance."""
        return self.probability == 0 and self.uncut > 0


class ProbabilityBars(QWidget):
    """As many bars as fit, the likeliest first.

    The token that really comes next, and one that is chosen, are always among them: where their
    rank is too low, they take the last rows.

    Signals:
        resized: there is room for more rows than before, or for fewer.
        bar_chosen: token id of a bar that was clicked or reached by a key.
        bar_activated: token id of a bar that was double-clicked, or Return was pressed on.
    """

    resized = Signal()
    bar_chosen = Signal(int)
    bar_activated = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        Tips(self, self.show_tip)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.tip: Callable[[Bar], str] | None = None
        self._bars: tuple[Bar, ...] = ()
        self._chosen: int | None = None
        self._hovered: int | None = None
        self._log = False
        self._font = theme.mono()
        self._axis_font = theme.mono(theme.SMALL_FONT_SIZE - 0.5)
        self._measure()

    # ------------------------------------------------------------------------ contents

    def set_bars(self, bars: Sequence[Bar]) -> None:
        """Show these, in this order."""
        self._bars = tuple(bars)
        self._measure()
        self.update()

    def set_chosen(self, token_id: int | None) -> None:
        """Light the row of one token, which is shown whatever its rank."""
        if token_id != self._chosen:
            self._chosen = token_id
            self._measure()
            self.update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._measure()
        if event.oldSize().height() != event.size().height():
            self.resized.emit()

    @property
    def n_rows(self) -> int:
        """For how many tokens there is room."""
        return max(1, int((self.height() - AXIS_HEIGHT) // theme.ROW_HEIGHT))

    @property
    def shown(self) -> tuple[Bar, ...]:
        """The bars that are drawn at the present size."""
        return self._shown

    @property
    def log(self) -> bool:
        """Whether equal lengths are equal factors."""
        return self._log

    def set_log(self, log: bool) -> None:
        """Draw on a logarithmic axis, where small probabilities differ, or on one from 0 to 1."""
        self._log = log
        self.update()

    def share(self, probability: float) -> float:
        """Which share of its track a bar of a probability fills."""
        if not self._log:
            return min(probability, 1.0)
        if probability <= 0:
            return 0.0
        return min(max(1 + math.log10(probability) / DECADES, 0.0), 1.0)

    def _measure(self) -> None:
        """Find what is drawn, and what all rows share."""
        n = self.n_rows
        wanted = (bar for bar in self._bars if bar.actual or bar.token_id == self._chosen)
        named = [*wanted, *(bar for bar in self._bars if bar.led)]
        named = list(dict.fromkeys(named))[:n]
        rest = [bar for bar in self._bars if bar not in named][: n - len(named)]
        self._shown = tuple(sorted((*rest, *named), key=lambda bar: bar.rank))
        metrics = QFontMetricsF(self._font)
        widest = max((metrics.horizontalAdvance(bar.text) for bar in self._shown), default=0.0)
        least = metrics.horizontalAdvance("0") * 6
        self._text_width = max(least, min(widest, self.width() * 0.42 - GUTTER))
        self._number_width = metrics.horizontalAdvance("0.000")

    def track(self, row: int) -> QRectF:
        """The place of a row's bar at its full length, which stands for certainty."""
        left = GUTTER + self._text_width + theme.SPACE
        right = self.width() - self._number_width - theme.SPACE
        top = row * theme.ROW_HEIGHT + (theme.ROW_HEIGHT - BAR_HEIGHT) / 2
        return QRectF(left, top, max(8.0, right - left), BAR_HEIGHT)

    def bar_rect(self, row: int) -> QRectF:
        """The bar that is drawn in a row for the probability."""
        return self._length(row, self.shown[row].probability)

    def before_rect(self, row: int) -> QRectF:
        """The mark where a row's bar ended before the interventions; empty without one."""
        before = self.shown[row].before
        if before is None:
            return QRectF()
        whole = self.track(row)
        x = whole.left() + whole.width() * self.share(before)
        return QRectF(x - 1, whole.top() - 3, 2, whole.height() + 6)

    def row_at(self, point: QPointF) -> int | None:
        """The row under a point."""
        row = int(point.y() // theme.ROW_HEIGHT)
        return row if point.y() >= 0 and row < len(self.shown) else None

    def _length(self, row: int, probability: float) -> QRectF:
        track = self.track(row)
        track.setWidth(track.width() * self.share(probability))
        return track

    def sizeHint(self) -> QSize:
        # Where a pane is low, what stands below the bars comes first: they take what is left.
        return QSize(200, LEAST_ROWS * theme.ROW_HEIGHT + AXIS_HEIGHT)

    def minimumSizeHint(self) -> QSize:
        return QSize(120, LEAST_ROWS * theme.ROW_HEIGHT + AXIS_HEIGHT)

    # ------------------------------------------------------------------------ painting

    def paintEvent(self, event: QPaintEvent) -> None:
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            shown = self.shown
            for row, bar in enumerate(shown):
                self._paint_row(painter, row, bar)
            if shown:
                self._paint_axis(painter, len(shown))
            if self.hasFocus():
                draw_focus(painter, QRectF(self.rect()))

    def _paint_row(self, painter: QPainter, row: int, bar: Bar) -> None:
        t = theme.current()
        height = theme.ROW_HEIGHT
        whole = QRectF(0, row * height, self.width(), height)
        if bar.token_id == self._chosen:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(t.color("accent_soft"))
            painter.drawRoundedRect(whole.adjusted(0, 1, 0, -1), theme.RADIUS, theme.RADIUS)
        elif row == self._hovered:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(t.color("raised"))
            painter.drawRoundedRect(whole.adjusted(0, 1, 0, -1), theme.RADIUS, theme.RADIUS)
        if bar.actual:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(t.color("good"))
            painter.drawEllipse(QPointF(GUTTER / 2, whole.center().y()), 2.5, 2.5)

        painter.setFont(self._font)
        painter.setPen(t.color("dim" if bar.cut else "text"))
        place = QRectF(GUTTER, whole.top(), self._text_width, height)
        text = QFontMetricsF(self._font).elidedText(
            bar.text, Qt.TextElideMode.ElideRight, place.width() + 0.5
        )
        left = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        painter.drawText(place, left | int(Qt.TextFlag.TextForceLeftToRight), text)
        if bar.cut:
            width = QFontMetricsF(self._font).horizontalAdvance(text)
            y = round(place.center().y()) + 0.5
            painter.drawLine(QPointF(place.left(), y), QPointF(place.left() + width, y))

        painter.setPen(Qt.PenStyle.NoPen)
        if bar.uncut > bar.probability:
            uncut = self._length(row, bar.uncut)
            painter.setBrush(t.color("line"))
            painter.drawRect(uncut)
            hatch(painter, uncut, t.color("faint"), 4.0)
        if bar.probability > 0:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(t.color("accent"))
            painter.drawRoundedRect(self.bar_rect(row), 1.5, 1.5)
        if 0 < bar.uncut < bar.probability:
            # Cutting others made this one likelier: a notch where it would end without the cut.
            notch = self._length(row, bar.uncut)
            painter.fillRect(
                QRectF(notch.right() - 1, notch.top(), 1, BAR_HEIGHT), t.color("panel")
            )

        if bar.before is not None:
            mark = self.before_rect(row)
            mark.moveLeft(round(mark.left()))  # on whole pixels, or it is grey
            painter.fillRect(mark, t.color("text"))

        painter.setPen(t.color("dim" if bar.probability == 0 else "text"))
        right = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        painter.drawText(whole, right, three_digits(bar.probability))
        if bar.cut_by:
            self._paint_why_cut(painter, row, bar)

    def _paint_why_cut(self, painter: QPainter, row: int, bar: Bar) -> None:
        """Which filter left a token out, behind its hatched bar where there is room."""
        track, uncut = self.track(row), self._length(row, bar.uncut)
        left = max(uncut.right() + 6, track.left() + 6)
        metrics = QFontMetricsF(self._axis_font)
        tries = (f"{bar.cut_by}, was {three_digits(bar.uncut)}", bar.cut_by)
        room = track.right() - left
        words = next((each for each in tries if metrics.horizontalAdvance(each) <= room), "")
        if words:
            painter.setFont(self._axis_font)
            painter.setPen(theme.current().color("dim"))
            box = QRectF(left, row * theme.ROW_HEIGHT, room, theme.ROW_HEIGHT)
            flags = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
            painter.drawText(box, flags, words)

    def _paint_axis(self, painter: QPainter, n_rows: int) -> None:
        t = theme.current()
        track = self.track(0)
        top = n_rows * theme.ROW_HEIGHT + 1.5
        painter.setPen(t.color("line"))
        painter.drawLine(QPointF(track.left(), top), QPointF(track.right(), top))
        ticks = [i / DECADES for i in range(DECADES + 1)] if self._log else [0.0, 0.5, 1.0]
        for share in ticks:
            x = track.left() + share * track.width()
            painter.drawLine(QPointF(x, top), QPointF(x, top + 3))
        painter.setFont(self._axis_font)
        painter.setPen(t.color("dim"))
        box = QRectF(track.left(), top + 2, track.width(), AXIS_HEIGHT - 3)
        painter.drawText(
            box,
            int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter),
            f"{10**-DECADES:g}" if self._log else "0",
        )
        painter.drawText(
            box,
            int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter),
            "1",
        )
        words = "probability, log" if self._log else "probability"
        if track.width() > 120:
            painter.drawText(box, int(Qt.AlignmentFlag.AlignCenter), words)

    # ------------------------------------------------------------------ mouse and keys

    def show_tip(self, event: QHelpEvent) -> None:
        """Say what there is to say where the mouse is."""
        row = self.row_at(QPointF(event.pos()))
        if row is not None and self.tip is not None:
            area = QRectF(0, row * theme.ROW_HEIGHT, self.width(), theme.ROW_HEIGHT)
            text = as_written(self.tip(self.shown[row]))
            QToolTip.showText(event.globalPos(), text, self, area.toAlignedRect())
        else:
            QToolTip.hideText()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._hover(self.row_at(event.position()))

    def leaveEvent(self, event: QEvent) -> None:
        self._hover(None)

    def _hover(self, row: int | None) -> None:
        if row != self._hovered:
            self._hovered = row
            self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        row = self.row_at(event.position())
        if row is not None and event.button() == Qt.MouseButton.LeftButton:
            self.bar_chosen.emit(self.shown[row].token_id)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        row = self.row_at(event.position())
        if row is not None and event.button() == Qt.MouseButton.LeftButton:
            self.bar_activated.emit(self.shown[row].token_id)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        shown = self.shown
        row = next((i for i, bar in enumerate(shown) if bar.token_id == self._chosen), None)
        key = event.key()
        if shown and key in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            step = 1 if key == Qt.Key.Key_Down else -1
            target = 0 if row is None else max(0, min(row + step, len(shown) - 1))
            self.bar_chosen.emit(shown[target].token_id)
        elif row is not None and key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.bar_activated.emit(shown[row].token_id)
        else:
            super().keyPressEvent(event)


def three_digits(probability: float) -> str:
    """``0.810``; ``0`` only for exactly zero, ``<.001`` for what would round to it."""
    if probability == 0:
        return "0"
    return "<.001" if probability < 0.0005 else f"{probability:.3f}"

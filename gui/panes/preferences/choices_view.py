"""The choices as rows: what was preferred to what, and each pair's margin before and after.

Knows choices and margins; no store.
"""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QWheelEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from gui import theme
from model.train.margins_file import MarginsAt
from model.train.preferences import Preference

ROW = 22
HEAD = 20
_BAR = 120.0
_NUMBER = 62.0


class ChoicesView(QWidget):
    """The rows; Delete takes back the one that is selected.

    Signals:
        taken_back: number of a choice that a person takes back.
    """

    taken_back = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.choices: tuple[Preference, ...] = ()
        self.before: MarginsAt | None = None
        self.after: MarginsAt | None = None
        self.selected = -1
        self.first = 0
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Choices")
        self.setToolTip(
            "Preferred text and the other one. Margin: β times how much more the preferred text "
            "has gained in log probability than the other, since before the run; 0 before it. "
            "Click a row, then Delete takes it back."
        )

    def show_choices(
        self,
        choices: Sequence[Preference],
        before: MarginsAt | None,
        after: MarginsAt | None,
    ) -> None:
        """Other choices, or what has become of them.

        Args:
            choices: in order.
            before, after: their margins, at the first and the last step; None where not known.
        """
        new = (tuple(choices), before, after)
        if new != (self.choices, self.before, self.after):
            self.choices, self.before, self.after = new
            self.selected = min(self.selected, len(self.choices) - 1)
            self.update()

    def minimumSizeHint(self) -> QSize:
        return QSize(240, HEAD + 2 * ROW)

    def wanted_height(self) -> int:
        """For all rows."""
        return HEAD + ROW * max(2, len(self.choices)) + 2

    @property
    def n_in_view(self) -> int:
        return max(1, (self.height() - HEAD) // ROW)

    def margin(self, at: int) -> float | None:
        """The newest margin of a choice; None before it is known."""
        if self.after is None or at >= len(self.after.margins):
            return None
        return self.after.margins[at]

    # --------------------------------------------------------------- mouse and keyboard

    def wheelEvent(self, event: QWheelEvent) -> None:
        self._scroll(self.first - event.angleDelta().y() // 40)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        at = self.first + int((event.position().y() - HEAD) // ROW)
        self.selected = at if event.position().y() >= HEAD and at < len(self.choices) else -1
        self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        match event.key():
            case Qt.Key.Key_Down | Qt.Key.Key_Up:
                step = 1 if event.key() == Qt.Key.Key_Down else -1
                self.selected = max(0, min(self.selected + step, len(self.choices) - 1))
                if not self.first <= self.selected < self.first + self.n_in_view:
                    self._scroll(self.selected)
                self.update()
            case Qt.Key.Key_Delete | Qt.Key.Key_Backspace if self.selected >= 0:
                self.taken_back.emit(self.selected)
            case _:
                super().keyPressEvent(event)

    def _scroll(self, first: int) -> None:
        self.first = max(0, min(first, len(self.choices) - self.n_in_view))
        self.update()

    # ------------------------------------------------------------------------- painting

    def paintEvent(self, event: QPaintEvent) -> None:
        t = theme.current()
        with QPainter(self) as painter:
            painter.setFont(theme.sans(theme.SMALL_FONT_SIZE))
            metrics = QFontMetrics(painter.font())
            tail = _BAR + _NUMBER if self.after is not None else 0.0
            half = max(40.0, (self.width() - tail - 8) / 2)
            painter.setPen(t.color("dim"))
            middle = Qt.AlignmentFlag.AlignVCenter
            painter.drawText(QRectF(4, 0, half, HEAD), middle, "preferred")
            painter.drawText(QRectF(4 + half, 0, half, HEAD), middle, "to")
            if self.after is not None:
                right = QRectF(self.width() - tail, 0, tail, HEAD)
                painter.drawText(
                    right,
                    Qt.AlignmentFlag.AlignRight | middle,
                    f"margin at step {self.after.step:,}",
                )
            last = self.first + self.n_in_view
            for row, choice in enumerate(self.choices[self.first : last]):
                at, y = self.first + row, HEAD + row * ROW
                if at == self.selected:
                    painter.fillRect(QRectF(0, y, self.width(), ROW), t.color("accent_soft"))
                chosen, rejected = from_difference(choice)
                for x, words, tone in ((4.0, chosen, "text"), (4 + half, rejected, "dim")):
                    painter.setPen(t.color(tone))
                    said = metrics.elidedText(words, Qt.TextElideMode.ElideRight, int(half) - 8)
                    painter.drawText(QRectF(x, y, half, ROW), middle, said)
                self._paint_margin(painter, at, y)

    def _paint_margin(self, painter: QPainter, at: int, y: float) -> None:
        """A bar from the middle: to the right where the preferred text has gained."""
        margin = self.margin(at)
        if margin is None or self.after is None:
            return
        t = theme.current()
        top = max((abs(m) for m in self.after.margins), default=1.0) or 1.0
        left = self.width() - _BAR - _NUMBER
        track = QRectF(left, y + 6, _BAR, ROW - 12)
        painter.fillRect(track, t.color("raised"))
        length = abs(margin) / top * _BAR / 2
        x = track.center().x() - (length if margin < 0 else 0)
        color = t.color("accent" if margin > 0 else "negative")
        painter.fillRect(QRectF(x, track.y(), length, track.height()), color)
        painter.setPen(t.color("text"))
        painter.setFont(theme.mono(theme.SMALL_FONT_SIZE))
        painter.drawText(
            QRectF(self.width() - _NUMBER, y, _NUMBER - 2, ROW),
            Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter,
            f"{margin:+.3f}",
        )
        painter.setFont(theme.sans(theme.SMALL_FONT_SIZE))


def from_difference(choice: Preference) -> tuple[str, str]:
    """Both texts from the word on in which they differ, each in a line."""
    one, other = choice.chosen.split(), choice.rejected.split()
    shared = 0
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        shared += 1
    first = max(0, shared - 1)  # a word that both have, to see where
    begun = "… " if first else ""
    return begun + " ".join(one[first:]), begun + " ".join(other[first:])

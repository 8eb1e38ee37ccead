"""Exponents beside each other: that of this queue with its interval, and those that were published.

Knows a fit and the published laws; no store.
"""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QPoint, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from gui import theme
from gui.widgets.canvas import Canvas
from gui.widgets.drawing_cache import line
from model.train.scaling.fit import LawFit
from model.train.scaling.published import LAWS, short

ROW = 20.0
HEAD = 20.0
_NAME, _SPAN = 158.0, 92.0


@dataclass(frozen=True, slots=True)
class Row:
    """A law's exponent.

    Attributes:
        name: whose.
        span: between which sizes.
        value, low, high: α.
        tip: more of it.
    """

    name: str
    span: str
    value: float
    low: float
    high: float
    tip: str


class ExponentsView(Canvas):
    """The widget."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.fit: LawFit | None = None
        self.setAccessibleName("Exponents")
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_fit(self, fit: LawFit | None) -> None:
        """Draw it."""
        if fit is not self.fit:
            self.fit = fit
            said = ", ".join(f"{row.name} {row.value:.3f}" for row in self.rows())
            self.setAccessibleDescription(said)
            self.redraw()

    def rows(self) -> list[Row]:
        """What is drawn, this queue's first."""
        found = []
        if self.fit is not None:
            alpha, N = self.fit.alpha, self.fit.N_P
            span = f"{short(float(N.min()))}–{short(float(N.max()))}"
            tip = "The brackets hold nine tenths of the resampled laws"
            found.append(Row("this queue", span, alpha.value, alpha.low, alpha.high, tip))
        for law in LAWS:
            span = f"{short(law.low)}–{short(law.high)}"
            tip = f"{law.source}: N counted {law.count}; {law.sizes}. β of tokens: {law.beta:g}"
            found.append(Row(law.title, span, law.alpha, law.alpha, law.alpha, tip))
        return found

    @property
    def most(self) -> float:
        """The exponent at the right end."""
        found = self.fit
        here = 0.0 if found is None else min(found.alpha.high, 2 * found.alpha.value, 1.5)
        return max(0.4, 1.1 * here)

    def x_of(self, alpha: float) -> float:
        """Where an exponent stands."""
        area = self._area
        return area.left() + min(alpha / self.most, 1.02) * area.width()

    @property
    def _area(self) -> QRectF:
        whole = QRectF(self.viewport().rect())
        left = _NAME + _SPAN if whole.width() > 380 else _NAME
        return whole.adjusted(left, HEAD, -54, 0)

    def paint_ground(self, painter: QPainter) -> None:
        t, area = theme.current(), self._area
        small, mono = theme.sans(theme.SMALL_FONT_SIZE), theme.mono(theme.SMALL_FONT_SIZE)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(t.color("dim"))
        line("exponent α of", small).draw(painter, 8, HEAD / 2)
        if area.left() > _NAME + 1:
            line("N from–to", small).draw(painter, _NAME, HEAD / 2)
        for at, row in enumerate(self.rows()):
            mine = self.fit is not None and at == 0
            y = HEAD + (at + 0.5) * ROW
            painter.setPen(t.color("text" if mine else "dim"))
            line(row.name, small, _NAME - 12).draw(painter, 8, y)
            if area.left() > _NAME + 1:
                line(row.span, mono, _SPAN - 6).draw(painter, _NAME, y)
            painter.setPen(QPen(t.color("line"), 1))
            painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y))
            color = t.color("accent" if mine else "dim")
            if row.high > row.low:
                painter.setPen(QPen(color, 3, c=Qt.PenCapStyle.FlatCap))
                painter.drawLine(QPointF(self.x_of(row.low), y), QPointF(self.x_of(row.high), y))
            painter.setPen(QPen(t.color("panel"), 1))
            painter.setBrush(color)
            painter.drawEllipse(QPointF(self.x_of(row.value), y), 4.2, 4.2)
            painter.setPen(t.color("text" if mine else "dim"))
            said = line(f"{row.value:.3f}", mono)
            said.draw(painter, self.viewport().width() - said.width - 8, y)

    def tooltip(self, at: QPoint) -> str:
        row = int((at.y() - HEAD) // ROW)
        rows = self.rows()
        return rows[row].tip if 0 <= row < len(rows) else ""

    def sizeHint(self) -> QSize:
        return QSize(300, int(HEAD + ROW * (len(LAWS) + 1)))

    def minimumSizeHint(self) -> QSize:
        return QSize(200, self.sizeHint().height())

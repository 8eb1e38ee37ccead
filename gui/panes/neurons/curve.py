"""A neuron's nonlinearity with the tokens of a text on it: what goes in, what comes out.

Of a gated MLP the curve is that of the gate alone, and a token stands where the value that passes
has moved it. Knows the theme and what it is given; no store, no model. Shape suffix: T tokens.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPen, QPolygonF
from PySide6.QtWidgets import QWidget

from gui import theme
from gui.widgets.canvas import Canvas
from gui.widgets.drawing_cache import line

NEAR = 12.0
"""Pixels from a dot within which it is meant."""
DOT = 3.5
MOST_LABELS = 6


@dataclass(frozen=True, slots=True, eq=False)
class CurveContent:
    """What is drawn.

    Attributes:
        x, y: the nonlinearity.
        pre_T, post_T: of each token; NaN where the neuron isn't asked.
        linear_T: what a gate multiplies; None where there is none.
        tokens: their texts.
        name: of the nonlinearity.
    """

    x: NDArray[np.floating]
    y: NDArray[np.floating]
    pre_T: NDArray[np.floating]
    post_T: NDArray[np.floating]
    linear_T: NDArray[np.floating] | None
    tokens: tuple[str, ...]
    name: str


class NeuronCurve(Canvas):
    """The widget.

    Signals:
        chosen: position of a token that was clicked or reached by a key.
    """

    chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("The neuron's curve with the tokens of the text")
        self.content: CurveContent | None = None
        self._position: int | None = None
        self._hovered: int | None = None
        for policy in (self.setHorizontalScrollBarPolicy, self.setVerticalScrollBarPolicy):
            policy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)

    def set_content(self, content: CurveContent | None, position: int | None) -> None:
        """Draw another neuron, or the same with another token marked."""
        self.content, self._position = content, position
        self._hovered = None
        self.redraw()

    # ------------------------------------------------------------------ what is where

    @property
    def plot(self) -> QRectF:
        """Where the curve is."""
        return QRectF(self.viewport().rect()).adjusted(44, 20, -10, -34)

    def _limits(self) -> tuple[float, float, float, float]:
        content = self.content
        assert content is not None
        posts = content.post_T[np.isfinite(content.post_T)]
        low = float(min(posts.min(initial=0.0), content.y.min(), 0.0))
        high = float(max(posts.max(initial=0.0), 1e-6))
        if content.linear_T is None:  # the curve itself must not leave the picture
            there = content.pre_T[np.isfinite(content.pre_T)]
            most = float(there.max(initial=0.0))
            high = max(high, float(np.interp(most, content.x, content.y)))
        else:
            high = max(high, 1.0)
        room = 0.06 * (high - low)
        return float(content.x[0]), float(content.x[-1]), low - room, high + room

    def point(self, x: float, y: float) -> QPointF:
        """Where a pair of values is drawn."""
        plot, (left, right, low, high) = self.plot, self._limits()
        return QPointF(
            plot.left() + (x - left) / ((right - left) or 1.0) * plot.width(),
            plot.bottom() - (y - low) / ((high - low) or 1.0) * plot.height(),
        )

    def dot(self, position: int) -> QPointF | None:
        """Where a token is; None where the neuron isn't asked."""
        content = self.content
        if content is None or position >= len(content.post_T):
            return None
        x, y = float(content.pre_T[position]), float(content.post_T[position])
        return self.point(x, y) if np.isfinite([x, y]).all() else None

    def dot_at(self, at: QPoint) -> int | None:
        """The token nearest to a point, if one is near."""
        content = self.content
        if content is None:
            return None
        best, found = NEAR, None
        for position in range(len(content.post_T)):
            dot = self.dot(position)
            if dot is None:
                continue
            apart = dot - QPointF(at)
            length = float(np.hypot(apart.x(), apart.y()))
            if length < best:
                best, found = length, position
        return found

    # ----------------------------------------------------------------------- painting

    def paint_ground(self, painter: QPainter) -> None:
        content, t, plot = self.content, theme.current(), self.plot
        if content is None or plot.width() < 40 or plot.height() < 30:
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        left, right, low, high = self._limits()
        painter.setPen(t.color("line"))
        painter.drawLine(self.point(left, 0), self.point(right, 0))
        if left < 0 < right:
            painter.drawLine(self.point(0, low), self.point(0, high))
        self._paint_axes(painter)
        painter.save()
        painter.setClipRect(plot.adjusted(-1, -1, 1, 1))
        painter.setPen(QPen(t.color("dim"), 1.3))
        curve = QPolygonF([self.point(float(x), float(y)) for x, y in zip(content.x, content.y)])
        painter.drawPolyline(curve)
        if content.linear_T is not None and len(content.post_T) <= 64:
            painter.setPen(QPen(t.color("faint"), 1, Qt.PenStyle.DotLine))
            for position, pre in enumerate(content.pre_T):
                dot = self.dot(position)
                if dot is not None:
                    on_curve = float(np.interp(float(pre), content.x, content.y))
                    painter.drawLine(dot, self.point(float(pre), on_curve))
        painter.setPen(Qt.PenStyle.NoPen)
        for position, post in enumerate(content.post_T):
            dot = self.dot(position)
            if dot is not None and position != self._position:
                painter.setBrush(t.color("accent" if post >= 0 else "negative", 0.75))
                painter.drawEllipse(dot, DOT, DOT)
        selected = None if self._position is None else self.dot(self._position)
        if selected is not None:
            painter.setPen(QPen(t.color("text"), 1.5))
            painter.setBrush(t.color("accent"))
            painter.drawEllipse(selected, DOT + 1.5, DOT + 1.5)
        painter.restore()
        self._paint_labels(painter)

    def _paint_axes(self, painter: QPainter) -> None:
        content, t, plot = self.content, theme.current(), self.plot
        assert content is not None
        left, right, _, _ = self._limits()
        mono, sans = theme.mono(theme.SMALL_FONT_SIZE), theme.sans(theme.SMALL_FONT_SIZE)
        painter.setPen(t.color("dim"))
        bottom = plot.bottom() + 10
        for value in dict.fromkeys((left, 0.0, right)):
            text = line(_figure(value), mono)
            x = self.point(value, 0).x() - text.width / 2
            text.draw(painter, min(max(x, plot.left()), plot.right() - text.width), bottom)
        top = content.post_T[np.isfinite(content.post_T)].max(initial=0.0)
        for value in dict.fromkeys((0.0, float(top))):
            text = line(_figure(value), mono, plot.left() - 8)
            text.draw(painter, plot.left() - text.width - 6, self.point(0, value).y())
        gated = content.linear_T is not None
        words = "gate → " if gated else "into the neuron (pre) → "
        text = line(words, sans, plot.width())
        text.draw(painter, plot.right() - text.width, plot.bottom() + 24)
        said = f"↑ out (post) · line: {content.name}"
        if gated:
            said += " of the gate · dots × value"
        line(said, sans, self.viewport().width() - 12).draw(painter, 6, 9)

    def _paint_labels(self, painter: QPainter) -> None:
        """Texts of the selected token and of the farthest from zero, where there is room."""
        content, t = self.content, theme.current()
        assert content is not None
        mono = theme.mono(theme.SMALL_FONT_SIZE)
        strength = np.nan_to_num(np.abs(content.post_T), nan=-1.0)
        order = [int(i) for i in np.argsort(-strength, kind="stable")[:MOST_LABELS]]
        if self._position is not None and self._position < len(content.post_T):
            order = [self._position, *(i for i in order if i != self._position)]
        taken: list[QRectF] = []
        for position in order:
            dot = self.dot(position)
            if dot is None:
                continue
            text = line(content.tokens[position], mono, 90)
            x = dot.x() + 8
            if x + text.width > self.plot.right():
                x = dot.x() - 8 - text.width
            box = QRectF(x, dot.y() - text.height / 2, text.width, text.height)
            if any(box.intersects(other) for other in taken):
                continue
            taken.append(box)
            painter.setPen(t.color("text" if position == self._position else "dim"))
            text.draw(painter, x, dot.y())

    def paint_overlay(self, painter: QPainter) -> None:
        dot = None if self._hovered is None else self.dot(self._hovered)
        if dot is not None:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(theme.current().color("text"), 1.5))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawEllipse(dot, DOT + 3, DOT + 3)

    # ------------------------------------------------------------------ mouse and keys

    def hover(self, at: QPoint | None) -> None:
        position = None if at is None else self.dot_at(at)
        if position != self._hovered:
            self._hovered = position
            self.viewport().update()

    def press(self, at: QPoint, modifiers: Qt.KeyboardModifier) -> None:
        position = self.dot_at(at)
        if position is not None:
            self.chosen.emit(position)

    def tooltip(self, at: QPoint) -> str:
        position, content = self.dot_at(at), self.content
        if position is None or content is None:
            return ""
        said = [f"{content.tokens[position]}  position {position}"]
        pre, post = float(content.pre_T[position]), float(content.post_T[position])
        if content.linear_T is None:
            said.append(f"{content.name}({pre:.6g}) = {post:.6g}")
        else:
            said.append(
                f"{content.name}({pre:.6g}) × {content.linear_T[position]:.6g} = {post:.6g}"
            )
        on_curve = float(np.interp(pre, content.x, content.y))
        if content.linear_T is not None:
            on_curve *= float(content.linear_T[position])
        if abs(on_curve - post) > 0.02 * max(1.0, abs(post)):
            said[-1] = f"pre {pre:.6g}, post {post:.6g}: changed by an intervention"
        return "\n".join(said)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(event.key()))
        if step is None or self.content is None:
            event.ignore()
            return
        at = 0 if self._position is None else self._position + step
        self.chosen.emit(min(max(at, 0), len(self.content.post_T) - 1))


def _figure(value: float) -> str:
    return f"{value:.3g}".replace("-", "−")

"""The losses over parameters, the law through them with its band, and how far each is off.

Beyond the sizes the law is dashed: there it is a guess. Knows a fit and points; no store.
"""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPoint, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF
from PySide6.QtWidgets import QWidget

from gui import theme
from gui.panes.scaling import words
from gui.panes.scaling.frame import LEFT, RIGHT, Frame, framed, paint_frame, size_color
from gui.widgets.canvas import Canvas
from gui.widgets.drawing_cache import line
from gui.widgets.figure import is_figure
from model.train.scaling.counts import COUNT_WORDS, ParameterCount
from model.train.scaling.fit import LEVEL, LawFit
from model.train.scaling.folder import QueueRecord
from model.train.scaling.published import short

BEYOND = 10.0
"""So many times the largest size the law is drawn."""
RESIDUALS = 0.24
"""Of the height for the strip of residuals."""
NEAR = 11.0
_POINTS = 80


class LawView(Canvas):
    """The widget.

    Attributes:
        lit: index of the size that is brought out; -1 for none.

    Signals:
        chosen: with the index of a size whose point was clicked.
        hovered: with the index of the size under the mouse, -1 for none.
    """

    chosen = Signal(int)
    hovered = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.record: QueueRecord | None = None
        self.fit: LawFit | None = None
        self.count: ParameterCount = "blocks"
        self.lit = -1
        self.frame: Frame | None = None
        self._strip = QRectF()
        self._most = 0.01
        self.setAccessibleName("Loss over parameters, the fitted law and its residuals")
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)

    def show_law(self, record: QueueRecord, fit: LawFit | None, count: ParameterCount) -> None:
        """Draw it."""
        if (record, fit, count) != (self.record, self.fit, self.count):
            self.record, self.fit, self.count = record, fit, count
            self.lay_out()
            self.redraw()

    def light(self, at: int) -> None:
        """Bring a size out; -1 for none."""
        if at != self.lit:
            self.lit = at
            self.viewport().update()

    # -------------------------------------------------------------------------- places

    def points(self) -> list[tuple[int, float, float]]:
        """Index, parameters and loss of each size that is done."""
        if self.record is None:
            return []
        return [
            (at, float(size.parameters(self.count) or 0), size.val_loss)
            for at, size in enumerate(self.record.sizes)
            if size.state == "done"
        ]

    def row(self, at: int) -> int | None:
        """Which point of the fit a size is; None while it is none of them."""
        if self.record is None or self.fit is None:
            return None
        size = self.record.sizes[at]
        return self.fit.row(float(size.parameters(self.count) or 0), float(size.tokens))

    def lay_out(self) -> None:
        whole = QRectF(self.viewport().rect())
        points = self.points()
        self.frame, self._strip = None, QRectF()
        if not points:
            return
        xs = [n for _, n, _ in points]
        ys = [loss for _, _, loss in points]
        if self.fit is not None:
            xs = [*xs, max(xs) * BEYOND]
            ends = self.fit.predict(np.array([xs[-1]]), self._tokens()[-1])
            ys = [*ys, float(ends[0])]
            if self.fit.needs_irreducible and self.fit.irreducible.value > 0.6 * min(ys):
                ys.append(self.fit.irreducible.value)
            high = max(60.0, whole.height() * RESIDUALS)
            self._strip = QRectF(
                LEFT, whole.bottom() - high - 4, whole.width() - LEFT - RIGHT, high - 14
            )
            whole = whole.adjusted(0, 0, 0, -(high + 4))
            most = float(np.abs(self.fit.residuals_P).max())
            self._most = max(0.002, 1.25 * most)
        self.frame = framed(whole, xs, ys)

    def point(self, at: int) -> QPointF | None:
        """Where the point of a size is drawn."""
        if self.frame is None:
            return None
        for index, n, loss in self.points():
            if index == at:
                return self.frame.point(n, loss)
        return None

    def residual_y(self, residual: float) -> float:
        """Where a residual is drawn."""
        return self._strip.center().y() - residual / self._most * self._strip.height() / 2

    def near(self, at: QPoint) -> int:
        """The size whose point, or residual, is under a place; -1 for none."""
        if self.frame is None:
            return -1
        for index, n, loss in self.points():
            away = QPointF(at) - self.frame.point(n, loss)
            if abs(away.x()) < NEAR and abs(away.y()) < NEAR:
                return index
            if self._strip.contains(at) and abs(at.x() - self.frame.x.at(n)) < NEAR:
                return index
        return -1

    def _tokens(self) -> list[float]:
        """The numbers of tokens of the points, rising."""
        return [] if self.fit is None else np.unique(self.fit.D_P).tolist()

    # ------------------------------------------------------------------------- painting

    def paint_ground(self, painter: QPainter) -> None:
        frame, record = self.frame, self.record
        if frame is None or record is None:
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        paint_frame(painter, frame, COUNT_WORDS[self.count], "loss, nats per token", short)
        if self.fit is not None:
            self._paint_law(painter, frame, self.fit)
            self._paint_residuals(painter, frame, self.fit)
        for at, n, loss in self.points():
            painter.setPen(QPen(theme.current().color("panel"), 1))
            painter.setBrush(size_color(at, len(record.sizes)))
            painter.drawEllipse(frame.point(n, loss), 4.5, 4.5)

    def _paint_law(self, painter: QPainter, frame: Frame, fit: LawFit) -> None:
        t = theme.current()
        N = np.geomspace(frame.x.low, frame.x.high, _POINTS)
        largest = float(fit.N_P.max())
        painter.save()
        painter.setClipRect(frame.area)
        for tokens in self._tokens():
            low, high = (np.maximum(edge, frame.y.low / 2) for edge in fit.band(N, tokens))
            band = QPolygonF([*frame.line(N, high), *frame.line(N, low)[::-1]])
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(t.color("accent", 0.16))
            painter.drawPolygon(band)
            law = fit.predict(N, tokens)
            inside = largest >= N
            pen = QPen(t.color("text"), 1.5)
            painter.setPen(pen)
            painter.drawPolyline(frame.line(N[inside], law[inside]))
            pen.setDashPattern([4, 3])
            painter.setPen(pen)
            painter.drawPolyline(frame.line(N[~inside], law[~inside]))
        E = fit.irreducible.value
        if fit.needs_irreducible and frame.y.low < E < frame.y.high:
            pen = QPen(t.color("lens"), 1.2)
            pen.setDashPattern([1, 3])
            painter.setPen(pen)
            y = frame.y.at(E)
            painter.drawLine(QPointF(frame.area.left(), y), QPointF(frame.area.right(), y))
        painter.restore()
        self._paint_legend(painter, frame, fit)

    def _paint_legend(self, painter: QPainter, frame: Frame, fit: LawFit) -> None:
        """Law, band and irreducible term, in a corner in which no size lies."""
        t, font = theme.current(), theme.sans(theme.SMALL_FONT_SIZE)
        rows: list[tuple[str, str]] = [
            ("law", f"law, α = {words.interval(fit.alpha)}"),
            ("band", f"{LEVEL:.0%} of resampled laws"),
            ("guess", "beyond the sizes: a guess"),
        ]
        if fit.needs_irreducible:
            rows.append(("E", f"irreducible E = {words.interval(fit.irreducible)}"))
        texts = [line(text, font) for _, text in rows]
        width = max(text.width for text in texts) + 32
        high = 17 * len(rows) + 6
        if width > frame.area.width() - 46 or frame.area.height() < 110:
            return
        place = self.free_corner(frame, width, high)
        left, y = place.left(), place.top() + 12
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(t.color("panel", 0.75))
        painter.drawRect(place.adjusted(-4, 0, 0, 0))
        for (kind, _), text in zip(rows, texts):
            pen = QPen(t.color("lens" if kind == "E" else "text"), 1.5)
            if kind == "band":
                painter.fillRect(QRectF(left, y - 5, 22, 10), t.color("accent", 0.25))
            else:
                if kind != "law":
                    pen.setDashPattern([4, 3] if kind == "guess" else [1, 3])
                painter.setPen(pen)
                painter.drawLine(QPointF(left, y), QPointF(left + 22, y))
            painter.setPen(t.color("dim"))
            text.draw(painter, left + 30, y)
            y += 17

    def free_corner(self, frame: Frame, width: float, height: float) -> QRectF:
        """The corner of the plot with the fewest sizes; the top right, where a law falls, first."""
        area = frame.area
        right, left = area.right() - width - 6, area.left() + 10
        top, bottom = area.top(), area.bottom() - height - 4
        corners = [(right, top), (left, bottom), (right, bottom), (left, top)]
        boxes = [QRectF(x, y, width, height) for x, y in corners]
        places = [frame.point(n, loss) for _, n, loss in self.points()]
        return min(boxes, key=lambda box: sum(box.contains(place) for place in places))

    def _paint_residuals(self, painter: QPainter, frame: Frame, fit: LawFit) -> None:
        t, strip, font = theme.current(), self._strip, theme.mono(theme.SMALL_FONT_SIZE)
        painter.setPen(t.color("line"))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(strip)
        middle = round(strip.center().y()) + 0.5
        painter.drawLine(QPointF(strip.left(), middle), QPointF(strip.right(), middle))
        painter.setPen(t.color("dim"))
        for value, y in ((self._most, strip.top() + 7), (-self._most, strip.bottom() - 7)):
            said = line(f"{value:+.1%}", font, LEFT - 4)
            said.draw(painter, strip.left() - 5 - said.width, y)
        said = line("loss over law", theme.sans(theme.SMALL_FONT_SIZE))
        said.draw(painter, strip.right() - said.width - 6, strip.top() + 9)
        for at, n, _ in self.points():
            row = self.row(at)
            if row is None:
                continue
            x, residual = frame.x.at(n), float(fit.residuals_P[row])
            color = t.color("accent" if residual >= 0 else "negative")
            painter.setPen(QPen(color, 3, c=Qt.PenCapStyle.FlatCap))
            painter.drawLine(QPointF(x, middle), QPointF(x, self.residual_y(residual)))
            painter.setPen(QPen(t.color("panel"), 1))
            painter.setBrush(QColor(color))
            painter.drawEllipse(QPointF(x, self.residual_y(residual)), 3, 3)

    def paint_overlay(self, painter: QPainter) -> None:
        point = None if is_figure() else self.point(self.lit)
        if point is None or self.record is None:
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(theme.current().color("accent"), 2))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawEllipse(point, 7.5, 7.5)

    # ------------------------------------------------------------------------- mouse

    def hover(self, at: QPoint | None) -> None:
        found = -1 if at is None else self.near(at)
        pointing = Qt.CursorShape.PointingHandCursor if found >= 0 else Qt.CursorShape.ArrowCursor
        self.viewport().setCursor(pointing)
        self.hovered.emit(found)

    def press(self, at: QPoint, modifiers: Qt.KeyboardModifier) -> None:
        found = self.near(at)
        if found >= 0:
            self.chosen.emit(found)

    def tooltip(self, at: QPoint) -> str:
        found = self.near(at)
        if self.record is None or self.frame is None:
            return ""
        if found >= 0:
            said = words.of_size(self.record.sizes[found])
            row = self.row(found)
            if self.fit is not None and row is not None:
                law, off = self.fit.predicted_P[row], self.fit.residuals_P[row]
                said += f"\nlaw {law:.4f}, {off:+.2%} off"
            return f"{said}\nclick to open it"
        if self.fit is None or not self.frame.area.contains(at):
            return ""
        n = self.frame.x.value(at.x())
        tokens = self._tokens()[-1]
        low, high = self.fit.band(np.array([n]), tokens)
        law = self.fit.predict(np.array([n]), tokens)[0]
        guess = " (a guess: beyond the sizes)" if n > self.fit.N_P.max() else ""
        return (
            f"at {short(n)} parameters the law says {law:.3f} [{low[0]:.3f}, {high[0]:.3f}]{guess}"
        )

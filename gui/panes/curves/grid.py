"""Small charts of a run that share the axis of steps: curves by layer, a cursor through them all.

Hovering reads every chart at that step. Knows charts that it is given; no store.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPoint, QPointF, QRectF, QSizeF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPen
from PySide6.QtWidgets import QWidget

from gui import theme
from gui.panes.curves.ink import color_of
from gui.panes.curves.layout import HEAD, LEGEND, GridLayout, thinned
from gui.panes.curves.legend import paint_legend
from gui.panes.curves.scale import Scale, figure, rounded_up, scale_of
from gui.panes.curves.series import LOSS, Chart, Line
from gui.session.moments import FORMED, Learned, Moment
from gui.widgets.canvas import Canvas
from gui.widgets.charts.stroke import stroke
from gui.widgets.drawing_cache import Text
from gui.widgets.drawing_cache import line as text_line
from gui.widgets.figure import is_figure
from model.train.watches import ACCURACY

FIXED = dict.fromkeys(("induction", "analogies", "facts", "copying"), (0.0, 1.0))
"""Measures whose axis always spans all that they can be."""
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """What the grid draws.

    Attributes:
        charts: in order.
        n_layers: of the network.
        last: the step at the right end of the axis.
        at: the step that the window shows; None for none.
        moment: when a task was learned, or an induction head formed.
        pictured: place of the tensor that is shown as a picture.
    """

    charts: tuple[Chart, ...] = ()
    n_layers: int = 1
    last: int = 1
    at: int | None = None
    moment: Moment | Learned | None = None
    pictured: str = ""


class CurveGrid(Canvas):
    """The widget.

    Signals:
        sought: a step that was clicked.
        picture_asked: place of the watched tensor whose curve was clicked.
        moved: so many kept steps on, or back, by a key.

    Attributes:
        drawn: what is drawn.
        hovered: the step under the mouse; None for none.
        chosen: index of the chart that has the keyboard.
    """

    sought = Signal(float)
    picture_asked = Signal(str)
    moved = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Curves over training")
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.drawn = Drawn()
        self.hovered: float | None = None
        self.chosen = 0
        self._layout = GridLayout(1, 1, 0)
        self._scales: dict[str, Scale] = {}

    # ------------------------------------------------------------------------- content

    def show_drawn(self, drawn: Drawn) -> None:
        """Draw other curves, or mark another step."""
        before, self.drawn = self.drawn, drawn
        if drawn.charts is not before.charts or drawn.last != before.last:
            self._scales = {chart.key: _scale(chart) for chart in drawn.charts}
            self.lay_out()
            self.redraw()
        elif (drawn.moment, drawn.pictured) != (before.moment, before.pictured):
            self.redraw()
        elif drawn.at != before.at:
            self.viewport().update()
        self.chosen = min(self.chosen, max(0, len(drawn.charts) - 1))

    def lay_out(self) -> None:
        size = self.viewport().size()
        self._layout = GridLayout(size.width(), size.height(), len(self.drawn.charts))
        window = QSizeF(size.width(), size.height())
        self.scroll_over(QSizeF(size.width(), self._layout.content), window)

    # -------------------------------------------------------------------------- places

    def cell(self, index: int) -> QRectF:
        """The whole of a chart, in the viewport."""
        return self._layout.cell(index).translated(-QPointF(self.scrolled))

    def plot(self, index: int) -> QRectF:
        """Where its curves are, in the viewport."""
        return self._layout.plot(index).translated(-QPointF(self.scrolled))

    def point(self, key: str, place: str, at: int) -> QPointF:
        """Where a point of a curve is drawn.

        Raises:
            StopIteration: there is no such curve.
        """
        index, chart = next(pair for pair in enumerate(self.drawn.charts) if pair[1].key == key)
        line = next(one for one in chart.lines if one.place == place)
        x, y = self._places(line, self.plot(index), self._scales[key])
        return QPointF(float(x[at]), float(y[at]))

    def chart_at(self, at: QPoint) -> int | None:
        """Index of the chart under a place."""
        if at.y() < LEGEND:
            return None
        inside = (i for i in range(len(self.drawn.charts)) if self.cell(i).contains(QPointF(at)))
        return next(inside, None)

    def step_at(self, index: int, x: float) -> float:
        """The step at a place of a chart."""
        area = self.plot(index)
        return min(max((x - area.left()) / area.width(), 0.0), 1.0) * self.drawn.last

    def _x(self, area: QRectF, step: float) -> float:
        return area.left() + area.width() * step / max(1, self.drawn.last)

    def _places(self, line: Line, area: QRectF, scale: Scale) -> tuple[np.ndarray, np.ndarray]:
        x = area.left() + area.width() * line.steps / max(1, self.drawn.last)
        y = area.bottom() - area.height() * scale.share(line.values)
        return x, y

    # ------------------------------------------------------------------------ painting

    def paint_ground(self, painter: QPainter) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        shown = QRectF(self.viewport().rect())
        for index, chart in enumerate(self.drawn.charts):
            if self.cell(index).intersects(shown):
                self._paint_chart(painter, index, chart)
        paint_legend(painter, self.viewport().width(), self.drawn.charts, self.drawn.n_layers)

    def _paint_chart(self, painter: QPainter, index: int, chart: Chart) -> None:
        t, area, scale = theme.current(), self.plot(index), self._scales[chart.key]
        small = theme.mono(theme.SMALL_FONT_SIZE - 1)
        painter.setPen(QPen(t.color("line", 0.8), 1))
        painter.drawLine(area.bottomLeft(), area.bottomRight())
        for value in scale.ticks():
            share = float(scale.share(np.array([value]))[0])
            y = round(area.bottom() - area.height() * share) + 0.5
            painter.setPen(QPen(t.color("line", 0.6), 1))
            painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y))
            painter.setPen(t.color("dim"))
            words = text_line(figure(value), small)
            words.draw(painter, area.left() - 5 - words.width, y)
        painter.setPen(t.color("dim"))
        middle = area.bottom() + 8
        text_line("0", small).draw(painter, area.left(), middle)
        end = text_line(f"{self.drawn.last:,}", small)
        end.draw(painter, area.right() - end.width, middle)
        painter.save()
        painter.setClipRect(area.adjusted(-2, -2, 2, 2))
        if chart.key == "induction":
            y = area.bottom() - area.height() * float(scale.share(np.array([FORMED]))[0])
            painter.setPen(QPen(t.color("faint"), 1, Qt.PenStyle.DotLine))
            painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y))
        for line in chart.lines:
            self._paint_line(painter, line, area, scale)
        painter.restore()
        self._paint_moment(painter, chart, area)

    def _paint_line(self, painter: QPainter, line: Line, area: QRectF, scale: Scale) -> None:
        color = color_of(line, self.drawn.n_layers)
        painter.setPen(QPen(color, 1.0 if line.place == "train" else 1.4))
        x_n, y_n = self._places(line, area, scale)
        drawn_x, drawn_y = thinned(x_n, y_n)
        finite = np.isfinite(drawn_y)
        # A number that is none is a gap: the curve does not go on as if there were one.
        for run in np.split(np.arange(len(drawn_x)), np.flatnonzero(np.diff(finite)) + 1):
            if len(run) and finite[run[0]]:
                points = [QPointF(x, y) for x, y in zip(drawn_x[run], drawn_y[run], strict=True)]
                stroke(painter, points)
        few = len(line.steps) <= area.width() / 9
        if line.dots or few:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(color)
            radius = 2.0 if line.dots else 1.4
            for x, y in zip(x_n, y_n, strict=True):
                if math.isfinite(y):
                    painter.drawEllipse(QPointF(x, y), radius, radius)
            painter.setBrush(Qt.BrushStyle.NoBrush)

    def _paint_moment(self, painter: QPainter, chart: Chart, area: QRectF) -> None:
        moment = self.drawn.moment
        if moment is None:
            return
        t, x = theme.current(), self._x(area, moment.step)
        painter.setPen(QPen(t.color("good"), 1, Qt.PenStyle.DashLine))
        painter.drawLine(QPointF(x, area.top()), QPointF(x, area.bottom()))
        if chart.key in ("induction", ACCURACY, LOSS):
            font, room = (
                theme.sans(theme.SMALL_FONT_SIZE),
                max(x - area.left(), area.right() - x) - 6,
            )
            words = text_line(moment.words, font)
            if words.width > room:
                words = text_line(moment.short, font, area.width())
            left = x + 4 if x + 4 + words.width <= area.right() else x - 4 - words.width
            painter.setPen(t.color("good"))
            words.draw(painter, max(area.left() + 2, left), area.top() + 7)

    def paint_overlay(self, painter: QPainter) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setClipRect(QRectF(self.viewport().rect()).adjusted(0, LEGEND, 0, 0))
        t, drawn = theme.current(), self.drawn
        shown = QRectF(self.viewport().rect())
        for index, chart in enumerate(drawn.charts):
            if not self.cell(index).intersects(shown):
                continue
            area = self.plot(index)
            if drawn.at is not None and drawn.at <= drawn.last:
                x = self._x(area, drawn.at)
                painter.setPen(QPen(t.color("accent"), 1.2))
                painter.drawLine(QPointF(x, area.top() - 2), QPointF(x, area.bottom()))
            if self.hovered is not None and not is_figure():
                x = self._x(area, self.hovered)
                painter.setPen(QPen(t.color("faint"), 1))
                painter.drawLine(QPointF(x, area.top()), QPointF(x, area.bottom()))
            if chart.watched and chart.watched == drawn.pictured:
                painter.setPen(QPen(t.color("accent"), 1))
                painter.drawRect(self.cell(index).adjusted(0.5, 0.5, -0.5, -0.5))
            self._paint_head(painter, index, chart)

    def _paint_head(self, painter: QPainter, index: int, chart: Chart) -> None:
        """The chart's name, and what its curves are worth at the step that is read."""
        t, cell = theme.current(), self.cell(index)
        mono, sans = theme.mono(theme.SMALL_FONT_SIZE), theme.sans(theme.SMALL_FONT_SIZE)
        middle = cell.top() + HEAD / 2
        values = self.values(chart)
        right = cell.right() - 4
        name = text_line(chart.title, sans)
        room = max(cell.width() * 0.5, cell.width() - name.width - 16)
        texts: list[tuple[Text, Line | None]] = [
            (text_line(words, mono), line) for line, words in values
        ]
        wide = sum(words.width + 7 for words, _ in texts)
        if wide > room and len(texts) > 1:
            numbers = [value for line, _ in values if (value := self.value(line)) is not None]
            ends = sorted((min(numbers), max(numbers))) if numbers else []
            said = "–".join(f"{value:.2g}" for value in ends)
            texts = [(text_line(said, mono), None)]
            if ends and texts[0][0].width > room:
                texts = [(text_line(f"≤ {ends[-1]:.2g}", mono), None)]
        x = right
        for words, line in reversed(texts):
            x -= words.width
            several = line is not None and len(texts) > 1
            painter.setPen(
                color_of(line, self.drawn.n_layers)
                if line is not None and several
                else t.color("text")
            )
            words.draw(painter, x, middle)
            x -= 7
        has_focus = self.hasFocus() and index == self.chosen
        painter.setPen(t.color("text" if has_focus else "dim"))
        elide = Qt.TextElideMode.ElideMiddle if chart.watched else Qt.TextElideMode.ElideRight
        left = max(20.0, x - cell.left() - 6)
        said = chart.title
        if chart.watched and name.width > left:  # the short form of a name means the same
            said = said.replace("blocks.", "").replace("hook_", "")
        title = text_line(said, sans, left, elide)
        title.draw(painter, cell.left() + 4, middle)

    # ------------------------------------------------------------------------- reading

    @property
    def read_at(self) -> float:
        """The step whose numbers are said: under the mouse, else in view, else the newest."""
        if self.hovered is not None:
            return self.hovered
        return self.drawn.last if self.drawn.at is None else self.drawn.at

    def _row(self, line: Line) -> int:
        """The point that is read: nearest to the mouse, else the last up to the step in view."""
        return line.up_to(self.read_at) if self.hovered is None else line.at(self.read_at)

    def value(self, line: Line) -> float | None:
        """A curve's number at the step that is read; None where it has none."""
        at = self._row(line)
        value = float(line.values[at]) if at >= 0 else math.nan
        return value if math.isfinite(value) else None

    def values(self, chart: Chart) -> list[tuple[Line, str]]:
        """What a chart's curves are worth at the step that is read."""
        found = []
        for line in chart.lines:
            value = self.value(line)
            said = "–" if value is None else format(value, chart.quantity.spec)
            found.append((line, said))
        return found

    def tooltip(self, at: QPoint) -> str:
        index = self.chart_at(at)
        if index is None:
            return ""
        chart = self.drawn.charts[index]
        unit = f", {chart.quantity.unit}" if chart.quantity.unit else ""
        rows = [f"{chart.title}{unit}", chart.quantity.sentence, ""]
        for line, said in self.values(chart):
            row = self._row(line)
            when = f" at step {line.steps[row]:,}" if row >= 0 else ""
            rows.append(f"{line.place}: {said}{when}")
        if chart.watched:
            rows += ["", "Click: as a picture, live. Shift+click: go to that step."]
        else:
            rows += ["", "Click: go to that step."]
        return "\n".join(rows[:40])

    # -------------------------------------------------------------------------- events

    def hover(self, at: QPoint | None) -> None:
        index = None if at is None else self.chart_at(at)
        hovered = None
        if at is not None and index is not None:
            hovered = self.step_at(index, at.x())
        if hovered != self.hovered:
            self.hovered = hovered
            self.viewport().update()

    def press(self, at: QPoint, modifiers: Qt.KeyboardModifier) -> None:
        index = self.chart_at(at)
        if index is None:
            return
        self.chosen = index
        there = bool(modifiers & Qt.KeyboardModifier.ShiftModifier)
        self._act(index, at.x(), travel=there)
        self.viewport().update()

    def _act(self, index: int, x: float | None, *, travel: bool = False) -> None:
        chart = self.drawn.charts[index]
        if chart.watched and not travel:
            self.picture_asked.emit(chart.watched)
        elif x is not None:
            self.sought.emit(self.step_at(index, x))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        n = len(self.drawn.charts)
        moves = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}
        ways = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}
        key = Qt.Key(event.key())
        if not n or event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier:
            super().keyPressEvent(event)
        elif key in moves:
            self.moved.emit(moves[key])
        elif key in ways:
            self.chosen = min(max(self.chosen + ways[key], 0), n - 1)
            whole = QRectF(self.viewport().rect()).adjusted(0, LEGEND, 0, 0)
            self.scroll_to(self.cell(self.chosen), whole)
            self.setAccessibleDescription(self.words_of(self.chosen))
            self.viewport().update()
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self._act(self.chosen, None)
        else:
            super().keyPressEvent(event)

    def words_of(self, index: int) -> str:
        """A chart for who doesn't see it."""
        chart = self.drawn.charts[index]
        said = ", ".join(f"{line.place} {words}" for line, words in self.values(chart))
        return f"{chart.title} at step {self.read_at:,.0f}: {said}"


def _scale(chart: Chart) -> Scale:
    if chart.key in FIXED:
        return Scale(*FIXED[chart.key])
    low, high = chart.bounds()
    return scale_of(low, high, log=chart.quantity.log)


def last_step(newest: int, planned: int) -> int:
    """The right end of the axis: a round number that moves seldom while a run goes on."""
    end = round(rounded_up(max(1, newest)))
    return min(end, planned) if planned >= newest else newest

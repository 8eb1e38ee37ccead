"""The losses of all sizes over each other, coloured from small to large.

Thin is the training loss, each point a mean of equally many steps; thick with dots is what was
validated. Knows the record of a queue; no store.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPen
from PySide6.QtWidgets import QWidget

from gui import theme
from gui.panes.scaling import words
from gui.panes.scaling.frame import Frame, framed, paint_frame, size_color
from gui.widgets.canvas import Canvas
from gui.widgets.drawing_cache import line
from gui.widgets.figure import is_figure
from model.train.scaling.counts import COUNT_WORDS, ParameterCount, training_flops
from model.train.scaling.folder import QueueRecord, SizeRecord
from model.train.scaling.published import short

Along = Literal["tokens", "compute", "six_nd"]
ALONG_WORDS: dict[Along, str] = {
    "tokens": "tokens seen",
    "compute": "counted FLOP of training",
    "six_nd": "6ND, FLOP of training",
}
NEAR = 12.0
"""Pixels from a curve at which it is meant."""
_END = 58.0
"""Room for the names at the curves' ends."""
_SKIPPED = 0.01
"""Of the tokens: a loss before that is near the vocabulary's logarithm for all sizes."""

_NAME = 15
"""Pixels from one curve's name to the next."""


class CurvesView(Canvas):
    """The widget.

    Attributes:
        lit: index of the size that is brought out; -1 for none.

    Signals:
        chosen: with the index of a size whose curve was clicked.
        hovered: with the index of the size under the mouse, -1 for none.
    """

    chosen = Signal(int)
    hovered = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.record: QueueRecord | None = None
        self.along: Along = "tokens"
        self.count: ParameterCount = "blocks"
        self.lit = -1
        self.frame: Frame | None = None
        self.setAccessibleName("Loss curves of all sizes")
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)

    def show_record(self, record: QueueRecord, along: Along, count: ParameterCount) -> None:
        """Draw it; with 6ND, N are the parameters of ``count``."""
        if record is not self.record or (along, count) != (self.along, self.count):
            self.record, self.along, self.count = record, along, count
            self.lay_out()
            self.redraw()

    @property
    def is_empty(self) -> bool:
        """Whether there is no curve yet."""
        return self.record is None or not any(len(s.train_loss_C) for s in self.record.sizes)

    @property
    def x_title(self) -> str:
        """What the axis counts."""
        said = ALONG_WORDS[self.along]
        return f"{said}; N = {COUNT_WORDS[self.count]}" if self.along == "six_nd" else said

    def light(self, at: int) -> None:
        """Bring a size out; -1 for none."""
        if at != self.lit:
            self.lit = at
            self.redraw()

    # -------------------------------------------------------------------------- places

    def xs(self, size: SizeRecord, tokens: NDArray[np.float64]) -> NDArray[np.float64]:
        """Where numbers of tokens stand along the axis."""
        match self.along:
            case "compute":
                return tokens * training_flops(size.config)
            case "six_nd":
                return tokens * 6.0 * (size.parameters(self.count) or 1)
        return tokens

    def curve(self, size: SizeRecord) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The training loss as it is drawn."""
        late = size.train_tokens_C >= _SKIPPED * size.tokens
        return self.xs(size, size.train_tokens_C[late]), size.train_loss_C[late]

    def checks(self, size: SizeRecord) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The validation loss as it is drawn."""
        late = (size.val_tokens_V >= _SKIPPED * size.tokens) & np.isfinite(size.val_loss_V)
        return self.xs(size, size.val_tokens_V[late]), size.val_loss_V[late]

    def lay_out(self) -> None:
        self.frame = None
        if self.record is None:
            return
        xs, ys = list[float](), list[float]()
        for size in self.record.sizes:
            for x, y in (self.curve(size), self.checks(size)):
                known = np.isfinite(y)
                xs += x[known].tolist()
                ys += y[known].tolist()
        whole = QRectF(self.viewport().rect())
        self.frame = framed(whole, xs, ys, right=_END)

    def near(self, at: QPoint) -> int:
        """The size whose curve is under a place; -1 for none."""
        frame, best, nearest = self.frame, -1, NEAR
        if self.record is None or frame is None or not frame.area.contains(at):
            return -1
        for index, size in enumerate(self.record.sizes):
            for (x, y), thin in ((self.checks(size), 1), (self.curve(size), 2)):
                if len(x) < 2 or not frame.x.at(float(x[0])) - 4 <= at.x():
                    continue
                if at.x() > frame.x.at(float(x[-1])) + NEAR:
                    continue
                here = float(np.interp(np.log(frame.x.value(at.x())), np.log(x), np.log(y)))
                # Where both are as near, the thick one is meant.
                away = thin * abs(frame.y.at(float(np.exp(here))) - at.y())
                if away < nearest:
                    best, nearest = index, away
        return best

    # ------------------------------------------------------------------------- painting

    def paint_ground(self, painter: QPainter) -> None:
        frame, record = self.frame, self.record
        if frame is None or record is None:
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        paint_frame(painter, frame, self.x_title, "loss, nats per token", short)
        self._paint_legend(painter, frame)
        lit = -1 if is_figure() else self.lit
        order = sorted(range(len(record.sizes)), key=lambda at: at == lit)
        for at in order:
            self._paint_size(painter, frame, at, faded=lit >= 0 and at != lit)
        self._paint_ends(painter, frame, record)

    def _paint_size(self, painter: QPainter, frame: Frame, at: int, *, faded: bool) -> None:
        assert self.record is not None
        size = self.record.sizes[at]
        color = QColor(size_color(at, len(self.record.sizes)))
        color.setAlphaF(0.3 if faded else 1.0)
        thin = QColor(color)
        thin.setAlphaF(0.2 if faded else 0.45)
        painter.save()
        painter.setClipRect(frame.area)
        x, y = self.curve(size)
        painter.setPen(QPen(thin, 1))
        painter.drawPolyline(frame.line(x, y))
        x, y = self.checks(size)
        painter.setPen(QPen(color, 1.8))
        points = frame.line(x, y)
        painter.drawPolyline(points)
        painter.setPen(QPen(theme.current().color("panel"), 1))
        painter.setBrush(color)
        for point in points:
            painter.drawEllipse(point, 2.6, 2.6)
        painter.restore()

    def _paint_legend(self, painter: QPainter, frame: Frame) -> None:
        """What thin and thick are, at the right of the title."""
        t, font = theme.current(), theme.sans(theme.SMALL_FONT_SIZE)
        x, y = frame.area.right(), 12.0
        for text, width, alpha in (("validation", 1.8, 1.0), ("training", 1.0, 0.6)):
            said = line(text, font)
            x -= said.width
            if x < frame.area.left() + 130:
                return
            painter.setPen(t.color("dim"))
            said.draw(painter, x, y)
            painter.setPen(QPen(t.color("accent", alpha), width))
            painter.drawLine(QPointF(x - 22, y), QPointF(x - 6, y))
            x -= 36

    def _paint_ends(self, painter: QPainter, frame: Frame, record: QueueRecord) -> None:
        """Each size's width beside its end, as far apart as they can be read."""
        font, ends = theme.mono(theme.SMALL_FONT_SIZE), list[tuple[float, float, int]]()
        for at, size in enumerate(record.sizes):
            x, y = self.checks(size)
            if not len(x):
                x, y = self.curve(size)
            known = np.flatnonzero(np.isfinite(y))
            if len(known):
                ends.append((frame.y.at(float(y[known[-1]])), frame.x.at(float(x[known[-1]])), at))
        ends.sort()
        places, floor = [], frame.area.top() - 8
        for high, _, _ in ends:
            places.append(max(high, floor + _NAME))
            floor = places[-1]
        ceiling = frame.area.bottom() + 8
        for row in reversed(range(len(places))):  # none stands below the plot
            places[row] = min(places[row], ceiling - _NAME)
            ceiling = places[row]
        for (_, right, at), place in zip(ends, places, strict=True):
            # Not in the size's colour, in which the lightest could not be read.
            painter.setPen(theme.current().color("text" if at == self.lit else "dim"))
            size = record.sizes[at]
            several = len(record.plan.tokens) > 1
            name = f"{size.width} {short(size.tokens)}" if several else f"{size.width}"
            line(name, font).draw(painter, right + 7, place)

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
        found, frame = self.near(at), self.frame
        if found < 0 or frame is None or self.record is None:
            return ""
        size = self.record.sizes[found]
        x, y = self.curve(size)
        here = frame.x.value(at.x())
        nearest = int(np.abs(np.log(x) - np.log(here)).argmin()) if len(x) else -1
        said = f"training loss {y[nearest]:.4f} there\n" if nearest >= 0 else ""
        return f"{said}{words.of_size(size)}\nclick to open it"


def end_point(view: CurvesView, at: int) -> QPointF | None:
    """Where the last validation of a size is drawn, for tests and labels."""
    if view.record is None or view.frame is None:
        return None
    x, y = view.checks(view.record.sizes[at])
    return None if not len(x) else view.frame.point(float(x[-1]), float(y[-1]))

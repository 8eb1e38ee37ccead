"""A step of the stage as a motion: what was there goes to where it is read, what is new appears.

The same numbers of the same tensor, in the scene before and in the new one, glide from their old
place to the new one; then a line goes over what is written, one number after another. Knows marks
and pictures; no store.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QElapsedTimer, QObject, QRectF, QVariantAnimation, Signal
from PySide6.QtGui import QColor, QPainter, QPixmap

from gui import theme
from gui.panes.stage.marks import Bars, Cell, Grid, Mark

APPEARED = 0.6
"""Share of the time after which what is new is there in full."""
HURRY_MS = 200
"""Who steps again sooner than this, as by a key held down, wants no motion."""
SWEEP_FROM = 0.35
"""Share of the time after which the line begins to go over what is written."""


@dataclass(frozen=True, slots=True)
class Flow:
    """Numbers that are in both scenes.

    Attributes:
        start: where they were.
        end: where they are.
    """

    start: QRectF
    end: QRectF

    def at(self, share: float) -> QRectF:
        """Where they are on their way."""
        a, b, t = self.start, self.end, share
        return QRectF(
            a.x() + (b.x() - a.x()) * t,
            a.y() + (b.y() - a.y()) * t,
            a.width() + (b.width() - a.width()) * t,
            a.height() + (b.height() - a.height()) * t,
        )


def flows(before: Sequence[Mark], after: Sequence[Mark]) -> tuple[Flow, ...]:
    """What of a scene is in the next one too.

    Args:
        before: marks of the scene that was drawn.
        after: marks of the one that is.
    """
    found = []
    for new in after:
        if not isinstance(new, Grid | Bars):
            continue
        # What was written stands last, and is what is read next.
        both = (_same(old, new) for old in reversed(before) if isinstance(old, Grid | Bars))
        flow = next((one for one in both if one is not None), None)
        if flow is not None:
            found.append(flow)
    return tuple(found)


def _same(old: Grid | Bars, new: Grid | Bars) -> Flow | None:
    """The way of the numbers that two marks share."""
    a, b = old.panel, new.panel
    if a.name != b.name or type(old) is not type(new) or a.letters[-1] != b.letters[-1]:
        return None
    if a.index == b.index and a.letters == b.letters:
        return Flow(old.box, new.box)
    if isinstance(old, Bars) or isinstance(new, Bars):
        return None
    # A vector that becomes a row of many, or one of them that is looked at alone.
    if a.letters[0] == " " and b.letters[0] != " ":
        row = _row_of(new, a.place(0, 0))
        return None if row is None else Flow(old.box, row)
    if b.letters[0] == " " and a.letters[0] != " ":
        row = _row_of(old, b.place(0, 0))
        return None if row is None else Flow(row, new.box)
    return None


def _row_of(grid: Grid, place: tuple[int, ...]) -> QRectF | None:
    panel = grid.panel
    if not panel.is_whole or grid.upright or len(place) != len(panel.index):
        return None
    for row in range(len(panel.values_RC)):
        if panel.place(row, 0) == place:
            box = grid.rect_of((row, 0))
            return QRectF(grid.box.left(), box.top(), grid.box.width(), box.height())
    return None


class StageMotion(QObject):
    """One motion at a time; at rest it costs nothing.

    Signals:
        advanced: a frame is due.
    """

    advanced = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._flows: tuple[Flow, ...] = ()
        self._before: QPixmap | None = None
        self._rest: QPixmap | None = None
        self._sweep: tuple[Grid | Bars, int] | None = None
        self._since = QElapsedTimer()
        self._animation = QVariantAnimation(self)
        self._animation.setStartValue(0.0)
        self._animation.setEndValue(1.0)
        self._animation.valueChanged.connect(self._advance)
        self._animation.finished.connect(self._rest_now)

    @property
    def runs(self) -> bool:
        return self._animation.state() == QVariantAnimation.State.Running

    @property
    def share(self) -> float:
        """How much of the time is over."""
        return float(self._animation.currentValue()) if self.runs else 1.0

    def start(
        self, before: QPixmap | None, flows: tuple[Flow, ...], sweep: Grid | Bars | None
    ) -> None:
        """Begin, unless the step before is not over: then this one is there at once.

        Args:
            before: the picture of the scene that was there.
            flows: what is in both.
            sweep: what the operation writes, where it is gone through number by number.
        """
        hurried = self.runs or (self._since.isValid() and self._since.elapsed() < HURRY_MS)
        self._since.start()
        self.stop()
        if hurried or theme.MOTION_MS <= 0:
            return
        self._before, self._flows, self._rest = before, flows, None
        self._sweep = None
        if sweep is not None:
            self._sweep = sweep, int(sweep.panel.values_RC.shape[1])
        self._animation.setDuration(theme.MOTION_MS)
        self._animation.start()

    def stop(self) -> None:
        """Everything is where it should be."""
        self._animation.stop()
        self._rest_now()

    @property
    def swept(self) -> tuple[Grid | Bars, Cell] | None:
        """The number that the line is at."""
        t = self.share
        if not self.runs or self._sweep is None or t < SWEEP_FROM:
            return None
        mark, n = self._sweep
        return mark, (0, min(n - 1, int((t - SWEEP_FROM) / (1 - SWEEP_FROM) * n)))

    def paint(self, painter: QPainter, ground: QPixmap) -> None:
        """A frame.

        Args:
            painter: of the view.
            ground: the picture of the new scene.
        """
        t = self.share
        eased = 1 - (1 - t) ** 3
        appeared = min(1.0, t / APPEARED)
        panel = QColor(theme.current().panel)
        area = QRectF(ground.rect()).size() / ground.devicePixelRatio()
        painter.fillRect(QRectF(0, 0, area.width(), area.height()), panel)
        if self._before is not None and appeared < 1:
            painter.setOpacity(1 - appeared)
            painter.drawPixmap(0, 0, self._before)
        painter.setOpacity(appeared)
        painter.drawPixmap(0, 0, self._without_flows(ground, panel))
        painter.setOpacity(1)
        ratio = ground.devicePixelRatio()
        for flow in self._flows:
            end = flow.end
            source = QRectF(
                end.x() * ratio, end.y() * ratio, end.width() * ratio, end.height() * ratio
            )
            painter.drawPixmap(flow.at(eased), ground, source)

    def _without_flows(self, ground: QPixmap, panel: QColor) -> QPixmap:
        """The new scene with gaps where numbers are still on their way to."""
        if self._rest is None:
            self._rest = QPixmap(ground)
            with QPainter(self._rest) as painter:
                for flow in self._flows:
                    painter.fillRect(flow.end, panel)
        return self._rest

    def _advance(self) -> None:
        self.advanced.emit()

    def _rest_now(self) -> None:
        self._before = self._rest = self._sweep = None
        self._flows = ()

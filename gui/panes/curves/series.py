"""What a run has measured, as charts: a line a layer, the loss first.

Knows a run and its measures; no widget, no colour.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gui.session.moments import Learned, Moment, Moments
from gui.session.training_run import Run
from model.probe.question import Named
from model.train.watches import QUANTITIES, Quantity, is_watched, layer_of, quantity_of

LOSS = "loss"
_LOSS = Quantity(
    name=LOSS,
    title="Loss",
    unit="nats per token",
    sentence="Of each step's batch, and of validation text (dots)",
    spec=".4f",
)


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """A curve.

    Attributes:
        place: where it was measured; of the loss, on which text.
        steps: ``[n]`` rising.
        values: ``[n]``; NaN where it was no finite number.
        layer: of its place; None outside the blocks.
        dots: whether its points are marked.
    """

    place: str
    steps: NDArray[np.int64]
    values: NDArray[np.float64]
    layer: int | None = None
    dots: bool = False

    def at(self, step: float) -> int:
        """Index of the point that is nearest to a step; -1 for no point."""
        n = len(self.steps)
        if not n:
            return -1
        right = int(np.searchsorted(self.steps, step))
        if right in (0, n):
            return min(right, n - 1)
        return right - int(step - self.steps[right - 1] <= self.steps[right] - step)

    def up_to(self, step: float) -> int:
        """Index of the last point up to a step; -1 before the first."""
        return int(np.searchsorted(self.steps, step, "right")) - 1


@dataclass(frozen=True, slots=True, eq=False)
class Chart:
    """Lines on one pair of axes.

    Attributes:
        key: of the chart; of a watched tensor its place and reduction.
        quantity: what is drawn.
        lines: in order.
        watched: place of the tensor that somebody watches; empty for what every run has.
    """

    key: str
    quantity: Quantity
    lines: tuple[Line, ...]
    watched: str = ""

    @property
    def title(self) -> str:
        """Above the chart."""
        if not self.watched:
            return self.quantity.title
        return f"{self.watched} · {self.quantity.title}"

    def bounds(self) -> tuple[float, float]:
        """The lowest and highest number, on a logarithmic axis of those above zero."""
        values = [line.values[np.isfinite(line.values)] for line in self.lines]
        known = np.concatenate(values) if values else np.zeros(0)
        if self.quantity.log:
            known = known[known > 0]
        return (float(known.min()), float(known.max())) if len(known) else (0.0, 1.0)


class RunSeries:
    """What a run has measured until now, by curve.

    Attributes:
        run: the run.
    """

    def __init__(self, run: Run) -> None:
        self.run = run
        self._n = 0
        self._moments = Moments(run)
        self._series: dict[tuple[str, str], tuple[list[int], list[float]]] = {}

    @property
    def key(self) -> tuple[int, int, int]:
        """Changes with everything that is drawn."""
        return len(self.run.measured), len(self.run.steps), len(self.run.evaluations)

    def update(self) -> None:
        """Take in what is new."""
        for event in self.run.measured[self._n :]:
            for place, measure, value in event.values:
                steps, values = self._series.setdefault((place, measure), ([], []))
                steps.append(event.step)
                values.append(value)
        self._n = len(self.run.measured)
        self._moments.update()

    def charts(self) -> tuple[Chart, ...]:
        """All of them in order: the loss, what every run has, what is watched."""
        found = [self._loss()] if self.run.steps or self.run.evaluations else []
        for name, quantity in QUANTITIES.items():
            lines = tuple(
                _line(place, *series)
                for (place, measure), series in self._series.items()
                if measure == name and quantity.drawn and not is_watched(place, measure)
            )
            if lines:
                found.append(Chart(name, quantity, tuple(sorted(lines, key=_order))))
        for (place, measure), series in self._series.items():
            if is_watched(place, measure):
                lines = (_line(place, *series),)
                key = f"{place} {measure}"
                found.append(Chart(key, quantity_of(place, measure), lines, watched=place))
        return tuple(found)

    @property
    def moment(self) -> Moment | Learned | None:
        """When its task was learned, or the first induction head formed; None while neither."""
        return self._moments.first

    def value_at(self, place: str, measure: str, step: int) -> float | None:
        """The last number of a curve at a step or before it."""
        steps, values = self._series.get((place, measure), ([], []))
        at = int(np.searchsorted(steps, step, side="right")) - 1
        return values[at] if at >= 0 and math.isfinite(values[at]) else None

    def arrays(self) -> dict[str, Named]:
        """Every chart's numbers, place by step; NaN where a curve has no point."""
        data: dict[str, Named] = {}
        for chart in self.charts():
            steps = np.unique(np.concatenate([line.steps for line in chart.lines]))
            table = np.full((len(chart.lines), len(steps)), np.nan)
            for row, line in zip(table, chart.lines, strict=True):
                row[np.searchsorted(steps, line.steps)] = line.values
            places = np.array([line.place for line in chart.lines])
            data[chart.key] = Named(table, ("place", "step"), {"place": places, "step": steps})
        return data

    def _loss(self) -> Chart:
        run = self.run
        steps, losses = run.losses["step"].astype(np.int64), run.losses["train_loss"]
        checked = np.array([event.step for event in run.evaluations], np.int64)
        found = np.array([event.val_loss for event in run.evaluations], np.float64)
        lines = (Line("train", steps, losses), Line("validation", checked, found, dots=True))
        return Chart(LOSS, _LOSS, tuple(line for line in lines if len(line.steps)))


def _line(place: str, steps: list[int], values: list[float]) -> Line:
    array = np.array(values, np.float64)
    array[~np.isfinite(array)] = np.nan
    return Line(place, np.array(steps, np.int64), array, layer_of(place))


def _order(line: Line) -> tuple[int, int, str]:
    """The embedding, the blocks by number, what comes behind them."""
    if line.layer is not None:
        return 1, line.layer, line.place
    return (0 if line.place.startswith("embed") else 2), 0, line.place

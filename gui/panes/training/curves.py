"""The curves of a training run as growing arrays: every point that the run has reported.

Knows the events of a run and NumPy, no widget.
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from gui.session.growing_table import GrowingTable
from gui.session.training_run import Run
from model.probe.question import Named
from model.train import metrics
from model.train.events import Evaluated, StepDone
from model.train.metrics import Measure

Along = Literal["step", "tokens", "seconds"]
Unit = Literal["nats", "bits", "bits_per_byte"]

ALONG_WORDS: dict[Along, str] = {"step": "steps", "tokens": "tokens", "seconds": "seconds"}
UNIT_WORDS: dict[Unit, str] = {
    "nats": "nats per token",
    "bits": "bits per token",
    "bits_per_byte": "bits per byte",
}


LOSS = "loss"
LOSS_UNIT = "nats per token"
"""What is drawn on the axis of losses: every measure of this unit."""


def measures_on(event: type[StepDone | Evaluated]) -> tuple[Measure, ...]:
    """What an event of a run carries, in the order of the list."""
    return tuple(measure for measure in metrics.MEASURES if event in measure.on)


def choices() -> dict[str, tuple[Measure, ...]]:
    """What can be drawn: the losses together, or any other measure by its name."""
    found = {LOSS: tuple(one for one in metrics.MEASURES if one.unit == LOSS_UNIT)}
    others = (one for one in metrics.MEASURES if one.unit != LOSS_UNIT)
    return found | {one.name: (one,) for one in others if one.name not in ALONG_WORDS}


class RunCurves:
    """What a run has reported, as columns.

    Attributes:
        run: the run.
        steps: a column for each measure of a step.
        validation: a column for each measure of an evaluation.
        analogies: step, rank, rank_all_words, share.
    """

    def __init__(self, run: Run) -> None:
        self.run = run
        self.steps = GrowingTable(*(one.name for one in measures_on(StepDone)))
        self.validation = GrowingTable(*(one.name for one in measures_on(Evaluated)))
        self.analogies = GrowingTable("step", "rank", "rank_all_words", "share")

    def update(self, most: int | None = None) -> bool:
        """Take in what is new, so much at once; whether that is all."""
        run = self.run
        return all(
            [
                self.steps.take(run.steps, most),
                self.validation.take(run.evaluations, most),
                self.analogies.take(run.analogies, most),
            ]
        )

    def table_of(self, measure: Measure) -> GrowingTable:
        """Where a measure's column stands."""
        return self.steps if StepDone in measure.on else self.validation

    def arrays(self) -> dict[str, Named]:
        """Every measure over the steps at which it was measured, the analogy's figures too."""
        data: dict[str, Named] = {}
        for measure in metrics.MEASURES:
            if measure.name == "step":
                continue
            tables = [
                table
                for event, table in ((StepDone, self.steps), (Evaluated, self.validation))
                if event in measure.on
            ]
            # Of a step that was also evaluated: the number of the step itself.
            every = np.concatenate([table["step"] for table in tables]).astype(np.int64)
            steps, first = np.unique(every, return_index=True)
            values = np.concatenate([table[measure.name] for table in tables])[first]
            if measure.optional and not np.isfinite(values).any():
                continue
            whole = values.astype(np.int64) if measure.whole else values
            data[measure.name] = Named(whole, ("step",), {"step": steps})
        at = {"step": self.analogies["step"].astype(np.int64)}
        for name in ("rank", "rank_all_words", "share"):
            column = self.analogies[name]
            values = column.copy() if name == "share" else column.astype(np.int64)
            if len(values):
                data[f"analogy_{name}"] = Named(values, ("step",), at)
        return data

    def has(self, measure: Measure) -> bool:
        """Whether there may be numbers of a measure: some are measured of few runs."""
        return not measure.optional or bool(np.isfinite(self.table_of(measure)[measure.name]).any())

    def along(self, steps: NDArray[np.float64], along: Along) -> NDArray[np.float64]:
        """Where step numbers lie on the axis: themselves, or the tokens or seconds until then."""
        if along == "step":
            return steps
        if not len(self.steps):
            return np.zeros_like(steps)
        known = np.concatenate([[0.0], self.steps["step"]])
        values = np.concatenate([[0.0], self.steps[along]])
        return np.interp(steps, known, values)

    def scale(self, unit: Unit) -> float | None:
        """What a loss in nats per token is multiplied by; None while that is not known.

        Bits per byte follow from the validation text's tokens per byte, which the run has
        measured; the training text's may differ a little.
        """
        if unit == "nats":
            return 1.0
        if unit == "bits":
            return 1 / math.log(2)
        if not len(self.validation) or not self.validation["val_loss"][-1]:
            return None
        scale = float(self.validation["bits_per_byte"][-1] / self.validation["val_loss"][-1])
        return scale if math.isfinite(scale) else None  # of a run that did not keep it

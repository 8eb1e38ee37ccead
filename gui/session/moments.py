"""What happens once in a training, found in what was measured of it.

When an induction head forms, and when a task is learned.

Knows the events of a run; no store.
"""

from __future__ import annotations

from dataclasses import dataclass

from gui.session.training_run import Run
from model.probe.heads.asks import LEAST
from model.train.watches import ACCURACY, HELD_OUT, TRAINED_ON, layer_of

FORMED = LEAST["induction"]
"""An induction score that earns a head its name (`model.probe.heads`)."""


@dataclass(frozen=True, slots=True)
class Moment:
    """When an induction head formed: the first measured step at which one earns its name.

    Attributes:
        step: that step.
        layer, head: which head.
        score: its score there.
    """

    step: int
    layer: int
    head: int
    score: float

    @property
    def short(self) -> str:
        """For its line where there is little room."""
        return f"induction L{self.layer} H{self.head}"

    @property
    def words(self) -> str:
        """For its line."""
        return f"induction head: layer {self.layer}, head {self.head}"


KNOWS, LEARNED = 0.99, 0.95
"""Shares of right answers: of examples that it was trained on, and of those that were held out."""


@dataclass(frozen=True, slots=True)
class Learned:
    """When a task was learned: the first measured step at which held-out questions are right.

    Attributes:
        step: that step.
        knew_at: the first at which it was right of nearly all examples that it was trained on.
        share: of the held-out ones that it was right of then.
    """

    step: int
    knew_at: int
    share: float

    @property
    def groks(self) -> bool:
        """Whether it had long known the others by heart."""
        return self.step >= 2 * self.knew_at

    @property
    def short(self) -> str:
        """For its line where there is little room."""
        return "groks" if self.groks else "learned"

    @property
    def words(self) -> str:
        """For its line."""
        if self.groks:
            return f"groks, {self.step - self.knew_at:,} steps after it knew the others"
        return f"{self.share:.0%} of held-out questions right"


class Moments:
    """Looks through what a run has measured, each event once.

    Args:
        run: which.

    Attributes:
        induction: when its first induction head formed; None while there is none.
        learned: when its task was learned; None while it isn't, or where there is none.
    """

    def __init__(self, run: Run) -> None:
        self.run = run
        self.induction: Moment | None = None
        self.learned: Learned | None = None
        self._knew_at: int | None = None
        self._n = 0

    @property
    def first(self) -> Moment | Learned | None:
        """What is marked: of a task when it was learned, else when an induction head formed."""
        return self.learned or self.induction

    def update(self) -> Moment | Learned | None:
        """Take in what is new; returns `first`."""
        for event in self.run.measured[self._n :]:
            values = {(place, measure): value for place, measure, value in event.values}
            self._look_at_accuracy(event.step, values)
            if self.induction is not None:
                continue
            for (place, measure), value in values.items():
                layer = layer_of(place)
                if measure == "induction" and layer is not None and value >= FORMED:
                    best: Moment | None = self.induction
                    head = int(values.get((place, "induction_head"), -1))
                    if best is None or value > best.score:
                        self.induction = Moment(event.step, layer, head, value)
        self._n = len(self.run.measured)
        return self.first

    def _look_at_accuracy(self, step: int, values: dict[tuple[str, str], float]) -> None:
        share = values.get((HELD_OUT, ACCURACY))
        if share is None:
            return
        if self._knew_at is None and values.get((TRAINED_ON, ACCURACY), 0.0) >= KNOWS:
            self._knew_at = step
        if self.learned is None and share >= LEARNED:
            self.learned = Learned(step, step if self._knew_at is None else self._knew_at, share)

"""What happens once in a training, found in what was measured of it: when an induction head forms.

Knows the events of a run; no store.
"""

from __future__ import annotations

from dataclasses import dataclass

from gui.session.training_run import Run
from model.probe.heads.asks import LEAST
from model.train.watches import layer_of

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


class Moments:
    """Looks through what a run has measured, each event once.

    Args:
        run: which.

    Attributes:
        induction: when its first induction head formed; None while there is none.
    """

    def __init__(self, run: Run) -> None:
        self.run = run
        self.induction: Moment | None = None
        self._n = 0

    def update(self) -> Moment | None:
        """Take in what is new; returns `induction`."""
        for event in self.run.measured[self._n :]:
            if self.induction is not None:
                break
            values = {(place, measure): value for place, measure, value in event.values}
            for (place, measure), value in values.items():
                layer = layer_of(place)
                if measure == "induction" and layer is not None and value >= FORMED:
                    best: Moment | None = self.induction
                    head = int(values.get((place, "induction_head"), -1))
                    if best is None or value > best.score:
                        self.induction = Moment(event.step, layer, head, value)
        self._n = len(self.run.measured)
        return self.induction

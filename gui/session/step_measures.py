"""What a network can do at each step of its training: found out in the background, if wanted.

Knows the store and messages; no widget.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Literal

from gui.session.feature import Feature
from gui.session.state import Notice
from model import messages as m

if TYPE_CHECKING:
    from gui.session.store import Store

Measure = Literal["rank", "analogies", "facts", "induction"]


class StepMeasures(Feature):
    """Of the steps of the model in view (`gui/session/timeline.py`).

    Attributes:
        measure: what is drawn beside the loss; None for nothing, then nothing is found out.
        measured: what is known, by step.
    """

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.measure: Measure | None = None
        self.measured: dict[int, m.StepMeasured] = {}
        self._asking: m.MeasureSteps | None = None
        self._paths: tuple[str, ...] = ()
        store.timeline.changed.connect(self._find_out)

    # ------------------------------------------------------------------------- reading

    def values(self, measure: Measure) -> tuple[list[int], list[float]]:
        """The steps of which a measure is known, in order, and its values."""
        steps = [at.step for at in self._store.timeline.steps if at.step in self.measured]
        return steps, [float(getattr(self.measured[step], measure)) for step in steps]

    def first_above(self, measure: Measure, least: float) -> m.StepMeasured | None:
        """The first known step at which a measure is at least so much, if it stays known so."""
        steps, values = self.values(measure)
        hit = (step for step, value in zip(steps, values, strict=True) if value >= least)
        found = next(hit, None)
        return None if found is None else self.measured[found]

    @property
    def n_left(self) -> int:
        """Of how many steps nothing is known yet."""
        return sum(at.step not in self.measured for at in self._store.timeline.steps)

    # ------------------------------------------------------------------------ changing

    def choose(self, measure: Measure | None) -> None:
        """Draw it beside the loss; what is not known yet of the steps is found out."""
        if measure == self.measure:
            return
        self.measure = measure
        if measure is None and self._asking is not None:
            self._store.send(m.Cancel(target=self._asking.id))
            self._asking = None
        self._find_out()
        self.changed.emit()

    def _find_out(self) -> None:
        """Ask about the steps of which nothing is known, unless that goes on already."""
        model = self._store.model
        if self.measure is None or model is None:
            return
        steps = [at.step for at in self._store.timeline.steps]
        on_its_way = () if self._asking is None else self._asking.steps
        new = [step for step in steps if step not in self.measured and step not in on_its_way]
        if new:
            left = [step for step in steps if step not in self.measured]
            order = tuple(coarse_to_fine(left))
            self._asking = m.MeasureSteps(model_id=model.model_id, steps=order)
            self._store.send(self._asking)

    # ------------------------------------------------------------------------- results

    def take(self, result: m.Result) -> bool:
        mine = self._asking is not None and result.request_id == self._asking.id
        match result:
            case m.StepMeasured():
                if self._store.model is not None and mine:
                    self.measured[result.step] = result
                    self.changed.emit()
            case m.Cancelled() if mine:
                self._asking = None
            case m.Failed() if mine:
                # What is on its way stays so: the same would fail again.
                self._store.post(Notice.of(result))
            case _:
                return False
        return True

    def reset(self, model: m.ModelInfo) -> bool:
        paths = tuple(at.path for at in self._store.timeline.steps)
        if not self._paths or paths[: len(self._paths)] != self._paths:
            self.measured = {}  # of another training
        self._paths = paths
        self._asking = None
        self._find_out()
        return self.measure is not None


def coarse_to_fine(steps: Sequence[int]) -> Iterator[int]:
    """The ends, then the middles between those that came: a curve is there soon, then smooth."""
    n = len(steps)
    given: set[int] = set()
    gap = max(1, n - 1)
    while len(given) < n:
        for at in range(0, n, gap):
            if at not in given:
                given.add(at)
                yield steps[at]
        gap = max(1, gap // 2)

"""What somebody asks of a run while it goes: what to watch, how often, and what to wait for.

Knows recipe, measuring and conditions; not when anything is due.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from model.train.conditions import Conditions, Value, check_asked
from model.train.events import ConditionMet, Evaluated, Measured, StepDone
from model.train.measuring import Measuring
from model.train.metrics import measured
from model.train.recipe import Recipe


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked for; see `Training.watch`."""

    watched: tuple[str, ...]
    stop_when: tuple[str, ...]
    picture: str = ""
    every: int = 0


class Watching:
    """Of one run, from before it has begun."""

    def __init__(self) -> None:
        self._asked: Asked | None = None
        self._conditions = Conditions()

    def ask(self, recipe: Recipe, asked: Asked) -> None:
        """Take what is asked for; `apply` does it.

        Raises:
            WatchError: the network of the recipe has no such name, or a condition is none.
        """
        if not recipe.tuning:  # of a model that is tuned the names are known once it is read
            check_asked(recipe.config(1), asked.watched, asked.stop_when)
        self._asked = asked

    def apply(self, recipe: Recipe, measuring: Measuring) -> Recipe:
        """Measure what is asked for, else what the recipe asks; the recipe that says so."""
        asked = self._asked or Asked(recipe.watched, recipe.stop_when)
        found, conditions = check_asked(measuring.config, asked.watched, asked.stop_when)
        measuring.watches, measuring.picture = found, asked.picture
        measuring.every = asked.every or recipe.curves_every
        self._conditions.replace(conditions)
        return replace(
            recipe,
            watched=asked.watched,
            stop_when=asked.stop_when,
            curves_every=measuring.every,
        )

    def take_as_known(self, values: Iterable[Value]) -> None:
        """What held already when a run was left is not waited for again."""
        self._conditions.met(values)

    def check(self, event: StepDone | Evaluated | Measured) -> Iterator[ConditionMet]:
        """The conditions that begin to hold with an event."""
        if not self._conditions:
            return
        values = (
            event.values
            if isinstance(event, Measured)
            else [("", measure.name, float(value)) for measure, value in measured(event)]
        )
        for condition, words in self._conditions.met(values):
            yield ConditionMet(event.step, condition.text, f"At step {event.step:,} {words}")

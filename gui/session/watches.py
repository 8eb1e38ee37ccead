"""What of a network that learns is watched, and what its run is to wait for.

A list that a person makes, before a run and while it goes: the next run begins with it, and the one
that goes takes it over at once. Knows the store and messages; no widget.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from gui.session.feature import Feature
from gui.session.state import Notice
from gui.session.training_run import Run
from model import messages as m
from model.config import TransformerConfig
from model.train.conditions import condition_of
from model.train.recipe import Recipe
from model.train.watches import watch_of

if TYPE_CHECKING:
    from gui.session.store import Store


class Watches(Feature):
    """Tensors by name, conditions, and the one tensor that is looked at as a picture.

    Attributes:
        watched: ``NAME REDUCTION`` each, in the order in which they were asked for.
        stop_when: conditions at which the run waits.
        picture: place of the watched tensor that comes as a picture; empty for none.
        every: steps between two measurements; 0 for as often as the recipe has it.
    """

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.watched: tuple[str, ...] = ()
        self.stop_when: tuple[str, ...] = ()
        self.picture = ""
        self.every = 0
        self._sent = 0
        self._run: Run | None = None
        self._met: object = None
        store.run.changed.connect(self._look_at_run)

    # ------------------------------------------------------------------------ changing

    def watch(self, text: str, config: TransformerConfig) -> str:
        """Watch one more tensor.

        Args:
            text: its name, with a reduction or without.
            config: of the network that has it.

        Returns:
            As it is in the list.

        Raises:
            WatchError: there is no such tensor; the message offers others.
        """
        found = str(watch_of(text, config))
        if found not in self.watched:
            self.watched = (*self.watched, found)
            self._tell()
        return found

    def wait_for(self, text: str, config: TransformerConfig) -> None:
        """Wait for one more condition.

        Raises:
            WatchError: it is none; the message says why.
        """
        condition = condition_of(text, config)
        if condition.text not in self.stop_when:
            self.stop_when = (*self.stop_when, condition.text)
            self._tell()

    def drop(self, text: str) -> None:
        """Watch a tensor, or wait for a condition, no longer."""
        self.watched = tuple(one for one in self.watched if one != text)
        self.stop_when = tuple(one for one in self.stop_when if one != text)
        if self.picture and not any(one.startswith(f"{self.picture} ") for one in self.watched):
            self.picture = ""
        self._tell()

    def look_at(self, place: str) -> None:
        """Have a watched tensor come as a picture with each measurement; empty for none."""
        if place != self.picture:
            self.picture = place
            self._tell()

    def measure_every(self, steps: int) -> None:
        """Measure so often; 0 for as often as the recipe of the next run has it."""
        if steps != self.every:
            self.every = steps
            self._tell()

    def set_lists(self, watched: tuple[str, ...], stop_when: tuple[str, ...]) -> None:
        """Take lists as a person left them; what fits no network is found out where it matters."""
        self.watched, self.stop_when = watched, stop_when
        self._tell()

    def added_to(self, recipe: Recipe) -> Recipe:
        """A recipe that watches this too."""
        return replace(
            recipe,
            watched=tuple(dict.fromkeys((*recipe.watched, *self.watched))),
            stop_when=tuple(dict.fromkeys((*recipe.stop_when, *self.stop_when))),
            curves_every=self.every or recipe.curves_every,
        )

    def _tell(self) -> None:
        run = self._store.run
        if run.running and run.current is not None and not run.current.elsewhere:
            request = m.WatchTraining(
                watched=self.watched,
                stop_when=self.stop_when,
                picture=self.picture,
                every=self.every,
            )
            self._sent = request.id
            self._store.send(request)
        self.changed.emit()

    # ------------------------------------------------------------------------- results

    def take(self, result: m.Result) -> bool:
        if isinstance(result, m.Failed) and result.request_id == self._sent:
            self._store.post(Notice.of(result))
            return True
        return False

    def _look_at_run(self) -> None:
        """A run has begun, with lists of its own; or waits for what it was to wait for."""
        run = self._store.run.current
        if run is not self._run:
            self._run = run
            if run is not None:
                self.watched, self.stop_when = run.recipe.watched, run.recipe.stop_when
                if self.picture and run.running:
                    self._tell()
                else:
                    self.changed.emit()
        if run is not None and run.met is not self._met:
            self._met = run.met
            if run.met is not None:
                self._store.post(Notice(f"The run {run.name} waits. {run.met.message}"))

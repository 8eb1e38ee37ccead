"""Travelling through a training: which steps were kept, which is in view, and the ways between.

The step is the subject's: whoever asks about the subject follows. One step is asked for at a time;
the next is sent once every pane has drawn the one before, so that scrubbing is as fast as the
panes are answered and no faster. Knows the store and messages; no widget.
"""

from __future__ import annotations

import time
from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer

from gui.session.feature import Feature
from gui.session.state import Notice
from model import messages as m
from model.subject import Subject

if TYPE_CHECKING:
    from gui.session.store import Store

SPEEDS = (1.0, 2.0, 4.0, 8.0, 16.0)
"""Steps a second while playing."""
PATIENCE = 1.5
"""Seconds for which the next step waits for what panes have asked about the one before."""


class Timeline(Feature):
    """Of the model in view.

    Its ``changed`` says that there are other steps, or that another one is in view or wanted.

    Attributes:
        steps: those whose weights were kept, in order; empty where there is nothing to travel.
    """

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.steps: tuple[m.ModelStep, ...] = ()
        self._numbers: list[int] = []
        self._kept: frozenset[int] = frozenset()
        self._shown: dict[int, int] = {}  # by model id, as the worker has it
        self._wanted: tuple[int, int | None] | None = None  # model and step, not yet asked for
        self._asking: m.ShowStep | None = None  # until it is shown
        self._last_id = 0
        self._asked_at = 0.0
        self._speed = 2
        self._clock = QTimer(self)
        self._clock.timeout.connect(self._tick)
        self._retry = QTimer(self)
        self._retry.setSingleShot(True)
        self._retry.setInterval(round(PATIENCE * 1000))
        self._retry.timeout.connect(self._advance)

    def watch(self) -> None:
        """Hear of the other features; called once they are all there."""
        store = self._store
        store.asked.can_be_asked_again = self.keeps
        store.run.changed.connect(self._look_at_run)
        store.asked.settled.connect(self._advance)
        store.asked.delivered.connect(self._advance)
        store.subject_changed.connect(self._follow_subject)

    # ------------------------------------------------------------------------- reading

    @property
    def step(self) -> int | None:
        """The step in view: that of the subject; None for a model of which none is known."""
        model, subject = self._store.model, self._store.subject
        if model is None:
            return None
        if model.model_id in self._shown:
            return self._shown[model.model_id]
        if subject is not None and subject.model == model.model_id:
            return subject.step
        return model.step

    @property
    def wanted(self) -> int | None:
        """The step that is on its way into view, else the one that is."""
        model = self._store.model
        coming = self._on_its_way
        if coming is None or model is None:
            return self.step
        (step,) = coming
        if step is None:
            return self._store.run.newest_step if model.training else model.step
        return step

    @property
    def learns(self) -> bool:
        """Whether the model in view is learning now: its newest weights are one more place."""
        return self._store.model is not None and self._store.model.training

    @property
    def live(self) -> bool:
        """Whether the weights that learn now are in view, or on their way there."""
        model = self._store.model
        if model is None or not model.training:
            return False
        coming = self._on_its_way
        return model.model_id not in self._shown if coming is None else coming[0] is None

    @property
    def at(self) -> int:
        """Index of the last kept step at or before the one in view or on its way; -1 for none."""
        step = self.wanted
        return -1 if step is None else bisect_right(self._numbers, step) - 1

    @property
    def name(self) -> str:
        """The full name of the step in view; empty where it is live, or unknown."""
        at = self.at
        if at < 0 or self.live or self._numbers[at] != self.wanted:
            return ""
        return self.steps[at].name

    @property
    def model_name(self) -> str:
        """What the model in view is called, at the step that is in view; empty for none."""
        model = self._store.model
        if model is None or not self.steps or model.step is None or self.step == model.step:
            return "" if model is None else model.name
        own = f"step {model.step:,}"
        if model.name.endswith(own):
            return f"{model.name.removesuffix(own)}step {self.step or 0:,}"
        names = {at.step: at.name for at in self.steps}
        here = names.get(self.step or 0, f"step {self.step or 0:,}")
        return here if model.name == names.get(model.step) else f"{model.name} · {here}"

    @property
    def speed(self) -> float:
        """Steps a second while playing."""
        return SPEEDS[self._speed]

    @property
    def playing(self) -> bool:
        """Whether it goes on by itself."""
        return self._clock.isActive()

    @property
    def can_go_back(self) -> bool:
        """Whether an earlier step was kept."""
        step = self.wanted
        return bool(self._numbers) and (step is None or step > self._numbers[0])

    @property
    def can_go_on(self) -> bool:
        """Whether a later one was, or the model learns beyond it."""
        step = self.wanted
        if not self._numbers or step is None or self.live:
            return False
        return self.learns or step < self._numbers[-1]

    def has(self, step: int | None) -> bool:
        """Whether a step of the model in view was kept."""
        return step in self._kept

    def compare(self) -> None:
        """Keep the step in view as B: from now on others are compared with it; or end that."""
        comparing, step = self._store.comparing, self.step
        if comparing.kind == "step":
            comparing.close()
        elif step is not None and self._numbers:
            comparing.compare_step(self.nearest(step))

    def keeps(self, subject: Subject) -> bool:
        """Whether the weights that a subject is about can be had again."""
        model = self._store.model
        return model is not None and subject.model == model.model_id and subject.step in self._kept

    def tells(self, result: m.Result) -> bool:
        """Whether a result comes of the step that was asked for last."""
        return result.request_id == self._last_id

    def nearest(self, step: float) -> int:
        """The kept step nearest to a number, which need not be one.

        Raises:
            ValueError: there are no steps.
        """
        if not self._numbers:
            raise ValueError("There are no steps.")
        at = bisect_left(self._numbers, step)
        near = self._numbers[max(0, at - 1) : at + 1]
        return min(near, key=lambda number: abs(number - step))

    # ---------------------------------------------------------------------------- ways

    def go_to(self, step: int | None) -> None:
        """Bring a step into view; None the weights that learn now, or that were opened."""
        model = self._store.model
        if model is None or not self.steps or (step is not None and step not in self._kept):
            return
        if step == self.wanted and self.live == (step is None and model.training):
            return
        self._wanted = model.model_id, step
        self._advance()
        self.changed.emit()

    def go_live(self) -> None:
        """To the weights that learn now."""
        if self.learns:
            self.stop()
            self.go_to(None)

    def first(self) -> None:
        """To the first step that was kept."""
        if self._numbers:
            self.go_to(self._numbers[0])

    def last(self) -> None:
        """To the last one; of a model that learns to its newest weights."""
        if self.learns:
            self.go_live()
        elif self._numbers:
            self.go_to(self._numbers[-1])

    def back(self, n: int = 1) -> None:
        """To the kept step before."""
        if self.can_go_back:
            step = self.wanted
            before = len(self._numbers) if step is None else bisect_left(self._numbers, step)
            self.go_to(self._numbers[max(0, before - n)])

    def forward(self, n: int = 1) -> None:
        """To the next kept step; behind the last one is what learns now."""
        if not self.can_go_on:
            return
        step = self.wanted
        assert step is not None
        after = bisect_right(self._numbers, step) + n - 1
        if after < len(self._numbers):
            self.go_to(self._numbers[after])
        elif self.learns:
            self.go_to(None)
        else:
            self.go_to(self._numbers[-1])

    def toggle(self) -> None:
        """Go on by itself from here, from the first step if this is the end; or stop that."""
        if self.playing:
            self.stop()
        elif self._numbers:
            if not self.can_go_on:
                self.first()
            self._clock.start(round(1000 / self.speed))
            self.changed.emit()

    def stop(self) -> None:
        """No more steps by itself."""
        if self.playing:
            self._clock.stop()
            self.changed.emit()

    def next_speed(self) -> None:
        """The next of the speeds, after the fastest the slowest."""
        self._speed = (self._speed + 1) % len(SPEEDS)
        if self.playing:
            self._clock.start(round(1000 / self.speed))
        self.changed.emit()

    # ------------------------------------------------------------------------- results

    def take(self, result: m.Result) -> bool:
        mine = self.tells(result)
        match result:
            case m.StepShown():
                if mine:
                    self._asking = None
                if result.step is None:
                    self._shown.pop(result.model_id, None)
                else:
                    self._shown[result.model_id] = result.step
                self.changed.emit()
            case m.Failed() if mine:
                self._asking, self._wanted = None, None
                self.stop()
                self._store.post(Notice.of(result))
                self.changed.emit()
            case m.Cancelled() if mine:
                self._asking = None
                self._advance()
            case _:
                return False
        return True

    def reset(self, model: m.ModelInfo) -> bool:
        had = bool(self.steps)
        self._clock.stop()
        self._asking = self._wanted = None
        if model.step is not None:
            self._shown.setdefault(model.model_id, model.step)
        self._take_steps(self._steps_of(model))
        return had or bool(self.steps)

    # -------------------------------------------------------------------------- inside

    @property
    def _on_its_way(self) -> tuple[int | None] | None:
        """The step that is to come into view, in brackets; None if none is."""
        model = self._store.model
        asked = None if self._asking is None else (self._asking.model_id, self._asking.step)
        for one in (self._wanted, asked):
            if one is not None and model is not None and one[0] == model.model_id:
                return (one[1],)
        return None

    def _steps_of(self, model: m.ModelInfo) -> tuple[m.ModelStep, ...]:
        run = self._store.run
        if not (model.training and run.owns(model) and run.current is not None):
            return model.steps
        return tuple(
            m.ModelStep(saved.step, saved.path.name, str(saved.path))
            for saved in run.current.snapshots
        )

    def _take_steps(self, steps: tuple[m.ModelStep, ...]) -> None:
        self.steps = steps
        self._numbers = [at.step for at in steps]
        self._kept = frozenset(self._numbers)

    def _look_at_run(self) -> None:
        """A run has saved another snapshot, or has gone on."""
        model, run = self._store.model, self._store.run.current
        if model is None or not model.training or run is None or not self._store.run.owns(model):
            return
        if len(run.snapshots) != len(self.steps):
            self._take_steps(self._steps_of(model))
            self.changed.emit()

    def _follow_subject(self) -> None:
        """The prompt was read; of a run that has ended perhaps at the step in view before."""
        model, subject = self._store.model, self._store.subject
        if model is not None and subject is not None and subject.model == model.model_id:
            coming = self._on_its_way is not None
            known = self._shown.get(model.model_id)
            if not coming and subject.step in self._kept and known not in (None, subject.step):
                self._shown[model.model_id] = subject.step or 0
        self._advance()
        self.changed.emit()

    @property
    def _is_busy(self) -> bool:
        """Whether panes are still to draw the step that was asked for last, in a moment."""
        if time.monotonic() - self._asked_at > PATIENCE:
            return False
        return self._asking is not None or self._store.asked.is_gathering

    def _advance(self) -> None:
        if self._wanted is None:
            return
        if self._is_busy:
            self._retry.start()
            return
        (model_id, step), self._wanted = self._wanted, None
        self._asking = m.ShowStep(model_id=model_id, step=step)
        self._asked_at, self._last_id = time.monotonic(), self._asking.id
        self._store.send(self._asking)
        self.changed.emit()

    def _tick(self) -> None:
        if self._wanted is not None or self._is_busy:
            return
        if self.can_go_on:
            self.forward()
        if not self.can_go_on:
            self.stop()

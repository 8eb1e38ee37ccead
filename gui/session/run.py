"""A training run as the window knows it, and what starts and steers one.

Knows messages and the events of a run; no widget, no file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from gui.session.feature import Feature
from gui.session.state import Notice
from model import messages as m
from model.train.events import Evaluated, Event, Finished, Sampled, SnapshotSaved, StepDone
from model.train.recipe import Recipe

if TYPE_CHECKING:
    from gui.session.store import Store


class Run:
    """A run that has begun: every point of its curves.

    Attributes:
        started: its recipe, its folder and its model.
        paused: whether it waits.
        steps, evaluations, samples, snapshots: its events by kind, in order.
        analogies: what has become of the analogy, in order.
        finished: its last event; None while it can still go on.
    """

    def __init__(self, started: m.TrainingStarted) -> None:
        self.started = started
        self.paused = False
        self.steps: list[StepDone] = []
        self.evaluations: list[Evaluated] = []
        self.samples: list[Sampled] = []
        self.snapshots: list[SnapshotSaved] = []
        self.analogies: list[m.AnalogyMeasured] = []
        self.finished: Finished | None = None

    @property
    def running(self) -> bool:
        """Whether the run can still go on (it may be paused)."""
        return self.finished is None

    @property
    def step(self) -> int:
        """Updates of the weights so far."""
        return self.steps[-1].step if self.steps else 0

    def add(self, event: Event) -> None:
        """Take in what has happened; nothing of it is dropped."""
        match event:
            case StepDone():
                self.steps.append(event)
            case Evaluated():
                self.evaluations.append(event)
            case Sampled():
                self.samples.append(event)
            case SnapshotSaved():
                self.snapshots.append(event)
            case Finished():
                self.finished = event
            case _:  # getting ready, and work between two steps, leave nothing to draw
                pass

    def break_off(self, why: str) -> None:
        """It can't go on: it ends where it is, and its curves stay."""
        self.finished = Finished(
            reason="stopped",
            step=self.step,
            seconds=self.steps[-1].seconds if self.steps else 0.0,
            val_loss=self.evaluations[-1].val_loss if self.evaluations else None,
            message=why,
        )


class CurrentRun(Feature):
    """The run that is going, or was the last.

    Attributes:
        current: that run; None before the first one has begun.
        starting: a run that was asked for and gets ready; None if none does.
        following: whether all panes follow the model while it learns.
    """

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.current: Run | None = None
        self.starting: m.StartTraining | None = None
        self.following = True

    # ------------------------------------------------------------------------- reading

    @property
    def running(self) -> bool:
        """Whether a run has begun and can go on; it may be paused."""
        return self.current is not None and self.current.running

    @property
    def going(self) -> bool:
        """Whether a run gets ready or can go on: another one can't begin."""
        return self.starting is not None or self.running

    @property
    def preparing(self) -> m.Progress | None:
        """How far the run is that gets ready; None if that is not known."""
        return self._store.activity.progress_of(self.starting)

    def tells(self, result: m.Result) -> bool:
        """Whether a result comes of this run: a trace of its model comes without being asked."""
        return self.current is not None and result.request_id == self.current.started.request_id

    # ------------------------------------------------------------------------ changing

    def start(
        self, recipe: Recipe, run_dir: str, *, follow: bool = True, begin_paused: bool = False
    ) -> None:
        """Train a new model.

        Args:
            recipe: what to train, on what, how long.
            run_dir: folder to write; must not exist.
            follow: whether all panes follow the model while it learns.
            begin_paused: wait before the first step.
        """
        self.following = follow
        self.starting = m.StartTraining(
            recipe=recipe, run_dir=run_dir, follow=follow, begin_paused=begin_paused
        )
        self._store.send(self.starting)
        self.changed.emit()

    def pause(self) -> None:
        self._control("pause")

    def resume(self) -> None:
        self._control("resume")

    def step(self) -> None:
        """One update of the weights, then pause."""
        self._control("step")

    def stop(self) -> None:
        """End the run, also while it gets ready; what it learned stays on disk."""
        self._control("stop")

    def follow(self, follow: bool) -> None:
        """Look at the model that learns, or at the one that was open before."""
        self.following = follow
        self._store.send(m.FollowTraining(follow=follow))
        self.changed.emit()

    # ------------------------------------------------------------------------- results

    def take(self, result: m.Result) -> bool:
        starting = self.starting is not None and self.starting.id == result.request_id
        run = self.current if self.tells(result) else None
        match result:
            case m.TrainingStarted():
                self._begin(result)
            case m.TrainingProgressed() if starting:
                self._end_unbegun(result)
            case m.TrainingProgressed():
                if run is not None:
                    run.paused = result.paused
                    for event in result.events:
                        run.add(event)
                    self.changed.emit()
            case m.AnalogyMeasured():
                if run is not None:
                    run.analogies.append(result)
                    self.changed.emit()
            case m.Failed() if starting or run is not None:
                if starting:
                    self.starting = None
                if run is not None and run.running:
                    run.break_off(result.message)
                self.changed.emit()
                self._store.post(Notice.of(result))
            case _:
                return False
        return True

    def reset(self, model: m.ModelInfo) -> bool:
        """Who opens a model while another one learns doesn't follow that one any more."""
        if self.running and self.following and not model.training:
            self.following = False
            return True
        return False

    def _control(self, action: Literal["pause", "resume", "step", "stop"]) -> None:
        self._store.send(m.ControlTraining(action=action))

    def _begin(self, started: m.TrainingStarted) -> None:
        if self.starting is not None and self.starting.id == started.request_id:
            self.starting = None
        self.current = Run(started)
        self.following = started.follow
        if started.follow:
            self._store.show_model(started.info)
        self.changed.emit()

    def _end_unbegun(self, result: m.TrainingProgressed) -> None:
        """A run that was stopped while it was getting ready: there is no curve."""
        for event in result.events:
            if isinstance(event, Finished):
                self.starting = None
                self.changed.emit()
                self._store.post(Notice(event.message))

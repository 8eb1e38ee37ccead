"""The runs that the window knows: the one of this session, and the one of the opened model.

Starts and steers the first, reads the second from its folder by the worker. Knows messages and the
events of a run; no widget, no file.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from PySide6.QtCore import Signal

from gui.session.feature import Feature
from gui.session.state import Notice
from gui.session.training_run import Run
from model import messages as m
from model.train.branching.record import Departure
from model.train.events import Finished, StepDone
from model.train.recipe import Recipe

if TYPE_CHECKING:
    from gui.session.store import Store


class CurrentRun(Feature):
    """The run that is going, or was the last; beside it that of the opened model.

    Attributes:
        current: the run of this session; None before the first one has begun.
        recorded: the run that the opened model comes of, as its folder has it; None if it comes
            of none, or of `current`.
        starting: a run that was asked for and gets ready; None if none does.
        following: whether of both models that of `current` is in view.
        problem: why the run of the opened model can't be shown; empty if it can, or there is none.

    Signals:
        proposed: with a recipe that somebody would have trained next; a person decides.
    """

    proposed = Signal(object)

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.current: Run | None = None
        self.recorded: Run | None = None
        self.starting: m.StartTraining | None = None
        self.following = False
        self.problem = ""
        self._reading: m.ReadRun | None = None

    # ------------------------------------------------------------------------- reading

    @property
    def running(self) -> bool:
        """Whether a run has begun and can go on; it may be paused."""
        return self.current is not None and self.current.running

    @property
    def learns(self) -> bool:
        """Whether a run takes step after step just now."""
        return self.current is not None and self.current.running and not self.current.paused

    @property
    def going(self) -> bool:
        """Whether a run gets ready or can go on: another one can't begin."""
        return self.starting is not None or self.running

    @property
    def model(self) -> m.ModelInfo | None:
        """The model of `current`, as long as it is held."""
        return None if self.current is None else self.current.model

    @property
    def shown(self) -> Run | None:
        """The run that is told of: that of the model in view, else the one of this session."""
        if self.recorded is not None and not self.following:
            return self.recorded
        return self.current

    @property
    def preparing(self) -> m.Progress | None:
        """How far the run is that gets ready; None if that is not known."""
        return self._store.activity.progress_of(self.starting)

    @property
    def newest_step(self) -> int:
        """Updates that the run of this session has done."""
        return 0 if self.current is None else self.current.step

    def told(self, run: Run) -> StepDone | None:
        """The step that is told of a run: while panes follow it, the one that they show.

        The run itself is further by then: two numbers in one window would be two moments.
        """
        if not run.steps:
            return None
        seen = None
        live = run is self.current and run.running and self._store.timeline.live
        if live and run.model is not None:
            seen = self._store.asked.drawn_step(run.model.model_id)
        if seen is None or seen >= run.step:
            return run.steps[-1]
        at = bisect_right(run.steps, seen, key=lambda done: done.step)
        return run.steps[max(0, at - 1)]

    def in_view(self, run: Run) -> bool:
        """Whether the panes show a model of this run: what it has learned, or a snapshot."""
        model = self._store.model
        return model is not None and (
            model.curve_path == run.run_dir if run is not self.current else self._comes_of(model)
        )

    def owns(self, model: m.ModelInfo) -> bool:
        """Whether a model is the one that the run of this session trains, or has trained."""
        return self.model is not None and self.model.model_id == model.model_id

    def tells(self, result: m.Result) -> bool:
        """Whether a result comes of this run: a trace of its model comes without being asked."""
        return self.current is not None and result.request_id == self.current.started.request_id

    # ------------------------------------------------------------------------ changing

    def start(
        self,
        recipe: Recipe,
        run_dir: str,
        *,
        follow: bool = True,
        begin_paused: bool = False,
        branch: Departure | None = None,
    ) -> None:
        """Train a new model.

        Args:
            recipe: what to train, on what, how long.
            run_dir: folder to write; must not exist.
            follow: whether its model comes into view.
            begin_paused: wait before the first step.
            branch: the run and the step that it begins at; None for one that begins anew.
        """
        self._ask(
            m.StartTraining(
                recipe=recipe,
                run_dir=run_dir,
                follow=follow,
                begin_paused=begin_paused,
                branch=branch,
            )
        )

    def take_up(self, run: Run) -> None:
        """Go on with a run that has ended, from its last saved state."""
        self._ask(m.StartTraining(recipe=run.recipe, run_dir=run.run_dir, resume=True))

    def pause(self) -> None:
        self._control("pause")

    def resume(self) -> None:
        """Let a run that was paused go on."""
        self._control("resume")

    def step(self) -> None:
        """One update of the weights, then pause."""
        self._control("step")

    def change_rate(self, lr: float) -> None:
        """Give the next step another learning rate, and those after it in proportion."""
        self._store.send(m.ChangeRate(lr=lr))

    def stop(self) -> None:
        """End the run, also while it gets ready; what it learned stays on disk."""
        self._control("stop")

    def read_again(self) -> None:
        """Read the run of the opened model anew: its folder holds another curve."""
        opened = self._store.opened
        if opened is not None and opened.run_dir:
            self._reading = m.ReadRun(path=opened.run_dir)
            self._store.send(self._reading)

    def follow(self, follow: bool) -> None:
        """Bring the model of the run into view, or the one that is open; both stay."""
        self._store.send(m.FollowTraining(follow=follow))

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
                    if not run.paused:
                        run.met = None
                    self.changed.emit()
            case m.RecipeChanged():
                if run is not None:
                    run.started = replace(run.started, recipe=result.recipe)
                    self.changed.emit()
            case m.TrainingEnded():
                if run is not None:
                    self._end(run, result)
            case m.AnalogyMeasured():
                if run is not None:
                    run.analogies.append(result)
                    self.changed.emit()
            case m.RunRead():
                self._take_record(result)
            case m.Failed() if self._reading is not None and result.request_id == self._reading.id:
                self._reading, self.problem = None, result.message
                self.changed.emit()
            case m.Failed() if starting or run is not None:
                if starting:
                    self.starting = None
                if run is not None and run.running:
                    run.break_off(result.message)
                self.changed.emit()
                self._store.post(Notice.of(result))
            case m.Cancelled() if starting:
                self.starting = None
                self.changed.emit()
            case _:
                return False
        return True

    def reset(self, model: m.ModelInfo) -> bool:
        """What a person opens may come of a run: then its curve is worth a look."""
        before = self.following, self.recorded, self.problem
        self.following = self.owns(model)
        recorded = self.recorded
        if recorded is not None and recorded.elsewhere and recorded.run_dir == model.run_dir:
            recorded.model = model  # another snapshot of a run that grows: its curve is known
        elif not self.following and (recorded is None or not _same(recorded.model, model)):
            self._forget_record()
            if model.curve_path and not self._comes_of(model):
                self._reading = m.ReadRun(path=model.curve_path)
                self._store.send(self._reading)
        return before != (self.following, self.recorded, self.problem)

    # ------------------------------------------------------------------------- inside

    def _ask(self, request: m.StartTraining) -> None:
        if self._store.intervening.on:
            self._store.post(
                Notice("Interventions are not part of training: it is of a whole model.")
            )
        self.starting = request
        self._store.send(request)
        self.changed.emit()

    def _control(self, action: Literal["pause", "resume", "step", "stop"]) -> None:
        self._store.send(m.ControlTraining(action=action))

    def _comes_of(self, model: m.ModelInfo) -> bool:
        """Whether a model is one of the run of this session, or a snapshot of it."""
        return self.current is not None and (
            self.owns(model) or model.run_dir == self.current.run_dir
        )

    def _begin(self, started: m.TrainingStarted) -> None:
        if self.starting is not None and self.starting.id == started.request_id:
            self.starting = None
        before, self.current = self.current, Run(started)
        opened = self._store.opened
        if opened is not None and opened.run_dir == started.run_dir:
            self._forget_record()  # it goes on
        elif before is not None and opened is not None and opened.run_dir == before.run_dir:
            before.model, self.recorded = opened, before  # the opened model's curve stays
        if started.notes:
            self._store.post(Notice(" ".join(started.notes)))
        if started.follow:
            self._store.show_model(started.info)
        self.changed.emit()

    def _end(self, run: Run, ended: m.TrainingEnded) -> None:
        """Its model is another one to the worker now: one that doesn't learn."""
        shown = self.following
        run.model = ended.info
        if shown and ended.info is not None:
            self._store.show_model(ended.info)
        self.changed.emit()

    def _end_unbegun(self, result: m.TrainingProgressed) -> None:
        """A run that was stopped while it was getting ready: there is no curve."""
        for event in result.events:
            if isinstance(event, Finished):
                self.starting = None
                self.changed.emit()
                self._store.post(Notice(event.message))

    def _forget_record(self) -> None:
        self.recorded, self._reading, self.problem = None, None, ""

    def _take_record(self, read: m.RunRead) -> None:
        """The curve of the opened model has come."""
        opened = self._store.opened
        if self._reading is None or read.request_id != self._reading.id or opened is None:
            return
        self._reading, self.problem = None, read.problem
        if read.record is not None:
            self.recorded = Run.of_record(opened, read.record)
        self.changed.emit()


def _same(a: m.ModelInfo | None, b: m.ModelInfo) -> bool:
    return a is not None and a.model_id == b.model_id

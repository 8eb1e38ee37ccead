"""One training run as the window knows it: every point of its curves, and how it ended.

Of a run that goes on, and of one that was read from its folder. Knows messages and the events of a
run; no store, no widget, no file.
"""

from __future__ import annotations

import math
from dataclasses import replace

from gui.session.growing_table import GrowingTable
from model import messages as m
from model.train.events import (
    ConditionMet,
    Evaluated,
    Event,
    Finished,
    Measured,
    Sampled,
    SnapshotSaved,
    StepDone,
)
from model.train.recipe import Recipe
from model.train.record import RunRecord


class Run:
    """A run that has begun.

    Args:
        started: how it began; what was done of it before, if it goes on.

    Attributes:
        started: its recipe, its folder and its model then.
        model: its model now; None where it is not held any more.
        paused: whether it waits.
        steps, evaluations, measured, samples, snapshots: its events by kind, in order.
        met: what it was to wait for and waits at, while it does; None if it waits for a person.
        analogies: what has become of the analogy, in order.
        finished: its last event; None while it can still go on.
        can_resume: whether it can go on from a saved state, once it has ended.
        problem: what of its folder could not be read, a sentence.
        elsewhere: whether another process writes it; this window can't steer it then.
        is_done: whether nothing more can come to it, as its folder says.
        program: whose run it is, where it isn't ours; only what its log has is known then.
    """

    def __init__(self, started: m.TrainingStarted) -> None:
        self.started = started
        self.model: m.ModelInfo | None = started.info
        self.paused = False
        self.steps: list[StepDone] = []
        self._losses = GrowingTable("step", "train_loss")
        self.evaluations: list[Evaluated] = []
        self.measured: list[Measured] = []
        self._measured_until: dict[tuple[str, str], int] = {}
        self.met: ConditionMet | None = None
        self.samples: list[Sampled] = []
        self.snapshots: list[SnapshotSaved] = []
        self.analogies: list[m.AnalogyMeasured] = []
        self.finished: Finished | None = None
        self.can_resume = False
        self.problem = ""
        self.elsewhere = False
        self.is_done = False
        self.program = ""
        if started.before is not None:
            self._take(started.before)

    @classmethod
    def of_record(cls, model: m.ModelInfo, record: RunRecord) -> Run:
        """A run as its folder has it.

        Args:
            model: the snapshot of it that is open.
            record: what the folder tells.
        """
        run = cls(
            m.TrainingStarted(
                request_id=0,
                info=model,
                recipe=record.recipe,
                run_dir=record.run_dir,
                follow=False,
                before=record,
            )
        )
        run.finished = Finished(
            "stopped" if record.can_resume else "steps",
            run.step,
            run.seconds,
            run.evaluations[-1].val_loss if run.evaluations else None,
            " ".join(part for part in (record.ending, record.problem) if part),
        )
        run.can_resume = record.can_resume
        run.problem = record.problem
        run.is_done = record.is_done
        run.program = record.program
        return run

    @property
    def name(self) -> str:
        """What it is called: as its folder, which is unique beside others of one recipe."""
        if self.program:
            return self.recipe.name
        return self.run_dir.replace("\\", "/").rstrip("/").rpartition("/")[2] or self.recipe.name

    @property
    def recipe(self) -> Recipe:
        return self.started.recipe

    @property
    def run_dir(self) -> str:
        """Its folder, as a whole path."""
        return self.started.run_dir

    @property
    def running(self) -> bool:
        """Whether the run can still go on (it may be paused)."""
        return self.finished is None

    @property
    def step(self) -> int:
        """Updates of the weights so far."""
        checked = self.evaluations[-1].step if self.evaluations else 0
        return self.steps[-1].step if self.steps else checked

    @property
    def seconds(self) -> float:
        """That it has taken so far; no pauses."""
        return self.steps[-1].seconds if self.steps else 0.0

    @property
    def weights(self) -> str:
        """The model folder whose weights another run can begin with; empty before one is saved."""
        found = self._here
        return "" if found is None else str(found.path)

    @property
    def weights_step(self) -> int | None:
        """The step of `weights`."""
        found = self._here
        return None if found is None else found.step

    @property
    def _here(self) -> SnapshotSaved | None:
        """The snapshot that is open, else the last one."""
        opened = "" if self.model is None else self.model.path
        here = (snapshot for snapshot in self.snapshots if str(snapshot.path) == opened)
        return next(here, self.snapshots[-1] if self.snapshots else None)

    @property
    def losses(self) -> GrowingTable:
        """Columns ``step`` and ``train_loss`` of `steps`: only what is new is taken in."""
        self._losses.take(self.steps)
        return self._losses

    def add(self, event: Event) -> None:
        """Take in what has happened; nothing of it is dropped."""
        match event:
            case StepDone():
                self.steps.append(event)
            case Evaluated():
                self.evaluations.append(event)
            case Measured():
                self._add_measured(event)
            case ConditionMet():
                self.met = event
            case Sampled():
                self.samples.append(event)
            case SnapshotSaved():
                self.snapshots.append(event)
            case Finished():
                self.finished = event
                self.can_resume = event.reason == "stopped" and bool(self.snapshots)
            case _:  # getting ready, and work between two steps, leave nothing to draw
                pass

    def _add_measured(self, event: Measured) -> None:
        """Each number once: a folder that is looked at again may tell of it again."""
        until = self._measured_until
        new = [value for value in event.values if event.step > until.get(value[:2], -1)]
        if new or event.picture is not None:
            until.update((value[:2], event.step) for value in new)
            self.measured.append(replace(event, values=tuple(new)))

    def break_off(self, why: str) -> None:
        """It can't go on as it is: it ends where it is, and its curves stay."""
        self.finished = Finished(
            reason="stopped",
            step=self.step,
            seconds=self.seconds,
            val_loss=self.evaluations[-1].val_loss if self.evaluations else None,
            message=why,
        )
        self.can_resume = bool(self.snapshots)

    def go_on_elsewhere(self) -> None:
        """Another process writes it."""
        self.elsewhere, self.finished = True, None

    def end_elsewhere(self, why: str, *, is_done: bool = False) -> None:
        """The other process writes no more, as far as can be seen.

        Args:
            why: a sentence.
            is_done: whether nothing more can come.
        """
        self.break_off(why)
        self.elsewhere, self.is_done = False, is_done
        if is_done and self.finished is not None:
            self.can_resume = False
            diverged = self.steps and not math.isfinite(
                self.steps[-1].train_loss + self.steps[-1].grad_norm
            )
            self.finished = replace(self.finished, reason="diverged" if diverged else "steps")

    def _take(self, record: RunRecord) -> None:
        self.steps += record.steps
        self.evaluations += record.evaluations
        for measured in record.measured:
            self._add_measured(measured)
        self.samples += record.samples
        self.snapshots += record.snapshots

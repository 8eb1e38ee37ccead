"""Training a queue of sizes, one after the other: a generator of what happens, as a run is.

Each size is a run of its own, which resumes exactly; what is done is passed over. So the queue can
be stopped, or its process be killed, at any moment, and goes on from the last saved state.

Knows plans, folders and the training loop; no window.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, fields, replace
from pathlib import Path

from model.folder_lock import FolderLock, holder
from model.slices import finish
from model.train.events import Event, Finished
from model.train.loop import Training
from model.train.places import with_whole_paths
from model.train.record import reading_record
from model.train.run_folder import is_run, read_recipe
from model.train.scaling.folder import ScalingError, rates_found, read_plan, state_of
from model.train.scaling.plan import PlannedRun, ScalingPlan


@dataclass(frozen=True, slots=True)
class SizeBegins:
    """The next run of the queue.

    Attributes:
        run: its plan; its learning rate is known now.
        is_trial: whether it is one of the short runs that find a learning rate.
        resumed: whether it goes on from a saved state.
    """

    run: PlannedRun
    is_trial: bool
    resumed: bool


@dataclass(frozen=True, slots=True)
class SizeEvent:
    """Something has happened in a run of the queue."""

    run: PlannedRun
    is_trial: bool
    event: Event


QueueEvent = SizeBegins | SizeEvent


class Queue:
    """One queue, in its folder.

    Args:
        folder: with a plan.
        device: where to compute.

    Raises:
        ScalingError: the folder holds no plan that can be trained.
    """

    def __init__(self, folder: Path, *, device: str = "cpu", threads: int = 0) -> None:
        self.folder = folder.absolute()
        self.plan: ScalingPlan = read_plan(self.folder)
        self._device = device
        self._threads = threads
        self._training: Training | None = None
        self._stop_asked = False

    @property
    def stopped(self) -> bool:
        """Whether somebody asked it to end."""
        return self._stop_asked

    def stop(self) -> None:
        """End within one step; what was trained is saved, and the queue goes on from there."""
        self._stop_asked = True
        if self._training is not None:
            self._training.stop()

    def events(self) -> Generator[QueueEvent, None, None]:
        """Train what is left. To be called once.

        Raises:
            ScalingError: another process trains it, or a run in it is not of this plan.
            RunError, DataError, TokenizerError: a run can't be written, or has no text.
        """
        lock = self._take()
        try:
            for width, tokens in ((run.width, run.tokens) for run in self.plan.runs()):
                for trial in self.plan.trials(width):
                    yield from self._train(trial, is_trial=True)
                    if self._stop_asked:
                        return
                run = self._planned(width, tokens)
                if run is not None:
                    yield from self._train(run, is_trial=False)
                if self._stop_asked:
                    return
        finally:
            lock.release()

    def _take(self) -> FolderLock:
        try:
            lock = FolderLock.take(self.folder)
        except OSError as error:
            raise ScalingError(
                f"{self.folder} can't be written: {error.strerror or error}."
            ) from error
        if lock is None:
            who = holder(self.folder) or "another process"
            raise ScalingError(
                f"The queue in {self.folder} is trained by {who} already. Wait for it, or stop it."
            )
        return lock

    def _planned(self, width: int, tokens: int) -> PlannedRun | None:
        """The run of a width, with the rate that was found; None where every trial diverged."""
        rates = rates_found(self.folder, self.plan)
        if self.plan.lr_rule == "sweep" and width not in rates:
            return None
        runs = self.plan.runs(rates)
        return next(run for run in runs if (run.width, run.tokens) == (width, tokens))

    def _train(self, run: PlannedRun, *, is_trial: bool) -> Generator[QueueEvent, None, None]:
        """One run to its end, or to where it is stopped; nothing where it is done."""
        run_dir = self.folder / run.name
        resumed = is_run(run_dir)
        if resumed:
            self._check(run_dir, run)
            if state_of(finish(reading_record(run_dir)), run) != "stopped":
                return
        recipe = replace(run.recipe, threads=self._threads or run.recipe.threads)
        training = Training(
            None if resumed else recipe, run_dir, device=self._device, resume=resumed
        )
        self._training = training
        yield SizeBegins(run, is_trial, resumed)
        events = training.events()
        try:
            if self._stop_asked:
                training.stop()
            for event in events:
                if isinstance(event, Finished):
                    self._training = None
                yield SizeEvent(run, is_trial, event)
        finally:
            events.close()
            self._training = None

    def _check(self, run_dir: Path, run: PlannedRun) -> None:
        """See that a run that is there is the plan's.

        Raises:
            ScalingError: it was begun by another recipe.
        """
        own, planned = read_recipe(run_dir), with_whole_paths(run.recipe)
        for name in (field.name for field in fields(own)):
            if name in ("threads", "data"):  # a text that was moved is known by its content
                continue
            if getattr(own, name) != getattr(planned, name):
                raise ScalingError(
                    f"{run_dir} was begun with {name} = {getattr(own, name)!r}, and the plan says "
                    f"{getattr(planned, name)!r}: the sizes would not be on equal terms. Put the "
                    "plan back, or begin it in another folder."
                )

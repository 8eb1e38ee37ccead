"""A training run: one event a slice, told in bundles, and looked at while it goes.

Keeps the pace: how often the window hears of it, how often a model that learns is looked at. The
run itself is `model.train`'s. Knows messages and the trainer; no queue, no thread, no Qt.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from model import messages as m
from model.engine.asking import prompt_read
from model.engine.job import Job, JobCancelled, RequestError, failed
from model.engine.model_info import whole_path
from model.engine.space import is_redrawn, projected, token_vectors
from model.engine.workplace import Workplace

if TYPE_CHECKING:
    from pathlib import Path

    from model.language_model import LanguageModel
    from model.probe.analogy.compute import AnalogyProbe
    from model.train.branching.training import BranchTraining
    from model.train.events import Event, Started
    from model.train.loop import Training
    from model.train.record import RunRecord

FLUSH_SECONDS = 1 / 5
"""Events of a run are handed over in bundles, this often: what hears of them redraws no faster."""

LIVE_SECONDS = 1.0
LIVE_SHARE = 0.01
"""A model that learns is traced at most every LIVE_SECONDS, and so seldom that looking at it
takes at most this share of the run's time."""

ACTIVITY_SECONDS = 0.5
"""The status bar hears of the step so often."""


class Run:
    """A run that is going: what steers it, and what the window has been told of it.

    Attributes:
        request: what began it.
        training: the trainer's run.
        model_id: of the network that learns, once it exists.
        follow: whether its network comes into view once it exists.
        before: what the folder tells of a run that goes on.
        paused: whether it waits; its job then gets no slice.
        pauses_after_step: whether it pauses by itself after the next step.
        diverged: whether its last step had numbers that are none.
    """

    def __init__(self, request: m.StartTraining, training: Training | BranchTraining) -> None:
        self.request = request
        self.training = training
        self.model_id: int | None = None
        self.follow = request.follow
        self.before: RunRecord | None = None
        self.analogies: AnalogyProbe  # there with `model_id`
        self.paused = False
        self.pauses_after_step = False
        self.diverged = False
        self._events = training.events()
        self._bundle: list[Event] = []
        self._flushed = 0.0
        self._looked = -math.inf
        self._looking = 0.0
        self._next_activity = 0.0

    def next_event(self) -> Event | None:
        """Advance the run by one slice; None once it is over."""
        return next(self._events, None)

    def close(self) -> None:
        """End it as it is; what was saved stays."""
        self._events.close()

    # Steering

    def pause(self) -> None:
        self.paused = True
        self.pauses_after_step = False

    def resume(self) -> None:
        self.paused = False
        self.pauses_after_step = False

    def step(self) -> None:
        """Go on for one step, then pause."""
        self.paused = False
        self.pauses_after_step = True

    def stop(self) -> None:
        """End it within one step; all is saved."""
        self.resume()
        self.training.stop()

    # Telling

    def take(self, event: Event) -> None:
        """Keep an event for the next bundle."""
        self._bundle.append(event)

    def flush(self, *, force: bool) -> Iterator[m.TrainingProgressed]:
        """The bundle, if it is time."""
        now = time.monotonic()
        if not force and (not self._bundle or now - self._flushed < FLUSH_SECONDS):
            return
        events, self._bundle, self._flushed = tuple(self._bundle), [], now
        yield m.TrainingProgressed(request_id=self.request.id, events=events, paused=self.paused)

    def live_due(self) -> bool:
        """Whether it is time to look again: the share holds, questions since then counted in."""
        since = time.monotonic() - self._looked
        return since >= max(LIVE_SECONDS, self._looking / LIVE_SHARE)

    def live_done(self, seconds: float) -> None:
        """A look took that long; questions about what was seen come on top (`looked`)."""
        self._looked, self._looking = time.monotonic(), seconds

    def looked(self, seconds: float) -> None:
        """A question about what was seen took that long."""
        self._looking += seconds

    def activity_due(self) -> bool:
        now = time.monotonic()
        if now < self._next_activity:
            return False
        self._next_activity = now + ACTIVITY_SECONDS
        return True


def start_training(request: m.StartTraining, place: Workplace) -> Job:
    """Answers `StartTraining`; cancelled, it is stopped and saved."""
    from model.device import choose_device
    from model.train.record import reading_record

    if place.run is not None:
        raise RequestError("A run is going already. Stop it before you start another.")
    if place.queue is not None:
        raise RequestError("A queue of sizes is trained. Stop it (in Scaling) to start a run.")
    request.recipe.validate()
    device = choose_device(place.device).name
    run_dir = whole_path(request.run_dir)
    run = Run(request, _training(request, run_dir, device))
    place.run = run
    try:
        yield m.Activity(request_id=request.id, what="preparing a run")
        if request.resume:
            run.before = yield from reading_record(run_dir)
        while place.run is run:
            try:
                yield None
                yield from _advance(run, place)
            except JobCancelled:
                run.stop()
                yield from run.flush(force=True)
    except Exception as error:  # noqa: BLE001 - whatever broke it, its model may be whole
        yield from run.flush(force=True)
        yield failed(request, error)
        whole = run.model_id is not None and _is_finite(place.models[run.model_id])
        yield from _end(run, place, keep=whole, saved=False)
    finally:
        run.close()
        if place.run is run:
            place.run = None


def _training(request: m.StartTraining, run_dir: Path, device: str) -> Training | BranchTraining:
    """The run that is asked for: new, gone on with, or a branch."""
    from model.train.branching.training import BranchTraining
    from model.train.loop import Training

    if request.branch is not None:
        return BranchTraining(request.branch, request.recipe, run_dir, device=device)
    recipe = None if request.resume else request.recipe
    return Training(recipe, run_dir, device=device, resume=request.resume)


def change_rate(request: m.ChangeRate, place: Workplace) -> Job:
    """Answers `ChangeRate`."""
    run = place.run
    if run is None or run.model_id is None:
        raise RequestError("No run is going whose learning rate could change.")
    run.training.change_rate(request.lr)
    yield m.RecipeChanged(
        request_id=run.request.id, recipe=run.training.recipe, step=run.training.step + 1
    )


def control_training(request: m.ControlTraining, place: Workplace) -> Job:
    """Answers `ControlTraining`."""
    run = place.run
    if run is None:
        return
    match request.action:
        case "pause":
            run.pause()
            if not run.diverged:  # who looks closely now sees where it stands, not a second before
                yield from _live(run, place, force=True)
        case "resume":
            run.resume()
        case "step":
            run.step()
        case "stop":
            run.stop()
    yield from run.flush(force=True)


def watch_training(request: m.WatchTraining, place: Workplace) -> Job:
    """Answers `WatchTraining`."""
    if place.run is not None:
        place.run.training.watch(request.watched, request.stop_when, request.picture, request.every)
    yield None


def follow_training(request: m.FollowTraining, place: Workplace) -> Job:
    """Answers `FollowTraining`: another model is in view."""
    place.show_beside(show=False)
    place.show(run=request.follow)
    yield m.ModelOpened(request_id=request.id, info=place.info, seconds=0.0)


def _advance(run: Run, place: Workplace) -> Job:
    """One event of the run, and what comes of it."""
    from model.train.events import (
        ConditionMet,
        Finished,
        Prepared,
        SnapshotSaved,
        Started,
        StepDone,
    )

    event = run.next_event()
    match event:
        case None:
            place.run = None
        case Prepared():
            yield m.Progress(
                request_id=run.request.id,
                what=event.what,
                done=round(1000 * event.fraction),
                total=1000,
            )
        case Started():
            yield from _begin(run, place, event)
            if run.request.begin_paused:
                run.pause()
            yield from _live(run, place, force=True)
        case _:
            run.take(event)
            if isinstance(event, SnapshotSaved) and run.model_id is not None:
                place.bench.set_steps(run.model_id, {event.step: event.path}, None)
            ended = isinstance(event, Finished)
            stepped = isinstance(event, StepDone)
            if isinstance(event, ConditionMet) or (stepped and run.pauses_after_step):
                run.pause()
            now = ended or run.paused
            if stepped:
                run.diverged = _has_diverged(event)
            looks = stepped or ended or (isinstance(event, ConditionMet) and not run.diverged)
            if looks and not _has_diverged(event):
                yield from _live(run, place, force=now)
            yield from run.flush(force=now)
            if stepped and run.activity_due():
                # Which step is said by the run's events; a second number would be another one.
                yield m.Activity(request_id=run.request.id, what="training")
            if ended:
                yield from _end(run, place, keep=not _has_diverged(event))


def _begin(run: Run, place: Workplace, event: Started) -> Job:
    """The network exists: it can be looked at from now on. The last run's is let go of."""
    from model.device import DeviceChoice
    from model.language_model import LanguageModel
    from model.probe.analogy.compute import AnalogyProbe
    from model.train.batch_text import PARTS, of_data
    from model.train.record import reading_record

    training = run.training
    lm = LanguageModel(
        transformer=training.transformer,
        tokenizer=training.tokenizer,
        path=event.run_dir,
        family=training.family,
        device=DeviceChoice(event.device, "where the run is"),
    )
    info = place.hold(lm, training=True)
    for part in PARTS:  # that it learns from: who asks about a batch need not read it again
        place.bench.held(info.model_id).texts["", part] = of_data(training.data, event.recipe, part)
    was_shown, follow = place.following, run.follow
    place.train(info)
    if place.matrix is not None and place.matrix.how.name != m.FIRST_AXES.name:
        # Its words have other ids here, if any.
        place.matrix = replace(place.matrix, how=m.FIRST_AXES)
    run.model_id = info.model_id
    if run.request.branch is not None:
        run.before = yield from reading_record(event.run_dir)
    if run.before is not None:
        saved = {at.step: at.path for at in run.before.until(event.step).snapshots}
        place.bench.set_steps(info.model_id, saved, None)
    place.show(run=follow)
    if place.following:
        place.show_beside(show=False)
    run.analogies = AnalogyProbe(training.tokenizer)
    yield m.TrainingStarted(
        request_id=run.request.id,
        info=info,
        recipe=event.recipe,
        run_dir=str(event.run_dir),
        follow=place.following,
        before=None if run.before is None else run.before.until(event.step),
        notes=event.notes,
    )
    if was_shown and not place.following and not place.beside_in_view:
        yield m.ModelOpened(request_id=run.request.id, info=place.info, seconds=0.0)


def _live(run: Run, place: Workplace, *, force: bool) -> Iterator[m.Result]:
    """What the panes see of a model while it learns."""
    if run.model_id is None or not (force or run.live_due()):
        return
    lm = place.models[run.model_id]
    began = time.perf_counter()
    measured = run.analogies.measure(token_vectors(lm, "W_E"))
    if measured is not None:
        yield m.AnalogyMeasured(
            request_id=run.request.id,
            step=run.training.step,
            expression=measured.expression,
            rank=measured.rank,
            rank_all_words=measured.rank_all_words,
            share=measured.share,
            n=measured.n,
        )
    if place.is_live:
        place.bench.look(run.model_id, run.training.step)
        if place.prompt is not None:
            yield prompt_read(place.prompt, place, run.request.id)
        if place.matrix is not None and is_redrawn(place.matrix, lm):
            yield projected(place.matrix, place, run.request.id)
    run.live_done(time.perf_counter() - began)


def _end(run: Run, place: Workplace, *, keep: bool, saved: bool = True) -> Iterator[m.Result]:
    """The trained model stays beside the opened one, and in view if it was.

    Args:
        run: that has ended, or broken.
        place: where its model is held.
        keep: False where it diverged: the opened model comes into view again.
        saved: whether the run folder holds what was learned.
    """
    place.run = None
    if run.model_id is None:
        return
    lm, info, was_shown = place.models[run.model_id], None, place.following
    if keep:
        lm.transformer.eval()
        at = place.shown.get(run.model_id)
        info = place.hold(lm, training=False, saved=saved, step=run.training.step)
        if at is not None and info.steps:
            place.shown[info.model_id] = at  # who looks at an early step goes on to
    place.train(info)
    place.show(run=was_shown)
    yield m.TrainingEnded(request_id=run.request.id, info=info)
    gone = was_shown and not place.following and not place.beside_in_view
    if gone and place.opened is not None:
        yield m.ModelOpened(request_id=run.request.id, info=place.info, seconds=0.0)


def _is_finite(lm: LanguageModel) -> bool:
    """Whether every weight is a number."""
    return all(bool(p.isfinite().all()) for p in lm.transformer.parameters())


def _has_diverged(event: Event) -> bool:
    """Whether the weights are no numbers any more: there is nothing to look at."""
    from model.train.events import Finished, StepDone

    match event:
        case StepDone():
            return not (math.isfinite(event.train_loss) and math.isfinite(event.grad_norm))
        case Finished():
            return event.reason == "diverged"
        case _:
            return False

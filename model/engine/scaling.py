"""A queue of sizes: timed, trained in the background a step a slice, read back and fitted.

Keeps the pace at which the window hears of it; the training is `model.train`'s. What learns here
comes into no pane: a queue is watched by its curves. Knows messages, plans and the workplace; no
queue of requests, no thread, no Qt.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from model import messages as m
from model.engine.job import Job, JobCancelled, RequestError
from model.engine.model_info import whole_path
from model.engine.workplace import Workplace
from model.slices import retold

if TYPE_CHECKING:
    from model.train.events import Evaluated, FinishReason, StepDone
    from model.train.scaling.folder import State
    from model.train.scaling.plan import PlannedRun
    from model.train.scaling.queue import Queue, QueueEvent

TELL_SECONDS = 0.25
TELL_SHARE = 0.02
"""The curve is handed over so often, and so seldom that this takes at most this share."""


_ENDS: Mapping[FinishReason, State] = {"steps": "done", "diverged": "diverged"}


class GoingQueue:
    """A queue that is trained: what steers it, and what the window has been told.

    Attributes:
        request: what began it.
        paused: whether it waits; its job then gets no slice.
    """

    def __init__(self, request: m.TrainQueue) -> None:
        self.request = request
        self.paused = False
        self.queue: Queue | None = None
        self._run: PlannedRun | None = None
        self._is_trial = False
        self._what = ""
        self._d_vocab = 0
        self._steps: list[StepDone] = []
        self._checks: list[Evaluated] = []
        self._state: State = "training"
        self._next = 0.0

    def stop(self) -> None:
        """End it within one step; what was trained is saved."""
        self.paused = False
        if self.queue is not None:
            self.queue.stop()

    def take(self, event: QueueEvent) -> Iterator[m.Result]:
        """Something has happened; yields what the window hears of it now."""
        from model.train.events import Evaluated, Finished, Prepared, Started, StepDone
        from model.train.scaling.queue import SizeBegins

        if isinstance(event, SizeBegins):
            self._run, self._is_trial, self._what = event.run, event.is_trial, ""
            self._steps, self._checks, self._state = [], [], "training"
            if event.resumed:
                self._read_again(event.run)
        else:
            match event.event:
                case Prepared() as prepared:
                    self._what = prepared.what
                case Started() as started:
                    self._what, self._d_vocab = "", started.config.d_vocab
                    # What came after the saved state is trained again, to the same numbers.
                    self._steps = [one for one in self._steps if one.step <= started.step]
                    self._checks = [one for one in self._checks if one.step <= started.step]
                case StepDone() as step:
                    self._steps.append(step)
                case Evaluated() as check:
                    self._checks.append(check)
                case Finished() as finished:
                    self._state = _ENDS.get(finished.reason, "stopped")
                    self._next = 0.0
        yield from self.tell()

    def tell(self, *, force: bool = False) -> Iterator[m.Result]:
        """How far it is, if it is time."""
        from model.train.scaling.folder import size_record

        now = time.monotonic()
        run, queue = self._run, self.queue
        if run is None or queue is None or (now < self._next and not force):
            return
        size = None
        if not self._is_trial and self._d_vocab:
            size = size_record(
                run,
                str(queue.folder / run.name),
                self._d_vocab,
                self._steps,
                self._checks,
                self._state,
            )
        yield m.QueueProgressed(
            request_id=self.request.id, size=size, doing=self._doing(run), paused=self.paused
        )
        took = time.monotonic() - now
        self._next = time.monotonic() + max(TELL_SECONDS, took / TELL_SHARE)

    def _doing(self, run: PlannedRun) -> str:
        if self._what:
            return f"Width {run.width}: {self._what[:1].lower()}{self._what[1:]}"
        step = self._steps[-1].step if self._steps else 0
        trying = f"trying the rate {run.recipe.lr:.3g}, " if self._is_trial else ""
        return f"Width {run.width}: {trying}step {step:,} of {run.recipe.steps:,}"

    def _read_again(self, run: PlannedRun) -> None:
        """The curve of a run that goes on."""
        from model.slices import finish
        from model.train.record import reading_record

        assert self.queue is not None
        record = finish(reading_record(self.queue.folder / run.name))
        self._steps, self._checks = list(record.steps), list(record.evaluations)


def train_queue(request: m.TrainQueue, place: Workplace) -> Job:
    """Answers `TrainQueue`; cancelled, it is stopped and saved."""
    from model.device import choose_device
    from model.train.scaling.folder import begin, reading_queue, write_expected
    from model.train.scaling.queue import Queue

    if place.queue is not None:
        raise RequestError("A queue is trained already. Stop it before you start another.")
    if place.run is not None:
        raise RequestError("A run is going. One training at a time: stop it, then start the queue.")
    folder = whole_path(request.folder)
    if request.plan is not None:
        begin(folder, request.plan)
        if request.expected is not None:
            write_expected(folder, request.expected)
    going = GoingQueue(request)
    going.queue = queue = Queue(folder, device=choose_device(place.device).name)
    place.queue = going
    events = queue.events()
    try:
        record = yield from retold(reading_queue(folder), _nothing)
        yield m.QueueRead(request_id=request.id, record=record)
        yield m.Activity(request_id=request.id, what="training sizes")
        while True:
            try:
                yield None
                event = next(events, None)
                if event is None:
                    break
                yield from going.take(event)
            except JobCancelled:
                going.stop()
                yield from going.tell(force=True)
    finally:
        events.close()
        place.queue = None
    record = yield from retold(reading_queue(folder), _nothing)
    yield m.QueueRead(request_id=request.id, record=record)
    yield m.QueueEnded(request_id=request.id, stopped=queue.stopped)


def control_queue(request: m.ControlQueue, place: Workplace) -> Job:
    """Answers `ControlQueue`."""
    going = place.queue
    if going is None:
        return
    match request.action:
        case "pause":
            going.paused = True
        case "resume":
            going.paused = False
        case "stop":
            going.stop()
    yield from going.tell(force=True)


def read_queue(request: m.ReadQueue, place: Workplace) -> Job:
    """Answers `ReadQueue`."""
    from model.train.scaling.folder import reading_queue

    record = yield from retold(reading_queue(whole_path(request.folder)), _nothing)
    yield m.QueueRead(request_id=request.id, record=record)


def time_queue(request: m.TimeQueue, place: Workplace) -> Job:
    """Answers `TimeQueue`."""
    from model.device import choose_device
    from model.train.scaling.expected import measuring

    if place.run is not None or place.queue is not None:
        raise RequestError("Something is trained just now: its steps would be timed too. Pause it.")
    steps = measuring(request.plan, choose_device(place.device).name)
    try:
        while True:
            try:
                what, share = next(steps)
            except StopIteration as stop:
                yield m.QueueTimed(request_id=request.id, plan=request.plan, expected=stop.value)
                return
            yield m.Progress(request_id=request.id, what=what, done=round(1000 * share), total=1000)
            yield None
    finally:
        steps.close()


def fit_law(request: m.FitLaw, place: Workplace) -> Job:
    """Answers `FitLaw`."""
    from model.train.scaling.fit import fit_law as fitting

    fit = yield from retold(fitting(request.N, request.D, request.loss), _nothing)
    yield m.LawFitted(request_id=request.id, fit=fit)


def _nothing(_slice: object) -> None:
    """A slice is over."""

"""The one owner of the models: takes requests, yields results.

A scheduler: a request becomes a job (`model.engine.job`), whose first slice is done at once; what
is left goes on one slice at each `advance`, round robin, so that a request is answered between
two slices. What the jobs compute with stands in the `Workplace`.

Runs in whatever thread calls it, one call at a time; the window's worker thread is one such
caller, a test another. Knows no Qt, no thread, and of no job what it does.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from model import messages as m
from model.engine.handlers import HANDLERS
from model.engine.job import Job, JobCancelled, failed
from model.engine.starting import ready
from model.engine.workplace import Workplace


@dataclass(frozen=True, slots=True)
class _Live:
    """A request that is being answered."""

    request: m.Request
    job: Job


LATER = 2
"""The turn of what nobody waits for."""


class Engine:
    """Runs requests on transformers.

    Args:
        device: "auto", "cpu", "cuda" or "mps".
        threads: for torch; None takes the cores at hand less one.
        lead: seconds for which questions of each turn (`messages.Ask.turn`) wait at most after the
            last answer of the first, until those before are on the screen (`messages.Painted`):
            who draws them shares the interpreter with what computes.

    Attributes:
        place: what its jobs share. Nobody else changes it.
    """

    def __init__(
        self,
        device: str = "auto",
        threads: int | None = None,
        lead: Sequence[float] = (0.0, 0.0, 0.0),
    ) -> None:
        self.place = Workplace(device, threads)
        self._lead = lead
        self._answered = -math.inf  # when the last answer was given that is drawn first
        self._painted = -1  # the last turn whose answers are on the screen since then
        self._live: dict[int, _Live] = {}  # by request id, in the order in which they began

    def start(self) -> Iterator[m.Result]:
        """Import torch and find the device; yields `EngineReady`."""
        yield ready(self.place)

    def warm_up(self) -> None:
        """Do what torch does only once, at a moment when nobody waits."""
        # Lazy imports of the first optimiser would stall the window once.
        from model.train import warm_up

        warm_up()

    @property
    def busy(self) -> bool:
        """Whether `advance` has something to do."""
        return any(not self.place.paused(live.request) for live in self._live.values())

    @property
    def is_asked(self) -> bool:
        """Whether a question is being answered whose answer is waited for."""
        return any(_asks_before(live.request, LATER) for live in self._live.values())

    @property
    def idle_for(self) -> float:
        """Seconds for which nothing is to be computed, although something goes on."""
        left = self._answered + max(self._lead) - time.monotonic()
        if left <= 0:  # asked for each question and slice, of which an edit makes some fifty
            return 0.0
        going = [live.request for live in self._live.values()]
        going = [request for request in going if not self.place.paused(request)]
        if not all(_turn(request) for request in going):
            return 0.0
        turn = min((_turn(request) for request in going), default=LATER)
        if turn <= self._painted + 1:
            return 0.0
        return max(0.0, self._answered + self._lead[turn] - time.monotonic())

    def handle(self, request: m.Request) -> Iterator[m.Result]:
        """Begin on a request: all of it where it is small.

        An exception becomes a `Failed` with a sentence and the traceback; the engine goes on.
        """
        if isinstance(request, m.Cancel):
            yield from self._cancel(request.target)
            return
        if isinstance(request, m.Painted):
            self._painted = max(self._painted, request.turn)
            return
        for other in tuple(self._live.values()):
            if request.replaces(other.request):
                yield from self._cancel(other.request.id)
        handler = HANDLERS.get(type(request))
        if handler is None:
            unknown = TypeError(f"The engine does not know {type(request).__name__}.")
            yield failed(request, unknown)
            return
        live = _Live(request, handler(request, self.place))
        self._live[request.id] = live
        if not self._waits(request):
            yield from self._slice(live)

    def advance(self) -> Iterator[m.Result]:
        """One slice of everything that goes on: a generated token, a training step."""
        for live in tuple(self._live.values()):
            others = (other for other in self._live.values() if other is not live)
            self.place.alone = all(self.place.paused(other.request) for other in others)
            # One that went before may have ended or paused it.
            if live.request.id not in self._live or self.place.paused(live.request):
                continue
            if not self._waits(live.request):
                yield from self._slice(live)

    def rest(self) -> None:
        """There is nothing to do just now: what a model left free goes back to the system."""
        if self.place.has_let_go:
            from model.device import give_back_freed_memory

            self.place.has_let_go = False
            give_back_freed_memory()

    def close(self) -> Iterator[m.Result]:
        """End everything within one step: a run is saved, a saving is finished."""
        self.place.stop_training()
        for live in tuple(self._live.values()):
            if not live.request.finished_at_close:
                del self._live[live.request.id]
                try:
                    live.job.close()
                except Exception as error:  # noqa: BLE001 - a run that goes on is saved all the same
                    yield failed(live.request, error)
        while self.busy:
            yield from self.advance()

    # ---------------------------------------------------------------------------- inside

    def _waits(self, request: m.Request) -> bool:
        """Whether it is for later, while others are being answered, or just have been."""
        turn = _turn(request)
        if not turn:
            return request.lets_questions_first and self.is_asked
        earlier = (_asks_before(live.request, turn) for live in self._live.values())
        return self.idle_for > 0 or any(earlier)

    def _slice(
        self, live: _Live, step: Callable[[], m.Result | None] | None = None
    ) -> Iterator[m.Result]:
        """A job's results until its slice is over, or it.

        Args:
            live: the job.
            step: what goes on with it; None for as usual.
        """
        try:
            result = next(live.job) if step is None else step()
            while result is not None:
                yield result
                result = next(live.job)
        except StopIteration:
            self._live.pop(live.request.id, None)
            if isinstance(live.request, m.Ask) and live.request.turn == 0:
                self._answered, self._painted = time.monotonic(), -1
        except JobCancelled:
            self._live.pop(live.request.id, None)
            yield m.Cancelled(request_id=live.request.id)
        except Exception as error:  # noqa: BLE001 - any failure is an answer; the engine goes on
            self._live.pop(live.request.id, None)
            yield failed(live.request, error)

    def _cancel(self, target: int) -> Iterator[m.Result]:
        live = self._live.get(target)
        answered = False
        if live is not None:
            job = live.job
            for result in self._slice(live, lambda: job.throw(JobCancelled())):
                answered = True
                yield result
        if not answered:
            # Also where there was nothing to stop: it may have been waiting still.
            yield m.Cancelled(request_id=target)


def _turn(request: m.Request) -> int:
    """When a question is drawn (`messages.Ask.turn`); 0 for what is none."""
    return request.turn if isinstance(request, m.Ask) else 0


def _asks_before(request: m.Request, turn: int) -> bool:
    """Whether it is a question of an earlier turn."""
    return isinstance(request, m.Ask) and request.turn < turn

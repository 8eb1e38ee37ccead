"""The worker thread: requests in, results out.

One thread owns the engine and every tensor. Requests wait in a mailbox, in order; those that a
newer one replaces (a trace of the prompt, a projection) are forgotten. Results cross into the GUI
thread by a queued signal.

Knows the engine by its four methods; no pane, no store.
"""

from __future__ import annotations

import logging
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from model import messages as m

if TYPE_CHECKING:
    from model.engine import Engine

log = logging.getLogger(__name__)

WORKING = "working"
"""What is said of requests that say nothing themselves."""
WARM_UP_AFTER = 0.5
"""Seconds without a request after which nobody waits: then what torch does only once is done."""

LEAD_SECONDS = (0.0, 0.1, 0.2)
"""After the answers that are drawn first the worker rests until they are on the screen before it
goes on with those that are drawn next, and so on; for so long at most, whatever the window does.
Both threads share the interpreter, and the first picture would wait for what comes after it.
"""

IN_BUNDLES = (m.Activity, m.Answered, m.StreamReady)
"""What may wait for the next answer before it is handed over."""
BUNDLE_SECONDS = 0.005
"""For so long at most."""


class Mailbox:
    """Requests on their way to the worker."""

    def __init__(self) -> None:
        self._waiting: deque[m.Request] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self._in_hand = False

    def put(self, request: m.Request) -> None:
        """Add a request.

        Those that it replaces are forgotten; a `Cancel` takes the request that it names out of
        the queue.
        """
        with self._changed:
            self._waiting = deque(r for r in self._waiting if not request.replaces(r))
            if isinstance(request, m.Cancel):
                self._waiting = deque(r for r in self._waiting if r.id != request.target)
            self._waiting.append(request)
            self._changed.notify()

    def take(self, *, wait: bool, seconds: float | None = None) -> m.Request | None:
        """The next request; None if there is none, or once the mailbox is closed.

        Args:
            wait: until there is one.
            seconds: how long at most; None is for ever.
        """
        with self._changed:
            if wait:
                self._changed.wait_for(lambda: self._waiting or self._closed, seconds)
            self._in_hand = bool(self._waiting) and not self._closed
            return self._pop() if self._in_hand else None

    def _pop(self) -> m.Request:
        """The first; of questions in a row, the first of those that are looked at the soonest."""
        soonest, lowest = 0, 2
        for at, request in enumerate(self._waiting):
            if not isinstance(request, m.Ask):
                break  # a question never overtakes what changes what is asked about
            if request.turn < lowest:
                soonest, lowest = at, request.turn
            if lowest == 0:
                break
        request = self._waiting[soonest]
        del self._waiting[soonest]
        return request

    def put_down(self) -> None:
        """What was taken is dealt with, as far as it is not a job that goes on."""
        with self._changed:
            self._in_hand = False

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits, and nothing that was taken is still to be dealt with."""
        with self._changed:
            return not self._waiting and not self._in_hand

    def close(self) -> None:
        """Nothing is taken from now on; a waiting `take` returns."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    @property
    def closed(self) -> bool:
        return self._closed


class Backend(QObject):
    """The worker thread and its mailbox.

    Args:
        device: "auto", "cpu", "cuda" or "mps".
        threads: for torch; None takes the cores at hand less one.
    """

    result_ready = Signal(object)  # model.messages.Result
    _bundle_ready = Signal(object)  # list of them
    warmed_up = Signal()  # what torch imports late is imported
    stopped = Signal()

    def __init__(
        self, device: str = "auto", threads: int | None = None, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._mailbox = Mailbox()
        self._bundle: list[m.Result] = []  # the worker's
        self._bundled = 0.0  # when its first result was given
        self._bundle_ready.connect(self._pass_on)
        self._device = device
        self._threads = threads
        # A plain thread: a QThread that still runs at exit aborts the process.
        self._thread = threading.Thread(target=self._work, name="engine", daemon=True)

    def start(self) -> None:
        """Begin; `EngineReady` is the first result."""
        self._thread.start()

    def submit(self, request: m.Request) -> None:
        """Hand over a request; returns at once."""
        self._mailbox.put(request)

    @property
    def caught_up(self) -> bool:
        """Whether the first results of all that was asked are on their way back."""
        return self._mailbox.is_empty

    def _pass_on(self, bundle: list[m.Result]) -> None:
        """In the window's thread."""
        for result in bundle:
            self.result_ready.emit(result)

    def stop(self) -> None:
        """Ask the worker to end: within one step, a run that is going saved. `stopped` follows."""
        self._mailbox.close()

    def wait(self, seconds: float | None = None) -> bool:
        """Block until the worker has ended; whether it has."""
        if self._thread.ident is None:
            return True
        self._thread.join(seconds)
        return not self._thread.is_alive()

    @property
    def running(self) -> bool:
        return self._thread.is_alive()

    # ------------------------------------------------------------------- worker thread

    def _work(self) -> None:
        from model.engine import Engine

        engine = Engine(self._device, self._threads, lead=LEAD_SECONDS)
        idle = True
        try:
            self._emit_all(engine.start)
            warm = False
            while not self._mailbox.closed:
                pause = engine.idle_for
                if pause or (self._mailbox.is_empty and not engine.is_asked):
                    self._hand_over()
                self._hand_over_if_old()
                request = self._mailbox.take(wait=pause > 0, seconds=pause)
                if request is not None:
                    idle = idle and self._wake()
                    self._handle(engine, request)
                elif engine.busy:
                    idle = idle and self._wake()
                    self._emit(engine.advance())
                else:
                    if not idle:
                        idle = True
                        self._tell(m.Activity(request_id=0, what="idle"))
                        self._hand_over()
                        self._guarded(engine.rest)
                    request = self._mailbox.take(wait=True, seconds=None if warm else WARM_UP_AFTER)
                    if request is not None:
                        idle = self._wake()
                        self._handle(engine, request)
                    elif not warm:
                        warm = True
                        self._guarded(engine.warm_up)
                        self.warmed_up.emit()
            self._emit(engine.close())
        finally:
            self._hand_over()
            self.stopped.emit()

    def _wake(self) -> bool:
        """Say that something is done from now on; gives whether the worker is idle: no more."""
        self._tell(m.Activity(request_id=0, what=WORKING))
        return False

    def _handle(self, engine: Engine, request: m.Request) -> None:
        self._emit(engine.handle(request))
        self._mailbox.put_down()

    def _emit(self, results: Iterable[m.Result]) -> None:
        for result in results:
            self._tell(result)

    def _tell(self, result: m.Result) -> None:
        """Hand a result over, with those that are given in the same moment.

        Each hand-over takes the interpreter from the worker for a quarter of a millisecond.
        """
        self._bundle.append(result)
        if len(self._bundle) == 1:
            self._bundled = time.monotonic()
        if isinstance(result, IN_BUNDLES):
            self._hand_over_if_old()
        else:
            self._hand_over()

    def _hand_over_if_old(self) -> None:
        if time.monotonic() - self._bundled > BUNDLE_SECONDS:
            self._hand_over()

    def _hand_over(self) -> None:
        if self._bundle:
            bundle, self._bundle = self._bundle, []
            self._bundle_ready.emit(bundle)

    def _emit_all(self, produce: Callable[[], Iterable[m.Result]]) -> None:
        """Results of something that may fail as a whole."""
        try:
            self._emit(produce())
        except Exception as error:  # noqa: BLE001 - whatever it is, the window must say it
            self._tell(m.Failed(request_id=0, message=str(error), details=traceback.format_exc()))

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception:
            log.exception("what nobody waits for failed")

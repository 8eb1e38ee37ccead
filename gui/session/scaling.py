"""The queue of sizes that the window knows: what is planned, trained, read back and fitted.

Steers the one that this window trains, follows one that another process trains by reading its
folder again, and has the law fitted anew whenever another size is done. Knows messages and the
records of a queue; no widget, no file.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from PySide6.QtCore import QTimer

from gui.session.feature import Feature
from gui.session.state import Notice
from model import messages as m
from model.train.scaling.counts import ParameterCount
from model.train.scaling.fit import LEAST_POINTS, LEAST_TOKENS, LEAST_WITH_TOKENS, LawFit
from model.train.scaling.folder import Expected, QueueRecord, SizeRecord, of_plan
from model.train.scaling.plan import ScalingPlan

if TYPE_CHECKING:
    from gui.session.store import Store

LOOK_MS = 2_000
"""Between two looks at a queue that another process trains."""


class Scaling(Feature):
    """One queue.

    Attributes:
        record: the queue that is shown; of a plan without a folder before it begins.
        request: the queue that is trained here, from the moment it is asked for; None for none.
        paused: whether it waits.
        doing: what is done just now.
        count: which parameters are N.
        fit: the law of the sizes that are done; None before there are enough.
        fit_problem: why there is none though there are enough; else empty.
        problem: why what was asked for last did not come; empty if it did.
        timing: the plan that is timed; None for none.
    """

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.record: QueueRecord = of_plan(ScalingPlan())
        self.request: m.TrainQueue | None = None
        self.paused = False
        self.doing = ""
        self.count: ParameterCount = "blocks"
        self.fit: LawFit | None = None
        self.fit_problem = ""
        self.problem = ""
        self.timing: m.TimeQueue | None = None
        self._reading: m.ReadQueue | None = None
        self._fitting: m.FitLaw | None = None
        self._fitted: tuple[object, ...] = ()
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(LOOK_MS)
        self._timer.timeout.connect(self._look_again)

    # ------------------------------------------------------------------------- reading

    @property
    def going(self) -> bool:
        """Whether a queue is trained here; it may be paused."""
        return self.request is not None

    @property
    def elsewhere(self) -> str:
        """Which other process trains the queue that is shown; empty for none."""
        return "" if self.going or self.record.writer == "this process" else self.record.writer

    @property
    def progress(self) -> m.Progress | None:
        """How far the timing is."""
        return self._store.activity.progress_of(self.timing)

    @property
    def refusal(self) -> str:
        """Why no queue can begin or go on now, a sentence; empty if one can."""
        if self._store.engine is None:
            return "The worker is starting."
        if self._store.run.going:
            return "A run is going. One training at a time: stop it first."
        if self.elsewhere:
            return f"This queue is trained by {self.elsewhere}: stop it there."
        if self.record.folder and self.record.is_done:
            return "All sizes are done. Make a new plan to train others."
        return ""

    # ------------------------------------------------------------------------ changing

    def plan(self, plan: ScalingPlan) -> None:
        """Show a plan that has no folder yet."""
        if self.going:
            return
        self._show(of_plan(plan))
        self.problem = ""
        self.changed.emit()

    def time(self) -> None:
        """Have the plan that is shown timed."""
        self.problem = ""
        self.timing = m.TimeQueue(plan=self.record.plan)
        self._store.send(self.timing)
        self.changed.emit()

    def start(self, folder: str) -> None:
        """Train the queue that is shown: what is left of it, or a plan in a new folder.

        Args:
            folder: for a plan that has none yet.
        """
        record, self.problem = self.record, ""
        new = not record.folder
        self.request = m.TrainQueue(
            folder=folder if new else record.folder,
            plan=record.plan if new else None,
            expected=record.expected if new else None,
        )
        self.paused, self.doing = False, ""
        self._timer.stop()
        self._store.send(self.request)
        self.changed.emit()

    def pause(self) -> None:
        self._control("pause")

    def resume(self) -> None:
        """Let a queue that was paused go on."""
        self._control("resume")

    def stop(self) -> None:
        """End the queue; it goes on later from what is saved."""
        self._control("stop")

    def stop_timing(self) -> None:
        """Give up what is timed."""
        if self.timing is not None:
            self._store.send(m.Cancel(target=self.timing.id))

    def open(self, folder: str) -> None:
        """Show the queue of a folder."""
        if not self.going:
            self.problem = ""
            self._reading = m.ReadQueue(folder=folder)
            self._store.send(self._reading)

    def set_count(self, count: ParameterCount) -> None:
        """Fit over other parameters."""
        if count != self.count:
            self.count = count
            self.fit, self._fitted = None, ()
            self._fit()
            self.changed.emit()

    # ------------------------------------------------------------------------- results

    def take(self, result: m.Result) -> bool:
        mine = self.request is not None and result.request_id == self.request.id
        reading = self._reading is not None and result.request_id == self._reading.id
        match result:
            case m.QueueRead():
                if mine or reading:
                    self._reading = self._reading if mine else None
                    self._show(result.record)
            case m.QueueProgressed():
                if mine or self.going:  # a pause answers by an id of its own
                    self._progress(result)
            case m.QueueEnded():
                if mine:
                    self.request, self.paused, self.doing = None, False, ""
            case m.QueueTimed():
                if self.timing is not None and result.request_id == self.timing.id:
                    self.timing = None
                    if self.record.plan == result.plan:
                        self.record = replace(self.record, expected=result.expected)
            case m.LawFitted():
                if self._fitting is not None and result.request_id == self._fitting.id:
                    self._fitting, self.fit, self.fit_problem = None, result.fit, ""
            case m.Failed() | m.Cancelled():
                if not self._end(result):
                    return False
            case _:
                return False
        self.changed.emit()
        return True

    # ------------------------------------------------------------------------- inside

    def _control(self, action: Literal["pause", "resume", "stop"]) -> None:
        if self.going:
            self.paused = action == "pause"
            self._store.send(m.ControlQueue(action=action))
            self.changed.emit()

    def _progress(self, result: m.QueueProgressed) -> None:
        self.paused, self.doing = result.paused, result.doing
        size = result.size
        if size is None:
            return
        sizes = tuple(size if one.name == size.name else one for one in self.record.sizes)
        # The vocabulary that one run has found is that of all.
        self.record = replace(self.record, sizes=tuple(_known(one, size) for one in sizes))
        if size.state == "done":
            self._fit()

    def _end(self, result: m.Failed | m.Cancelled) -> bool:
        """Something that was asked for here does not come; whether it was."""
        failed = isinstance(result, m.Failed)
        words = result.message if isinstance(result, m.Failed) else ""
        if self.request is not None and result.request_id == self.request.id:
            self.request, self.paused, self.doing, self.problem = None, False, "", words
            folder = self.record.folder
            if failed and folder:
                self._reading = m.ReadQueue(folder=folder)
                self._store.send(self._reading)
            if isinstance(result, m.Failed):
                self._store.post(Notice.of(result))
        elif self.timing is not None and result.request_id == self.timing.id:
            self.timing, self.problem = None, words
        elif self._reading is not None and result.request_id == self._reading.id:
            self._reading, self.problem = None, words
        elif self._fitting is not None and result.request_id == self._fitting.id:
            self._fitting, self.fit, self.fit_problem = None, None, words
        else:
            return False
        return True

    def _show(self, record: QueueRecord) -> None:
        if record.folder != self.record.folder:
            self.fit, self.fit_problem, self._fitted = None, "", ()
        self.record = record
        self._fit()
        if self.elsewhere:
            self._timer.start()
        else:
            self._timer.stop()

    def _look_again(self) -> None:
        if self.record.folder and not self.going:
            self._reading = m.ReadQueue(folder=self.record.folder)
            self._store.send(self._reading)

    def _points(self) -> tuple[tuple[float, float, float], ...]:
        """Parameters, tokens and loss of what can be fitted together.

        Until there are enough numbers of tokens for a term of their own, those of the latest one
        of which enough sizes are done.
        """
        points = tuple(
            (float(size.parameters(self.count) or 0), float(size.tokens), size.val_loss)
            for size in self.record.done
        )
        tokens = sorted({d for _, d, _ in points})
        if len(tokens) >= LEAST_TOKENS and len(points) >= LEAST_WITH_TOKENS:
            return points
        groups = [tuple(point for point in points if point[1] == d) for d in tokens]
        enough = [group for group in groups if len(group) >= LEAST_POINTS]
        return enough[-1] if enough else points if len(tokens) < 2 else ()

    def _fit(self) -> None:
        """Have the law fitted, where the points are others than those of the last time."""
        points = self._points()
        if points == self._fitted:
            return
        self._fitted = points
        if len({n for n, _, _ in points}) < LEAST_POINTS:
            self.fit, self.fit_problem, self._fitting = None, "", None
            return
        N, D, loss = zip(*points)
        self._fitting = m.FitLaw(N=N, D=D, loss=loss)
        self._store.send(self._fitting)


def _known(size: SizeRecord, other: SizeRecord) -> SizeRecord:
    """A size whose vocabulary is known from another's."""
    if size.d_vocab or not other.d_vocab:
        return size
    config = replace(size.config, d_vocab=other.d_vocab)
    return replace(size, d_vocab=other.d_vocab, config=config)


def expected_left(record: QueueRecord) -> float | None:
    """Seconds until all sizes are done, as far as that was measured; None if it was not."""
    left, known = 0.0, False
    expected: Expected | None = record.expected
    for size in record.sizes:
        if size.state in ("done", "diverged"):
            continue
        each = None if expected is None else expected.seconds.get(size.name)
        if size.step and size.seconds:
            each = size.seconds / size.step * size.steps
        if each is None:
            return None
        left += each * (1 - size.step / size.steps)
        known = True
    return left if known else None

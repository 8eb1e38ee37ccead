"""A run that is written elsewhere: by another process here, or on a machine whose disk is at hand.

Asks the worker again and again what has come to the folder of the opened model's run, and adds it
to that run; brings its newest snapshot into view where that is wanted. It ends by itself where the
run does, and with the model that is opened next. Knows messages; no widget, no file.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer

from gui.session.feature import Feature
from gui.session.training_run import Run
from model import messages as m
from model.train.events import Event, SnapshotSaved
from model.train.growing import Mark, RunNews

if TYPE_CHECKING:
    from gui.session.store import Store

LOOK_MS = 1_500
"""Between an answer and the next look: the folder's writer writes every second."""
SILENT_SECONDS = 300.0
"""Without a row for so long, a run whose writer can't be seen counts as ended; the folder is still
looked at, and what comes is added."""
LAST_SECONDS = 30.0
"""So long after its last step a run may still validate and save."""


class Watching(Feature):
    """What is known of a run that somebody else writes.

    Attributes:
        writer: who writes it, where that can be seen.
        follows: whether each new snapshot comes into view.
        problem: what can't be read of the folder just now; empty if all can.
    """

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.writer = ""
        self.follows = False
        self.problem = ""
        self._run: Run | None = None
        self._mark = Mark()
        self._looking: m.LookAtRun | None = None
        self._heard = 0.0  # when the last row came, by the monotonic clock
        self._was_seen = False  # a writer, at some time
        self._other_curves = 0  # looks in a row at which the curve was another one
        self._done = ""
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(LOOK_MS)
        self._timer.timeout.connect(self._look)
        store.run.changed.connect(self._hear_of_run)

    # ------------------------------------------------------------------------- reading

    @property
    def run(self) -> Run | None:
        """The run whose folder is looked at; it may be silent. None if none is."""
        return self._run

    @property
    def grows(self) -> bool:
        """Whether somebody writes it."""
        return self._run is not None and self._run.elsewhere

    @property
    def age(self) -> float:
        """Seconds since its last row was written."""
        return max(0.0, time.monotonic() - self._heard)

    @property
    def newest(self) -> SnapshotSaved | None:
        """The newest snapshot, where the one in view is an older one."""
        run = self._run
        if run is None or not run.snapshots or run.weights_step is None:
            return None
        last = run.snapshots[-1]
        return last if last.step > run.weights_step else None

    # ------------------------------------------------------------------------ changing

    def show_newest(self) -> None:
        """Bring the newest snapshot into view."""
        newest = self.newest
        if newest is not None and not self._store.opening.going:
            self._store.opening.open(str(newest.path))

    def follow(self, follow: bool) -> None:
        """Bring each new snapshot into view from now on, or no more."""
        self.follows = follow
        if follow:
            self.show_newest()
        self.changed.emit()

    # ------------------------------------------------------------------------- results

    def take(self, result: m.Result) -> bool:
        looking = self._looking
        if isinstance(result, m.RunLookedAt):
            if looking is not None and result.request_id == looking.id:
                self._looking = None
                self._hear(result.news)
            return True
        if isinstance(result, m.Failed | m.Cancelled) and looking is not None:
            if result.request_id != looking.id:
                return False
            self._looking = None
            self.problem = result.message if isinstance(result, m.Failed) else ""
            self._go_on()
            return True
        return False

    # ------------------------------------------------------------------------- inside

    def _hear_of_run(self) -> None:
        """Another run is read of its folder, or none."""
        recorded, before = self._store.run.recorded, self._run
        if recorded is before:
            return
        if recorded is None or before is None or recorded.run_dir != before.run_dir:
            self.follows, self.writer, self._was_seen = False, "", False
        self._run, self._looking, self.problem = recorded, None, ""
        self._mark, self._done, self._other_curves = Mark(), "", 0
        self._timer.stop()
        if recorded is None or recorded.is_done:
            self._run = None
            return
        self._mark = Mark(
            step=recorded.step,
            evaluated_at=recorded.evaluations[-1].step if recorded.evaluations else -1,
            sampled_at=recorded.samples[-1].step if recorded.samples else -1,
            snapshots=frozenset(snapshot.step for snapshot in recorded.snapshots),
        )
        self._heard = -1.0  # the file's own time tells, at the first look
        self._look()

    def _look(self) -> None:
        if self._run is None or self._looking is not None:
            return
        self._timer.stop()
        self._looking = m.LookAtRun(path=self._run.run_dir, mark=self._mark)
        self._store.send(self._looking)

    def _go_on(self) -> None:
        if self._run is not None:
            self._timer.start()
        self.changed.emit()
        self._store.run.changed.emit()

    def _hear(self, news: RunNews) -> None:
        run = self._run
        if run is None:
            return
        self._other_curves = self._other_curves + 1 if news.anew else 0
        if self._other_curves > 1:  # once may be a file that is being copied
            self._store.run.read_again()
            return
        self._mark, self.problem = news.mark, news.problem
        self.writer = news.writer
        self._was_seen |= bool(news.writer)
        events: tuple[Event, ...] = (
            *news.steps,
            *news.evaluations,
            *news.measured,
            *news.samples,
            *news.snapshots,
        )
        for event in events:
            run.add(event)
        self._done = news.done or self._done
        self._settle(run, news)
        if self.follows and news.snapshots:
            self.show_newest()
        self._go_on()
        if news.more:
            self._look()

    def _settle(self, run: Run, news: RunNews) -> None:
        """Whether it goes on, is silent, or has ended."""
        first = self._heard < 0
        came = news.is_something and not first
        if first:
            self._heard = time.monotonic() - news.age
        if came:
            self._heard = time.monotonic()
        if self._done:
            saved = bool(run.snapshots) and run.snapshots[-1].step >= run.step
            if saved or self.age > LAST_SECONDS:
                run.end_elsewhere(self._done, is_done=True)
                self._run = None
            return
        if came or news.writer:
            run.go_on_elsewhere()
        elif run.elsewhere and (self._was_seen or self.age > SILENT_SECONDS):
            run.end_elsewhere(f"Ended at step {run.step:,} of {run.recipe.steps:,}.")

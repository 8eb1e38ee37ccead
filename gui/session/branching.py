"""Branches of runs: where the next one is to begin, and who of a folder comes of whom.

The folder is that of the run that is shown. It is read by the worker where somebody looks, when
another run is shown and when one has ended; what the run that goes on here does meanwhile is known
without it. Knows messages; no widget, no file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal

from gui.session.feature import Feature
from gui.session.training_run import Run
from model import messages as m
from model.train.branching.record import Departure
from model.train.branching.tree import RunNode, family

if TYPE_CHECKING:
    from gui.session.store import Store

EVALUATIONS_A_LOOK = 5
"""After so many validations of a run that goes on the folder is read again."""


class Branching(Feature):
    """What is known of the runs beside the one that is shown.

    Attributes:
        departure: where the run that a recipe is written for begins; None for one that begins anew.
        folder: whose runs are known; empty before the first was read.
        runs: those, each before its branches.
        problem: why they can't be read, a sentence; empty if they can.
        hidden: folders of relatives whose curves are not wanted over each other.
        wanted: folders of other runs whose curves are.
        places: of each run that was drawn over another, among all colours, by its folder: it keeps
            its colour for as long as the window is open.

    Signals:
        proposed: somebody wants a branch: `departure`.
    """

    proposed = Signal()

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.departure: Departure | None = None
        self.folder = ""
        self.runs: tuple[RunNode, ...] = ()
        self.problem = ""
        self.hidden: frozenset[str] = frozenset()
        self.wanted: frozenset[str] = frozenset()
        self.places: dict[str, int] = {}
        self._run: Run | None = None
        self._before = ""  # whose curve is wanted because it was the run before
        self._lookers: set[str] = set()
        self._reading: m.ReadRuns | None = None
        self._known_of: tuple[object, ...] = ()
        store.run.changed.connect(self._hear_of_run)
        store.engine_changed.connect(self._hear_of_run)

    # ------------------------------------------------------------------------- reading

    @property
    def is_reading(self) -> bool:
        """Whether the folder is being read, and nothing of it is known yet."""
        return self._reading is not None and not self.runs

    @property
    def here(self) -> Departure | None:
        """Where a branch of the run that is shown would begin: at the step in view, if it is its.

        None where nothing of it is kept.
        """
        run = self._store.run.shown
        if run is None or not run.snapshots:
            return None
        step = run.snapshots[-1].step
        if self._store.run.in_view(run):
            timeline = self._store.timeline
            seen = run.weights_step if timeline.live or timeline.step is None else timeline.step
            step = step if seen is None else seen
        return Departure(run.run_dir, step)

    def drawn_over(self, run: Run) -> tuple[RunNode, ...]:
        """The runs whose curves lie over a run's own.

        Those of one root with it that are not hidden, and what else was wanted.
        """
        kin = {node.run_dir for node in family(self.runs, run.run_dir)}
        drawn = (kin - self.hidden) | self.wanted
        found = tuple(
            node for node in self.runs if node.run_dir in drawn and node.run_dir != run.run_dir
        )
        for node in found:
            self.places.setdefault(node.run_dir, len(self.places))
        return found

    def node(self, run_dir: str) -> RunNode | None:
        """A run of the folder; None if it is not there."""
        return next((node for node in self.runs if node.run_dir == run_dir), None)

    # ------------------------------------------------------------------------ changing

    def propose(self, departure: Departure | None) -> None:
        """Have the next run begin there, or anew; a person decides what it changes."""
        self.departure = departure
        self.proposed.emit()
        self.changed.emit()

    def show(self, run_dir: str, *, shown: bool) -> None:
        """Draw a run's curve over the others', or no more."""
        if run_dir == self._before:
            self._before = ""  # a person has decided
        if shown:
            lists = self.hidden - {run_dir}, self.wanted | {run_dir}
        else:
            lists = self.hidden | {run_dir}, self.wanted - {run_dir}
        if lists != (self.hidden, self.wanted):
            self.hidden, self.wanted = lists
            self.changed.emit()

    def look(self, who: str, *, looks: bool) -> None:
        """Somebody can be seen who draws what is known here, or no longer."""
        if looks and who not in self._lookers:
            self._lookers.add(who)
            self._known_of = ()
            self._hear_of_run()
        elif not looks:
            self._lookers.discard(who)

    def read_again(self) -> None:
        """Look what has come to the folder."""
        run = self._store.run.shown
        if run is None or self._store.engine is None:
            return
        folder = parent_of(run.run_dir)
        known = self.runs if folder == self.folder else ()
        if folder != self.folder:
            self.folder, self.runs, self.problem = folder, (), ""
        self._reading = m.ReadRuns(folder=folder, known=known)
        self._store.send(self._reading)

    # ------------------------------------------------------------------------- results

    def take(self, result: m.Result) -> bool:
        reading = self._reading
        match result:
            case m.RunsRead():
                if reading is not None and result.request_id == reading.id:
                    self._reading, self.runs, self.problem = None, result.runs, ""
                    self.changed.emit()
                return True
            case m.Failed() | m.Cancelled() if reading and result.request_id == reading.id:
                self._reading = None
                if isinstance(result, m.Failed):
                    self.runs, self.problem = (), result.message
                    self.changed.emit()
                return True
        return False

    # ------------------------------------------------------------------------- inside

    def _keep_the_one_before(self, run: Run) -> None:
        """Of two runs on one text the later one is drawn over the earlier: they are compared."""
        before, self._run = self._run, run
        if before is None or before is run or run is not self._store.run.current:
            return
        same = before.recipe.data, before.recipe.tokenizer
        if same == (run.recipe.data, run.recipe.tokenizer) and before.run_dir != run.run_dir:
            self.wanted = (self.wanted - {self._before}) | {before.run_dir}
            self._before = before.run_dir

    def _hear_of_run(self) -> None:
        run = self._store.run.shown
        if run is not None:
            self._keep_the_one_before(run)
        if not self._lookers or run is None or self._store.engine is None:
            return
        # A run that goes on is known by its events: its folder is read now and then.
        of = run.run_dir, run.running, len(run.evaluations) // EVALUATIONS_A_LOOK
        if of != self._known_of:
            self._known_of = of
            self.read_again()


def parent_of(run_dir: str) -> str:
    """The folder in which a run's folder lies; both kinds of separators are one's system's own."""
    cut = max(run_dir.rstrip("/\\").rfind("/"), run_dir.rstrip("/\\").rfind("\\"))
    return run_dir[:cut] if cut > 0 else run_dir[: cut + 1]

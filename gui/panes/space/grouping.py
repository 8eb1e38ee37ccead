"""Colours, filters, clusters, regions and kept views at work, and files for other projectors.

Knows the store, the widgets, the search and the cloud; of the pane nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import astuple
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QFileDialog

from gui import theme
from gui.file_dialog import file_dialog
from gui.panes.space.body import SpaceBody
from gui.panes.space.chooser import Chooser
from gui.panes.space.cloud import Cloud
from gui.panes.space.colouring import BY, OF_COUNTS, OF_TEXT, Coloured, by_of, coloured
from gui.panes.space.filtering import Filtering, hide
from gui.panes.space.forms import FORMS
from gui.panes.space.frequencies import Frequencies
from gui.panes.space.lookup import Lookup
from gui.session.state import Notice
from gui.session.store import Store
from gui.widgets.point_cloud.camera import Camera
from gui.widgets.point_cloud.region import RegionLayer, inside
from gui.widgets.text import counted
from model.messages import VocabularyProjected
from model.probe.question import Named
from model.space.questions.asks import Clusters, ClustersFound, TSVWritten, WriteTSV

MOST_VIEWS = 30


class Grouping(QObject):
    """What is drawn of the cloud, and how.

    Args:
        store: the store.
        body: the widgets.
        lookup: what is looked for, and the names of rows.
        cloud: what is projected.
        chooser: which table on which axes.

    Signals:
        changed: points are to be drawn anew.
        expression_wanted: a kept view had this typed.

    Attributes:
        filtering: what a person has chosen to see.
    """

    changed = Signal()
    expression_wanted = Signal(str)

    def __init__(
        self, store: Store, body: SpaceBody, lookup: Lookup, cloud: Cloud, chooser: Chooser
    ) -> None:
        super().__init__(body)
        self._store, self._body, self._page = store, body, body.column.groups
        self._lookup, self._cloud, self._chooser = lookup, cloud, chooser
        self.filtering = Filtering()
        self._coloured: tuple[object, Coloured] | None = None
        self._of_colours: object = None
        self._sought: object = None
        self._told: object = None
        self._of_model: object = store.model
        self._views: list[dict[str, Any]] = []
        self.region = RegionLayer(body.view)
        self.frequencies = Frequencies(store, self._page)
        self.frequencies.changed.connect(self.changed)
        self.frequencies.show("")
        page, tools = self._page, body.tools
        page.by_chosen.connect(self._by_chosen)
        page.hidden_changed.connect(self._hide)
        page.clusters_wanted.connect(self._press_clusters)
        page.drawing_chosen.connect(self._draw_region)
        page.alone_changed.connect(self._set_alone)
        page.cleared.connect(self.clear)
        page.view_kept.connect(self.keep_view)
        page.view_chosen.connect(self.show_view)
        page.view_forgotten.connect(self._forget_view)
        tools.colors_changed.connect(self._norm_switched)
        tools.write_tsv.triggered.connect(self._ask_folder)
        self.region.drawn.connect(self._select_region)
        self.region.left.connect(self._leave_region)

    def forget(self) -> None:
        """Other rows come into view."""
        self.filtering.forget()
        self._coloured = None
        self.frequencies.show(self.filtering.by)
        self._page.alone.setChecked(False)

    # ------------------------------------------------------------------- what is drawn

    def drawn(
        self, vocabulary: VocabularyProjected
    ) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
        """The points, NaN where they aren't drawn, and their colours."""
        found = self.coloured(vocabulary)
        shown = self.filtering.shown(found, len(vocabulary.points))
        return hide(vocabulary.points, shown), self.filtering.rgb(found)

    def coloured(self, vocabulary: VocabularyProjected) -> Coloured:
        """The colours by what is chosen, found once."""
        read = self._store.read
        ids = () if read is None else tuple(token.id for token in read.tokens)
        rows, clusters = self._lookup.rows, self._clusters(vocabulary)
        by = self.filtering.by
        prompt = ids if by == "prompt" else ()
        counted = self.frequencies.key(by)
        # What is kept alive here can be told apart by where it is.
        of = (vocabulary if by in ("one", "norm", *OF_TEXT, *OF_COUNTS) else None, rows, clusters)
        key = (by, *map(id, of), len(vocabulary.points), prompt, counted, theme.current().name)
        if self._coloured is None or self._coloured[0] != key:
            self._of_colours = of
            by_texts = self.frequencies.coloured(by, vocabulary)
            self._coloured = key, by_texts or coloured(by, vocabulary, rows, ids, clusters)
        return self._coloured[1]

    def _clusters(self, vocabulary: VocabularyProjected) -> ClustersFound | None:
        found = self._store.tables.answers.get(Clusters.name)
        if found is None or found.source != vocabulary.source:
            return None
        return found.answer if isinstance(found.answer, ClustersFound) else None

    def refresh(self, vocabulary: VocabularyProjected) -> None:
        """Follow the search, the prompt and what was answered."""
        lookup, typed = self._lookup, self._body.search.text()
        sought = (id(lookup.rows), typed) if lookup.matches is not None else None
        if sought != self._sought:
            self._sought = sought
            none = np.empty(0, np.intp)
            self.filtering.found = none if sought is None else lookup.rows.holding(typed)
            self.changed.emit()
        self._page.offer(by_of(vocabulary))
        if self._page.key != self.filtering.by and self._page.by.findData(self.filtering.by) < 0:
            self._by_chosen("one")  # these rows have no such thing
        if self._of_model is not self._store.model:
            self._of_model = self._store.model
            self.frequencies.counts.start_anew()
        before = None if self._coloured is None else self._coloured[1]
        now = self.coloured(vocabulary)
        if before is not None and now is not before:
            self.changed.emit()
        self._page.show_coloured(now, self.filtering.hidden)
        self._page.show_clusters(running=self._store.tables.waits(Clusters.name))
        self._page.said.setText(self._sentence(vocabulary, now))
        self._tell_written()

    def _sentence(self, vocabulary: VocabularyProjected, now: Coloured) -> str:
        rows, n = self._lookup.rows, len(vocabulary.points)
        lit = self.filtering.lit
        if len(lit):
            what = "selected" if len(self.filtering.selected) else "found"
            some = ", ".join(rows.text(int(row)) for row in lit[:5])
            more = " …" if len(lit) > 5 else ""
            return f"{len(lit):,} of {n:,} {what}: {some}{more}"
        if self.filtering.by in OF_COUNTS:
            model = self._store.model
            return self.frequencies.sentence(
                self.filtering.by, rows.text if model is None else model.token_text
            )
        if self.filtering.by == "cluster":
            problem = self._store.tables.problems.get(Clusters.name, "")
            found = self._clusters(vocabulary)
            if self._store.tables.waits(Clusters.name):
                return "Finding groups; Stop gives it up."
            if problem or found is None:
                return problem or "Press Find: groups of vectors that point the same way."
            if not found.likeness:
                return f"No group: all {found.n_noise:,} vectors are noise, {found.how}."
            low, high = min(found.likeness), max(found.likeness)
            if found.how:
                return (
                    f"{counted(len(found.central), 'dense group')} by HDBSCAN {found.how}. "
                    f"{found.n_noise:,} of {n:,} vectors are noise: in no group. "
                    f"Mean cosines with the middles: {low:.2f} to {high:.2f}."
                )
            return (
                f"{len(found.central)} clusters by direction, each named by the words in its "
                f"middle, with which its words have a mean cosine of {low:.2f} to {high:.2f}."
            )
        if now.scale is not None:
            low, high, what = now.scale
            return f"{what} from {low:.2f} (faint) to {high:.2f} (strong)"
        if now.groups and vocabulary.text is not None:
            return "A tick draws a group. Search for a word to see it wherever it stands."
        return "" if now.groups else "Drag a box or a loop to select; a search lights all matches."

    # --------------------------------------------------------------- what a person does

    def _by_chosen(self, by: str) -> None:
        self.filtering.by = by
        self.filtering.hidden.clear()
        norm = self._body.tools.norm
        norm.blockSignals(True)
        norm.setChecked(by == "norm")
        norm.blockSignals(False)
        self._page.show_by(by)
        self.frequencies.show(by)
        self.changed.emit()

    def _norm_switched(self) -> None:
        self._by_chosen("norm" if self._body.tools.norm.isChecked() else "one")

    def _hide(self) -> None:
        self.filtering.hidden = self._page.hidden
        self.changed.emit()

    def _set_alone(self, on: bool) -> None:
        self.filtering.alone = on
        self.changed.emit()

    def _press_clusters(self) -> None:
        tables, drawn = self._store.tables, self._cloud.vocabulary
        if tables.waits(Clusters.name):
            tables.stop(Clusters.name)
            self._page.show_clusters(running=False)
        elif drawn is not None:
            tables.ask(drawn.source, self._page.clusters, drawn.step)
            self.changed.emit()

    def _draw_region(self, kind: str) -> None:
        if kind == "turn":
            self.region.hide()
        else:
            self.region.begin(kind)

    def _leave_region(self) -> None:
        self._page.drawing.set_current("turn")
        self.region.hide()

    def _select_region(self, corners: object, adds: bool) -> None:
        view = self._body.view
        within = inside(view.project(view.shown_points).xy, np.asarray(corners))
        self.select(np.flatnonzero(within), adds=adds)

    def select(self, rows: NDArray[np.intp], *, adds: bool = False) -> None:
        """These rows are selected together."""
        before = self.filtering.selected if adds else np.empty(0, np.intp)
        self.filtering.selected = np.union1d(before, rows).astype(np.intp)
        self.changed.emit()

    def clear(self) -> None:
        """Nothing is selected together any more, and all is drawn."""
        self.filtering.selected = np.empty(0, np.intp)
        self._page.alone.setChecked(False)
        self.changed.emit()

    # --------------------------------------------------------------- views that are kept

    def keep_view(self) -> None:
        """This view, from now on among those that are kept."""
        typed, by = self._body.search.text(), self.filtering.by
        about = typed or self._page.by.currentText()
        view = {
            "name": f"{self._body.projections.currentText()} · {about}"[:60],
            "projection": self._chooser.name,
            "by": by,
            "typed": typed,
            "camera": list(astuple(self._body.view.camera)),
        }
        self._views = [*self._views, view][-MOST_VIEWS:]
        self._list_views(len(self._views) - 1)

    def show_view(self, at: int) -> None:
        """Back to a view that was kept."""
        if not 0 <= at < len(self._views):
            return
        view = self._views[at]
        if view["typed"] != self._body.search.text():
            self.expression_wanted.emit(view["typed"])
        if view["projection"] != self._chooser.name:
            self._chooser.choose_projection(view["projection"])
        self._by_chosen(view["by"])
        camera = _camera(view["camera"])
        assert camera is not None
        self._body.tools.flat.setChecked(camera.flat)
        self._body.view.fly_to(camera, by_hand=True)

    def _forget_view(self, at: int) -> None:
        del self._views[at : at + 1]
        self._list_views(len(self._views) - 1)

    def _list_views(self, at: int) -> None:
        self._page.show_views([view["name"] for view in self._views])
        self._page.views.setCurrentIndex(max(0, at))

    def kept(self) -> list[dict[str, Any]]:
        """The views, as JSON has them."""
        return self._views

    def recall(self, kept: object) -> None:
        """The same, taken up again; what isn't as it should be is passed over."""
        if isinstance(kept, list):
            self._views = [view for view in kept[:MOST_VIEWS] if _is_view(view)]
            self._list_views(0)

    # ------------------------------------------------------------------------- files

    def _ask_folder(self) -> None:
        dialog = file_dialog(
            self._body,
            "A folder for vectors.tsv and metadata.tsv",
            mode=QFileDialog.FileMode.Directory,
        )
        dialog.fileSelected.connect(self.write_tsv)
        dialog.open()

    def write_tsv(self, folder: str) -> None:
        """Write the table, or the rows that are lit, for other projectors."""
        drawn = self._cloud.vocabulary
        if drawn is None:
            return
        rows, now = self._lookup.rows, self.coloured(drawn)
        labels = tuple(rows.text(row) for row in range(len(drawn.points)))
        groups: tuple[str, ...] = ()
        if len(now.group_V):
            groups = tuple(now.groups[at].name for at in now.group_V.tolist())
        lit = tuple(self.filtering.lit.tolist())
        self._store.tables.forget(WriteTSV.name)
        self._store.tables.ask(drawn.source, WriteTSV(folder, labels, lit, groups), drawn.step)

    def _tell_written(self) -> None:
        tables = self._store.tables
        found = tables.answers.get(WriteTSV.name)
        problem = tables.problems.get(WriteTSV.name, "")
        done = found.answer if found is not None and found.answer.share >= 1 else None
        if (done, problem) == self._told:
            return
        self._told = done, problem
        if problem:
            self._store.post(Notice(problem))
        elif isinstance(done, TSVWritten) and isinstance(done.question, WriteTSV):
            self._store.post(Notice(f"{done.n:,} vectors are in {done.path}."))

    def arrays(self) -> Mapping[str, Named]:
        """What was grouped and selected, for export."""
        drawn = self._cloud.vocabulary
        found: dict[str, Named] = {}
        if drawn is None:
            return found
        now = self.coloured(drawn)
        if len(now.group_V):
            names = np.array([group.name for group in now.groups])
            found["group"] = Named(names[now.group_V], ("token",))
        if len(self.filtering.selected):
            found["selected"] = Named(self.filtering.selected, ("place",))
        found.update(self.frequencies.arrays())
        return found


def _camera(values: object) -> Camera | None:
    if not isinstance(values, list) or len(values) != 5:
        return None
    target, *angles, flat = values
    numbers = [*(target if isinstance(target, list | tuple) else ()), *angles]
    if len(numbers) != 6 or not all(isinstance(x, int | float) for x in numbers):
        return None
    if not np.isfinite(numbers).all() or not numbers[5] > 0:
        return None
    x, y, z, azimuth, elevation, distance = map(float, numbers)
    return Camera((x, y, z), azimuth, elevation, distance, bool(flat))


def _is_view(view: object) -> bool:
    if not isinstance(view, dict) or _camera(view.get("camera")) is None:
        return False
    texts = all(isinstance(view.get(key), str) for key in ("name", "typed"))
    known = view.get("projection") in FORMS and view.get("by") in {key for key, _, _ in BY}
    return texts and known

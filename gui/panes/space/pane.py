"""The embedding space: every vector of a table in 2D or 3D, on exact axes that a person chooses.

Reads the projection and the neighbours from the store and asks it for others; asks where positions
are on their way through the layers. Which table and which axes is chosen in
`gui.panes.space.chooser`, what is typed is looked up in `gui.panes.space.lookup`, what is drawn
is put together in `gui.panes.space.drawing`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QObject, QSize, Qt
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QWidget

from gui.panes.base import Pane, column
from gui.panes.space import ENTRY, words
from gui.panes.space.arrays import arrays_of
from gui.panes.space.body import SpaceBody
from gui.panes.space.chooser import WORDS, Chooser
from gui.panes.space.choosing import FILE
from gui.panes.space.cloud import Cloud, same_axes
from gui.panes.space.drawing import Drawing
from gui.panes.space.dropping import dropped_table
from gui.panes.space.grouping import Grouping
from gui.panes.space.lookup import Lookup
from gui.panes.space.nearness import Nearness
from gui.panes.space.pages import Pages
from gui.panes.space.picking import Picking
from gui.panes.space.rows import Rows
from gui.panes.space.turntable import Turntable
from gui.reading import space_code
from gui.reading.code import together
from gui.session.store import Store
from gui.widgets.point_cloud import thinning
from model.messages import VocabularyProjected
from model.probe.path.asks import Path
from model.probe.question import Named, Question
from model.space.projections import PROJECTIONS
from model.space.projections.asks import TSNE, UMAP
from model.space.questions.asks import METRICS
from model.space.registry import entry_of
from model.space.sources.asks import TokenTable

MAPS = (TSNE.name, UMAP.name)


class SpacePane(Pane):
    """A table as a cloud, with neighbours, sums of words and ways through the layers."""

    entry = ENTRY
    one_side = "One table of vectors is drawn, on axes of its own. Choose A or B to see either."

    def __init__(self, store: Store, parent: QWidget | None = None) -> None:
        super().__init__(store, parent)
        self._lookup = Lookup()
        self._near = Nearness(store)
        self._cloud = Cloud(self)
        self._cloud.waited.connect(self.invalidate)
        self._vocabulary: Sequence[bytes] = ()
        self._of_rows: object = None  # of which table `_lookup` knows the names
        self._bring_into_sight = False
        self._picking = Picking(store)
        self._seen: tuple[int, tuple[int, ...], int | None] = (-1, (), None)
        self.setAcceptDrops(True)
        self._build()
        store.vocabulary_changed.connect(self._ask_anew)
        store.neighbours_changed.connect(self.invalidate)
        store.tables.changed.connect(self.invalidate)
        store.activity.changed.connect(self._show_doing)
        store.texts.changed.connect(self.invalidate)
        store.subject_changed.connect(self._subject_changed)
        store.model_changed.connect(self._model_changed)
        store.selection_changed.connect(self._selection_changed)

    # ------------------------------------------------------------------------ building

    def _build(self) -> None:
        self._body = SpaceBody(self)
        self.search, self.tools, self.view = self._body.search, self._body.tools, self._body.view
        self.side, self.status = self._body.side, self._body.status
        self.caption, self.column = self._body.caption, self._body.column
        self.chooser = Chooser(self.store, self._body, self._near, self._rows)
        self.grouping = Grouping(self.store, self._body, self._lookup, self._cloud, self.chooser)
        self.grouping.changed.connect(self._recolor)
        self.grouping.expression_wanted.connect(self.show_expression)
        self._drawing = Drawing(
            self.store,
            self._body,
            self._lookup,
            self._near,
            self._cloud,
            self._picking,
            self.grouping,
        )
        self.pages = Pages(self.store, self.column, self._rows)
        self.chooser.changed.connect(self.invalidate)
        self.chooser.table_changed.connect(self._leave_rows)
        self.chooser.flat_wanted.connect(self.tools.flat.setChecked)
        self.search.textEdited.connect(self._typed)
        self.search.returnPressed.connect(self._entered)
        self.search.installEventFilter(self)
        self.tools.flat_changed.connect(self._flat_changed)
        self.tools.extent_changed.connect(self._extent_changed)
        self._turntable = Turntable(self.store, self.view)
        self.tools.turntable.triggered.connect(self._turntable.ask_path)
        self.tools.path_changed.connect(self._ask_anew)
        self.tools.changed.connect(self.invalidate)
        self.tools.reset_wanted.connect(self.reset_view)
        self.view.setAccessibleDescription(self.entry.hint)
        self.view.point_hovered.connect(self._hovered)
        self.view.point_clicked.connect(self._choose)
        self.view.points_moved.connect(self._compose)
        self.view.installEventFilter(self)
        self.side.token_chosen.connect(self.choose)
        self.side.token_hovered.connect(self._list_hovered)
        self.side.metric_chosen.connect(self._metric_chosen)
        self.column.suite.list.sum_chosen.connect(self.show_expression)
        self.column.along.plot.row_chosen.connect(self.choose)
        self.column.along.across.clicked.connect(self._draw_direction)
        column(self).addWidget(self._body)

    # ------------------------------------------------------------------------- commands

    def focus_search(self) -> None:
        """Put the cursor into the search field."""
        self.search.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.search.selectAll()

    def reset_view(self) -> None:
        """The first view again."""
        self.view.reset_view()

    def show_expression(self, text: str) -> None:
        """Show a sum of words, or a word, as if it had been typed and entered."""
        self.search.setText(text)
        self._typed(text)
        self._entered()

    def ask_file(self) -> None:
        """Ask for a file of vectors, and open it."""
        self.chooser.ask_file()

    def open_file(self, path: str) -> None:
        """A table out of a file, perhaps where no model is open."""
        self.chooser.open_file(path)

    def header_note(self) -> str:
        drawn, newest = self._cloud.vocabulary, self.store.vocabulary
        if drawn is not None and newest is not None and same_axes(drawn, newest):
            drawn = newest  # in a moment it is; all headers change to another step at once
        return "" if drawn is None or self._is_elsewhere else words.header(drawn)

    def export_data(self) -> Mapping[str, Named | NDArray[Any]]:
        """The cloud and its axes, the neighbours, the paths as they are drawn, what was asked."""
        vocabulary = self._cloud.vocabulary
        if vocabulary is None:
            return {}
        near, cloud = self._near.answer, self._cloud
        found = arrays_of(vocabulary, near, cloud.found, cloud.paths, self._lookup.text)
        return {**found, **self.pages.arrays(), **self.grouping.arrays()}

    def code(self) -> str:
        """The cloud's axes, the neighbours that are listed, the paths."""
        vocabulary, read = self._cloud.vocabulary, self.store.read
        if vocabulary is None:
            return ""
        text = "" if read is None else read.text
        return together(space_code.of(vocabulary, self._near.answer, text), super().code())

    def remember(self) -> dict[str, Any]:
        return {
            "metric": self._near.metric,
            "axes": self._body.forms[WORDS].kept(),
            "suite": self.column.suite.editor.kept(),
            "pairs": self.column.along.editor.kept(),
            "maps": [self._body.forms[name].kept() for name in MAPS],
            "views": self.grouping.kept(),
        }

    def recall(self, kept: Mapping[str, Any]) -> None:
        if kept.get("metric") in METRICS:
            self._near.metric = kept["metric"]
            self.side.metrics.set_current(self._near.metric)
        self._body.forms[WORDS].recall(kept.get("axes"))
        self.column.suite.editor.recall(kept.get("suite"))
        self.column.along.editor.recall(kept.get("pairs"))
        maps = kept.get("maps")
        for name, form in zip(MAPS, maps if isinstance(maps, list) else ()):
            self._body.forms[name].recall(form)
        self.grouping.recall(kept.get("views"))

    def apply_theme(self) -> None:
        self._drawing.forget()  # the points take the new theme's colours
        self.side.list.redraw()

    # ------------------------------------------------------------ what the person does

    def _rows(self) -> Rows:
        return self._lookup.rows

    def _typed(self, text: str) -> None:
        terms = self._lookup.type(text)
        if terms:
            self._near.want(terms, "sum", self._lookup.expected)
        elif not text.strip() and self._near.origin == "sum":
            self._ask_position()
        self.invalidate()

    def _entered(self) -> None:
        meant = self._lookup.enter(self.search.text())
        matches = self._lookup.matches
        if isinstance(meant, tuple) and meant:
            self._bring_into_sight = True
            self._near.want(meant, "sum", self._lookup.expected)
            self.chooser.begin_sum()
            self.column.show_page("near")
        elif isinstance(meant, int):
            self.choose(meant)
        elif meant is None and matches:
            self.choose(matches[self.side.list.current or 0])
        self.invalidate()

    def choose(self, token: int) -> None:
        """Select a row that was found by its name, and bring it into view."""
        self._choose(token)
        drawn = self._cloud.vocabulary
        if drawn is not None and token < len(drawn.points):
            self.view.bring_back(drawn.points[token])

    def _choose(self, token: int) -> None:
        """A row was pointed at: select it everywhere and show what is near it."""
        # One of a sum's answers leaves the sum as it is; a word that was looked for ends it.
        keep = self._lookup.matches is None and self._near.holds(token)
        self._lookup.end()
        self._picking.select(self._cloud.vocabulary, token)
        if not keep:
            self._near.want(((1, token),), "token")
            self.chooser.end_sum()
        self._inspect(token)
        self.invalidate()

    def _hovered(self, index: object) -> None:
        self._picking.hover(self._cloud.vocabulary, index)
        self._compose()

    def _list_hovered(self, token: object) -> None:
        self._drawing.listed_hover = token if isinstance(token, int) else None
        self._compose()

    def _metric_chosen(self, metric: str) -> None:
        for known in METRICS:
            if known == metric:
                self._near.measure(known)

    def _draw_direction(self) -> None:
        """The direction of the pairs becomes the first axis of the cloud."""
        self._body.forms[WORDS].set_first(self.pages.direction)
        self.chooser.choose_projection(WORDS)

    def _extent_changed(self) -> None:
        self.ask()
        self._find_paths()
        self._drawing.set_home()
        self.invalidate()

    def _ask_anew(self) -> None:
        self.ask()
        self.invalidate()

    def _recolor(self) -> None:
        self._drawing.forget()
        self.invalidate()

    def _flat_changed(self) -> None:
        shows_part = self.view.shows_part
        self.view.set_flat(flat=self.tools.flat.isChecked())
        if shows_part:
            self._drawing.show_sum()
        self.invalidate()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            key = event.key()
            if key == Qt.Key.Key_Escape and (self.search.text() or self._near.origin != "position"):
                self.search.clear()
                self._lookup.end()
                self._ask_position()
                self.invalidate()
                return True
            if watched is self.search and key in (Qt.Key.Key_Up, Qt.Key.Key_Down):
                self.side.list.step(-1 if key == Qt.Key.Key_Up else 1)
                self._compose()
                return True
        return super().eventFilter(watched, event)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """A file of vectors is taken here; all else is the window's."""
        if dropped_table(event):
            event.acceptProposedAction()
        else:
            event.ignore()

    def dropEvent(self, event: QDropEvent) -> None:
        path = dropped_table(event)
        if path:
            event.acceptProposedAction()
            self.open_file(path)

    # -------------------------------------------------------------- what the store says

    def _model_changed(self) -> None:
        self._drawing.forget()
        self.chooser.model_changed()
        if self.chooser.choosing.kind == FILE:
            self.invalidate()
            return
        for part in (self._near, self._cloud, self._picking, self.pages, self.grouping):
            part.forget()
        self._drawing.trails.forget()
        self._name_rows(None)
        watched = self.view.shows_part
        vocabulary = () if self.store.model is None else self.store.model.vocabulary
        if vocabulary != self._vocabulary:
            # What was looked at, and whence, says nothing of other words.
            self._vocabulary = vocabulary
            self.view.start_anew()
        self._arrange()
        # A sum that is watched goes on in the next model, if it has those words.
        terms = self._lookup.sum_of(self.search.text())
        if terms:
            self._near.terms, self._near.origin = terms, "sum"
            self._near.expected = self._lookup.expected
            self.chooser.begin_sum()
            self._bring_into_sight = watched
        self.invalidate()

    def _leave_rows(self) -> None:
        """Other rows are to come: what was typed, listed and looked at is over."""
        for part in (self._near, self._picking, self.pages, self.grouping):
            part.forget()
        self._lookup.end()
        self.search.clear()
        self.view.start_anew()
        self.invalidate()

    def _name_rows(self, drawn: VocabularyProjected | None) -> None:
        """The names of the rows that are drawn, for the search."""
        model = self.store.model
        key = (None if drawn is None else drawn.source, None if model is None else model.model_id)
        if drawn is None or key != self._of_rows:
            self._of_rows = key
            self._lookup.use(Rows(drawn, model))

    def _subject_changed(self) -> None:
        """Other tokens: they are marked together with their path, if one is to come."""
        if self._near.origin == "position" and self.isVisible():
            self._near.send()
        if not self._path_is_coming():
            self.invalidate()

    def _path_is_coming(self) -> bool:
        slot = self.slot("path")
        return slot is not None and not slot.is_current and not slot.problem

    def _selection_changed(self) -> None:
        """Another position, or another token of the vocabulary, is asked about from outside."""
        selection, subject = self.store.selection, self.store.subject
        position, seen_ids, seen_token = self._seen
        token = selection.vocabulary_id
        ids = () if subject is None else subject.ids
        self._seen = (selection.position, ids, token)
        if token is not None and token != seen_token and self._lookup.rows.of_tokens:
            if self._near.terms != ((1, token),) and not self._near.holds(token):
                self._near.terms, self._near.origin = ((1, token),), "token"
        elif seen_ids == ids and position != selection.position and self._near.origin == "token":
            self._near.origin = "position"
        if seen_ids == ids or not self._path_is_coming():
            self.invalidate()

    # ------------------------------------------------------------------------ questions

    def _cut_unknown(self) -> None:
        """A word that is no single token is shown in those that it is cut into."""
        word, model = self._lookup.unknown, self.store.model
        if not word or model is None or not self._lookup.rows.of_tokens:
            return
        cut = self.store.texts.cut(f" {word}")
        ids = () if cut is None else cut.ids
        pieces = (model.token_text(token) for token in ids if token not in model.special_ids)
        self._lookup.pieces = tuple(pieces)

    def _ask_position(self) -> None:
        self.chooser.end_sum()
        self._near.want_position()
        self.view.leave_part()

    def questions(self) -> Mapping[str, Question]:
        """Where the selected position is at each layer, or all are, on the axes that are drawn."""
        vocabulary, model = self.store.vocabulary, self.store.model
        position = self.store.selection.position
        if not self.tools.path.isChecked() or vocabulary is None or model is None or position < 0:
            return {}
        source = vocabulary.source
        drawable = entry_of(PROJECTIONS, vocabulary.how.name).linear
        if not isinstance(source, TokenTable) or not drawable or words.is_wider(model.config):
            return {}
        positions = () if self.tools.all_paths.isChecked() else (position,)
        return {"path": Path.on(vocabulary.how, positions, source.matrix)}

    # ------------------------------------------------------------------------- drawing

    def refresh(self) -> None:
        self._cloud.take(self.store.vocabulary, self.slot("path"))
        vocabulary, tables = self._cloud.vocabulary, self.store.tables
        if vocabulary is not None:
            self._name_rows(vocabulary)
        self._cut_unknown()
        self.chooser.follow()
        self._show_doing()
        if vocabulary is None or self._is_elsewhere:
            return
        self._near.send()
        self._find_paths()
        self._body.form.show_drawn(vocabulary)
        self.grouping.refresh(vocabulary)
        self._drawing.draw(vocabulary)
        self._compose()
        near = self._near.answer
        self.side.show_answers(
            self._lookup, near, vocabulary, self._picking.chosen(vocabulary), tables.near_problem
        )
        self.pages.refresh()
        there = near is not None and vocabulary.plane == self._plane
        if self._bring_into_sight and there:
            self._bring_into_sight = False
            self._drawing.show_sum()

    @property
    def _plane(self) -> tuple[tuple[int, int], ...]:
        """The sum whose plane is asked for; empty for none."""
        return getattr(self.chooser.projection(), "terms", ())

    def _show_doing(self) -> None:
        """A sentence in place of the cloud, while there is none of what is chosen."""
        tables = self.store.tables
        at = self.store.activity.progress_of(tables.drawing)
        why = ""
        if self._cloud.vocabulary is None or self._is_elsewhere:
            problem = tables.problem or self.chooser.missing
            why = words.why_empty(self.store.model, problem, words.doing(at))
        self._body.show_sentence(why, tables.sample if why else 0)
        if why:
            self.status.setText("")

    @property
    def _is_elsewhere(self) -> bool:
        """Whether another table is chosen than the one that is there: it comes, or it can't."""
        drawn, refused = self._cloud.vocabulary, self.store.tables.refused
        if not self.chooser.is_drawn:
            return True
        return refused is not None and drawn is not None and refused != drawn.source

    def _find_paths(self) -> None:
        """The newest paths that lie in the cloud that is drawn."""
        true_length = self.tools.true_length.isChecked()
        self._cloud.find_paths(self.slot("path"), true_length=true_length)

    def _compose(self) -> None:
        """What is drawn over the points is put together, and said."""
        if self._drawing.compose():
            drawn = self._cloud.vocabulary
            assert drawn is not None
            self._say(drawn)

    # ----------------------------------------------------------------- words and numbers

    def _say(self, vocabulary: VocabularyProjected) -> None:
        """The caption, and the line below: a problem, what the mouse is on, or what else is."""
        self.caption.setText(words.caption(vocabulary, self._lookup.text))
        token = self.view.hovered
        problem = self._lookup.said or self._body.form.problem or self.store.tables.problem
        if problem:
            tone, text = "warning", problem
        elif token is not None and token < len(vocabulary.points):
            tone, text = "text", words.token(vocabulary, token, self._lookup.text(token))
        else:
            tone, text = "dim", self._notes(vocabulary)
        self.status.set_tone(tone)
        self.status.setText(text)

    def _notes(self, vocabulary: VocabularyProjected) -> str:
        slot, model = self.slot("path"), self.store.model
        wider = self.tools.path.isChecked() and model is not None and words.is_wider(model.config)
        return words.notes(
            vocabulary,
            fallback=self.view.fallback_reason,
            hint=self._running or self.chooser.hint,
            path=words.path_note(
                vocabulary,
                "" if slot is None else slot.problem,
                self.store.asked.waits(self.key),
                self._cloud.paths,
                wider=wider and vocabulary.source.of_vocabulary,
            ),
            by_length=self.tools.norm.isChecked(),
            flat=self.view.camera.flat,
            thinned=thinning.said(len(vocabulary.points), software=self.view.is_software),
            trails=self._drawing.trails.said() if self.tools.trails.isChecked() else "",
            sum_in_map=not vocabulary.has_axes and len(self._near.terms) > 1,
        )

    @property
    def _running(self) -> str:
        """What a map that converges does now; empty where none does."""
        drawing = self.store.tables.drawing
        if drawing is None or not entry_of(PROJECTIONS, drawing.how.name).on_request:
            return ""
        told = words.doing(self.store.activity.progress_of(drawing))
        drawn = self.store.vocabulary
        if drawn is not None and drawn.request_id == drawing.id and drawn.share < 1:
            return f"{drawn.share:.0%} of the steps; Stop keeps what came"
        return told or "starting…"

    def _inspect(self, token: int) -> None:
        drawn, model, near = self._cloud.vocabulary, self.store.model, self._near.answer
        if drawn is None or model is None or not drawn.source.of_vocabulary:
            return
        # What is drawn may be another model's for a moment, with fewer tokens.
        if drawn.model_id == model.model_id and token < len(drawn.points):
            text_of = self._lookup.text
            self.store.inspect(words.inspected(drawn, near, token, text_of, model.dtype))

    def _arrange(self) -> None:
        self._body.arrange(self.width(), self.height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def sizeHint(self) -> QSize:
        return QSize(900, 600)

    def minimumSizeHint(self) -> QSize:
        return QSize(180, 120)

"""The embedding space: every vector of a table in 2D or 3D, on exact axes that a person chooses.

Reads the projection and the neighbours from the store; asks for ways through the layers. What is
chosen (`chooser.py`), typed (`searching.py`), drawn (`drawing.py`) and said (`telling.py`) is done
beside it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from numpy.typing import NDArray
from PySide6.QtCore import QSize
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QWidget

from gui.panes.base import Pane, column
from gui.panes.space import ENTRY, keeping, words
from gui.panes.space.arrays import arrays_of
from gui.panes.space.body import SpaceBody
from gui.panes.space.chooser import WORDS, Chooser
from gui.panes.space.choosing import FILE
from gui.panes.space.cloud import Cloud, same_axes
from gui.panes.space.drawing import Drawing
from gui.panes.space.dropping import Dropping
from gui.panes.space.grouping import Grouping
from gui.panes.space.lookup import Lookup
from gui.panes.space.nearness import Nearness
from gui.panes.space.pages import Pages
from gui.panes.space.path_sides import PathSides
from gui.panes.space.picking import Picking
from gui.panes.space.rows import Rows
from gui.panes.space.searching import Searching
from gui.panes.space.summing import Summing
from gui.panes.space.telling import Telling
from gui.panes.space.turntable import Turntable
from gui.reading import space_code
from gui.reading.code import together
from gui.session.store import Store
from gui.widgets.tick_box import show_boxes
from model.messages import VocabularyProjected
from model.probe.path.asks import PathFound
from model.probe.question import Named, Question
from model.space.questions.asks import METRICS


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
        Dropping(self).dropped.connect(self.open_file)
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
        looked = (self.store, self._body, self._lookup, self._near)
        self._sides = PathSides(self, self._body, self._cloud, self._near)
        self._sides.asked.connect(self._ask_anew)
        self._sides.changed.connect(self.invalidate)
        self._drawing = Drawing(*looked, self._cloud, self._picking, self.grouping, self._sides)
        self.pages = Pages(self.store, self.column, self._rows)
        self.chooser.changed.connect(self.invalidate)
        self.chooser.table_changed.connect(self._leave_rows)
        self.chooser.flat_wanted.connect(self.tools.flat.setChecked)
        self.searching = Searching(*looked, self.chooser)
        self.searching.changed.connect(self.invalidate)
        self.searching.stepped.connect(self._compose)
        self.searching.row_meant.connect(self.choose)
        self.searching.sum_meant.connect(self._sum_meant)
        self.summing = Summing(self._body, self._lookup, self._near)
        self.summing.expression_wanted.connect(self.show_expression)
        self.summing.row_wanted.connect(self._choose)
        self._telling = Telling(*looked, self._cloud, self.chooser, self._drawing)
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
        for listed in (self.side, self.column.path):
            listed.token_chosen.connect(self.choose)
            listed.token_hovered.connect(self._list_hovered)
            listed.metric_chosen.connect(self._metric_chosen)
        self.column.suite.list.sum_chosen.connect(self.show_expression)
        self.column.along.plot.row_chosen.connect(self.choose)
        self.column.along.across.clicked.connect(self._draw_direction)
        column(self).addWidget(self._body)

    # ------------------------------------------------------------------------- commands

    def focus_search(self) -> None:
        """Put the cursor into the search field."""
        self.searching.focus()

    def reset_view(self) -> None:
        """The first view again."""
        self.view.reset_view()

    def show_expression(self, text: str) -> None:
        """Show a sum of words, or a word, as if it had been typed and entered."""
        self.searching.show_expression(text)

    def ask_file(self) -> None:
        """Ask for a file of vectors, and open it."""
        self.chooser.ask_file()

    def ask_text(self) -> None:
        """Ask for a text file, and draw its tokens in context."""
        self.chooser.ask_text()

    def open_text(self, path: str) -> None:
        """A text file's tokens in context."""
        self.chooser.open_text(path)

    def open_file(self, path: str) -> None:
        """A table out of a file, perhaps where no model is open."""
        self.chooser.open_file(path)

    def header_note(self) -> str:
        drawn, newest = self._cloud.vocabulary, self.store.vocabulary
        if drawn is not None and newest is not None and same_axes(drawn, newest):
            drawn = newest  # in a moment it is; all headers change to another step at once
        return "" if drawn is None or self._telling.is_elsewhere else words.header(drawn)

    def export_data(self) -> Mapping[str, Named | NDArray[Any]]:
        """The cloud and its axes, the neighbours, the paths as they are drawn, what was asked."""
        vocabulary = self._cloud.vocabulary
        if vocabulary is None:
            return {}
        cloud, text_of = self._cloud, self._lookup.text
        found = arrays_of(vocabulary, self._near.answer, cloud.found, cloud.paths, text_of)
        parts = self._sides, self.pages, self.grouping
        return {**found, **{k: v for part in parts for k, v in part.arrays().items()}}

    def code(self) -> str:
        """The cloud's axes, the neighbours that are listed, the paths."""
        vocabulary, read = self._cloud.vocabulary, self.store.read
        if vocabulary is None:
            return ""
        text = "" if read is None else read.text
        return together(space_code.of(vocabulary, self._near.answer, text), super().code())

    def remember(self) -> dict[str, Any]:
        return keeping.kept(self._body, self._near, self.grouping)

    def recall(self, kept: Mapping[str, Any]) -> None:
        keeping.recall(kept, self._body, self._near, self.grouping)

    def apply_theme(self) -> None:
        self._drawing.forget()  # the points take the new theme's colours
        self.side.list.redraw()
        show_boxes(self.column.groups.legend)

    # ------------------------------------------------------------ what the person does

    def _rows(self) -> Rows:
        return self._lookup.rows

    def choose(self, token: int) -> None:
        """Select a row that was found by its name, and bring it into view."""
        self._choose(token)
        drawn = self._cloud.vocabulary
        if drawn is not None and token < len(drawn.points):
            self.view.bring_back(drawn.points[token])

    def _sum_meant(self) -> None:
        self._bring_into_sight = True

    def _choose(self, token: int) -> None:
        """A row was pointed at: select it everywhere and show what is near it."""
        # One of a sum's answers leaves the sum as it is; a word that was looked for ends it.
        keep = self._lookup.matches is None and self._near.holds(token)
        self._lookup.end()
        self._picking.select(self._cloud.vocabulary, token)
        if not keep:
            self._near.want(((1, token),), "token")
            self.chooser.end_sum()
        self._telling.inspect(token)
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
        self.ask()

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

    def questions(self) -> Mapping[str, Question]:
        """The way of the selected position through the layers, or of all."""
        return self._sides.questions(self.store.selection.position)

    def other_questions(self) -> Mapping[str, Question]:
        return self._sides.other_questions()

    def no_difference(self) -> str:
        return self._sides.no_difference(self.one_side)

    # ------------------------------------------------------------------------- drawing

    def refresh(self) -> None:
        self._cloud.take(self.store.vocabulary, self.slot("path"))
        vocabulary, tables = self._cloud.vocabulary, self.store.tables
        if vocabulary is not None:
            self._name_rows(vocabulary)
        self.searching.cut_unknown()
        self.chooser.follow()
        self._show_doing()
        if vocabulary is None or self._telling.is_elsewhere:
            return
        self._near.send()
        self._find_paths()
        self._body.form.show_drawn(vocabulary)
        self.grouping.refresh(vocabulary)
        self._drawing.draw(vocabulary)
        self.summing.row = self._picking.chosen(vocabulary)
        self._compose()
        near = self._near.answer
        self.side.show_answers(
            self._lookup, near, vocabulary, self._picking.chosen(vocabulary), tables.near_problem
        )
        self.pages.refresh()
        self._sides.refresh()
        there = near is not None and vocabulary.plane == self._plane
        if self._bring_into_sight and there:
            self._bring_into_sight = False
            self._drawing.show_sum()

    @property
    def _plane(self) -> tuple[tuple[int, int], ...]:
        """The sum whose plane is asked for; empty for none."""
        return getattr(self.chooser.projection(), "terms", ())

    def _show_doing(self) -> None:
        self._telling.show_doing()

    def _find_paths(self) -> None:
        """The newest paths that lie in the cloud that is drawn."""
        true_length = self.tools.true_length.isChecked()
        other = self.other("path", PathFound)
        self._cloud.find_paths(self.slot("path"), other, true_length=true_length)

    def _compose(self) -> None:
        """What is drawn over the points is put together, and said."""
        if self._drawing.compose():
            drawn = self._cloud.vocabulary
            assert drawn is not None
            self._telling.say(drawn, self.slot("path"))

    def _arrange(self) -> None:
        self._body.arrange(self.width(), self.height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def sizeHint(self) -> QSize:
        return QSize(900, 600)

    def minimumSizeHint(self) -> QSize:
        return QSize(180, 120)

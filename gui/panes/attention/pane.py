"""Attention: all heads as a mosaic, one head as a matrix, and the weights as a graph.

Asks for what its views draw, at the resolution that they have, and draws the answers; moves layer,
head, position and key of the selection. Knows the store and its three views, no other pane.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray
from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QColor, QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QWidget

from gui import theme
from gui.panes.attention import ENTRY, export, words
from gui.panes.attention.arrangement import Places, arranged
from gui.panes.attention.changing import Changing
from gui.panes.attention.controls import AttentionControls
from gui.panes.attention.edges import Head, strongest_heads
from gui.panes.attention.graph import AttentionGraph
from gui.panes.attention.matrix_view import MatrixView
from gui.panes.attention.mosaic import HeadMosaic
from gui.panes.attention.pointing import Pointing
from gui.panes.attention.questions import Choices, questions
from gui.panes.attention.two_sides import TwoSides
from gui.panes.attention.waiting import HEIGHT as WAITING
from gui.panes.attention.waiting import WaitingLine, waits_for
from gui.panes.base import EmptyState, Pane
from gui.session.asked import Slot
from gui.session.store import Store
from gui.widgets.text import Text
from model.messages import PromptRead
from model.operations import score_formula
from model.probe.heads.asks import HeadsFound
from model.probe.mosaic.asks import MosaicFound
from model.probe.pattern.asks import PatternFound
from model.probe.question import Named, Question
from model.probe.routes.asks import Routes, RoutesFound

VIEWS = ("heads", "matrix", "graph")


class AttentionPane(Pane):
    """Mosaic, matrix and graph, arranged by the room that there is."""

    entry = ENTRY

    def __init__(self, store: Store, parent: QWidget | None = None) -> None:
        super().__init__(store, parent)
        self.mosaic = HeadMosaic(self)
        self.matrix = MatrixView(self)
        self.heat_map = self.matrix.map
        self.graph = AttentionGraph(self)
        self.controls = AttentionControls(self)
        self._empty = EmptyState("", self)
        self._problems = {view: EmptyState("", self) for view in VIEWS}
        self._waiting = WaitingLine(self)
        self._readout = Text("", self, tone="dim", font=theme.mono(theme.SMALL_FONT_SIZE))

        self._places = Places()
        self._missing: tuple[str, ...] = ()  # views that were asked for and find no room
        self._chosen: list[Head] = []
        self._drawn: dict[str, tuple[object, ...]] = {}
        self._reads: dict[str, PromptRead] = {}  # of what each view draws
        self._two_sides = TwoSides(store, self.other)
        self._labels: tuple[PromptRead, tuple[str, ...]] | None = None
        self.pointing = Pointing(store, self.mosaic, self.matrix, self.graph, self._reads, self)
        self.pointing.said.connect(self._show_facts)
        self.changing = Changing(store, self.mosaic, self.matrix, self.graph, self)

        self.mosaic.head_chosen.connect(self.select_head)
        self.mosaic.head_toggled.connect(self.toggle_chosen)
        self.matrix.window_changed.connect(self.ask)
        self.graph.layer_stepped.connect(self.select_next_layer)
        self.controls.view_changed.connect(self._arrange)
        self.controls.choice_changed.connect(self._choose)
        self.controls.fit_changed.connect(self.matrix.set_fit)
        store.model_changed.connect(self._forget)
        store.subject_changed.connect(self._note_subject)
        store.selection_changed.connect(self._mark)
        store.asked.changed.connect(self._show_waiting)

    # ------------------------------------------------------------------------- actions

    def set_view(self, name: str) -> None:
        """Show ``heads``, ``matrix`` or ``graph``, or ``all`` that find room."""
        self.controls.set_view(name)

    def toggle_transpose(self) -> None:
        """Swap rows and columns of the matrix."""
        self.controls.transpose.toggle()

    def select_head(self, layer: int, head: int) -> None:
        """Select a head everywhere."""
        self.store.select(layer=layer, head=head)

    def select_next_head(self, step: int = 1) -> None:
        """The next head (or with -1 the one before), going on in the next layer."""
        model = self.store.model
        if model is not None:
            s, n_heads = self.store.selection, model.config.n_heads
            at = (s.layer * n_heads + s.head + step) % (model.config.n_layers * n_heads)
            self.store.select(layer=at // n_heads, head=at % n_heads)

    def select_next_layer(self, step: int = 1) -> None:
        """The same head one layer further, or with -1 one layer back."""
        self.store.select(layer=self.store.selection.layer + step)

    def toggle_chosen(self, layer: int, head: int) -> None:
        """Add a head to the set that the graph draws, or take it out."""
        selected = (self.store.selection.layer, self.store.selection.head)
        if (layer, head) in self._chosen:
            self._chosen.remove((layer, head))
        else:
            if not self._chosen and selected != (layer, head):
                self._chosen.append(selected)
            self._chosen.append((layer, head))
        self.controls.set_graph_mode("chosen" if self._chosen else "head")

    def clear_chosen(self) -> None:
        """Empty the set of heads."""
        self._chosen.clear()
        if self.controls.graph_mode == "chosen":
            self.controls.set_graph_mode("head")

    @property
    def chosen(self) -> tuple[Head, ...]:
        """The (layer, head) pairs that were added to the graph."""
        return tuple(self._chosen)

    # ------------------------------------------------------------------------- asking

    def questions(self) -> Mapping[str, Question]:
        read, model = self.store.read, self.store.model
        if read is None or model is None:
            return {}
        selection, controls = self.store.selection, self.controls
        choices = Choices(
            tensor=controls.tensor,
            hide_first=controls.hide_first.isChecked(),
            mode=controls.graph_mode,
            chosen=self.chosen,
            threshold=controls.threshold,
            all_positions=controls.all_positions.isChecked(),
        )
        window = self.matrix.window(selection, read.n_tokens)
        side = self.mosaic.side(model.config.n_layers, model.config.n_heads)
        views = self._places.views
        most = LABELLED if read.subject.step is None else LABELLED_LIVE
        labelled = controls.by_kind or model.config.n_params <= most
        return questions(views, selection, read.n_tokens, choices, window, side, kinds=labelled)

    def other_questions(self) -> Mapping[str, Question]:
        return self._two_sides.questions(self.questions())

    def _choose(self) -> None:
        """Another choice of the controls."""
        self.ask()
        self.invalidate()

    def _forget(self) -> None:
        """Another model: what was chosen of the one before is no longer there."""
        config = None if self.store.model is None else self.store.model.config
        self._chosen = [
            (layer, head)
            for layer, head in self._chosen
            if config is not None and layer < config.n_layers and head < config.n_heads
        ]
        self._drawn.clear()
        self._reads.clear()
        self.pointing.forget()
        self.matrix.clear()
        self.mosaic.set_tiles(None, 0, 0)
        self.graph.set_edges(None, (), 0, "")
        self.invalidate()

    def _note_subject(self) -> None:
        if self._is_there == self._empty.isVisible():  # a first prompt, or none any more
            self.invalidate()

    @property
    def _is_there(self) -> bool:
        return self.store.read is not None and self.store.model is not None

    # ------------------------------------------------------------------------- drawing

    def refresh(self) -> None:
        self._place_views()
        self._show_waiting()
        if not self._is_there:
            self._empty.setText(self._why_empty())
            self._empty.update()
            return
        shown = self._places.views
        if "heads" in shown:
            self._draw_mosaic()
        if "matrix" in shown:
            self._draw_matrix()
        if "graph" in shown:
            self._draw_graph()
        self._mark()
        self._show_facts()

    def _why_empty(self) -> str:
        if self.store.model is None:
            return "Open a model to see where its heads look."
        if self.store.prompt_problem or not self.store.prompt:
            return self.store.prompt_problem or "Type a prompt to see where each token looks."
        return ""

    def _take(self, view: str, *key: object) -> bool:
        """Whether a view must draw anew; notes what it is drawn from, and with which tokens."""
        slot = self.slot(view)
        if slot is not None and slot.read is not None:
            self._reads[view] = slot.read
        key = (theme.current().name, *key)
        if self._drawn.get(view) == key:
            return False
        self._drawn[view] = key
        return True

    def _draw_mosaic(self) -> None:
        found, model = self.answered("heads", MosaicFound), self.store.model
        assert model is not None
        by_kind, kinds = self.controls.by_kind, self.answered("kinds", HeadsFound)
        other = self.other("heads", MosaicFound)
        if self._take("heads", found, by_kind, kinds, other):
            n_layers, n_heads = model.config.n_layers, model.config.n_heads
            apart = self._two_sides.of_mosaic(found)
            self.mosaic.set_tiles(found, n_layers, n_heads, by_kind, kinds, apart)
        is_chosen = self.controls.graph_mode == "chosen"
        self.mosaic.set_chosen(_hues(self._chosen) if is_chosen else {})

    def _draw_matrix(self) -> None:
        found, row = self.answered("matrix", PatternFound), self.answered("row", PatternFound)
        head, looks = self.answered("head", PatternFound), self.controls.looks
        slot, model = self.slot("matrix"), self.store.model
        if found is None or slot is None or slot.read is None or model is None:
            return
        other = self.other("matrix", PatternFound)
        if self._take("matrix", found, row, head, looks, other):
            labels, formula = self._labels_of(slot.read), score_formula(model.config)
            self.controls.explain_scores(formula)
            apart = self._two_sides.of_matrix(found)
            self.matrix.draw(found, row, head, labels, looks, formula, apart)

    def _draw_graph(self) -> None:
        found, slot = self.answered("graph", RoutesFound), self.slot("graph")
        model = self.store.model
        if found is None or slot is None or slot.read is None or model is None:
            return
        if self._take("graph", found):
            question = found.question
            assert isinstance(question, Routes)
            heads = question.heads if question.over == "heads" else strongest_heads(found, HUES)
            self.graph.set_edges(
                found,
                self._labels_of(slot.read),
                model.config.n_layers,
                words.routes(found, slot.read.tokens, model.config.n_heads),
                _hues(heads),
                self._graph_position(found),
            )

    def _labels_of(self, read: PromptRead) -> tuple[str, ...]:
        """The tokens as they are written; thousands take milliseconds, so they are kept."""
        if self._labels is None or self._labels[0] is not read:
            self._labels = read, tuple(token.text for token in read.tokens)
        return self._labels[1]

    def _graph_position(self, found: RoutesFound) -> int:
        """The position whose routes are lit: the one that was asked about."""
        question, selected = found.question, self.store.selection.position
        assert isinstance(question, Routes)
        return selected if question.position is None else question.position

    def _mark(self) -> None:
        """Show the selection in what is drawn; only what changes at once."""
        if not self.isVisible() or not self._is_there:
            return
        selection = self.store.selection
        self.mosaic.set_selected(selection.layer, selection.head)
        self.changing.mark()
        elsewhere = None if self.pointing.here else selection.hovered
        if self.pointing.is_current(self.matrix.found):
            self.matrix.mark(selection, elsewhere)
        edges = self.graph.edges
        if edges is not None and self.pointing.is_current(edges):
            self.graph.set_position(self._graph_position(edges))
            self.graph.set_lit(elsewhere)

    # ----------------------------------------------------------------------- arranging

    def _arrange(self) -> None:
        """Find places for the room that there is; ask for what comes into view."""
        controls, size = self.controls, (self.width(), self.height())
        self._places = arranged(controls.view, *size, controls.needed)
        self._missing = self._places.left_out(VIEWS) if controls.view == "all" else ()
        controls.tell_missing(self._missing)
        self._places = arranged(controls.view, *size, controls.needed)  # beside longer words, if so
        self._place_views()
        self.ask()
        self.invalidate()

    def _place_views(self) -> None:
        there, places, controls = self._is_there, self._places, self.controls
        self._empty.setVisible(not there)
        self._empty.setGeometry(self.rect())
        self._waiting.setGeometry(0, 0, self.width(), WAITING)
        for view, widget in zip(VIEWS, (self.mosaic, self.heat_map, self.graph), strict=True):
            slot, problem = self.slot(view), self._problems[view]
            wrong = "" if slot is None or slot.is_current else slot.problem
            shown = there and view in places.views
            box = places.views.get(view, QRect())
            widget.setGeometry(box)
            widget.setVisible(shown and not wrong)
            problem.setGeometry(box)
            problem.setText(wrong)
            problem.setVisible(shown and bool(wrong))
        rows = {
            "view": controls.view_row,
            "heads": controls.heads_row,
            "matrix": controls.matrix_row,
            "graph": controls.graph_row,
        }
        for name, row in rows.items():
            row.setVisible(there and name in places.rows)
            row.setGeometry(places.rows.get(name, QRect()))
        controls.matrix_row.raise_()
        self.heat_map.set_corner(
            places.corner.size() if not places.corner.isEmpty() else QSize(0, 0)
        )
        self._readout.setVisible(there and not places.readout.isEmpty())
        self._readout.setGeometry(places.readout)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def sizeHint(self) -> QSize:
        return QSize(960, 480)

    def minimumSizeHint(self) -> QSize:
        return QSize(220, 140)

    # ----------------------------------------------------------------- facts and hover

    def header_note(self) -> str:
        head = self.answered("head", PatternFound)
        note = (
            ""
            if head is None or not self._is_there
            else words.header(head, self.answered("kinds", HeadsFound))
        )
        left_out = words.no_room_for(self._missing) if self._missing and note else ""
        return " · ".join(part for part in (left_out, self._waits_for(), note) if part)

    def _waits_for(self) -> str:
        """What is waited for, and how far it is; empty if nothing is, or not for long."""
        return waits_for(self.store.asked.waits(self.key), self.slot)

    def _show_waiting(self) -> None:
        asking = self.store.asked.waits(self.key)
        self._waiting.set_share(None if asking is None else asking.share)
        self._show_facts()

    def _show_facts(self) -> None:
        head = self.answered("head", PatternFound)
        why = "" if self.store.ran is None else self.store.ran.not_finite
        reads = "" if head is None or head.shares is None else words.reads(head.shares, why)
        self._readout.setText(self.pointing.text or self._waits_for() or reads)
        self._readout.setToolTip(reads)

    def export_data(self) -> Mapping[str, Named | NDArray[Any]]:
        """The view that was chosen as a table with named columns; of several, the matrix."""
        slot = self._exported()
        if slot is None or slot.read is None:
            return {}
        return {
            **export.table(slot.answer, slot.read),
            **self._two_sides.exported(slot.answer, self.matrix),
        }

    def export_arrays(self) -> Mapping[str, Named]:
        slot = self._exported()
        return {} if slot is None else export.drawn(slot.answer)

    def _exported(self) -> Slot | None:
        view = self.controls.view if self.controls.view != "all" else "matrix"
        slot = self.slot(view)
        return slot if slot is not None and slot.is_current else None

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self._chosen:
            self.clear_chosen()
        else:
            super().keyPressEvent(event)


LABELLED, LABELLED_LIVE = 300_000_000, 10_000_000
"""Heads of models with more parameters, and with fewer already while they learn, are labelled only
where they are put in groups: it takes as long as to read some hundred tokens."""
HUES = 7
"""How many heads of a graph have a hue of their own."""


def _hues(heads: list[Head] | tuple[Head, ...]) -> dict[Head, QColor]:
    series = theme.current().series
    return {head: QColor(series[i % len(series)]) for i, head in enumerate(heads)}

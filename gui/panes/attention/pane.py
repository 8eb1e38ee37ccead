"""Attention: all heads as a mosaic, one head as a matrix, and the weights as a graph.

Asks for what its views draw, at the resolution that they have, and draws the answers; moves layer,
head, position and key of the selection. Knows the store and its three views, no other pane.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from numpy.typing import NDArray
from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QWidget

from gui import theme
from gui.panes.attention import ENTRY, export, words
from gui.panes.attention.arrangement import (
    Places,
    with_card,
    with_edge,
    with_second,
    with_strip,
)
from gui.panes.attention.changing import Changing
from gui.panes.attention.chosen_heads import ChosenHeads
from gui.panes.attention.controls import AttentionControls
from gui.panes.attention.edge_opening import EdgeOpening
from gui.panes.attention.edges import Head
from gui.panes.attention.facts import readout, why_empty
from gui.panes.attention.head_order import Order
from gui.panes.attention.pins import Pins
from gui.panes.attention.placing import place_all, place_second
from gui.panes.attention.pointing import Pointing
from gui.panes.attention.questions import LABELLED, LABELLED_LIVE, Choices, questions
from gui.panes.attention.views import Views
from gui.panes.attention.waiting import HEIGHT as WAITING
from gui.panes.attention.waiting import WaitingLine, waits_for
from gui.panes.base import EmptyState, Pane
from gui.session.asked import Slot
from gui.session.store import Store
from gui.widgets.text import Text, as_written
from model.probe.heads.asks import HeadsFound
from model.probe.pattern.asks import PatternFound
from model.probe.question import Named, Question

VIEWS = ("heads", "matrix", "graph")


class AttentionPane(Pane):
    """Mosaic, matrix and graph, arranged by the room that there is."""

    entry = ENTRY

    def __init__(self, store: Store, parent: QWidget | None = None) -> None:
        super().__init__(store, parent)
        self.controls = AttentionControls(self)
        self.pins = Pins(self)
        self.views = Views(self, self.controls, self.pins)
        self.mosaic, self.matrix = self.views.mosaic, self.views.matrix
        self.graph, self.strip, self.card = self.views.graph, self.views.strip, self.views.card
        self.heat_map = self.matrix.map
        self._empty = EmptyState("", self)
        self._problems = {view: EmptyState("", self) for view in VIEWS}
        self._waiting = WaitingLine(self)
        self._readout = Text("", self, tone="dim", font=theme.mono(theme.SMALL_FONT_SIZE))

        self._places = Places()
        self._wants_second = False  # a second matrix, whether it finds room or not
        self._missing: tuple[str, ...] = ()  # views that were asked for and find no room
        self._chosen = ChosenHeads()
        self.pointing = Pointing(store, self.views, self)
        self.pointing.said.connect(self._show_facts)
        self.changing = Changing(store, self.views, self.pins, self)
        self.changing.why_asked.connect(self.open_why)
        self.edge = EdgeOpening(self, self.views)
        self.edge.changed.connect(self._arrange)

        self.mosaic.head_chosen.connect(self.select_head)
        self.mosaic.head_toggled.connect(self.toggle_chosen)
        self.strip.head_chosen.connect(self.select_head)
        self.strip.head_unpinned.connect(self.pins.toggle_head)
        self.card.closed.connect(self.close_why)
        self.matrix.window_changed.connect(self.ask)
        self.graph.layer_stepped.connect(self.select_next_layer)
        self.controls.view_changed.connect(self._arrange)
        self.controls.choice_changed.connect(self._choose)
        self.beside = self.views.beside
        self.beside.view.window_changed.connect(self.ask)
        self.controls.fit_changed.connect(self.matrix.set_fit)
        self.controls.fit_changed.connect(self.beside.view.set_fit)
        self.pins.changed.connect(self._arrange)
        store.comparing.changed.connect(self._show_apart)
        store.model_changed.connect(self._forget)
        store.subject_changed.connect(self._note_subject)
        store.selection_changed.connect(self._mark)
        self._waited = False
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
        self._chosen.toggle((layer, head), selected)
        self.controls.set_graph_mode("chosen" if self.chosen else "head")

    def clear_chosen(self) -> None:
        """Empty the set of heads."""
        self._chosen.clear()
        if self.controls.graph_mode == "chosen":
            self.controls.set_graph_mode("head")

    @property
    def chosen(self) -> tuple[Head, ...]:
        """The (layer, head) pairs that were added to the graph."""
        return self._chosen.heads

    def pin_head(self) -> None:
        """Pin the selected head, or take it down."""
        if self._is_there:
            self.pins.toggle_head(self.store.selection.layer, self.store.selection.head)

    def pin_token(self) -> None:
        """Pin the selected token, or take it down."""
        if self.store.subject is not None and self._is_there:
            self.pins.toggle_token(self.store.selection.position, self.store.subject.ids)

    def open_why(self) -> None:
        """Ask why the selected query attends to the selected key, or to what it reads most."""
        if self.store.selection.key is None and (key := self.views.strongest_key()) is not None:
            self.store.select(key=key)
        self.controls.why.setChecked(True)

    def close_why(self) -> None:
        """Close the card."""
        self.controls.why.setChecked(False)

    def toggle_why(self) -> None:
        """Open the card, or close it."""
        if self.controls.why.isChecked():
            self.close_why()
        else:
            self.open_why()

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
            threshold=controls.threshold_of(apart=self.views.two_sides.of_edges),
            all_positions=controls.all_positions.isChecked(),
            valued=controls.valued.isChecked(),
            words=self.views.words_of(read),
            order=self._order,
            pinned=self.pins.heads(model.config),
            key=self._key,
            why=controls.why.isChecked(),
        )
        units = self.views.units_of(read, merged=bool(choices.words))
        at = self.views.in_units(selection, units)
        side = self.mosaic.side(model.config.n_layers, model.config.n_heads)
        most = LABELLED_LIVE if self.store.timeline.live else LABELLED
        asked: dict[str, Question] = questions(
            self._places.views,
            at,
            len(units),
            choices,
            self.matrix.window(at, len(units)),
            side,
            query=min(max(selection.position, 0), read.n_tokens - 1),
            kinds=controls.by_kind or model.config.n_params <= most,
        )
        if "graph" in asked:
            asked["graph"] = self.views.two_sides.graph_question(asked["graph"], units)
        if "second" in self._places.views:
            pinned = self.pins.heads(model.config)
            asked |= self.beside.state(asked.get("matrix"), at, pinned, units)
        else:
            self.beside.leave()
        edge = self.edge.question() if "edge" in self._places.views else None
        return asked if edge is None else {**asked, "edge": edge}

    @property
    def _key(self) -> int | None:
        """The key that heads are ordered by and asked about: the selected one, or the pinned."""
        subject, key = self.store.subject, self.store.selection.key
        return key if key is not None or subject is None else self.pins.token(subject.ids)

    @property
    def _order(self) -> Order:
        """Which heads stand where in the mosaic."""
        order = Order(self.controls.order, self.controls.heads_row.filter)
        if not order.needs_key:  # the mosaic isn't drawn anew for a token that it doesn't name
            return order
        read, key = self.store.read, self._key
        known = read is not None and key is not None and key < read.n_tokens
        on = words.named(read.tokens, key) if known and read and key is not None else ""
        return replace(order, on=on)

    def _show_apart(self) -> None:
        """The graph's slider is of weights, or of differences."""
        self.controls.show_apart(self.views.two_sides.of_edges)

    def other_questions(self) -> Mapping[str, Question]:
        asked = self.views.two_sides.questions(self.questions())
        return {**asked, **self.beside.of_other}

    def _choose(self) -> None:
        """Another choice of the controls."""
        self.ask()
        self.invalidate()

    def _forget(self) -> None:
        """Another model: what was chosen of the one before is no longer there."""
        self._chosen.keep_those_of(None if self.store.model is None else self.store.model.config)
        self.pointing.forget()
        self.edge.close()
        self.views.forget()
        self._arrange()
        self.invalidate()

    def _note_subject(self) -> None:
        if self._is_there == self._empty.isVisible():  # a first prompt, or none any more
            self.invalidate()

    @property
    def _is_there(self) -> bool:
        return self.store.read is not None and self.store.model is not None

    # ------------------------------------------------------------------------- drawing

    def refresh(self) -> None:
        self._show_apart()
        self._place_views()
        self._show_waiting()
        if not self._is_there:
            store = self.store
            has_model, problem = store.model is not None, store.prompt_problem
            said = why_empty(has_model=has_model, prompt=store.prompt, problem=problem)
            self._empty.setText(said)
            self._empty.update()
            return
        self.views.draw(self._places.views, self.chosen, self._order)
        place_second(self.views, self._places, there=True)
        self.edge.draw()
        self._mark()
        self._show_facts()

    def _mark(self) -> None:
        """Show the selection in what is drawn; only what changes at once."""
        if not self.isVisible() or not self._is_there:
            return
        selection = self.store.selection
        self.changing.mark()
        self.views.mark(selection, None if self.pointing.here else selection.hovered)

    # ----------------------------------------------------------------------- arranging

    def _arrange(self) -> None:
        """Find places for the room that there is; ask for what comes into view."""
        controls, size = self.controls, (self.width(), self.height())
        config = None if self.store.model is None else self.store.model.config
        n_pinned = len(self.pins.heads(config))
        places = with_strip(controls.view, *size, controls.needed, n_pinned)
        self._missing = places.left_out(VIEWS) if controls.view == "all" else ()
        controls.tell_missing(self._missing)
        # Beside longer words, if so.
        places = with_strip(controls.view, *size, controls.needed, n_pinned)
        places = with_card(places) if controls.why.isChecked() else places
        self._wants_second = controls.beside.isChecked() and "matrix" in places.views
        places = with_second(places) if self._wants_second else places
        self._places = places if self.edge.opened is None else with_edge(places)
        self._place_views()
        self.ask()
        self.invalidate()

    def _place_views(self) -> None:
        there, places = self._is_there, self._places
        self._empty.setVisible(not there)
        self._empty.setGeometry(self.rect())
        self._waiting.setGeometry(0, 0, self.width(), WAITING)
        problems = {view: (self._problems[view], self._problem(view)) for view in VIEWS}
        place_all(self.views, self.controls, self.edge.card, problems, places, there=there)
        self._readout.setVisible(there and not places.readout.isEmpty())
        self._readout.setGeometry(places.readout)

    def _problem(self, view: str) -> str:
        """Why a view can't be drawn; empty if it can."""
        slot = self.slot(view)
        return "" if slot is None or slot.is_current else slot.problem

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def sizeHint(self) -> QSize:
        return QSize(960, 480)

    def minimumSizeHint(self) -> QSize:
        return QSize(220, 140)

    # ----------------------------------------------------------------- facts and hover

    def no_difference(self) -> str:
        return self.store.comparing.no_places

    def header_note(self) -> str:
        head = self.answered("head", PatternFound)
        note = ""
        if head is not None and self._is_there:
            note = words.header(head, self.answered("kinds", HeadsFound))
        missing = self._missing
        if self._wants_second and "second" not in self._places.views:
            missing = (*missing, "second matrix")
        left_out = words.no_room_for(missing) if missing and note else ""
        return " · ".join(filter(None, (left_out, self._waits_for(), self._drawn_alone(), note)))

    def _drawn_alone(self) -> str:
        """Why one side is drawn although the difference is chosen; empty if it isn't so."""
        if not self.shows_difference:
            return ""
        asked = dict(self.questions())
        if self.beside.source is not None and "second" in self._places.views:
            asked.pop("matrix", None)  # both sides stand beside each other
        return self.views.two_sides.refused(asked)

    def _waits_for(self) -> str:
        """What is waited for, and how far it is; empty if nothing is, or not for long."""
        return waits_for(self.store.asked.waits(self.key), self.slot)

    def _show_waiting(self) -> None:
        asking = self.store.asked.waits(self.key)
        if asking is None and not self._waited:
            return  # told of every answer, also of other panes
        self._waited = asking is not None
        self._waiting.set_share(None if asking is None else asking.share)
        self._show_facts()

    def _show_facts(self) -> None:
        slot = self.slot("matrix")
        reads = readout(
            self.answered("head", PatternFound),
            self.answered("matrix", PatternFound),
            None if slot is None else slot.read,
            self.store.selection,
            "" if self.store.ran is None else self.store.ran.not_finite,
        )
        self._readout.setText(self.pointing.text or self._waits_for() or reads)
        self._readout.setToolTip(as_written(reads))

    def export_data(self) -> Mapping[str, Named | NDArray[Any]]:
        """The view that was chosen as a table with named columns; of several, the matrix."""
        slot = self._exported()
        return {} if slot is None else self.views.table(slot)

    def export_arrays(self) -> Mapping[str, Named]:
        slot = self._exported()
        return {} if slot is None else export.drawn(slot.answer)

    def _exported(self) -> Slot | None:
        controls, edge = self.controls, "edge" in self._places.views
        view = export.view_of(controls.view, why=controls.why.isChecked(), edge=edge)
        slot = self.slot(view)
        return slot if slot is not None and slot.is_current else None

    def remember(self) -> dict[str, Any]:
        return {"pins": self.pins.kept(), **self.controls.remember()}

    def recall(self, kept: Mapping[str, Any]) -> None:
        self.pins.recall(kept.get("pins"))
        self.controls.recall(kept)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        does = {Qt.Key.Key_P: self.pin_head, Qt.Key.Key_T: self.pin_token}
        does |= {Qt.Key.Key_W: self.toggle_why, Qt.Key.Key_Slash: self.find_heads}
        does[Qt.Key.Key_B] = self.controls.beside.toggle
        key, plain = Qt.Key(event.key()), not event.modifiers()
        if key == Qt.Key.Key_Escape and self.controls.why.isChecked():
            self.close_why()
        elif key == Qt.Key.Key_Escape and self.edge.opened is not None:
            self.edge.close()
        elif key == Qt.Key.Key_Escape and self.chosen:
            self.clear_chosen()
        elif plain and key in does:
            does[key]()
        else:
            super().keyPressEvent(event)

    def find_heads(self) -> None:
        """Go on in the line that filters heads."""
        self.controls.heads_row.field.setFocus(Qt.FocusReason.ShortcutFocusReason)

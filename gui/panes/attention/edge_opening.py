"""Which edge of the graph has its card open: asked about, drawn and closed.

Knows the store, the graph and the card; asks nothing itself: its question is the pane's.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QObject, Signal

from gui.panes.attention.edge_card import EdgeCard
from gui.panes.attention.views import Views
from gui.panes.attention.why_words import begun
from gui.panes.base import Pane
from model.probe.edge.asks import Edge, EdgeFound

COMES = "Its heads are being looked at…"


@dataclass(frozen=True, slots=True)
class Opened:
    """An edge, by the tokens of the prompt in view.

    Attributes:
        layer: of which block.
        query, key: positions.
    """

    layer: int
    query: int
    key: int


class EdgeOpening(QObject):
    """Opens the card of an edge that was clicked or reached by a key.

    Args:
        pane: whose store and answers are read.
        views: the graph, and which tokens its columns are.

    Signals:
        changed: another edge is open, or none.

    Attributes:
        card: the widget.
        opened: the edge; None for none.
    """

    changed = Signal()

    def __init__(self, pane: Pane, views: Views) -> None:
        super().__init__(pane)
        self._pane, self._views = pane, views
        self.card = EdgeCard(pane)
        self.opened: Opened | None = None
        self._drawn: tuple[object, ...] = ()
        views.graph.edge_chosen.connect(self._open)
        views.graph.edge_stepped.connect(self._step)
        self.card.closed.connect(self.close)
        self.card.head_chosen.connect(self._choose_head)
        self.card.position_chosen.connect(self._choose_position)

    def question(self) -> Edge | None:
        """What is asked for the card, if one is open."""
        at, store = self.opened, self._pane.store
        if at is None or store.read is None or store.model is None:
            return None
        fits = max(at.query, at.key) < store.read.n_tokens
        return Edge(at.layer, at.query, at.key) if fits else None

    def close(self) -> None:
        """No edge is open."""
        if self.opened is not None:
            had_focus = self.card.isAncestorOf(self._pane.focusWidget() or self._pane)
            self.opened = None
            self._views.graph.set_open(None)
            self.changed.emit()
            if had_focus:
                self._views.graph.setFocus()

    def draw(self) -> None:
        """Draw what was answered, or say what is waited for."""
        at, slot = self.opened, self._pane.slot("edge")
        found = self._pane.answered("edge", EdgeFound)
        model, read = self._pane.store.model, self._pane.store.read
        if at is None or model is None or read is None:
            return
        current = slot is not None and slot.is_current and found is not None
        problem = "" if slot is None or current else slot.problem
        colors = self._views.graph.colors
        sides, side = self._pane.store.comparing.sides, ""
        if self._pane.shows_difference:  # its heads are those of the side in view
            side = begun(sides.places[1 if sides.in_view_is_b else 0])
        drawn = (at, found if current else problem, read, tuple(colors), side)
        if drawn != self._drawn:
            self._drawn = drawn
            if current and found is not None and slot is not None and slot.read is not None:
                self.card.show_answer(found, slot.read.tokens, model.token_text, colors, side)
            else:
                self.card.say(read.tokens, at.query, at.key, problem or COMES)
        selection = self._pane.store.selection
        self.card.set_selected(selection.layer, selection.head)
        self._mark()

    def _mark(self) -> None:
        """Outline the edge in the graph, if that draws it now."""
        at, graph, units = self.opened, self._views.graph, self._views.units.get("graph")
        edges, found = graph.edges, np.zeros(0, np.intp)
        if at is not None and edges is not None and units is not None:
            query, key = units.of(at.query), units.of(at.key)
            same = (edges.layer_E == at.layer) & (edges.query_E == query) & (edges.key_E == key)
            found = np.flatnonzero(same)
        graph.set_open(int(found[0]) if len(found) else None)

    def _open(self, index: int) -> None:
        edges, units = self._views.graph.edges, self._views.units.get("graph")
        if edges is None or units is None or not self._views.is_current(edges):
            return
        query, key = int(edges.query_E[index]), int(edges.key_E[index])
        layer = int(edges.layer_E[index])
        of_query, of_key = units.token_of(query), units.token_of(key)
        if of_query is None or of_key is None:  # the text in view has no such edge
            return
        self.opened = Opened(layer, of_query, of_key)
        self.changed.emit()
        self._mark()

    def _step(self, step: int) -> None:
        """The next edge on the lit paths, the strongest first; all edges where none is lit."""
        graph = self._views.graph
        edges = graph.edges
        if edges is None or not len(edges):
            return
        lit = np.flatnonzero(graph.lit_E)
        which: list[int] = (lit if len(lit) else np.arange(len(edges))).tolist()
        if graph.opened in which:
            at = which.index(graph.opened) + step
        else:
            at = 0 if step > 0 else -1
        graph.edge_chosen.emit(which[at % len(which)])

    def _choose_head(self, head: int) -> None:
        at = self.opened
        if at is not None:
            self._pane.store.select(layer=at.layer, head=head, position=at.query, key=at.key)

    def _choose_position(self, position: int) -> None:
        self._pane.store.select(position=position)

"""Menus of the three views: what is seen is cut, pinned or asked about; and marks in the mosaic.

Changes `store.intervening` and the pins. Knows the store and the views.
"""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QObject, QPoint, Signal
from PySide6.QtWidgets import QWidget

from gui.panes.attention import why_words
from gui.panes.attention.pins import Pins
from gui.panes.attention.views import Views
from gui.panes.attention.words import named
from gui.reading import intervening as reading
from gui.session.store import Store
from gui.widgets.canvas import Canvas
from gui.widgets.offer_menu import MenuItem, OfferMenu
from model.interventions import Intervention
from model.probe.pattern.asks import Pattern
from model.probe.routes.asks import Routes


@dataclass(frozen=True, slots=True)
class PinHead:
    """Pin this head, or take it down."""

    layer: int
    head: int


@dataclass(frozen=True, slots=True)
class PinToken:
    """Pin the token at a position, or take it down."""

    position: int


@dataclass(frozen=True, slots=True)
class AskWhy:
    """Why does this head's query attend to this key?"""

    layer: int
    head: int
    query: int
    key: int


class Changing(QObject):
    """Connects the views to the list of interventions and to the pins.

    Signals:
        why_asked: an `AskWhy` was chosen; the selection is there already.
    """

    why_asked = Signal()

    def __init__(
        self,
        store: Store,
        views: Views,
        pins: Pins,
        parent: QWidget,
    ) -> None:
        super().__init__(parent)
        self.store = store
        self.pins, self._units = pins, views.units
        mosaic, matrix, graph = views.mosaic, views.matrix, views.graph
        self.mosaic, self.matrix, self.graph = mosaic, matrix, graph
        mosaic.menu_requested.connect(self._of_tile)
        matrix.map.menu_requested.connect(self._of_cell)
        graph.menu_requested.connect(self._of_edge)
        store.intervening.changed.connect(self.mark)
        store.model_changed.connect(self.mark)

    def mark(self) -> None:
        """Show which heads are changed."""
        model = self.store.model
        config = None if model is None else model.config
        marks = reading.marks(self.store.intervening.applied, config)
        self.mosaic.set_changed(marks.cut, marks.changed)

    def _of_tile(self, at: QPoint | None, on_screen: QPoint) -> None:
        selection, model = self.store.selection, self.store.model
        cell = None if at is None else self.mosaic.cell_at(at)
        if model is None or (at is not None and cell is None):
            return
        layer, head = (selection.layer, selection.head)
        if cell is not None:
            layer, head = cell.layer, cell.head
        layers = reading.of_layer(model.config, layer)
        offers = (*reading.of_head(model.config, layer, head), *layers)
        self._open(offers, self.mosaic, on_screen, self._pin_head(layer, head))

    def _of_cell(self, at: QPoint | None, on_screen: QPoint) -> None:
        selection, model, found = self.store.selection, self.store.model, self.matrix.found
        if model is None or found is None:
            return
        question = found.question
        assert isinstance(question, Pattern)
        query, key = selection.position, selection.key
        if at is not None:
            row, column = self.matrix.map.cell_at(at) or (None, None)
            if row is None or column is None:
                unit = column if row is None else row
                if unit is not None:
                    self._open((), self.matrix.map, on_screen, self._pin_tokens("matrix", unit))
                return
            query, key = self.matrix.turned(row, column)
        elif "matrix" in self._units:
            units = self._units["matrix"]
            query, key = units.of(query), None if key is None else units.of(key)
        offers = reading.of_head(model.config, question.layer, question.head)
        mine = self._pin_head(question.layer, question.head)
        if key is not None:
            place = (question.layer, question.head, query, key)
            if not question.words:  # an edge is between two tokens
                offers = reading.of_edge(model.config, *place) + offers
            mine = self._why("matrix", *place) + mine + self._pin_tokens("matrix", query, key)
        self._open(offers, self.matrix.map, on_screen, mine)

    def _of_edge(self, at: QPoint | None, on_screen: QPoint) -> None:
        edges, model = self.graph.edges, self.store.model
        index = None if at is None else self.graph.edge_at(at)
        if model is None or edges is None or index is None:
            position = None if at is None else self.graph.position_at(at)
            if position is not None:
                self._open((), self.graph, on_screen, self._pin_tokens("graph", position))
            return
        layer, query = int(edges.layer_E[index]), int(edges.query_E[index])
        key, found = int(edges.key_E[index]), int(edges.head_E[index])
        head = found if found >= 0 else None
        question = edges.question
        assert isinstance(question, Routes)
        offers: tuple[reading.Offer, ...] = ()
        units = self._units["graph"]
        of_query, of_key = units.token_of(query), units.token_of(key)
        if not question.words and of_query is not None and of_key is not None:
            offers = reading.of_edge(model.config, layer, head, of_query, of_key)
        mine = self._pin_tokens("graph", query, key)
        if head is not None:
            offers += reading.of_head(model.config, layer, head)
            mine = self._why("graph", layer, head, query, key) + self._pin_head(layer, head) + mine
        self._open(offers, self.graph, on_screen, mine)

    # --------------------------------------------------------------------- pins and why

    def _pin_head(self, layer: int, head: int) -> list[MenuItem]:
        is_on = self.pins.has_head(layer, head)
        return [MenuItem(f"Pin head {layer}.{head}", PinHead(layer, head), is_on, group=_PINS)]

    def _pin_tokens(self, view: str, *of: int) -> list[MenuItem]:
        """Lines for some rows or columns of a view."""
        subject = self.store.subject
        if subject is None or view not in self._units:
            return []
        units, items = self._units[view], []
        for unit in dict.fromkeys(of):
            token = units.token_of(unit)
            if token is not None and token < subject.n_tokens:
                is_on = self.pins.token(subject.ids) == token
                words = f"Pin {named(units, unit)}"
                items.append(MenuItem(words, PinToken(token), is_on, group=_PINS))
        return items

    def _why(self, view: str, layer: int, head: int, query: int, key: int) -> list[MenuItem]:
        units, subject = self._units.get(view), self.store.subject
        if units is None or subject is None:
            return []
        of_query, of_key = units.token_of(query), units.token_of(key)
        if of_query is None or of_key is None:  # the text in view has no such token
            return []
        asked = AskWhy(layer, head, of_query, of_key)
        return [MenuItem(why_words.title(units, query, key), asked, group=_WHY)]

    def _open(
        self,
        offers: tuple[reading.Offer, ...],
        view: Canvas,
        at: QPoint,
        mine: list[MenuItem],
    ) -> None:
        is_on = self.store.intervening.is_on
        items = [
            MenuItem(each.words, one, is_on(one), each.refusal, each.group)
            for each in offers
            for one in (each.intervention,)
        ]
        if not items and not mine:
            return
        menu = OfferMenu(mine + items, view)
        menu.chosen.connect(self._choose)
        menu.popup(at)

    def _choose(self, thing: object) -> None:
        match thing:
            case Intervention():
                self.store.intervening.toggle(thing)
            case PinHead(layer, head):
                self.pins.toggle_head(layer, head)
            case PinToken(position):
                if self.store.subject is not None:
                    self.pins.toggle_token(position, self.store.subject.ids)
            case AskWhy(layer, head, query, key):
                self.store.select(layer=layer, head=head, position=query, key=key)
                self.why_asked.emit()


_WHY, _PINS = -2, -1
"""Groups that stand above what is cut."""

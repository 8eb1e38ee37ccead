"""Heads and edges cut from where they are seen: menus in the three views, and marks in the mosaic.

Changes `store.intervening`. Knows the store and the views.
"""

from __future__ import annotations

from PySide6.QtCore import QObject, QPoint
from PySide6.QtWidgets import QWidget

from gui.panes.attention.graph import AttentionGraph
from gui.panes.attention.matrix_view import MatrixView
from gui.panes.attention.mosaic import HeadMosaic
from gui.reading import intervening as reading
from gui.session.store import Store
from gui.widgets.canvas import Canvas
from gui.widgets.offer_menu import MenuItem, OfferMenu
from model.interventions import Intervention
from model.probe.pattern.asks import Pattern


class Changing(QObject):
    """Connects the views to the list of interventions."""

    def __init__(
        self,
        store: Store,
        mosaic: HeadMosaic,
        matrix: MatrixView,
        graph: AttentionGraph,
        parent: QWidget,
    ) -> None:
        super().__init__(parent)
        self.store = store
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
        self._open((*reading.of_head(model.config, layer, head), *layers), self.mosaic, on_screen)

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
                return
            query, key = self.matrix.turned(row, column)
        offers = reading.of_head(model.config, question.layer, question.head)
        if key is not None:
            place = (question.layer, question.head, query, key)
            offers = reading.of_edge(model.config, *place) + offers
        self._open(offers, self.matrix.map, on_screen)

    def _of_edge(self, at: QPoint | None, on_screen: QPoint) -> None:
        edges, model = self.graph.edges, self.store.model
        index = None if at is None else self.graph.edge_at(at)
        if model is None or edges is None or index is None:
            return
        layer, query = int(edges.layer_E[index]), int(edges.query_E[index])
        key, found = int(edges.key_E[index]), int(edges.head_E[index])
        head = found if found >= 0 else None
        offers = reading.of_edge(model.config, layer, head, query, key)
        if head is not None:
            offers += reading.of_head(model.config, layer, head)
        self._open(offers, self.graph, on_screen)

    def _open(self, offers: tuple[reading.Offer, ...], view: Canvas, at: QPoint) -> None:
        is_on = self.store.intervening.is_on
        items = [
            MenuItem(each.words, one, is_on(one), each.refusal, each.group)
            for each in offers
            for one in (each.intervention,)
        ]
        menu = OfferMenu(items, view)
        menu.chosen.connect(self._choose)
        menu.popup(at)

    def _choose(self, thing: object) -> None:
        if isinstance(thing, Intervention):
            self.store.intervening.toggle(thing)

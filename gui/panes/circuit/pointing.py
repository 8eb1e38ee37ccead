"""What the mouse and the keys do on the graph: tooltips, the selection, and a menu of cuts.

Knows the store and the view; asks nothing.
"""

from __future__ import annotations

from PySide6.QtCore import QObject, QPoint
from PySide6.QtWidgets import QWidget

from gui.panes.circuit import words
from gui.panes.circuit.offers import of_edge, of_node
from gui.panes.circuit.view import CircuitView
from gui.reading.intervening import Offer
from gui.session.store import Store
from gui.widgets.offer_menu import MenuItem, OfferMenu
from model.interventions import Intervention
from model.messages import PromptRead
from model.probe.graph.asks import LOGIT, Graph, GraphFound


class Pointing(QObject):
    """Connects the graph to the selection and to the list of interventions.

    Attributes:
        found, read: the answer that is drawn, and its prompt; None for nothing.
    """

    def __init__(self, store: Store, view: CircuitView, parent: QWidget) -> None:
        super().__init__(parent)
        self.store, self.view, self._pane = store, view, parent
        self.found: GraphFound | None = None
        self.read: PromptRead | None = None
        view.describe_node = self._describe_node
        view.describe_edge = self._describe_edge
        view.node_chosen.connect(self._choose_node)
        view.edge_chosen.connect(self._choose_edge)
        view.position_hovered.connect(self._on_hovered)
        view.menu_requested.connect(self._on_menu)
        store.selection_changed.connect(self.mark)

    def show(self, found: GraphFound | None, read: PromptRead | None) -> None:
        """Another graph is drawn, or none."""
        self.found, self.read = found, read

    def mark(self) -> None:
        """Frame the node that is selected, if it is one of these."""
        found = self.found
        if found is None:
            return
        chosen = self.view.chosen
        if chosen is not None and (chosen == LOGIT or self._is_selected(found, chosen)):
            return
        drawn = self.view.drawn_nodes
        self.view.set_chosen(next((n for n in drawn if self._is_selected(found, n)), None))

    def _is_selected(self, found: GraphFound, node: int) -> bool:
        selection, ops = self.store.selection, self.store.operations
        subject = self.store.subject
        if subject is None or subject.ids != found.subject.ids or not ops:
            return False
        place = int(found.layer_N[node]), int(found.head_N[node])
        group = ops[selection.operation].group
        if place[0] < 0:
            wanted = (-1, -1) if group == "embed" else None
        elif group == "mlp":
            wanted = (selection.layer, -1)
        else:
            wanted = (selection.layer, selection.head)
        return place == wanted and int(found.position_N[node]) == selection.position

    def _describe_node(self, node: int) -> str:
        found, read, model = self.found, self.read, self.store.model
        if found is None or read is None or model is None:
            return ""
        return words.hover_node(found, node, read, model)

    def _describe_edge(self, edge: int) -> str:
        found, read = self.found, self.read
        return "" if found is None or read is None else words.hover_edge(found, edge, read)

    def _choose_node(self, node: int) -> None:
        """Select what a node is: head, MLP or token."""
        found = self.found
        subject = self.store.subject
        if found is None or subject is None or subject.ids != found.subject.ids:
            return
        question = found.question
        assert isinstance(question, Graph)
        if node == LOGIT:
            self.store.select(position=question.position, vocabulary_id=found.target)
            return
        layer, head = int(found.layer_N[node]), int(found.head_N[node])
        position = int(found.position_N[node])
        if head >= 0:
            self.store.select(layer=layer, head=head, position=position)
            return
        name = f"blocks.{layer}.hook_mlp_out"
        ops = enumerate(self.store.operations)
        wanted = (
            (at for at, op in ops if op.kind == "embed")
            if layer < 0
            else (at for at, op in ops if op.output == name)
        )
        at = next(wanted, None)
        changes: dict[str, int] = {"position": position} | ({} if at is None else {"operation": at})
        self.store.select(**changes)

    def _choose_edge(self, edge: int) -> None:
        """Select where an edge leads; of a head's edge, what it reads too."""
        found = self.found
        if found is None:
            return
        goal, source = int(found.goal_E[edge]), int(found.source_E[edge])
        self._choose_node(goal)
        if goal != LOGIT and found.head_N[goal] >= 0:
            self.store.select(key=int(found.position_N[source]))

    def _on_hovered(self, position: object) -> None:
        found, subject = self.found, self.store.subject
        if found is not None and subject is not None and subject.ids == found.subject.ids:
            self.store.select(hovered=position)

    def _on_menu(self, at: QPoint | None, on_screen: QPoint) -> None:
        items = self.offers(at)
        if items:
            menu = OfferMenu(items, self._pane)
            menu.chosen.connect(self._do)
            menu.popup(on_screen)

    def offers(self, at: QPoint | None) -> list[MenuItem]:
        """What can be done at a place of the view, or (None) at the node that is framed."""
        found, model = self.found, self.store.model
        if found is None or model is None:
            return []
        node = self.view.chosen if at is None else self.view.node_at(at)
        some: tuple[Offer, ...] = ()
        if node is not None and node != LOGIT:
            some = of_node(found, node, model.config)
        elif at is not None and node is None and (edge := self.view.edge_at(at)) is not None:
            some = of_edge(found, edge, model.config)
        is_on = self.store.intervening.is_on
        return [
            MenuItem(o.words, o.intervention, is_on(o.intervention), o.refusal, o.group)
            for o in some
        ]

    def _do(self, thing: object) -> None:
        if isinstance(thing, Intervention):
            self.store.intervening.toggle(thing)

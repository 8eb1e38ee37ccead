"""What the mouse and the keys do in the three views of attention.

Words about what is under the mouse; a click moves the selection and shows the exact number. All
of it is about the answers that are drawn and the prompt that they belong to. Knows the store and
the views.
"""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from gui.panes.attention import difference_words, words
from gui.panes.attention.columns import Columns
from gui.panes.attention.mosaic import MosaicCell
from gui.panes.attention.views import Views
from gui.reading.inspecting import inspected
from gui.session.state import Says
from gui.session.store import Store
from model.probe.pattern.asks import Pattern
from model.probe.question import Answer
from model.probe.routes.asks import Routes
from model.probe.routes_difference.asks import RoutesDifferenceFound


class Pointing(QObject):
    """Connects the views to the selection.

    Args:
        store: whose selection it moves.
        views: that draw, and of which prompts.

    Signals:
        said: something else is under the mouse: `text`.

    Attributes:
        text: what is under the mouse, in one line.
        here: whether it is a cell or an edge, which light by themselves.
    """

    said = Signal()

    def __init__(
        self,
        store: Store,
        views: Views,
        parent: QWidget,
    ) -> None:
        super().__init__(parent)
        self.store = store
        mosaic, matrix, graph = views.mosaic, views.matrix, views.graph
        self.mosaic, self.matrix, self.graph, self.strip = mosaic, matrix, graph, views.strip
        self.text = ""
        self.here = False
        self._reads, self._units = views.reads, views.units
        self.strip.describe = self.describe_pinned
        self.strip.cell_hovered.connect(self._hover_pinned)
        mosaic.describe = self.describe_tile
        matrix.map.describe = self.describe_cell
        graph.describe = self.describe_edge
        mosaic.cell_hovered.connect(self._hover_tile)
        matrix.map.cell_hovered.connect(self._hover_cell)
        matrix.map.cell_chosen.connect(self._choose_cell)
        self.beside = views.beside
        self.beside.view.map.describe = self.describe_second
        self.beside.hovered.connect(self._hover_second)
        self.beside.chosen.connect(self._choose_second)
        graph.edge_hovered.connect(self._hover_edge)
        graph.edge_chosen.connect(self._choose_edge)
        graph.position_hovered.connect(self._hover_position)
        graph.position_chosen.connect(self._choose_position)

    def forget(self) -> None:
        """What was under the mouse is no longer there."""
        self.text, self.here = "", False

    def is_current(self, answer: Answer | None) -> bool:
        """Whether what is drawn is about the prompt in view."""
        return answer is not None and answer.subject == self.store.subject

    # -------------------------------------------------------------------- under the mouse

    def _say(self, text: str, hovered: int | None, here: bool = False) -> None:
        """Show what is under the mouse, and tell the others which position it is.

        Args:
            text: in words.
            hovered: a position of the text.
            here: whether it lights by itself.
        """
        self.text, self.here = text.replace("\n", "   "), here
        self.store.select(hovered=hovered)
        self.said.emit()

    def _hover_tile(self, cell: MosaicCell | None) -> None:
        self._say("" if cell is None else self.describe_tile(cell), None)

    def _hover_cell(self, cell: tuple[int | None, int | None] | None) -> None:
        row, column = cell or (None, None)
        if row is None or column is None:
            # Over a label its token lights everywhere, here as a row and as a column.
            self._say("", self._token("matrix", column if row is None else row))
        else:
            key = self.matrix.turned(row, column)[1]
            self._say(self.describe_cell(row, column), self._token("matrix", key), here=True)
        self.beside.light(cell)

    def _hover_second(self, cell: tuple[int | None, int | None] | None) -> None:
        row, column = cell or (None, None)
        if row is None or column is None:
            own = self.beside.own_unit_of(column if row is None else row)
            self._say("", self._token("matrix", own))
        else:
            key = self.beside.own_unit_of(self.beside.view.turned(row, column)[1])
            self._say(self.describe_second(row, column), self._token("matrix", key), here=True)

    def describe_second(self, row: int, column: int) -> str:
        """What a cell of the second matrix is, and of which it is beside."""
        view, source = self.beside.view, self.beside.source
        place = view.place_of(row, column)
        if view.found is None or source is None or "matrix" not in self._units:
            return ""
        if place is None or not self.beside.is_drawn:
            return "still to come"
        said = f"{source.names[1]}: {words.cell(view.found, source.units, place)}"
        query, key = map(self.beside.own_unit_of, view.turned(row, column))
        if query is None or key is None:
            return f"{said}\n{source.names[0]} lacks one of these"
        mine = self.matrix.turned(query, key)  # which turns a cell and turns it back
        own = self.matrix.place_of(*mine)
        if own is None or self.matrix.found is None:
            return said
        return f"{said}\n{source.names[0]} {self.matrix.found.values[own]:.4g}"

    def _choose_second(self, query: int | None, key: int | None) -> None:
        """Select what belongs to it in the text in view."""
        if query is not None:
            at = {} if key is None else {"key": self._token("matrix", key)}
            self.store.select(position=self._token("matrix", query), **at)

    def _hover_edge(self, index: int | None) -> None:
        edges = self.graph.edges
        if index is None or edges is None:
            self._say("", None)
        else:
            key = self._token("graph", int(edges.key_E[index]))
            self._say(self.describe_edge(index), key, here=True)

    def _hover_position(self, position: int | None) -> None:
        self._say("", self._token("graph", position))

    def _token(self, view: str, unit: int | None) -> int | None:
        """The token that stands for a row or column of a view."""
        if unit is None or view not in self._units:
            return unit
        return self._units[view].token_of(unit)

    def describe_cell(self, row: int, column: int) -> str:
        """What a cell of the matrix is: its number, its place, its name."""
        found, place = self.matrix.found, self.matrix.place_of(row, column)
        if found is None or "matrix" not in self._reads:
            return ""
        if place is None:
            return "still to come"
        said, difference = words.cell(found, self._units["matrix"], place), self.matrix.difference
        if difference is not None:
            return f"{said}\n{difference.words(place)}"
        return "\n".join(filter(None, (said, self._beside_cell(row, column))))

    def _beside_cell(self, row: int, column: int) -> str:
        """What the second matrix has there, where nothing can be subtracted."""
        source, view = self.beside.source, self.beside.view
        units = [self.beside.unit_of(unit) for unit in self.matrix.turned(row, column)]
        if source is None or view.found is None or view.map.isHidden() or None in units:
            return ""
        if not self.beside.is_drawn:
            return ""
        place = view.place_of(*view.turned(*units))  # type: ignore[arg-type]
        return "" if place is None else f"{source.names[1]} {view.found.values[place]:.4g}"

    def _hover_pinned(self, cell: tuple[int, tuple[int, int]] | None) -> None:
        self._say("" if cell is None else self.describe_pinned(*cell), None)

    def describe_pinned(self, index: int, place: tuple[int, int]) -> str:
        """What a cell of a pinned head is."""
        found = self.strip.pinned[index].found
        if found is None or "pinned" not in self._units:
            return ""
        said = words.cell(found, self._units["pinned"], place)
        apart = self.strip.pinned[index].difference
        return said if apart is None else f"{said}\n{apart.words(place)}"

    def describe_tile(self, cell: MosaicCell) -> str:
        """What a cell of the mosaic is, and where its head looks."""
        found = self.mosaic.found
        if found is None or "heads" not in self._reads:
            return f"layer {cell.layer} · head {cell.head}: still to come"
        said = words.tile(found, self._units["heads"], cell, self.mosaic.kinds)
        difference = self.mosaic.difference
        if difference is None:
            return said
        place = (cell.layer, cell.head, cell.query // found.block, cell.key // found.block)
        return f"{said}\n{difference.words(place)}"

    def describe_edge(self, index: int) -> str:
        """What an edge of the graph is."""
        edges, model = self.graph.edges, self.store.model
        if edges is None or model is None or "graph" not in self._reads:
            return ""
        units, n_heads = self._units["graph"], model.config.n_heads
        if isinstance(edges, RoutesDifferenceFound):
            if not isinstance(units, Columns):
                return ""
            sides = self.store.comparing.sides
            return difference_words.edge(edges, units, index, n_heads, sides)
        return words.edge(edges, units, index, n_heads)

    # ------------------------------------------------------------------- exact numbers

    def _choose_cell(self, cell: tuple[int | None, int | None]) -> None:
        row, column = cell
        found = self.matrix.found
        if not self.is_current(found) or found is None:
            return
        if row is None or column is None:
            unit = column if row is None else row
            self.store.select(position=self._token("matrix", unit))
            return
        place = self.matrix.place_of(row, column)
        query, key = self.matrix.turned(row, column)
        if place is not None:  # else its number is still to come
            query, key = int(found.value_rows[place]), int(found.value_columns[place])
        question = found.question
        assert isinstance(question, Pattern)
        self.store.select(position=self._token("matrix", query), key=self._token("matrix", key))
        if place is None or not question.is_tensor:
            return
        at = (question.layer, question.head, query, key)
        self._inspect("matrix", question.activation, at, float(found.values[place]))

    def _choose_edge(self, index: int) -> None:
        edges = self.graph.edges
        if edges is None or not self.is_current(edges):
            return
        layer, head = int(edges.layer_E[index]), int(edges.head_E[index])
        query = self._token("graph", int(edges.query_E[index]))
        key = self._token("graph", int(edges.key_E[index]))
        weight = float(edges.weight_E[index])
        if isinstance(edges, RoutesDifferenceFound):  # the number is that of the side in view
            weight = float(edges.own_E[index])
        if query is None or key is None:  # the text in view has no such token
            self.store.select(layer=layer, **({} if head < 0 else {"head": head}))
            return
        at = {"position": query, "key": key}
        question = edges.question
        assert isinstance(question, Routes)
        if head < 0:  # a mean is no tensor's number
            self.store.select(layer=layer, **at)
            return
        self.store.select(layer=layer, head=head, **at)
        if question.valued or question.words:  # neither is this
            return
        name = f"blocks.{layer}.attn.hook_pattern"
        self._inspect("graph", name, (layer, head, query, key), weight)

    def _choose_position(self, position: int | None) -> None:
        token = self._token("graph", position)
        if token is not None:  # else the text in view has no such token
            self.store.select(position=token)

    def _inspect(self, view: str, name: str, at: tuple[int, int, int, int], value: float) -> None:
        """Show one number in the inspector; ``at`` is layer, head, query and key."""
        model, (layer, *index) = self.store.model, at
        if model is None:
            return
        says: Says = words.weight_sentence
        if name.endswith("scores"):
            says = words.ScoreSentence(model.config, layer)
        read = self._reads[view]
        self.store.inspect(inspected(model, read, name, (0, *index), value, says=says))

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
from gui.panes.attention.arrangement import Needed, Places, arranged
from gui.panes.attention.controls import AttentionControls
from gui.panes.attention.edges import Head, strongest_heads
from gui.panes.attention.graph import AttentionGraph
from gui.panes.attention.matrix_view import MatrixView
from gui.panes.attention.mosaic import HeadMosaic, MosaicCell
from gui.panes.attention.questions import Choices, questions
from gui.panes.attention.waiting import HEIGHT as WAITING
from gui.panes.attention.waiting import WaitingLine
from gui.panes.base import EmptyState, Pane
from gui.session.asked import Slot
from gui.session.state import Inspected
from gui.session.store import Store
from gui.widgets.text import Text
from model.messages import PromptRead
from model.probe.mosaic.asks import MosaicFound
from model.probe.pattern.asks import Pattern, PatternFound
from model.probe.question import Answer, Question
from model.probe.routes.asks import Routes, RoutesFound

VIEWS = ("heads", "matrix", "graph")
NAMES = {"heads": "all heads", "graph": "routes", "matrix": "matrix", "row": "row", "head": "head"}
"""What is waited for, in words."""


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
        self._chosen: list[Head] = []
        self._drawn: dict[str, tuple[object, ...]] = {}
        self._reads: dict[str, PromptRead] = {}  # of what each view draws
        self._hover_text = ""
        self._hovers_here = False

        self.mosaic.describe = self._describe_tile
        self.heat_map.describe = self._describe_cell
        self.graph.describe = self._describe_edge
        self.mosaic.head_chosen.connect(self.select_head)
        self.mosaic.head_toggled.connect(self.toggle_chosen)
        self.mosaic.cell_hovered.connect(self._hover_tile)
        self.heat_map.cell_hovered.connect(self._hover_cell)
        self.heat_map.cell_chosen.connect(self._choose_cell)
        self.matrix.window_changed.connect(self.ask)
        self.graph.edge_hovered.connect(self._hover_edge)
        self.graph.edge_chosen.connect(self._choose_edge)
        self.graph.position_hovered.connect(self._hover_position)
        self.graph.position_chosen.connect(self._choose_position)
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
        if (layer, head) in self._chosen:
            self._chosen.remove((layer, head))
        else:
            selected = (self.store.selection.layer, self.store.selection.head)
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
        return questions(views, selection, read.n_tokens, choices, window, side)

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
        self._hover_text, self._hovers_here = "", False
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
        by_kind = self.controls.by_kind
        if self._take("heads", found, by_kind):
            n_layers, n_heads = model.config.n_layers, model.config.n_heads
            self.mosaic.set_tiles(found, n_layers, n_heads, by_kind)
        self.mosaic.set_chosen(self._chosen_colors())

    def _chosen_colors(self) -> dict[Head, QColor]:
        return _hues(self._chosen) if self.controls.graph_mode == "chosen" else {}

    def _draw_matrix(self) -> None:
        found, row = self.answered("matrix", PatternFound), self.answered("row", PatternFound)
        head, looks = self.answered("head", PatternFound), self.controls.looks
        slot = self.slot("matrix")
        if found is None or slot is None or slot.read is None:
            return
        if self._take("matrix", found, row, head, looks):
            self.matrix.draw(found, row, head, slot.read, looks)

    def _draw_graph(self) -> None:
        found, slot, model = (
            self.answered("graph", RoutesFound),
            self.slot("graph"),
            self.store.model,
        )
        if found is None or slot is None or slot.read is None or model is None:
            return
        tokens = slot.read.tokens
        question = found.question
        assert isinstance(question, Routes)
        if self._take("graph", found):
            heads = question.heads if question.over == "heads" else strongest_heads(found, HUES)
            self.graph.set_edges(
                found,
                tuple(token.text for token in tokens),
                model.config.n_layers,
                words.routes(found, tokens, model.config.n_heads),
                _hues(heads),
                self._graph_position(found),
            )

    def _graph_position(self, found: RoutesFound) -> int:
        """The position whose routes are lit: the one that was asked about."""
        question = found.question
        assert isinstance(question, Routes)
        selected = self.store.selection.position
        return selected if question.position is None else question.position

    def _mark(self) -> None:
        """Show the selection in what is drawn; only what changes at once."""
        if not self.isVisible() or not self._is_there:
            return
        selection = self.store.selection
        self.mosaic.set_selected(selection.layer, selection.head)
        elsewhere = None if self._hovers_here else selection.hovered
        if self._is_current(self.matrix.found):
            self.matrix.mark(selection, elsewhere)
        edges = self.graph.edges
        if edges is not None and self._is_current(edges):
            self.graph.set_position(self._graph_position(edges))
            self.graph.set_lit(elsewhere)

    def _is_current(self, answer: Answer | None) -> bool:
        """Whether what is drawn is about the prompt in view."""
        return answer is not None and answer.subject == self.store.subject

    # ----------------------------------------------------------------------- arranging

    def _arrange(self) -> None:
        """Find places for the room that there is; ask for what comes into view."""
        controls = self.controls
        needed = Needed(
            controls.view_row.sizeHint().width(),
            controls.heads_row.sizeHint().width(),
            controls.graph_row_width,
        )
        self._places = arranged(controls.view, self.width(), self.height(), needed)
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
        note = "" if head is None or not self._is_there else words.header(head)
        return " · ".join(part for part in (self._waits_for(), note) if part)

    def _waits_for(self) -> str:
        """What is waited for, and how far it is; empty if nothing is, or not for long."""
        asking = self.store.asked.waits(self.key)
        if asking is None:
            return ""
        late = [NAMES[name] for name in NAMES if not _is_whole(self.slot(name))]
        share = f" {asking.share:.0%}" if asking.share > 0 else ""
        return f"computing {late[0] if late else 'attention'}{share}…"

    def _show_waiting(self) -> None:
        asking = self.store.asked.waits(self.key)
        self._waiting.set_share(None if asking is None else asking.share)
        self._show_facts()

    def _show_facts(self) -> None:
        head = self.answered("head", PatternFound)
        reads = "" if head is None or head.shares is None else words.reads(head.shares)
        self._readout.setText(self._hover_text or self._waits_for() or reads)

    def _say(self, text: str, hovered: int | None, here: bool = False) -> None:
        """Show what is under the mouse, and tell the others which position it is."""
        self._hover_text, self._hovers_here = text.replace("\n", "   "), here
        self.store.select(hovered=hovered)
        self._show_facts()

    def _hover_tile(self, cell: MosaicCell | None) -> None:
        self._say("" if cell is None else self._describe_tile(cell), None)

    def _hover_cell(self, cell: tuple[int | None, int | None] | None) -> None:
        row, column = cell or (None, None)
        if row is None or column is None:
            # Over a label its token lights everywhere, here as a row and as a column.
            self._say("", column if row is None else row)
        else:
            key = self.matrix.turned(row, column)[1]
            self._say(self._describe_cell(row, column), key, here=True)

    def _hover_edge(self, index: int | None) -> None:
        edges = self.graph.edges
        if index is None or edges is None:
            self._say("", None)
        else:
            self._say(self._describe_edge(index), int(edges.key_E[index]), here=True)

    def _hover_position(self, position: int | None) -> None:
        self._say("", position)

    def _describe_cell(self, row: int, column: int) -> str:
        found, place = self.matrix.found, self.matrix.place_of(row, column)
        if found is None or "matrix" not in self._reads:
            return ""
        if place is None:
            return "still to come"
        return words.cell(found, self._reads["matrix"].tokens, place)

    def _describe_tile(self, cell: MosaicCell) -> str:
        found = self.mosaic.found
        if found is None or "heads" not in self._reads:
            return f"layer {cell.layer} · head {cell.head}: still to come"
        return words.tile(found, self._reads["heads"].tokens, cell)

    def _describe_edge(self, index: int) -> str:
        edges, model = self.graph.edges, self.store.model
        if edges is None or model is None or "graph" not in self._reads:
            return ""
        return words.edge(edges, self._reads["graph"].tokens, index, model.config.n_heads)

    # ------------------------------------------------------------------- exact numbers

    def _choose_cell(self, cell: tuple[int | None, int | None]) -> None:
        row, column = cell
        found = self.matrix.found
        if not self._is_current(found) or found is None:
            return
        if row is None or column is None:
            self._choose_position(column if row is None else row)
            return
        place = self.matrix.place_of(row, column)
        if place is None:  # its number is still to come
            query, key = self.matrix.turned(row, column)
            self.store.select(position=query, key=key)
            return
        query, key = int(found.value_rows[place]), int(found.value_columns[place])
        question = found.question
        assert isinstance(question, Pattern)
        self.store.select(position=query, key=key)
        self._inspect(
            "matrix", question.activation, question.head, query, key, float(found.values[place])
        )

    def _choose_edge(self, index: int) -> None:
        edges = self.graph.edges
        if edges is None or not self._is_current(edges):
            return
        layer, head = int(edges.layer_E[index]), int(edges.head_E[index])
        query, key = int(edges.query_E[index]), int(edges.key_E[index])
        weight = float(edges.weight_E[index])
        if head < 0:  # a mean is no tensor's number
            self.store.select(layer=layer, position=query, key=key)
            return
        self.store.select(layer=layer, head=head, position=query, key=key)
        self._inspect("graph", f"blocks.{layer}.attn.hook_pattern", head, query, key, weight)

    def _choose_position(self, position: int | None) -> None:
        if position is not None:
            self.store.select(position=position)

    def _inspect(self, view: str, name: str, head: int, query: int, key: int, value: float) -> None:
        model = self.store.model
        if model is None:
            return
        says = words.score_sentence if name.endswith("scores") else words.weight_sentence
        self.store.inspect(
            Inspected(
                name=name,
                index=(0, head, query, key),
                value=value,
                dtype=model.dtype,
                code=f'trace["{name}"][0, {head}, {query}, {key}]',
                note=says(self._reads[view].tokens, query, key, value),
            )
        )

    def export_data(self) -> Mapping[str, NDArray[Any]]:
        """The view that was chosen as a table with named columns; of several, the matrix."""
        view = self.controls.view if self.controls.view != "all" else "matrix"
        slot = self.slot(view)
        if slot is None or slot.read is None or not slot.is_current:
            return {}
        match slot.answer:
            case PatternFound() as found:
                return export.matrix(found, slot.read.tokens)
            case MosaicFound() as found:
                return export.mosaic(found)
            case RoutesFound() as found:
                return export.routes(found, slot.read.tokens)
        return {}

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self._chosen:
            self.clear_chosen()
        else:
            super().keyPressEvent(event)


HUES = 7
"""How many heads of a graph have a hue of their own."""


def _hues(heads: list[Head] | tuple[Head, ...]) -> dict[Head, QColor]:
    series = theme.current().series
    return {head: QColor(series[i % len(series)]) for i, head in enumerate(heads)}


def _is_whole(slot: Slot | None) -> bool:
    """Whether nothing more comes."""
    if slot is None or slot.answer is None:
        return slot is None
    return slot.is_current and slot.answer.is_whole

"""Attention: all heads as a mosaic, one head as a matrix, and the weights as a graph.

Draws the patterns and scores of the trace as they are; moves layer, head, position and key of
the selection. Knows the store and its three views, no other pane.

Shape suffixes: H heads, Q queries, S keys.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QColor, QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QWidget

from gui import theme
from gui.panes.attention import ENTRY, words
from gui.panes.attention.arrangement import PAD, arranged
from gui.panes.attention.controls import AttentionControls
from gui.panes.attention.graph import AttentionGraph
from gui.panes.attention.matrix import matrix_content
from gui.panes.attention.mosaic import HeadMosaic, MosaicCell
from gui.panes.attention.patterns import AttentionPatterns, tensor_name
from gui.panes.base import EmptyState, Pane
from gui.session.state import Inspected
from gui.session.store import Store
from gui.widgets.action_row import HEIGHT as ROW
from gui.widgets.heat_map.heat_map import HeatMap
from gui.widgets.missing_activation import MissingActivation
from gui.widgets.text import Text
from model.messages import TraceReady

READOUT_HEIGHT = 20
READOUT_FROM = 220
"""Lower panes have no line of figures below the views; tooltips say the same."""


class AttentionPane(Pane):
    """Mosaic, matrix and graph, arranged by the room that there is."""

    entry = ENTRY

    def __init__(self, store: Store, parent: QWidget | None = None) -> None:
        super().__init__(store, parent)
        self.mosaic = HeadMosaic(self)
        self.heat_map = HeatMap(self)
        self.graph = AttentionGraph(self)
        self.controls = AttentionControls(self)
        self._empty = EmptyState("", self)
        self._missing = MissingActivation(self)
        self._readout = Text("", self, tone="dim", font=theme.mono(theme.SMALL_FONT_SIZE))

        self._trace: TraceReady | None = None
        self._n_fetched = 0
        self._patterns: AttentionPatterns | None = None
        self._chosen: list[tuple[int, int]] = []
        self._drawn: dict[str, tuple[object, ...]] = {}
        self._shown: frozenset[str] = frozenset()
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
        self.graph.edge_hovered.connect(self._hover_edge)
        self.graph.edge_chosen.connect(self._choose_edge)
        self.graph.position_hovered.connect(self._hover_position)
        self.graph.position_chosen.connect(self._choose_position)
        self.graph.layer_stepped.connect(self.select_next_layer)
        self.controls.view_changed.connect(self._arrange)
        self.controls.choice_changed.connect(self.invalidate)
        self.controls.fit_changed.connect(self.heat_map.set_fit)
        self._missing.fetch_requested.connect(store.fetch_activation)
        for signal in (
            store.model_changed,
            store.trace_changed,
            store.activation_changed,
            store.selection_changed,
        ):
            signal.connect(self.invalidate)

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
    def chosen(self) -> tuple[tuple[int, int], ...]:
        """The (layer, head) pairs that were added to the graph."""
        return tuple(self._chosen)

    # ------------------------------------------------------------------------- drawing

    def refresh(self) -> None:
        self._take_patterns()
        self._arrange()
        if self._patterns is None:
            self._empty.setText(self._why_empty())
            self._empty.update()
            return
        if "heads" in self._shown:
            self._draw_mosaic(self._patterns)
        if "matrix" in self._shown:
            self._draw_matrix(self._patterns)
        if "graph" in self._shown:
            self._draw_graph(self._patterns)
        self._show_facts()

    def _why_empty(self) -> str:
        if self.store.model is None:
            return "Open a model to see where its heads look."
        return self.store.prompt_problem or "Type a prompt to see where each token looks."

    def _take_patterns(self) -> None:
        """Take up a new trace, or what was fetched for it; otherwise nothing is done."""
        store = self.store
        trace = store.trace if store.model is not None else None
        if trace is self._trace and len(store.fetched) == self._n_fetched:
            return
        self._trace, self._n_fetched = trace, len(store.fetched)
        self._drawn.clear()
        self._patterns = None
        self._hover_text, self._hovers_here = "", False
        if trace is not None and store.model is not None:
            config = store.model.config
            self._patterns = AttentionPatterns(config, trace.tokens, store.activation)
            self._chosen = [
                (layer, head)
                for layer, head in self._chosen
                if layer < config.n_layers and head < config.n_heads
            ]

    def _changed(self, view: str, *key: object) -> bool:
        """Whether a view must draw anew; notes what it is drawn from."""
        key = (theme.current().name, *key)
        if self._drawn.get(view) == key:
            return False
        self._drawn[view] = key
        return True

    def _draw_mosaic(self, patterns: AttentionPatterns) -> None:
        hide = self.controls.hide_first.isChecked()
        if self._changed("heads", hide):
            masked_LQS = patterns.masked_for_mosaic(hide)
            self.mosaic.set_patterns(patterns.layers_HQS, patterns.n_heads, masked_LQS)
        self.mosaic.set_selected(self.store.selection.layer, self.store.selection.head)
        self.mosaic.set_chosen(self._chosen_colors())

    def _chosen_colors(self) -> dict[tuple[int, int], QColor]:
        if self.controls.graph_mode != "chosen":
            return {}
        series = theme.current().series
        return {head: QColor(series[i % len(series)]) for i, head in enumerate(self._chosen)}

    def _tensor(self) -> tuple[str, NDArray[Any] | None]:
        """Name and values ``[Q, S]`` of what the matrix draws; None if it was left out."""
        selection = self.store.selection
        name = tensor_name(selection.layer, self.controls.tensor)
        array = self.store.activation(name)
        return name, None if array is None else array[0, selection.head]

    def _draw_matrix(self, patterns: AttentionPatterns) -> None:
        controls, selection = self.controls, self.store.selection
        name, values_QS = self._tensor()
        self._missing.set_name(name if values_QS is None else "")
        self._arrange()
        if values_QS is None:
            return
        options = {
            "scores": controls.tensor == "attn_scores",
            "transposed": controls.transpose.isChecked(),
            "to_largest": controls.to_largest.isChecked(),
            "hide_first": controls.hide_first.isChecked(),
        }
        if self._changed("matrix", name, selection.head, *options.values()):
            masked_QS = patterns.masked_LQS[selection.layer]
            content = matrix_content(values_QS, masked_QS, patterns.labels, **options)
            self.heat_map.set_content(content)
        transposed, query, key = options["transposed"], selection.position, selection.key
        self.heat_map.set_marks(
            (None, query) if transposed else (query, None),
            None if key is None else (key, query) if transposed else (query, key),
        )
        elsewhere = None if self._hovers_here else selection.hovered
        self.heat_map.set_lit(elsewhere, elsewhere)

    def _draw_graph(self, patterns: AttentionPatterns) -> None:
        selection, mode = self.store.selection, self.controls.graph_mode
        heads = {"head": [(selection.layer, selection.head)], "chosen": self._chosen}.get(mode, [])
        threshold = self.controls.threshold
        if self._changed("graph", mode, threshold, tuple(heads)):
            edges = patterns.edges(mode, heads, threshold)
            caption = patterns.caption(edges, mode, heads, self.controls.threshold_text)
            self.graph.set_edges(
                edges, patterns.labels, patterns.n_layers, caption, self._chosen_colors()
            )
        self.graph.set_position(selection.position)
        self.graph.set_lit(None if self._hovers_here else selection.hovered)

    # ----------------------------------------------------------------------- arranging

    def _arrange(self) -> None:
        """Place views and controls for the room that there is."""
        there = self._patterns is not None
        controls = self.controls
        self._empty.setVisible(not there)
        self._empty.setGeometry(self.rect())
        width = self.width() - 2 * PAD
        used = min(controls.view_row.sizeHint().width(), width)
        left_over = width - used - 10
        # The graph's controls need a line of their own where the choice of views fills the first.
        second_line = controls.view == "graph" and left_over < controls.graph_row_width
        top = PAD + (ROW + 2) * (2 if second_line else 1)
        readout = self.height() >= READOUT_FROM
        bottom = self.height() - PAD - (READOUT_HEIGHT if readout else 0)
        area = QRect(PAD, top, width, max(1, bottom - top))
        boxes = arranged(controls.view, area) if there else {}
        controls.view_row.setVisible(there)
        controls.view_row.setGeometry(PAD, PAD, used, ROW)
        missing = bool(self._missing.name)
        for view, widget, visible in (
            ("heads", self.mosaic, True),
            ("matrix", self.heat_map, not missing),
            ("matrix", self._missing, missing),
            ("graph", self.graph, True),
        ):
            widget.setVisible(visible and view in boxes)
            widget.setGeometry(boxes.get(view, QRect()))
        for view, row in (("matrix", controls.matrix_row), ("graph", controls.graph_row)):
            row.setVisible(view in boxes)
            if view in boxes:
                box = boxes[view]
                shares_line = box.top() == top and not second_line
                left = max(box.left(), PAD + used + 10) if shares_line else box.left()
                row.setGeometry(left, box.top() - ROW - 2, box.right() - left, ROW)
        self._readout.setVisible(there and readout)
        self._readout.setGeometry(PAD + 2, bottom + 2, width - 4, READOUT_HEIGHT)
        shown = frozenset(boxes)
        if shown != self._shown:
            self._shown = shown
            self.invalidate()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def sizeHint(self) -> QSize:
        return QSize(960, 480)

    def minimumSizeHint(self) -> QSize:
        return QSize(220, 140)

    # ----------------------------------------------------------------- facts and hover

    def header_note(self) -> str:
        if self.store.trace is None:
            return ""
        selection, shares = self.store.selection, self._shares()
        note = f"layer {selection.layer} · head {selection.head}"
        if shares is not None:
            note += f" · first token {words.percent(shares.first)}"
            note += f" · previous {words.percent(shares.previous)}"
            if shares.following is not None:
                note += f" · next {words.percent(shares.following)}"
        return note

    def _shares(self) -> words.Shares | None:
        selection, model = self.store.selection, self.store.model
        array = self.store.activation(tensor_name(selection.layer))
        if array is None or model is None:
            return None
        return words.shares(array[0, selection.head], causal=model.config.causal)

    def _show_facts(self) -> None:
        text, shares = self._hover_text, self._shares()
        if not text and shares is not None:
            text = words.reads(shares)
        self._readout.setText(text)

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
            key = self._query_key(row, column)[1]
            self._say(self._describe_cell(row, column), key, here=True)

    def _hover_edge(self, index: int | None) -> None:
        edges = self.graph.edges
        if index is None or edges is None:
            self._say("", None)
        else:
            self._say(self._describe_edge(index), int(edges.key_E[index]), here=True)

    def _hover_position(self, position: int | None) -> None:
        self._say("", position)

    def _query_key(self, row: int, column: int) -> tuple[int, int]:
        return (column, row) if self.controls.transpose.isChecked() else (row, column)

    def _describe_cell(self, row: int, column: int) -> str:
        name, values_QS = self._tensor()
        query, key = self._query_key(row, column)
        # Between a new trace and the next drawing, the mouse may be over a cell of the old one.
        if self._patterns is None or values_QS is None or max(query, key) >= len(values_QS):
            return ""
        head, value = self.store.selection.head, float(values_QS[query, key])
        return self._patterns.describe(name, head, query, key, value)

    def _describe_tile(self, cell: MosaicCell) -> str:
        if self._patterns is None:
            return ""
        return self._patterns.describe_in_layer(cell.layer, cell.head, cell.query, cell.key)

    def _describe_edge(self, index: int) -> str:
        if self._patterns is None or self.graph.edges is None:
            return ""
        mode = self.controls.graph_mode
        return self._patterns.describe_edge(self.graph.edges, index, mode)

    # ------------------------------------------------------------------- exact numbers

    def _choose_cell(self, cell: tuple[int | None, int | None]) -> None:
        row, column = cell
        if row is None or column is None:
            self._choose_position(column if row is None else row)
            return
        query, key = self._query_key(row, column)
        self.store.select(position=query, key=key)
        self._inspect(self._tensor(), self.store.selection.head, query, key)

    def _choose_edge(self, index: int) -> None:
        edges, patterns = self.graph.edges, self._patterns
        if edges is None or patterns is None:
            return
        layer, head = int(edges.layer_E[index]), int(edges.head_E[index])
        query, key = int(edges.query_E[index]), int(edges.key_E[index])
        pattern_HQS = patterns.layers_HQS[layer]
        assert pattern_HQS is not None
        if head < 0:  # of a mean, the head that gives most stands for it
            head = int(pattern_HQS[:, query, key].argmax())
        self.store.select(layer=layer, head=head, position=query, key=key)
        self._inspect((tensor_name(layer), pattern_HQS[head]), head, query, key)

    def _choose_position(self, position: int | None) -> None:
        if position is not None:
            self.store.select(position=position)

    def _inspect(
        self, tensor: tuple[str, NDArray[Any] | None], head: int, query: int, key: int
    ) -> None:
        (name, values_QS), trace, model = tensor, self.store.trace, self.store.model
        if trace is None or model is None or values_QS is None or max(query, key) >= len(values_QS):
            return
        says = words.score_sentence if name.endswith("scores") else words.weight_sentence
        value = float(values_QS[query, key])
        self.store.inspect(
            Inspected(
                name=name,
                index=(0, head, query, key),
                value=value,
                dtype=model.dtype,
                code=f'trace["{name}"][0, {head}, {query}, {key}]',
                note=says(trace.tokens, query, key, value),
            )
        )

    def export_data(self) -> Mapping[str, NDArray[Any]]:
        self._take_patterns()
        patterns = self._patterns
        if patterns is None:
            return {}
        data: dict[str, NDArray[Any]] = {
            "tokens": np.array(patterns.labels),
            "token_ids": np.array([token.id for token in patterns.tokens]),
        }
        name, values_QS = self._tensor()
        if values_QS is not None:
            data[f"{name}.head_{self.store.selection.head}"] = values_QS
        for layer, pattern_HQS in enumerate(patterns.layers_HQS):
            if pattern_HQS is not None:
                data[tensor_name(layer)] = pattern_HQS
        return data

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self._chosen:
            self.clear_chosen()
        else:
            super().keyPressEvent(event)

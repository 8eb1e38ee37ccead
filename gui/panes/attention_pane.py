"""Attention: all heads as a mosaic, one head as a matrix, and the weights as a graph.

Draws the patterns and scores of the trace as they are; moves layer, head, position and key of
the selection. Knows the store and its three views, no other pane.

Shape suffixes: L layers, H heads, Q queries, S keys.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QAction, QActionGroup, QColor, QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QMenu, QSlider, QToolButton, QWidget

from gui import theme
from gui.panes.base import EmptyState, Pane
from gui.store import Inspected, Store
from gui.widgets import attention_words as words
from gui.widgets.action_row import HEIGHT as ROW
from gui.widgets.action_row import ActionRow
from gui.widgets.attention_edges import (
    Edges,
    Reduction,
    edges_of_heads,
    edges_over_heads,
    over_heads,
)
from gui.widgets.attention_graph import AttentionGraph
from gui.widgets.head_mosaic import HeadMosaic, MosaicCell
from gui.widgets.heat_map import HeatMap
from gui.widgets.heat_map_layout import HeatMapContent
from gui.widgets.missing import MissingActivation
from gui.widgets.text import Text
from model.tokens import visible

PAD = 6
READOUT = 20
THREE_COLUMNS = 900
TWO_COLUMNS = 480
GRAPH_BELOW = 620
MATRIX_BELOW = 460
"""Widths and heights from which on a view joins the others, logical pixels."""

VIEWS = {
    "heads": ("Heads", "All layers and heads as one mosaic"),
    "matrix": ("Matrix", "The selected head: every query against every key"),
    "graph": ("Graph", "Attention weights as edges between layers"),
    "all": ("All", "Everything that finds room beside each other"),
}
GRAPH_MODES = {
    "head": ("This head", "Edges of the selected head"),
    "chosen": ("Chosen heads", "Edges of the heads that were added with Ctrl+click in the mosaic"),
    "max": ("All heads: largest", "For each pair of positions, the largest weight of all heads"),
    "mean": ("All heads: mean", "For each pair of positions, the mean weight over all heads"),
}


class AttentionPane(Pane):
    """Mosaic, matrix and graph, arranged by the room that there is."""

    key: ClassVar[str] = "attention"
    title: ClassVar[str] = "Attention"
    hint: ClassVar[str] = (
        "Which earlier tokens each token reads, in every head of every layer. Arrow keys move "
        "through heads in the mosaic, through cells in the matrix."
    )

    def __init__(self, store: Store, parent: QWidget | None = None) -> None:
        super().__init__(store, parent)
        self.mosaic = HeadMosaic(self)
        self.heat_map = HeatMap(self)
        self.graph = AttentionGraph(self)
        self._empty = EmptyState("", self)
        self._missing = MissingActivation(self)
        self._readout = Text("", self, tone="dim", font=theme.mono(theme.SMALL_FONT_SIZE))
        self._make_controls()

        self._trace: object = None
        self._n_fetched = 0
        self._version = 0  # counts up with every change of the patterns
        self._patterns_HQS: tuple[NDArray[Any] | None, ...] = ()
        self._masked_QS: NDArray[np.bool_] = np.zeros((0, 0), np.bool_)
        self._reduced: dict[Reduction, tuple[NDArray[Any] | None, ...]] = {}
        self._chosen: list[tuple[int, int]] = []
        self._drawn: dict[str, tuple[object, ...]] = {}
        self._shown: frozenset[str] = frozenset()
        self._hover_text = ""
        self._hovering = False

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
        self._missing.fetch_requested.connect(store.fetch_activation)
        for signal in (
            store.model_changed,
            store.trace_changed,
            store.activation_changed,
            store.selection_changed,
        ):
            signal.connect(self.invalidate)

    # ------------------------------------------------------------------------ controls

    def _make_controls(self) -> None:
        self._views = QActionGroup(self)
        for name, (text, tip) in VIEWS.items():
            self._action(text, tip, name, self._views)
        self._action_of(self._views, "all").setChecked(True)
        self._views.triggered.connect(self._view_chosen)
        self._view_row = ActionRow(self._views.actions(), "Views of attention", self)

        self._tensors = QActionGroup(self)
        self._action(
            "Pattern", "Weights after the softmax: each query's sum to 1", "pattern", self._tensors
        ).setChecked(True)
        self._action(
            "Scores", "q · k / √d_head, before the softmax: signed", "attn_scores", self._tensors
        )
        self._tensors.triggered.connect(self.invalidate)
        self._transpose = self._action(
            "Transpose", "Columns as queries instead of rows, as in some talks"
        )
        self._to_largest = self._action(
            "To largest", "Let the colours end at the largest weight drawn instead of at 1"
        )
        self._hide_first = self._action(
            "Hide first", "Leave the first token, which often holds most, out of the colours"
        )
        self._fit = self._action("Fit", "The whole matrix, however small its cells (0 key: back)")
        for action in (self._transpose, self._to_largest, self._hide_first):
            action.toggled.connect(self.invalidate)
        self._fit.toggled.connect(self.heat_map.set_fit)
        self._matrix_row = ActionRow(
            [
                *self._tensors.actions(),
                self._transpose,
                self._to_largest,
                self._hide_first,
                self._fit,
            ],
            "Matrix",
            self,
        )

        self._modes = QActionGroup(self)
        for name, (text, tip) in GRAPH_MODES.items():
            self._action(text, tip, name, self._modes)
        self._action_of(self._modes, "max").setChecked(True)
        self._modes.triggered.connect(self._mode_changed)
        self._mode_button = QToolButton()
        self._mode_button.setFont(theme.sans(theme.SMALL_FONT_SIZE))
        self._mode_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self._mode_button.setToolTip("Which heads the graph draws")
        self._mode_button.setAccessibleName("Heads in the graph")
        menu = QMenu(self._mode_button)
        menu.setToolTipsVisible(True)
        menu.addActions(self._modes.actions())
        self._mode_button.setMenu(menu)
        self._slider = QSlider(Qt.Orientation.Horizontal)
        self._slider.setRange(0, 300)
        self._slider.setAccessibleName("Least weight in the graph")
        self._slider.setToolTip("Draw edges of at least this weight")
        self._slider.setMinimumWidth(50)
        self._least = Text("", tone="dim", font=theme.mono(theme.SMALL_FONT_SIZE))
        self._least.setFixedWidth(self._least.fontMetrics().horizontalAdvance("≥ 0.0000"))
        self._graph_row = QWidget(self)
        row = QHBoxLayout(self._graph_row)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self._mode_button)
        row.addWidget(self._slider, 1)
        row.addWidget(self._least)
        self._graph_row.setFixedHeight(ROW)
        self._slider.valueChanged.connect(self._threshold_changed)
        self.set_threshold(0.3)
        self._mode_changed()

    def _action(
        self, text: str, tip: str, data: str = "", group: QActionGroup | None = None
    ) -> QAction:
        action = QAction(text, self)
        action.setToolTip(tip)
        action.setCheckable(True)
        action.setData(data)
        if group is not None:
            group.addAction(action)
        return action

    @staticmethod
    def _action_of(group: QActionGroup, data: str) -> QAction:
        return next(action for action in group.actions() if action.data() == data)

    # ------------------------------------------------------------------------- actions

    @property
    def view(self) -> str:
        """``heads``, ``matrix``, ``graph`` or ``all``."""
        return self._views.checkedAction().data()

    def set_view(self, name: str) -> None:
        """Show one view, or all that find room."""
        self._action_of(self._views, name).setChecked(True)
        self._view_chosen()

    def set_tensor(self, name: str) -> None:
        """Draw the ``pattern`` or the ``attn_scores`` in the matrix."""
        self._action_of(self._tensors, name).setChecked(True)
        self.invalidate()

    def toggle_transpose(self) -> None:
        """Swap rows and columns of the matrix."""
        self._transpose.toggle()

    def set_hide_first(self, hide: bool) -> None:
        """Leave the first token out of the colours, or take it back."""
        self._hide_first.setChecked(hide)

    def set_scale_to_largest(self, scale: bool) -> None:
        """Let the colours end at the largest weight drawn, or at 1."""
        self._to_largest.setChecked(scale)

    def set_fit(self, fit: bool) -> None:
        """Show the whole matrix, however small its cells."""
        self._fit.setChecked(fit)

    @property
    def graph_mode(self) -> str:
        """``head``, ``chosen``, ``max`` or ``mean``."""
        return self._modes.checkedAction().data()

    def set_graph_mode(self, name: str) -> None:
        """Which heads the graph draws."""
        self._action_of(self._modes, name).setChecked(True)
        self._mode_changed()

    @property
    def threshold(self) -> float:
        """The least weight of an edge in the graph, 0.001 to 1."""
        return round(10 ** (self._slider.value() / 100 - 3), 4)

    def set_threshold(self, weight: float) -> None:
        """Set the least weight of an edge, to the nearest step of the slider."""
        self._slider.setValue(round(100 * (np.log10(max(weight, 1e-3)) + 3)))

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
        self.set_graph_mode("chosen" if self._chosen else "head")

    def clear_chosen(self) -> None:
        """Empty the set of heads."""
        self._chosen.clear()
        if self.graph_mode == "chosen":
            self.set_graph_mode("head")
        self.invalidate()

    @property
    def chosen(self) -> tuple[tuple[int, int], ...]:
        """The (layer, head) pairs that were added to the graph."""
        return tuple(self._chosen)

    def _view_chosen(self) -> None:
        self._arrange()
        self.invalidate()

    def _mode_changed(self) -> None:
        self._mode_button.setText(f"{GRAPH_MODES[self.graph_mode][0]} ▾")
        self.invalidate()

    def _threshold_changed(self) -> None:
        weight = self.threshold
        self._least.setText(f"≥ {weight:.2f}" if weight >= 0.1 else f"≥ {weight:.3f}")
        self.invalidate()

    # ------------------------------------------------------------------------- drawing

    def refresh(self) -> None:
        self._take_patterns()
        self._arrange()
        if self._trace is None:
            self._empty.setText(self._why_empty())
            self._empty.update()
            return
        if "heads" in self._shown:
            self._draw_mosaic()
        if "matrix" in self._shown:
            self._draw_matrix()
        if "graph" in self._shown:
            self._draw_graph()
        self._show_facts()

    def _why_empty(self) -> str:
        if self.store.model is None:
            return "Open a model to see where its heads look."
        return self.store.prompt_problem or "Type a prompt to see where each token looks."

    def _take_patterns(self) -> None:
        store = self.store
        trace = store.trace if store.model is not None else None
        if trace is self._trace and len(store.fetched) == self._n_fetched:
            return
        self._trace, self._n_fetched = trace, len(store.fetched)
        self._version += 1
        self._reduced = {}
        if trace is None or store.model is None:
            self._patterns_HQS = ()
            return
        config, n = store.model.config, trace.n_tokens
        names = (_name(layer, "pattern") for layer in range(config.n_layers))
        arrays = (store.activation(name) for name in names)
        self._patterns_HQS = tuple(None if array is None else array[0] for array in arrays)
        self._masked_QS = np.triu(np.full((n, n), config.causal), 1)
        heads = config.n_heads
        self._chosen = [(la, h) for la, h in self._chosen if la < config.n_layers and h < heads]

    def _changed(self, view: str, *key: object) -> bool:
        """Whether a view must draw anew; notes what it is drawn from."""
        key = (self._version, theme.current().name, *key)
        if self._drawn.get(view) == key:
            return False
        self._drawn[view] = key
        return True

    def _draw_mosaic(self) -> None:
        assert self.store.model is not None
        hide = self._hide_first.isChecked()
        if self._changed("heads", hide):
            masked_QS = self._masked_QS
            if hide:
                masked_QS = masked_QS.copy()
                masked_QS[:, 0] = True
            n_heads = self.store.model.config.n_heads
            self.mosaic.set_patterns(self._patterns_HQS, n_heads, masked_QS)
        self.mosaic.set_selected(self.store.selection.layer, self.store.selection.head)
        self.mosaic.set_chosen(self._chosen_colors() if self.graph_mode == "chosen" else {})

    def _chosen_colors(self) -> dict[tuple[int, int], QColor]:
        series = theme.current().series
        return {head: QColor(series[i % len(series)]) for i, head in enumerate(self._chosen)}

    def _tensor(self) -> tuple[str, NDArray[Any] | None]:
        """Name and values ``[Q, S]`` of what the matrix draws; None if it was left out."""
        selection = self.store.selection
        name = _name(selection.layer, self._tensors.checkedAction().data())
        array = self.store.activation(name)
        return name, None if array is None else array[0, selection.head]

    def _draw_matrix(self) -> None:
        selection = self.store.selection
        name, values_QS = self._tensor()
        self._missing.set_name(name if values_QS is None else "")
        self._missing.setVisible(values_QS is None)
        self.heat_map.setVisible(values_QS is not None)
        if values_QS is None:
            self._drawn.pop("matrix", None)
            return
        options = (self._transpose, self._to_largest, self._hide_first)
        states = tuple(action.isChecked() for action in options)
        if self._changed("matrix", name, selection.head, *states):
            self.heat_map.set_content(self._matrix_content(name, values_QS, *states))
        transposed = states[0]
        query, key = selection.position, selection.key
        self.heat_map.set_marks(
            (None, query) if transposed else (query, None),
            None if key is None else (key, query) if transposed else (query, key),
        )
        elsewhere = None if self._hovering else selection.hovered
        self.heat_map.set_lit(elsewhere, elsewhere)

    def _matrix_content(
        self, name: str, values_QS: NDArray[Any], transposed: bool, to_largest: bool, hide: bool
    ) -> HeatMapContent:
        labels = self._labels()
        signed = name.endswith("attn_scores")
        masked_QS = self._masked_QS | ~np.isfinite(values_QS)
        hidden_QS = np.zeros_like(masked_QS)
        hidden_QS[:, 0] = hide
        hidden_QS &= ~masked_QS
        drawn = values_QS[~masked_QS & ~hidden_QS]
        largest = float(np.abs(drawn).max()) if drawn.size else 0.0
        scaled = signed or (to_largest and largest > 0)
        title = "score q · k / √d" if signed else "attention weight"
        if scaled:
            title += ", colours end at the largest"
        shares = None if signed or not hide else words.shares(values_QS)
        if shares is not None:
            title += f" · hidden first token holds {words.percent(shares.first)}"
        rows, columns = ("keys", "queries") if transposed else ("queries", "keys")
        hatched = "masked" if masked_QS.any() else ""
        return HeatMapContent(
            values_RC=values_QS.T if transposed else values_QS,
            row_labels=labels,
            column_labels=labels,
            row_title=rows,
            column_title=columns,
            kind="diverging" if signed else "sequential",
            limit=(largest or 1.0) if scaled else 1.0,
            masked_RC=masked_QS.T if transposed else masked_QS,
            hidden_RC=hidden_QS.T if transposed else hidden_QS,
            value_title=title,
            masked_title=f"{hatched} or hidden".removeprefix(" or ") if hide else hatched,
            digits=1 if signed else 2,
        )

    def _draw_graph(self) -> None:
        selection, mode = self.store.selection, self.graph_mode
        of = (selection.layer, selection.head) if mode == "head" else ()
        of = tuple(self._chosen) if mode == "chosen" else of
        if self._changed("graph", mode, self.threshold, of):
            edges = self._edges()
            colors = self._chosen_colors() if mode == "chosen" else {}
            self.graph.set_edges(
                edges, self._labels(), len(self._patterns_HQS), self._graph_caption(edges), colors
            )
        self.graph.set_position(selection.position)
        self.graph.set_lit(None if self._hovering else selection.hovered)

    def _edges(self) -> Edges:
        patterns, selection, mode = self._patterns_HQS, self.store.selection, self.graph_mode
        match mode:
            case "head":
                heads = [(selection.layer, selection.head)]
                return edges_of_heads(patterns, heads, self.threshold)
            case "chosen":
                return edges_of_heads(patterns, self._chosen, self.threshold)
            case "max" | "mean":
                if mode not in self._reduced:
                    self._reduced[mode] = over_heads(patterns, mode)
                reduced = self._reduced[mode]
                return edges_over_heads(patterns, reduced, mode, self.threshold)
        raise ValueError(f"unknown mode {mode!r}")

    def _graph_caption(self, edges: Edges) -> str:
        assert self.store.model is not None
        selection, mode = self.store.selection, self.graph_mode
        if mode == "chosen" and not self._chosen:
            return "No head is chosen: Ctrl+click heads in the mosaic."
        what = {
            "head": f"layer {selection.layer} · head {selection.head}",
            "chosen": f"{len(self._chosen)} heads",
            "max": f"largest of {self.store.model.config.n_heads} heads",
            "mean": f"mean of {self.store.model.config.n_heads} heads",
        }[mode]
        number = f"{len(edges):,} {'edge' if len(edges) == 1 else 'edges'}"
        if edges.total > len(edges):
            number = f"strongest {len(edges):,} of {edges.total:,} edges"
        missing = sum(pattern is None for pattern in self._patterns_HQS)
        left_out = f" · {missing} layers left out of the trace" if missing else ""
        return f"{what} · {number} {self._least.text()}{left_out}"

    def _labels(self) -> tuple[str, ...]:
        trace = self.store.trace
        return () if trace is None else tuple(visible(token.bytes) for token in trace.tokens)

    # ----------------------------------------------------------------------- arranging

    def _arrange(self) -> None:
        """Place views and controls; which views find room is a choice, never a squeeze."""
        there = self.store.trace is not None and self.store.model is not None
        self._empty.setVisible(not there)
        self._empty.setGeometry(self.rect())
        width, height = self.width() - 2 * PAD, self.height() - PAD - READOUT
        top = PAD + ROW + 2
        boxes: dict[str, QRect] = {}
        row_boxes: dict[str, QRect] = {}
        if there:
            boxes = _boxes(self.view, QRect(PAD, top, width, max(1, height - top)))
        used = self._view_row.sizeHint().width()
        self._view_row.setVisible(there)
        self._view_row.setGeometry(PAD, PAD, min(used, width), ROW)
        for view, box in boxes.items():
            first_line = box.top() == top
            left = max(box.left(), PAD + used + 10) if first_line else box.left()
            row_boxes[view] = QRect(left, box.top() - ROW - 2, box.right() - left, ROW)
        for view, widget in (("heads", self.mosaic), ("graph", self.graph)):
            widget.setVisible(view in boxes)
            widget.setGeometry(boxes.get(view, QRect()))
        missing = bool(self._missing.name)
        self.heat_map.setVisible("matrix" in boxes and not missing)
        self._missing.setVisible("matrix" in boxes and missing)
        for widget in (self.heat_map, self._missing):
            widget.setGeometry(boxes.get("matrix", QRect()))
        for view, row in (("matrix", self._matrix_row), ("graph", self._graph_row)):
            row.setVisible(view in boxes)
            row.setGeometry(row_boxes.get(view, QRect()))
        self._readout.setVisible(there)
        self._readout.setGeometry(PAD + 2, self.height() - READOUT - 2, width - 4, READOUT)
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

    # ------------------------------------------------------------- exact numbers, hover

    def header_note(self) -> str:
        trace, selection = self.store.trace, self.store.selection
        if trace is None:
            return ""
        note = f"layer {selection.layer} · head {selection.head}"
        shares = self._shares()
        if shares is not None:
            note += f" · first token {words.percent(shares.first)}"
            note += f" · previous {words.percent(shares.previous)}"
        return note

    def _shares(self) -> words.Shares | None:
        selection = self.store.selection
        array = self.store.activation(_name(selection.layer, "pattern"))
        return None if array is None else words.shares(array[0, selection.head])

    def _show_facts(self) -> None:
        text = self._hover_text
        if not text:
            shares = self._shares()
            if shares is not None:
                text = (
                    f"this head reads: first token {words.percent(shares.first)}, previous "
                    f"{words.percent(shares.previous)}, itself {words.percent(shares.itself)} "
                    f"(mean over positions 1–{shares.n_queries})"
                )
        self._readout.setText(text)
        self._readout.setToolTip(text)

    def _say(self, text: str, hovered: int | None, over: bool) -> None:
        self._hover_text, self._hovering = text, over
        self.store.select(hovered=hovered)
        self._show_facts()

    def _hover_tile(self, cell: MosaicCell | None) -> None:
        text = "" if cell is None else self._describe_tile(cell).replace("\n", "   ")
        self._say(text, None, False)

    def _hover_cell(self, cell: tuple[int | None, int | None] | None) -> None:
        if cell is None or self._trace is None:
            self._say("", None, False)
            return
        row, column = cell
        if row is None or column is None:
            # A label: its token lights everywhere, here as row and column.
            self._say("", row if row is not None else column, False)
            return
        text = self._describe_cell(row, column).replace("\n", "   ")
        self._say(text, self._query_key(row, column)[1], True)

    def _hover_edge(self, index: int | None) -> None:
        edges = self.graph.edges
        if index is None or edges is None or index >= len(edges):
            self._say("", None, False)
            return
        text = self._describe_edge(index).replace("\n", "   ")
        self._say(text, int(edges.key_E[index]), True)

    def _hover_position(self, position: int | None) -> None:
        self._say("", position, False)

    def _query_key(self, row: int, column: int) -> tuple[int, int]:
        return (column, row) if self._transpose.isChecked() else (row, column)

    def _describe_cell(self, row: int, column: int) -> str:
        name, values_QS = self._tensor()
        if values_QS is None:
            return ""
        query, key = self._query_key(row, column)
        if not (0 <= query < values_QS.shape[0] and 0 <= key < values_QS.shape[1]):
            return ""
        return self._describe(name, self.store.selection.head, query, key, values_QS[query, key])

    def _describe_tile(self, cell: MosaicCell) -> str:
        pattern_HQS = self._patterns_HQS[cell.layer]
        if pattern_HQS is None:
            return f"layer {cell.layer} · head {cell.head}: left out of the trace"
        name, value = _name(cell.layer, "pattern"), pattern_HQS[cell.head, cell.query, cell.key]
        return self._describe(name, cell.head, cell.query, cell.key, value)

    def _describe(self, name: str, head: int, query: int, key: int, value: float) -> str:
        trace = self.store.trace
        if trace is None or max(query, key) >= trace.n_tokens:
            return ""
        masked = " · masked" if self._masked_QS[query, key] else ""
        return (
            f"{words.exact(value)}{masked}\n"
            f"query {words.named(trace.tokens, query)} → key {words.named(trace.tokens, key)}\n"
            f"{name}[0, {head}, {query}, {key}]"
        )

    def _describe_edge(self, index: int) -> str:
        edges, model = self.graph.edges, self.store.model
        if edges is None or model is None:
            return ""
        layer, head = int(edges.layer_E[index]), int(edges.head_E[index])
        query, key = int(edges.query_E[index]), int(edges.key_E[index])
        weight = float(edges.weight_E[index])
        name = _name(layer, "pattern")
        if head >= 0:
            text = self._describe(name, head, query, key, weight)
            return text + (" (largest of all heads)" if self.graph_mode == "max" else "")
        trace = self.store.trace
        if trace is None:
            return ""
        return (
            f"{words.exact(weight)} · mean of {model.config.n_heads} heads\n"
            f"query {words.named(trace.tokens, query)} → key {words.named(trace.tokens, key)}\n"
            f"{name}[0, :, {query}, {key}]"
        )

    def _choose_cell(self, cell: tuple[int | None, int | None]) -> None:
        row, column = cell
        if row is None or column is None:
            self._choose_position(row if row is not None else column)  # type: ignore[arg-type]
            return
        query, key = self._query_key(row, column)
        self.store.select(position=query, key=key)
        name, values_QS = self._tensor()
        if values_QS is not None:
            self._inspect(name, self.store.selection.head, query, key, values_QS[query, key])

    def _choose_edge(self, index: int) -> None:
        edges = self.graph.edges
        if edges is None or index >= len(edges):
            return
        layer, head = int(edges.layer_E[index]), int(edges.head_E[index])
        query, key = int(edges.query_E[index]), int(edges.key_E[index])
        pattern_HQS = self._patterns_HQS[layer]
        if pattern_HQS is None:
            return
        if head < 0:  # of a mean, the head that gives most stands for it
            head = int(pattern_HQS[:, query, key].argmax())
        self.store.select(layer=layer, head=head, position=query, key=key)
        name = _name(layer, "pattern")
        self._inspect(name, head, query, key, pattern_HQS[head, query, key])

    def _choose_position(self, position: int) -> None:
        self.store.select(position=position)

    def _inspect(self, name: str, head: int, query: int, key: int, value: float) -> None:
        trace, model = self.store.trace, self.store.model
        if trace is None or model is None:
            return
        says = words.score_sentence if name.endswith("scores") else words.weight_sentence
        self.store.inspect(
            Inspected(
                name=name,
                index=(0, head, query, key),
                value=float(value),
                dtype=model.dtype,
                code=f'trace["{name}"][0, {head}, {query}, {key}]',
                note=says(trace.tokens, query, key, float(value)),
            )
        )

    def export_data(self) -> Mapping[str, NDArray[Any]]:
        trace, selection = self.store.trace, self.store.selection
        if trace is None:
            return {}
        self._take_patterns()
        data: dict[str, NDArray[Any]] = {
            "tokens": np.array(self._labels()),
            "token_ids": np.array([token.id for token in trace.tokens]),
        }
        name, values_QS = self._tensor()
        if values_QS is not None:
            data[f"{name}.head_{selection.head}"] = values_QS
        for layer, pattern_HQS in enumerate(self._patterns_HQS):
            if pattern_HQS is not None:
                data[_name(layer, "pattern")] = pattern_HQS
        return data

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self._chosen:
            self.clear_chosen()
        else:
            super().keyPressEvent(event)


def _name(layer: int, tensor: str) -> str:
    return f"blocks.{layer}.attn.hook_{tensor}"


def _boxes(view: str, area: QRect) -> dict[str, QRect]:
    """Where each view goes that is shown."""
    if view != "all":
        return {view: area}
    x, y, w, h = area.x(), area.y(), area.width(), area.height()
    if w >= THREE_COLUMNS:
        first = min(max(round(0.25 * w), 210), 460)
        second = round(0.55 * (w - first))
        return {
            "heads": QRect(x, y, first - PAD, h),
            "matrix": QRect(x + first, y, second - PAD, h),
            "graph": QRect(x + first + second, y, w - first - second, h),
        }
    if w >= TWO_COLUMNS:
        first = max(round(0.36 * w), 205)
        above = round(0.56 * h) if h >= GRAPH_BELOW else h
        boxes = {
            "heads": QRect(x, y, first - PAD, above),
            "matrix": QRect(x + first, y, w - first, above),
        }
        if h >= GRAPH_BELOW:
            below = y + above + PAD + ROW + 2
            boxes["graph"] = QRect(x, below, w, y + h - below)
        return boxes
    if h >= MATRIX_BELOW:
        above = round(0.4 * h)
        return {
            "heads": QRect(x, y, w, above),
            "matrix": QRect(x, y + above + ROW + PAD, w, h - above - ROW - PAD),
        }
    return {"matrix": area}

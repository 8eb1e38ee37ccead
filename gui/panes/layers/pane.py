"""The network as a map from tokens to probabilities, stepped through operation by operation.

Draws `store.operations` and what the trace says about them; moves `selection.operation`. The
inspector shows the operation that is lit. Knows the store and the map, no other pane.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt
from PySide6.QtGui import QHideEvent, QKeyEvent
from PySide6.QtWidgets import QStackedLayout, QVBoxLayout, QWidget

from gui.panes.base import EmptyState, Pane
from gui.panes.layers import ENTRY
from gui.panes.layers.map import OperationMap
from gui.panes.layers.map_layout import OperationGraph
from gui.panes.layers.words import code_of
from gui.reading.trace_figures import TraceFigures
from gui.session.state import Inspected
from gui.session.store import Store
from gui.widgets.transport_bar import TransportBar
from model.operations import Operation


class LayersPane(Pane):
    """The map, and the buttons that step through it."""

    entry = ENTRY

    def __init__(self, store: Store, parent: QWidget | None = None) -> None:
        super().__init__(store, parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.map = OperationMap(self)
        self.transport = TransportBar("operation", self)
        self._empty = EmptyState("Open a model to see its layers.", self)
        self._operations: tuple[Operation, ...] = ()

        content = QWidget(self)
        layout = QVBoxLayout(content)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.map, 1)
        layout.addWidget(self.transport)
        self._stack = QStackedLayout(self)
        self._stack.addWidget(self._empty)
        self._stack.addWidget(content)

        self.map.operation_clicked.connect(self.go_to)
        self.map.cell_clicked.connect(self._inspect_cell)
        self.transport.first_requested.connect(self.go_to_first)
        self.transport.back_requested.connect(self.step_back)
        self.transport.forward_requested.connect(self.step_forward)
        self.transport.last_requested.connect(self.go_to_last)
        for signal in (
            store.model_changed,
            store.trace_changed,
            store.activation_changed,
            store.selection_changed,
            store.sampling_changed,
        ):
            signal.connect(self.invalidate)

    # ------------------------------------------------------------------------ actions

    def go_to(self, index: int) -> None:
        """Select an operation, and the layer that it belongs to."""
        ops = self.store.operations
        if not ops:
            return
        index = min(max(index, 0), len(ops) - 1)
        op = ops[index]
        self.setFocus(Qt.FocusReason.OtherFocusReason)
        if op.layer is None:
            self.store.select(operation=index)
        else:
            self.store.select(operation=index, layer=op.layer)
        if self._figures().missing(op):
            self.store.fetch_activation(op.output)

    def select_next_operation(self, step: int = 1) -> None:
        """Select the operation that many further, wherever the focus is."""
        self.store.select(operation=self.store.selection.operation + step)

    def step_forward(self) -> None:
        """To the next operation; playing ends at the last one."""
        here = self.store.selection.operation
        if here + 1 >= len(self.store.operations):
            self.transport.stop()
        else:
            self.go_to(here + 1)

    def step_back(self) -> None:
        """To the operation before."""
        self.go_to(self.store.selection.operation - 1)

    def go_to_first(self) -> None:
        """To the tokens."""
        self.go_to(0)

    def go_to_last(self) -> None:
        """To the probabilities."""
        self.go_to(len(self.store.operations) - 1)

    def next_block(self) -> None:
        """To the same operation one block further."""
        self._go_to_block(1)

    def previous_block(self) -> None:
        """To the same operation one block back."""
        self._go_to_block(-1)

    def toggle_play(self) -> None:
        """Step by itself from here, from the start if this is the end; or stop that."""
        at_last = self.store.selection.operation >= len(self.store.operations) - 1
        if not self.transport.playing and at_last:
            self.go_to_first()
        self.transport.toggle()

    def _go_to_block(self, step: int) -> None:
        if self.store.operations:
            graph = OperationGraph(self.store.operations)
            self.go_to(graph.counterpart(self.store.selection.operation, step))

    def _inspect_cell(self, index: int, at: int) -> None:
        """Show one value of a strip in the inspector."""
        vector = self._figures().vector(self.store.operations[index])
        self.go_to(index)
        if vector is None or self.store.model is None or self.store.trace is None:
            return
        op = self.store.operations[index]
        token = self.store.trace.tokens[self._figures().position]
        self.store.inspect(
            Inspected(
                name=op.output,
                index=(*vector.prefix, at),
                value=float(vector.values[at]),
                dtype=self.store.model.dtype,
                code=code_of(vector, at),
                note=f"{op.label} at “{self.store.model.token_text(token.id)}”. {op.sentence}",
            )
        )

    # ----------------------------------------------------------------------- drawing

    def refresh(self) -> None:
        if self.store.model is None:
            self.transport.stop()
            self._stack.setCurrentIndex(0)
            return
        self._stack.setCurrentIndex(1)
        if self.store.operations is not self._operations:
            self._operations = self.store.operations
            self.transport.stop()
            self.map.set_graph(OperationGraph(self._operations))
        here = self.store.selection.operation
        self.map.set_figures(self._figures())
        self.map.set_current(here)
        self.transport.set_ends(at_first=here == 0, at_last=here >= len(self._operations) - 1)
        op = self._operations[here]
        self.setAccessibleDescription(f"{op.output}: {op.label}. {op.formula}. {op.sentence}")

    def apply_theme(self) -> None:
        self.map.set_figures(self._figures())  # its pictures have the colours in them

    def header_note(self) -> str:
        n = len(self.store.operations)
        return f"op {self.store.selection.operation + 1} / {n}" if n else ""

    def export_data(self) -> Mapping[str, NDArray[Any]]:
        """One row an operation: its name, label, layer, shape, and how much it writes.

        ``relative_write`` is the mean over positions of ‖output‖ / ‖stream before the sum‖ for
        what is added to the residual stream, NaN for the rest and without a trace.
        """
        ops = self.store.operations
        if not ops:
            return {}
        figures, graph = self._figures(), OperationGraph(ops)
        ratios = np.full(len(ops), np.nan)
        for index in graph.written_by(0, len(ops) - 1):
            stream = ops[graph.inputs[graph.sums_of(index)[0]][0]].output
            ratio = figures.ratio(ops[index].output, stream)
            ratios[index] = np.nan if ratio is None else ratio
        return {
            "operation": np.arange(len(ops)),
            "name": np.array([op.output for op in ops]),
            "label": np.array([op.label for op in ops]),
            "layer": np.array([-1 if op.layer is None else op.layer for op in ops]),
            "shape": np.array([figures.shape(op) for op in ops]),
            "relative_write": ratios,
        }

    def _figures(self) -> TraceFigures:
        return TraceFigures(self.store)

    # ------------------------------------------------------------------------- events

    def keyPressEvent(self, event: QKeyEvent) -> None:
        actions = {
            Qt.Key.Key_Left: self.step_back,
            Qt.Key.Key_Right: self.step_forward,
            Qt.Key.Key_Up: self.previous_block,
            Qt.Key.Key_Down: self.next_block,
            Qt.Key.Key_Home: self.go_to_first,
            Qt.Key.Key_End: self.go_to_last,
            Qt.Key.Key_Space: self.toggle_play,
        }
        action = actions.get(Qt.Key(event.key()))
        if action is None or event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier:
            super().keyPressEvent(event)
            return
        action()
        event.accept()

    def hideEvent(self, event: QHideEvent) -> None:
        self.transport.stop()
        super().hideEvent(event)

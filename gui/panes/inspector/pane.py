"""Exact numbers of whatever is selected: one value with its index, and the current operation.

Values are read anew from each trace; nothing is rounded in the large number.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFrame, QHBoxLayout, QScrollArea, QToolButton, QVBoxLayout, QWidget

from gui import theme
from gui.panes.base import Pane
from gui.panes.inspector import ENTRY
from gui.panes.inspector.routing_map import RoutingMap
from gui.panes.inspector.tensor_block import TensorBlock, exact
from gui.reading.vectors import code_for, index_words, parameter_shape, value_now
from gui.session.state import Inspected
from gui.session.store import Store
from gui.widgets.text import Text
from model.operations import PROBABILITIES, Kind, Operation

_ROUTED: frozenset[Kind] = frozenset(
    {"router", "expert_weights", "expert_indices", "expert_shares", "mlp_out"}
)
"""Operations beside which it is shown which experts each token went to."""

_EXPERT = re.compile(r"\.experts\.\d+\.")


class InspectorPane(Pane):
    """The inspected number above, the current operation below."""

    entry = ENTRY

    def __init__(self, store: Store, parent: QWidget | None = None) -> None:
        super().__init__(store, parent)
        inner = QWidget(self)
        self.value = ValueCard(store, inner)
        self.operation = OperationCard(store, inner)
        self.value.copy_button.clicked.connect(self.copy_code)
        rule = QFrame(inner)
        rule.setFrameShape(QFrame.Shape.HLine)
        rule.setFixedHeight(1)
        self._rule = rule
        layout = QVBoxLayout(inner)
        layout.setContentsMargins(theme.SPACE, theme.SPACE, theme.SPACE, theme.SPACE)
        layout.setSpacing(theme.SPACE)
        layout.addWidget(self.value)
        layout.addWidget(rule)
        layout.addWidget(self.operation)
        layout.addStretch(1)
        self._scroll = QScrollArea(self)
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setWidgetResizable(True)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setWidget(inner)
        self._scroll.viewport().setAutoFillBackground(False)
        inner.setAutoFillBackground(False)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(self._scroll)
        self.apply_theme()

        for changed in (
            store.model_changed,
            store.trace_changed,
            store.activation_changed,
            store.sampling_changed,
            store.inspected_changed,
        ):
            changed.connect(self.invalidate)
        store.selection_changed.connect(self._on_selection)
        self._drawn_selection = (-1, -1, -1)

    def _on_selection(self) -> None:
        # Hovering changes the selection many times a second; nothing here depends on it.
        if self._drawn_selection != self._relevant_selection():
            self.invalidate()

    def _relevant_selection(self) -> tuple[int, int, int]:
        selection = self.store.selection
        return selection.position, selection.head, selection.operation

    def refresh(self) -> None:
        self._drawn_selection = self._relevant_selection()
        self.value.refresh()
        self.operation.refresh()

    def apply_theme(self) -> None:
        self._rule.setStyleSheet(f"background: {theme.current().line}; border: none;")

    def header_note(self) -> str:
        trace = self.store.trace
        if trace is not None and trace.step is not None:
            return f"step {trace.step:,}"
        n = len(self.store.operations)
        return f"operation {self.store.selection.operation + 1} of {n}" if n else ""

    def export_data(self) -> Mapping[str, NDArray[Any]]:
        data: dict[str, NDArray[Any]] = {}
        inspected = self.store.inspected
        if inspected is not None and self.value.number is not None:
            data["value"] = np.array([self.value.number])
            data["index"] = np.array(inspected.index)
        for block in self.operation.shown_blocks:
            if block.reading is not None:
                data[block.name] = np.asarray(block.reading.values)
        return data

    def copy_code(self) -> None:
        """Put the line of Python that fetches what is inspected on the clipboard.

        Without an inspected number, the line that fetches what the operation wrote.
        """
        inspected, op = self.store.inspected, self.operation.current
        code = inspected.code if inspected is not None else ""
        if not code and op is not None:
            code = code_for(self.store, op.output)
        if code:
            QGuiApplication.clipboard().setText(code)
            self.value.say_copied()


class ValueCard(QWidget):
    """One exact number: tensor, index in words, value, a line of Python, a sentence."""

    def __init__(self, store: Store, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.store = store
        self.number: float | None = None
        small = theme.SMALL_FONT_SIZE
        self._name = Text(
            parent=self, tone="dim", font=theme.mono(small), elide=Qt.TextElideMode.ElideLeft
        )
        self._index = Text(parent=self, font=theme.mono(small), wrap=True)
        self._value = Text(parent=self, tone="accent", font=theme.mono(theme.LARGE_FONT_SIZE))
        self._value.setAccessibleName("Exact value")
        self._dtype = Text(parent=self, tone="dim", font=theme.mono(small))
        self._code = Text(
            parent=self, tone="dim", font=theme.mono(small), elide=Qt.TextElideMode.ElideMiddle
        )
        self.copy_button = QToolButton(self)
        self.copy_button.setText("Copy")
        self.copy_button.setToolTip("Copy the line of Python that fetches this number")
        self.copy_button.setAccessibleName("Copy as a line of Python")
        self._note = Text(parent=self, font=theme.sans(small + 0.5), wrap=True)
        value = QHBoxLayout()
        value.setSpacing(theme.SPACE)
        value.addWidget(self._value)
        value.addWidget(self._dtype, 1, Qt.AlignmentFlag.AlignBottom)
        code = QHBoxLayout()
        code.setSpacing(theme.TIGHT)
        code.addWidget(self._code, 1)
        code.addWidget(self.copy_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(3)
        layout.addWidget(self._name)
        layout.addWidget(self._index)
        layout.addLayout(value)
        layout.addLayout(code)
        layout.addWidget(self._note)

    @property
    def value_text(self) -> str:
        """The number as it is written."""
        return self._value.text()

    @property
    def index_text(self) -> str:
        """The index as it is written."""
        return self._index.text().replace("\u00a0", " ")

    def refresh(self) -> None:
        """Read the inspected number from the present trace."""
        inspected = self.store.inspected
        for widget in (self._name, self._value, self._dtype, self._code, self.copy_button):
            widget.setVisible(inspected is not None)
        self.number = None
        if inspected is None:
            self._index.set_tone("dim")
            self._index.setText("")
            self._index.hide()
            self._note.set_tone("dim")
            self._note.setText("Click any cell, bar, chip or point: its exact number stands here.")
            self._note.show()
            return
        now = value_now(self.store, inspected)
        self.number = inspected.value if now is None else now
        self._name.setText(inspected.name)
        self._name.setToolTip(inspected.name)
        # A line may break between two indices, never inside one.
        words = [
            word.replace(" ", "\u00a0")
            for word in index_words(self.store, inspected.name, inspected.index)
        ]
        self._index.set_tone("text")
        self._index.setText(f"[{', '.join(words)}]" if words else "the whole tensor")
        self._index.show()
        self._value.setVisible(self.number is not None)
        if self.number is not None:
            self._value.setText(exact(self.number, inspected.dtype))
            self._value.set_tone("negative" if self.number < 0 else "accent")
        self._dtype.setText(inspected.dtype)
        self._code.setText(inspected.code)
        self._code.setToolTip(inspected.code)
        self._code.setVisible(bool(inspected.code))
        self.copy_button.setVisible(bool(inspected.code))
        self.copy_button.setText("Copy")
        self._note.set_tone("text")
        self._note.setText(self._sentence(inspected, now))
        self._note.setVisible(bool(self._note.text()))

    def _sentence(self, inspected: Inspected, now: float | None) -> str:
        if now is None and self._is_activation(inspected):
            return "Not in the present trace: this is the number as it was when it was selected."
        # The sentence was written about the number that was clicked, not about a later one.
        return inspected.note if now is None or now == inspected.value else ""

    def _is_activation(self, inspected: Inspected) -> bool:
        names = {op.output for op in self.store.operations}
        return inspected.name in names and inspected.value is not None

    def say_copied(self) -> None:
        """Let the button say so until something else is shown."""
        self.copy_button.setText("Copied")


class OperationCard(QWidget):
    """The current operation: what it does, what it reads and what it writes."""

    def __init__(self, store: Store, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.store = store
        self.current: Operation | None = None
        small = theme.SMALL_FONT_SIZE
        self._label = Text(parent=self, font=theme.sans(bold=True))
        self._place = Text(
            parent=self, tone="faint", font=theme.sans(small), align=Qt.AlignmentFlag.AlignRight
        )
        self._formula = Text(parent=self, font=theme.mono(), tone="accent", wrap=True)
        self._sentence = Text(parent=self, tone="dim", wrap=True)
        self._parameters = Text(parent=self, tone="dim", font=theme.mono(small - 0.5), wrap=True)
        self.routing = RoutingMap(store, self)
        self.routing.element_chosen.connect(store.inspect)
        self.routing.position_chosen.connect(self._select_position)
        self._blocks: list[TensorBlock] = []
        head = QHBoxLayout()
        head.setSpacing(theme.SPACE)
        head.addWidget(self._label, 1)
        head.addWidget(self._place)
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(theme.SPACE)
        self._layout.addLayout(head)
        self._layout.addWidget(self._formula)
        self._layout.addWidget(self._sentence)
        self._layout.addWidget(self._parameters)
        self._layout.addWidget(self.routing)

    @property
    def shown_blocks(self) -> list[TensorBlock]:
        """The tensors that are drawn: inputs, then the output."""
        n = 0 if self.current is None else len(self.current.inputs) + 1
        return self._blocks[:n]

    def refresh(self) -> None:
        """Show the operation that is selected."""
        store = self.store
        ops = store.operations
        self.current = op = ops[min(store.selection.operation, len(ops) - 1)] if ops else None
        for widget in (self._label, self._place, self._formula, self._parameters):
            widget.setVisible(op is not None)
        # Only what is too much: hiding and showing again would lay everything out twice.
        n_blocks = 0 if store.trace is None else len(self.shown_blocks)
        for block in self._blocks[n_blocks:]:
            block.hide()
        routed = op is not None and store.trace is not None and op.kind in _ROUTED
        self.routing.show_layer(op.layer if routed and op is not None else None)
        if op is None or store.model is None:
            self._sentence.setText("No model is open. Open a checkpoint to follow its operations.")
            return
        self._label.setText(op.label)
        self._place.setText(op.group if op.layer is None else f"block {op.layer} · {op.group}")
        self._formula.setText(op.formula)
        self._sentence.setText(self._words(op))
        self._parameters.setText("\n".join(self._parameter_lines(op)))
        self._parameters.setVisible(bool(op.parameters))
        if store.trace is None:
            return
        tensors = [("reads", name) for name in op.inputs] + [("writes", op.output)]
        while len(self._blocks) < len(tensors):
            block = TensorBlock(store, self)
            block.element_chosen.connect(store.inspect)
            self._layout.addWidget(block)
            self._blocks.append(block)
        for block, (role, name) in zip(self._blocks, tensors):
            block.show_tensor(role, name)
            block.show()

    def _words(self, op: Operation) -> str:
        if op.output != PROBABILITIES:
            return op.sentence
        s = self.store.sampling
        return (
            f"{op.sentence} τ is {s.temperature:g} now."
            if s.temperature
            else (f"{op.sentence} τ is 0 now: greedy, all on the likeliest.")
        )

    def _parameter_lines(self, op: Operation) -> list[str]:
        """A line for every parameter; what all experts have is one line."""
        assert self.store.model is not None
        config, lines = self.store.model.config, {}
        for name in op.parameters:
            sizes, axes = parameter_shape(config, name)
            shown = _EXPERT.sub(".experts.e.", name)
            each = f"  for each of {config.experts.n} experts" if config.experts else ""
            lines[shown] = f"{shown}  [{', '.join(map(str, sizes))}]  {axes}" + (
                each if shown != name else ""
            )
        return list(lines.values())

    def _select_position(self, position: int) -> None:
        self.store.select(position=position)

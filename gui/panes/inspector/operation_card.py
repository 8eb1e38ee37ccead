"""The current operation: what it does, what it reads and what it writes.

Draws what was answered; knows the store for what a click selects, no pane.
"""

from __future__ import annotations

import re

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from gui import theme
from gui.panes.inspector.routing_map import RoutingMap
from gui.panes.inspector.tensor_block import TensorBlock
from gui.reading.axes import parameter_shape
from gui.reading.vectors import FoundVectors
from gui.session.store import Store
from gui.widgets.formula import FormulaText
from gui.widgets.nest import nest
from gui.widgets.text import Text
from model.config import TransformerConfig
from model.operations import PROBABILITIES, Operation
from model.sampling import Sampling

_EXPERT = re.compile(r"\.experts\.\d+\.")


class OperationCard(QWidget):
    """Words about an operation, and its tensors below."""

    def __init__(self, store: Store, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.store = store
        self.current: Operation | None = None
        small = theme.SMALL_FONT_SIZE
        self._label = Text(parent=self, font=theme.sans(bold=True))
        self._place = Text(
            parent=self, tone="dim", font=theme.sans(small), align=Qt.AlignmentFlag.AlignRight
        )
        self._formula = FormulaText(self, font=theme.mono(), tone="accent")
        self._sentence = Text(parent=self, tone="dim", wrap=True)
        self._parameters = Text(parent=self, tone="dim", font=theme.mono(small - 0.5), wrap=True)
        self.routing = RoutingMap(store, self)
        self._blocks: list[TensorBlock] = []
        head = QHBoxLayout()
        head.setSpacing(theme.SPACE)
        head.addWidget(self._label, 1)
        head.addWidget(self._place)
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(theme.SPACE)
        nest(self._layout, head)
        self._layout.addWidget(self._formula)
        self._layout.addWidget(self._sentence)
        self._layout.addWidget(self._parameters)
        self._layout.addWidget(self.routing)

    @property
    def shown_blocks(self) -> list[TensorBlock]:
        """The tensors that are drawn: inputs, then the output."""
        n = 0 if self.current is None else len(self.current.inputs) + 1
        return self._blocks[:n]

    def show_operation(self, op: Operation | None, sampling: Sampling) -> None:
        """Say what an operation does.

        Args:
            op: which; None before a model is open.
            sampling: what probabilities are drawn with.
        """
        self.current = op
        for widget in (self._label, self._place, self._formula):
            widget.setVisible(op is not None)
        # Once: to show and to hide asks the screen where the mouse is, each time.
        self._parameters.setVisible(op is not None and bool(op.parameters))
        model = self.store.model
        if op is None or model is None:
            self._sentence.setText("No model is open. Open a checkpoint to follow its operations.")
            return
        self._label.setText(op.label)
        self._place.setText(op.group if op.layer is None else f"block {op.layer} · {op.group}")
        self._formula.setText(op.formula)
        self._sentence.setText(_words(op, sampling))
        self._parameters.setText("\n".join(_parameter_lines(op, model.config)))

    def show_tensors(self, found: FoundVectors | None, problem: str) -> None:
        """Draw what the operation reads and writes.

        Args:
            found: what was answered last; perhaps still of another operation or position.
            problem: why what is wanted now can't be had; empty if it can.
        """
        op = self.current
        seen = op is not None and self.store.subject is not None
        # Only what is too much: hiding and showing again would lay everything out twice.
        for block in self._blocks[len(self.shown_blocks) if seen else 0 :]:
            block.hide()
        if op is None or not seen:
            return
        tensors = [("reads", name) for name in op.inputs] + [("writes", op.output)]
        while len(self._blocks) < len(tensors):
            block = TensorBlock(self)
            block.element_chosen.connect(self.store.inspect)
            self._layout.addWidget(block)
            self._blocks.append(block)
        assert self.store.model is not None
        for block, (role, name) in zip(self._blocks, tensors):
            block.show_tensor(role, name, self.store.model, found, problem)
            block.set_inspected(self.store.inspected)
            block.show()


def _words(op: Operation, sampling: Sampling) -> str:
    if op.output != PROBABILITIES:
        return op.sentence
    t = sampling.temperature
    now = f"{t:g} now." if t else "0 now: greedy, all on the likeliest."
    return f"{op.sentence} τ is {now}"


def _parameter_lines(op: Operation, config: TransformerConfig) -> list[str]:
    """A line for every parameter; what all experts have is one line."""
    lines = {}
    for name in op.parameters:
        sizes, axes = parameter_shape(config, name)
        shown = _EXPERT.sub(".experts.e.", name)
        each = f"  for each of {config.experts.n} experts" if config.experts else ""
        lines[shown] = f"{shown}  [{', '.join(map(str, sizes))}]  {axes}" + (
            each if shown != name else ""
        )
    return list(lines.values())

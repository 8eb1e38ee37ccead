"""Exact numbers of whatever is selected: one value with its index, and the current operation.

What is shown was answered; nothing is rounded in the large number.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFrame, QScrollArea, QVBoxLayout, QWidget

from gui import theme
from gui.panes.base import NO_TOKEN, Pane
from gui.panes.inspector import ENTRY
from gui.panes.inspector.operation_card import OperationCard
from gui.panes.inspector.value_card import NO_BREAK, ValueCard
from gui.reading import code, waiting
from gui.reading.inspecting import operation_of, question_of
from gui.reading.numbers import asks_anew, exact, shown
from gui.reading.sentences import place_among
from gui.reading.vectors import FoundVectors
from gui.session.store import Store
from model.operations import PROBABILITIES, Kind, Operation
from model.probe.number.asks import Number, NumberFound
from model.probe.question import Named, Question
from model.probe.tensors.asks import Tensors, TensorsFound
from model.probe.vectors.asks import Vectors
from model.sampling import OWN, Sampling

_ROUTED: frozenset[Kind] = frozenset(
    {"router", "expert_weights", "expert_indices", "expert_shares", "mlp_out"}
)
"""Operations beside which it is shown which experts each token went to."""

ANSWER_MS = 40
"""How long words of another operation wait for its numbers, so that both are drawn at once."""


class InspectorPane(Pane):
    """The inspected number above, the current operation below."""

    entry = ENTRY
    draws_next = True

    def __init__(self, store: Store, parent: QWidget | None = None) -> None:
        super().__init__(store, parent)
        inner = QWidget(self)
        self.value = ValueCard(inner)
        self.operation = OperationCard(store, inner)
        self.value.copy_button.clicked.connect(self.copy_code)
        self.operation.routing.element_chosen.connect(store.inspect)
        self.operation.routing.position_chosen.connect(self._select_position)
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

        self._drawn = (-1, -1)
        store.model_changed.connect(self.invalidate)
        store.sampling_changed.connect(self.ask)
        store.inspected_changed.connect(self.ask)
        store.inspected_changed.connect(self.invalidate)
        store.subject_changed.connect(self._on_subject)
        store.selection_changed.connect(self._on_selection)

    # ---------------------------------------------------------------------- questions

    def questions(self) -> Mapping[str, Question]:
        """The operation's vectors, its routing, and the inspected number where it is read anew."""
        selection, op = self.store.selection, self._operation
        asked: dict[str, Question] = {}
        if op is not None:
            names = (*op.inputs, op.output)
            asked["vectors"] = Vectors(
                names,
                selection.position,
                selection.head,
                along_positions=True,
                sampling=self.store.sampling if PROBABILITIES in names else OWN,
            )
            model = self.store.model
            if op.kind in _ROUTED and model is not None and model.config.experts is not None:
                name = f"blocks.{op.layer}.mlp.hook_expert"
                asked["routing"] = Tensors((f"{name}_indices", f"{name}_shares", f"{name}_weights"))
        number = self._number_wanted()
        if number is not None:
            asked["number"] = number
        return asked

    def other_questions(self) -> Mapping[str, Question]:
        """The same number of the other side, at the token that belongs to its own."""
        store, inspected = self.store, self.store.inspected
        if inspected is None or store.model is None or not inspected.index:
            return {}
        op = operation_of(store.model.config, inspected.name)
        if op is None or not store.comparing.same_places:
            return {}
        index = list(inspected.index)
        for axis, letter in enumerate(op.shape):
            if letter in "TQS":
                at = store.comparing.other_position(index[axis])
                if at is None:
                    return {}
                index[axis] = at
        return {"number": question_of(inspected.name, tuple(index), store.sampling)}

    def _sides(self) -> tuple[float, float] | None:
        """The inspected number of A and of B, while a difference is shown."""
        mine, found = self.value.number, self.other("number", NumberFound)
        if mine is None or found is None or found.value is None:
            return None
        a, b = self.store.comparing.sides.in_order(mine, found.value)
        return a, b

    def _show_sides(self) -> None:
        comparing, inspected, sides = self.store.comparing, self.store.inspected, self._sides()
        if sides is None or inspected is None:
            self.value.show_sides("")
            return
        (a, b), (name_a, name_b) = sides, comparing.sides.names
        digits = [exact(value, inspected.dtype) for value in sides]
        parts = (
            f"{name_a} {digits[0]}",
            f"{name_b} {digits[1]}",
            f"{comparing.sides.difference} {b - a:+.6g}",
        )
        # A line may break between two of them, never inside one.
        self.value.show_sides("   ".join(part.replace(" ", NO_BREAK) for part in parts))

    @property
    def _operation(self) -> Operation | None:
        ops = self.store.operations
        return ops[min(self.store.selection.operation, len(ops) - 1)] if ops else None

    def _number_wanted(self) -> Number | None:
        store = self.store
        return asks_anew(store.inspected, store.model, store.subject, store.sampling)

    def _on_subject(self) -> None:
        if self.store.subject is None:  # refused: nothing will be answered
            self.invalidate()

    def _on_selection(self) -> None:
        # Hovering changes the selection many times a second; nothing here depends on it.
        if self._drawn != self._relevant_selection() and self.isVisible():
            self._dirty = True
            if not self._timer.isActive():
                self._timer.start(ANSWER_MS)

    def _relevant_selection(self) -> tuple[int, int]:
        selection = self.store.selection
        return selection.position, selection.operation

    # ------------------------------------------------------------------------ drawing

    def refresh(self) -> None:
        self._drawn = self._relevant_selection()
        store, inspected = self.store, self.store.inspected
        if inspected is None or store.model is None:
            self.value.clear()
        else:
            wanted = self._number_wanted()
            slot = self.slot("number")
            self.value.show_number(
                inspected, shown(inspected, store.model, store.subject, wanted, slot)
            )
        self._show_sides()
        slot = self.slot("vectors")
        found = FoundVectors.of(slot)
        self.operation.show_operation(self._operation, self._sampling_of(found))
        self.operation.show_tensors(found, "" if slot is None else slot.problem)
        slot = self.slot("routing")
        tensors = self.answered("routing", TensorsFound)
        self.operation.routing.show_routing(tensors, None if slot is None else slot.read)

    def _sampling_of(self, found: FoundVectors | None) -> Sampling:
        """What the probabilities that are drawn were drawn with."""
        if found is None or PROBABILITIES not in found.answer.vectors:
            return self.store.sampling
        return found.asked.sampling

    def apply_theme(self) -> None:
        self._rule.setStyleSheet(f"background: {theme.current().line}; border: none;")

    def no_difference(self) -> str:
        comparing, read = self.store.comparing, self.store.read
        if read is None or comparing.no_places:
            return comparing.no_places
        at = comparing.other_position(min(self.store.selection.position, read.n_tokens - 1))
        return "" if at is not None else NO_TOKEN

    def header_note(self) -> str:
        n = len(self.store.operations)
        if not n:
            return ""
        parts = [place_among(self.store.selection.operation, n)]
        found = FoundVectors.of(self.slot("vectors"))
        if found is not None and found.read.step is not None:
            parts.append(f"step {found.read.step:,}")
        parts.append(waiting.words(self.store.asked.waits(self.key)))
        return " · ".join(filter(None, parts))

    def code(self) -> str:
        """The inspected number from a trace of its prompt, and the vectors that are drawn."""
        number, subject = self.value.shown, self.store.subject
        answers = self.store.asked.answers(self.key, self.store.model)
        answers.pop("number", None)
        lines = code.of_answers(answers)
        if number is None or not number.code:
            return lines
        trace = code.tracing(subject) if subject is not None and "trace" in number.code else ""
        return code.together(trace, lines, f"number = {number.code}")

    def export_data(self) -> Mapping[str, Named]:
        """The inspected number with its index, and the vectors that are drawn, by name."""
        data: dict[str, Named] = {}
        inspected = self.store.inspected
        if inspected is not None and self.value.number is not None:
            data["tensor"] = Named(np.array(inspected.name), ())
            data["value"] = Named(np.array(self.value.number), ())
            data["index"] = Named(np.array(inspected.index), ("axis",))
            number = self.answered("number", NumberFound)
            if self._number_wanted() is not None and number is not None:
                data |= number.arrays()
            if (sides := self._sides()) is not None:
                for name, value in zip(self.store.comparing.sides.names, sides, strict=True):
                    data[name] = Named(np.array(value), ())
        found = FoundVectors.of(self.slot("vectors"))
        if found is not None:
            arrays = found.answer.arrays()
            drawn = [block.name for block in self.operation.shown_blocks if block.reading]
            data |= {name: arrays[name] for name in drawn if name in arrays}
        return data

    # ------------------------------------------------------------------------ actions

    def copy_code(self) -> None:
        """Put the line of Python that fetches what is inspected on the clipboard.

        Without an inspected number, the line that fetches what the operation wrote.
        """
        op, number = self.operation.current, self.value.shown
        line = "" if number is None else number.code
        if not line and op is not None:
            at = self.store.selection.position
            line = code.activation(op.output, sampling=self.store.sampling, position=at)
        if line:
            QGuiApplication.clipboard().setText(line)
            self.value.say_copied()

    def _select_position(self, position: int) -> None:
        self.store.select(position=position)

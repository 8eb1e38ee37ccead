"""The network as a map from tokens to probabilities, stepped through operation by operation.

Draws `store.operations` and what was answered about those in view; moves `selection.operation`.
The inspector shows the operation that is lit. Knows the store and the map, no other pane.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QFocusEvent, QHideEvent, QKeyEvent, QShowEvent
from PySide6.QtWidgets import QStackedLayout, QVBoxLayout, QWidget

from gui import theme
from gui.panes.base import EmptyState, Pane
from gui.panes.layers import ENTRY
from gui.panes.layers.changes import changes
from gui.panes.layers.figures import IN_WORDS, Figures
from gui.panes.layers.map import OperationMap
from gui.panes.layers.map_layout import OperationGraph
from gui.panes.layers.two_sides import TwoSides, sizes, vectors_apart, whole_question
from gui.reading import intervening as reading
from gui.reading import waiting
from gui.reading.inspecting import inspected
from gui.reading.sentences import OperationSentence, place_among
from gui.reading.vectors import FoundVectors
from gui.session.store import Store
from gui.widgets.offer_menu import MenuItem, OfferMenu
from gui.widgets.text import Text
from gui.widgets.transport_bar import TransportBar
from model.interventions import Intervention
from model.operations import LOGITS, PROBABILITIES, Operation
from model.probe.difference.asks import Difference, DifferenceFound
from model.probe.lens.asks import Lens, LensFound
from model.probe.next_token.asks import NextToken, NextTokenFound
from model.probe.question import Question
from model.probe.vectors.asks import Vectors, VectorsFound
from model.probe.writes.asks import Writes, WritesFound
from model.subject import Subject


class LayersPane(Pane):
    """The map, and the buttons that step through it.

    Attributes:
        map: the map.
        problem: why the values of what is selected can't be had.
        transport: the buttons.
    """

    entry = ENTRY

    def __init__(self, store: Store, parent: QWidget | None = None) -> None:
        super().__init__(store, parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.map = OperationMap(self)
        self.transport = TransportBar(store.walking, "operation", "block", self, narrow=True)
        self.problem = Text(parent=self, tone="dim", wrap=True)
        self.problem.setContentsMargins(theme.SPACE, theme.TIGHT, theme.SPACE, theme.TIGHT)
        self.problem.hide()
        self._empty = EmptyState("Open a model to see its layers.", self)
        self._operations: tuple[Operation, ...] = ()
        self._followed = -1
        self._figures: Figures | None = None
        self._sides: TwoSides | None = None  # of a comparison, while its difference is drawn

        content = QWidget(self)
        layout = QVBoxLayout(content)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.map, 1)
        layout.addWidget(self.problem)
        layout.addWidget(self.transport)
        self._stack = QStackedLayout(self)
        self._stack.addWidget(self._empty)
        self._stack.addWidget(content)

        self.map.operation_clicked.connect(self.go_to)
        self.map.cell_clicked.connect(self._inspect_cell)
        store.walking.changed.connect(self._show_transport)
        self.map.view_moved.connect(self.ask)
        self.map.menu_requested.connect(self.offer)
        store.intervening.changed.connect(self._show_changes)
        store.sampling_changed.connect(self.ask)
        store.model_changed.connect(self.invalidate)
        store.subject_changed.connect(self._on_subject)

    # ---------------------------------------------------------------------- questions

    def questions(self) -> Mapping[str, Question]:
        """Of operations near the view what they wrote; how much blocks write; tokens at borders."""
        selection = self.store.selection
        asked: dict[str, Question] = {"writes": Writes()}
        if not self.map.has_column:
            return asked
        alone, folded = (
            tuple(self._operations[index].output for index in indices)
            for indices in self.map.near_view()
        )
        names = tuple(name for name in alone if name not in IN_WORDS)
        asked["vectors"] = Vectors(names, selection.position, selection.head)
        if folded:  # later than what is looked at, and the same for every head
            asked["folded"] = Vectors(folded, selection.position)
        if not {LOGITS, PROBABILITIES}.isdisjoint(alone):
            asked["best"] = NextToken(selection.position, self.store.sampling, n=1)
        model, subject = self.store.model, self.store.subject
        if model is not None and subject is not None and model.config.has_logits:
            at = min(max(selection.position, 0), subject.n_tokens - 1)
            asked["lens"] = Lens(positions=(at,))  # last: all else is there before it
        comparing = self.store.comparing
        whole = None if subject is None else whole_question(comparing, subject)
        if whole is not None and not comparing.in_view_is_b:
            asked["difference"] = whole[1]
        return asked

    def other_questions(self) -> Mapping[str, Question]:
        """The same vectors and tokens of the other side; how far both are apart, of whichever is A.

        What is asked of A about B is among `questions` where A is in view.
        """
        comparing, subject = self.store.comparing, self.store.subject
        asked: dict[str, Question] = {}
        if subject is None:
            return asked
        at = comparing.other_position(self._wanted_position(subject))
        for name, question in self.questions().items():
            if isinstance(question, Vectors) and at is not None and comparing.same_places:
                asked[name] = replace(question, position=at)
            if isinstance(question, Lens) and at is not None and not comparing.no_predictions:
                asked[name] = replace(question, positions=(at,))
        whole = whole_question(comparing, subject)
        if whole is not None and comparing.in_view_is_b:
            asked["difference"] = whole[1]
        return asked

    def _wanted_position(self, subject: Subject) -> int:
        return min(max(self.store.selection.position, 0), subject.n_tokens - 1)

    def _two_sides(self) -> TwoSides | None:
        """Both sides, while the difference is shown."""
        comparing = self.store.comparing
        if not self.shows_difference:
            return None
        whole = self.other("difference", DifferenceFound)
        if not comparing.in_view_is_b:
            whole = self.answered("difference", DifferenceFound)
            question = None if whole is None else whole.question
            if isinstance(question, Difference) and question.other != comparing.subject:
                whole = None
        lens = self.other("lens", LensFound)
        return TwoSides(comparing.sides.difference, lens, comparing.in_view_is_b, whole)

    def ask(self) -> None:
        """Light the operation that is selected, then ask about what is in view."""
        if self.isVisible():
            self._follow()
        super().ask()

    def _follow(self) -> None:
        """Let the map show the network and the operation that are selected."""
        store, here = self.store, self.store.selection.operation
        if store.operations is not self._operations:
            self._operations = store.operations
            self._figures, self._followed = None, -1
            self.map.set_figures(None)
            self.map.set_graph(OperationGraph(self._operations), here)
        if self._operations and here != self._followed:
            self._followed = here
            self.map.set_current(here)
            op = self._operations[here]
            self.setAccessibleDescription(f"{op.output}: {op.label}. {op.formula}. {op.sentence}")

    def _on_subject(self) -> None:
        if self.store.subject is None:  # refused: nothing will be answered
            self.invalidate()

    # ------------------------------------------------------------------------ actions

    def go_to(self, index: int) -> None:
        """Select an operation, and with it the layer that it belongs to."""
        ops = self.store.operations
        if not ops:
            return
        index = min(max(index, 0), len(ops) - 1)
        self.setFocus(Qt.FocusReason.OtherFocusReason)
        self.store.select(operation=index)

    def _show_transport(self) -> None:
        """The buttons stand here unless a pane that is seen has more room for them."""
        self.transport.setVisible(self.store.walking.leads(self.key))

    def _inspect_cell(self, index: int, element: int) -> None:
        """Show one value of a strip in the inspector."""
        op, figures = self._operations[index], self._figures
        strip = None if figures is None else figures.strip(op)
        found = None if figures is None else figures.found(op.output)
        self.go_to(index)
        if figures is None or strip is None or found is None:
            return
        self.store.inspect(
            inspected(
                figures.model,
                found.read,
                op.output,
                strip.full_index(element),
                float(strip.values[element]),
                says=OperationSentence(op),
            )
        )

    def offer(self, index: int, at: QPoint) -> None:
        """A menu of what can be cut or taken away at an operation."""
        model = self.store.model
        if model is None:
            return
        op, head = self._operations[index], self.store.selection.head
        is_on = self.store.intervening.is_on
        items = [
            MenuItem(each.words, one, is_on(one), each.refusal, each.group)
            for each in reading.of_operation(model.config, op, head)
            for one in (each.intervention,)
        ]
        menu = OfferMenu(items, self)
        menu.chosen.connect(self._change)
        menu.popup(at)

    def _change(self, thing: object) -> None:
        if isinstance(thing, Intervention):
            self.store.intervening.toggle(thing)

    def _show_changes(self) -> None:
        """Mark what is changed, before any number has come."""
        model, some = self.store.model, self.store.intervening.applied
        found = {} if model is None else changes(some, model.config, self.store.operations)
        self.map.set_changes(found)

    # ----------------------------------------------------------------------- drawing

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.map.viewport().update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.map.viewport().update()

    def refresh(self) -> None:
        model = self.store.model
        if model is None:
            self._stack.setCurrentIndex(0)
            return
        self._stack.setCurrentIndex(1)
        self._follow()
        self._show_changes()
        slot, read = self.slot("vectors"), self.store.read
        vectors = FoundVectors.of(slot)
        drawn = read if vectors is None else vectors.read
        self._figures = Figures(
            model,
            0 if drawn is None else drawn.n_tokens,
            vectors,
            FoundVectors.of(self.slot("folded")),
            self.answered("writes", WritesFound),
            self.answered("best", NextTokenFound),
            self.answered("lens", LensFound),
        )
        self.map.set_figures(self._drawn_figures(self._figures))
        self.problem.setText("" if slot is None else slot.problem)
        self.problem.setVisible(bool(self.problem.text()))

    def _drawn_figures(self, figures: Figures) -> Figures:
        """Those of the side in view, or what differs: its own stay for who clicks a value."""
        self._sides = both = self._two_sides()
        if both is None:
            return figures
        comparing = self.store.comparing
        both = replace(both, sizes=sizes(figures.vectors, figures.folded))
        apart = [
            vectors_apart(found, self.other(name, VectorsFound), comparing)
            for name, found in (("vectors", figures.vectors), ("folded", figures.folded))
        ]
        return replace(
            figures, vectors=apart[0], folded=apart[1], best=None, two_sides=both, _readings={}
        )

    def apply_theme(self) -> None:
        self.invalidate()  # its pictures have the colours in them

    def no_difference(self) -> str:
        return self.store.comparing.no_places

    def header_note(self) -> str:
        n = len(self.store.operations)
        if not n:
            return ""
        parts = [self._most_apart() or place_among(self.store.selection.operation, n)]
        drawn = self.answered("writes", WritesFound)
        if drawn is not None and drawn.subject.step is not None:
            parts.append(f"step {drawn.subject.step:,}")
        parts.append(waiting.words(self.store.asked.waits(self.key)))
        return " · ".join(filter(None, parts))

    def _most_apart(self) -> str:
        """Which attention or MLP differs most, in a few words; empty where no difference is."""
        if self._sides is None:
            return ""
        ops = {op.output: op for op in self._operations if op.kind in ("attn_out", "mlp_out")}
        largest = self._sides.largest(tuple(ops))
        if largest is None:
            return self._sides.name
        name, relative = largest
        part = "attention" if ops[name].kind == "attn_out" else "MLP"
        return f"most in {part} {ops[name].layer}, Δ {relative:.2f}"

    def export_data(self) -> Mapping[str, NDArray[Any]]:
        """One row an operation: its name, label, layer, shape, and how much it writes.

        ``relative_write`` is the mean over positions of ‖output‖ / ‖stream before the sum‖ for
        what is added to the residual stream, NaN for the rest and without an answer. ``lens_…`` is
        the likeliest token that the logit lens reads from the stream at the borders of blocks.
        """
        ops, model = self.store.operations, self.store.model
        if model is None:
            return {}
        found = self.answered("writes", WritesFound)
        n_tokens = 0 if found is None else found.subject.n_tokens
        ratios: dict[str, float] = {}
        if found is not None:
            written = found.arrays()["relative_write"]
            ratios = dict(zip(written.at["name"].tolist(), written.values.tolist()))
        figures = Figures(model, n_tokens, lens=self.answered("lens", LensFound))
        read = [figures.lens_of(op) for op in ops]
        apart: dict[str, NDArray[Any]] = {}
        if (both := self._two_sides()) is not None and both.whole is not None:
            whole = both.whole
            for column, values in (
                ("difference_relative", whole.relative_N),
                ("difference_max_abs", whole.max_abs_N),
                ("difference_cosine", whole.cosine_N),
            ):
                by_name = dict(zip(whole.names, values.tolist(), strict=True))
                apart[column] = np.array([by_name.get(op.output, np.nan) for op in ops])
        return apart | {
            "operation": np.arange(len(ops)),
            "name": np.array([op.output for op in ops]),
            "label": np.array([op.label for op in ops]),
            "layer": np.array([-1 if op.layer is None else op.layer for op in ops]),
            "shape": np.array([figures.shape(op) for op in ops]),
            "relative_write": np.array([ratios.get(op.output, np.nan) for op in ops]),
            "lens_token": np.array(["" if one is None else one.token for one in read]),
            "lens_probability": np.array(
                [np.nan if one is None else one.probability for one in read]
            ),
        }

    # ------------------------------------------------------------------------- events

    def keyPressEvent(self, event: QKeyEvent) -> None:
        walk = self.store.walking
        actions = {
            Qt.Key.Key_Left: walk.back,
            Qt.Key.Key_Right: walk.forward,
            Qt.Key.Key_Up: walk.previous_layer,
            Qt.Key.Key_Down: walk.next_layer,
            Qt.Key.Key_Home: walk.first,
            Qt.Key.Key_End: walk.last,
            Qt.Key.Key_Space: walk.toggle,
        }
        action = actions.get(Qt.Key(event.key()))
        if action is None or event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier:
            super().keyPressEvent(event)
            return
        action()
        event.accept()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.store.walking.watch(self.key, rank=0)

    def hideEvent(self, event: QHideEvent) -> None:
        self.store.walking.unwatch(self.key)
        super().hideEvent(event)

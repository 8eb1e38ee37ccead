"""The stage: the selected operation, large, on the numbers of this text.

Draws the scene of `selection.operation` at the selected position; a number under the mouse is taken
apart. Knows the store and its own parts; no other pane.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QHideEvent
from PySide6.QtWidgets import QHBoxLayout, QStackedLayout, QVBoxLayout, QWidget

from gui import theme
from gui.panes.base import EmptyState, Pane
from gui.panes.stage import ENTRY
from gui.panes.stage.before import Before
from gui.panes.stage.explaining import Explaining
from gui.panes.stage.numbers import shapes, with_numbers
from gui.panes.stage.scenes.compose import rows_for
from gui.panes.stage.scenes.kit import Scenery
from gui.panes.stage.term_text import TermText
from gui.panes.stage.terms_line import pieces
from gui.panes.stage.view import Pointed, StageView
from gui.panes.stage.words import here
from gui.reading import code
from gui.reading.inspecting import inspected
from gui.session.store import Store
from gui.widgets.text import Text
from model.operations import PROBABILITIES, Operation
from model.probe.question import Named, Question
from model.probe.scene.asks import Scene, SceneFound
from model.probe.terms.asks import Terms, TermsFound
from model.sampling import OWN

COARSE = 16
"""The room is asked for in steps of so many cells, so that a drag of an edge asks seldom."""


class StagePane(Pane):
    """The scene, what its numbers are made of, and what it means here.

    Attributes:
        view: the scene.
        terms: the line beneath it.
        sentence: what the operation did with this text.
    """

    entry = ENTRY

    def __init__(self, store: Store, parent: QWidget | None = None) -> None:
        super().__init__(store, parent)
        self.title_line = Text(parent=self, font=theme.sans(theme.FONT_SIZE + 2, bold=True))
        self.meaning = TermText(self, tone="dim")
        self.view = StageView(self)
        self.explaining = Explaining(self)
        self.terms, self.sentence = self.explaining.terms, self.explaining.sentence
        self._empty = EmptyState("Open a model to see its operations.", self)
        self._before = Before(store, self.invalidate)
        self._number: Pointed | None = None
        self._default: Pointed | None = None

        content = QWidget(self)
        layout = QVBoxLayout(content)
        layout.setContentsMargins(0, 6, 0, 0)
        layout.setSpacing(2)
        head = QHBoxLayout()
        head.setContentsMargins(12, 0, 12, 0)
        head.setSpacing(12)
        head.addWidget(self.title_line)
        head.addWidget(self.meaning, 1)
        layout.addLayout(head)
        layout.addWidget(self.view, 1)
        layout.addWidget(self.explaining)
        self._stack = QStackedLayout(self)
        self._stack.addWidget(self._empty)
        self._stack.addWidget(content)
        self.explaining.depth_changed.connect(self.invalidate)
        self.view.pointed.connect(self._point)
        self.view.chosen.connect(self._choose)
        store.sampling_changed.connect(self.ask)
        store.model_changed.connect(self.invalidate)
        store.intervening.changed.connect(self.invalidate)

    # ---------------------------------------------------------------------- questions

    @property
    def operation(self) -> Operation | None:
        """The one that is selected."""
        ops, at = self.store.operations, self.store.selection.operation
        return ops[at] if 0 <= at < len(ops) else None

    def questions(self) -> Mapping[str, Question]:
        """The scene of the selected operation, and what one of its numbers is made of."""
        op, selection = self.operation, self.store.selection
        if op is None:
            return {}
        room = self.view.room
        rows = rows_for(op.kind, room.height())
        asked: dict[str, Question] = {
            "scene": Scene(
                op.output,
                selection.position,
                selection.head,
                key=-1 if selection.key is None else selection.key,
                most_keys=rows,
                n_tokens=min(12, rows),
                most_rows=_steps(room.height()),
                most_columns=_steps(room.width()),
                sampling=self.store.sampling if op.output == PROBABILITIES else OWN,
            )
        }
        number = self._number or self._default
        if number is not None and number.written and number.name != PROBABILITIES:
            asked["terms"] = Terms(number.name, number.index)
        return asked

    # ------------------------------------------------------------------------ actions

    def _point(self, number: Pointed | None) -> None:
        self._number = number
        self.ask()

    def _choose(self, number: Pointed) -> None:
        """Show the number in the inspector, and select what it is about."""
        slot, model = self.slot("scene"), self.store.model
        read = None if slot is None else slot.read
        op = self.operation
        if op is None or read is None or model is None or not number.written:
            return
        letters = next((o.shape for o in self.store.operations if o.output == number.name), "")
        key = number.index[letters.index("S")] if "S" in letters else None
        if key is not None:
            self.store.select(key=key)
        self.store.inspect(
            inspected(
                model,
                read,
                number.name,
                number.index,
                number.value,
                sampling=self.store.sampling,
            )
        )

    # ----------------------------------------------------------------------- drawing

    def refresh(self) -> None:
        model, op = self.store.model, self.operation
        if model is None or op is None:
            self._stack.setCurrentIndex(0)
            return
        self._stack.setCurrentIndex(1)
        self.title_line.setText(op.label)
        self.meaning.setText(op.sentence)
        slot = self.slot("scene")
        found = self.answered("scene", SceneFound)
        if slot is None or found is None or slot.read is None:
            self.view.show_scene(None)
            self.terms.set_pieces([])
            self.explaining.say("" if slot is None else slot.problem)
            self.explaining.set_formula(op.formula, (), "")
            self.explaining.set_code("", "")
            return
        asked = found.question
        assert isinstance(asked, Scene)
        drawn = next((o for o in self.store.operations if o.output == asked.of), None)
        if drawn is None:  # of another model: the new one's answer is on its way
            return
        self._before.ask(found)
        before = self._before.found(found)
        key = self.store.selection.key
        scenery = Scenery(found, drawn, model, slot.read, QRectF(), key, before)
        if self._shown != (found, before):
            if self._shown[0] is not found:
                self._number = None
            self._shown = found, before
            self.view.show_scene(scenery)
        self.explaining.say(here(scenery))
        self._set_default(scenery)
        terms = self.answered("terms", TermsFound)
        of = self.slot("terms")
        if terms is not None and of is not None and of.read is not None:
            self.terms.set_pieces(pieces(terms, model, of.read))
        else:
            self.terms.set_pieces([])
        self._explain(scenery, terms)

    def _explain(self, scenery: Scenery, terms: TermsFound | None) -> None:
        """The formula with its numbers, and the lines of Python."""
        model, read = scenery.model, scenery.read
        if self.explaining.shown == "mathematics":
            self.explaining.set_formula(
                scenery.op.formula, with_numbers(terms, scenery), shapes(scenery)
            )
        if self.explaining.shown != "code":
            return
        as_typed = not model.tokenizer.startswith("none") and read.truncated_at is None
        before = code.opening(
            model.place or model.path,
            read.text if as_typed else list(read.subject.ids),
            read.subject.interventions,
            model.device,
        )
        self.explaining.set_code(scenery.found.code(), before)

    def remember(self) -> dict[str, Any]:
        return {"depth": self.explaining.shown}

    def recall(self, kept: Mapping[str, Any]) -> None:
        self.explaining.set_depth(str(kept.get("depth", "")))

    _shown: tuple[SceneFound | None, SceneFound | None] = (None, None)

    def _set_default(self, scenery: Scenery) -> None:
        """The number that is told of while the mouse is elsewhere: the largest that is written."""
        panels = [p for p in scenery.found.panels if p.name == scenery.op.output]
        panels = [p for p in panels if p.role in ("out", "chain")]
        if not panels:
            self._default = None
            return
        panel = panels[0]
        sizes = np.abs(panel.values_RC.astype(np.float64))
        sizes[~np.isfinite(sizes)] = -1
        cell = np.unravel_index(int(sizes.argmax()), sizes.shape)
        place = int(cell[0]), int(cell[1])
        shown = panel.at_columns
        if panel.role == "chain" and shown is not None and scenery.selected_key is not None:
            at = [i for i, key in enumerate(shown) if key == scenery.selected_key]
            place = (0, at[0]) if at else place
        default = Pointed(panel.name, panel.place(*place), float(panel.values_RC[place]), True)
        if default != self._default:
            self._default = default
            self.ask()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._before.ask(None)

    def header_note(self) -> str:
        op, store = self.operation, self.store
        if op is None or store.read is None:
            return ""
        words = [f"op {store.selection.operation + 1} of {len(store.operations)}"]
        if op.layer is not None:
            words.insert(0, f"block {op.layer}")
        if set("HG") & set(op.shape) or op.kind in ("mix",):
            words.insert(1, f"head {store.selection.head}")
        return " · ".join(words)

    def export_data(self) -> Mapping[str, Named | NDArray[Any]]:
        found = self.answered("scene", SceneFound)
        return {} if found is None else dict(found.arrays())

    def keyPressEvent(self, event: Any) -> None:
        step = {Qt.Key.Key_Right: 1, Qt.Key.Key_Left: -1}.get(Qt.Key(event.key()))
        if step is None:
            super().keyPressEvent(event)
        else:
            self.store.select(operation=self.store.selection.operation + step)


def _steps(pixels: float) -> int:
    return max(COARSE, int(pixels // COARSE) * COARSE)

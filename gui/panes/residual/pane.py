"""Residual stream: the logit lens, what is added and how long it is, where it points.

Asks for what is in view and draws the answers; moves position, layer and operation of the
selection, and chooses the token that is watched. Knows the store and its own parts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from numpy.typing import NDArray
from PySide6.QtCore import Qt
from PySide6.QtGui import QFontMetrics, QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QStackedLayout, QWidget

from gui import theme
from gui.panes.base import NO_TOKEN, EmptyState, Pane, column
from gui.panes.residual import ENTRY, angles, lengths_picture, lens_picture, words
from gui.panes.residual.controls import Controls
from gui.panes.residual.exporting import exported
from gui.panes.residual.grid import LayerGrid
from gui.panes.residual.lengths_picture import LengthsDrawn
from gui.panes.residual.lens_picture import LensDrawn
from gui.panes.residual.pointing import Pointing
from gui.panes.residual.questions import Choices, questions
from gui.panes.residual.tiles import Sheet
from gui.panes.residual.two_sides import TwoSides
from gui.reading import waiting
from gui.reading.quoting import quoted
from gui.reading.token_search import TokenSearch
from gui.session.store import Store
from gui.widgets.heat_map.heat_map import HeatMap
from gui.widgets.nest import nest
from gui.widgets.text import Text, as_written
from model.messages import ModelInfo, PromptRead
from model.probe.attribution.asks import AttributionFound
from model.probe.lens.asks import LensFound
from model.probe.norms.asks import NormsFound
from model.probe.question import Answer, Named, Question
from model.probe.stream_at.asks import StreamAtFound
from model.subject import Subject

A = TypeVar("A", bound=Answer)
ONE_LINE = 1000
"""From this width on a sentence finds room in one line."""


class ResidualPane(Pane):
    """Three views of the stream.

    Attributes:
        controls: the line above.
        grid: the lens and the lengths.
        matrix: the angles.
        sentence: what the picture says here.
        pointing: what mouse, keys and the selection do.
    """

    entry = ENTRY

    def __init__(self, store: Store, parent: QWidget | None = None) -> None:
        super().__init__(store, parent)
        self.controls = Controls(self)
        self.sentence = Text("", self, wrap=True, font=theme.sans(theme.SMALL_FONT_SIZE))
        self.sentence.setAccessibleName("What the picture says here")
        self.sentence.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.grid = LayerGrid(self)
        self.matrix = HeatMap(self)
        self.matrix.setAccessibleName("Angles between half blocks")
        self.matrix.set_fit(True)
        self._empty = EmptyState("", self)
        self._stack = QStackedLayout()
        for widget in (self.grid, self.matrix, self._empty):
            self._stack.addWidget(widget)
        layout = column(self, spacing=theme.TIGHT)
        layout.addWidget(self.controls)
        layout.addWidget(self.sentence)
        nest(layout, self._stack, 1)
        self.two_sides = TwoSides(self)
        self.pointing = Pointing(store, self.grid, self.matrix, self.two_sides, self)
        self._cells: tuple[Subject, int | None, PromptRead, Sheet] | None = None
        self._refused = ""  # a token that was typed and is none
        self._search: TokenSearch | None = None

        self.controls.changed.connect(self._on_choice)
        self.controls.fit_changed.connect(self.grid.set_fit)
        self.controls.watch_typed.connect(self.watch_typed)
        self.grid.seen_changed.connect(self.ask)
        self.pointing.watched.connect(self._on_watch)
        store.model_changed.connect(self._forget)
        store.intervening.changed.connect(self.invalidate)

    # ------------------------------------------------------------------------- actions

    def show_lens(self) -> None:
        """Show the logit lens."""
        self._show("lens")

    def show_writes(self) -> None:
        """Show what attention and MLPs add."""
        self._show("writes")

    def show_angles(self) -> None:
        """Show how far the stream turns."""
        self._show("angles")

    def _show(self, view: str) -> None:
        self.controls.choose("view", view)
        self._on_choice()

    def watch_typed(self, typed: str) -> None:
        """Watch the token that was typed; say so if there is none."""
        model = self.store.model
        self._refused = ""
        if model is None or not typed.strip():
            self.pointing.watch(None)
        else:
            if self._search is None:
                self._search = TokenSearch(model)
            found = self._search.find(typed, limit=1)
            exact = self._search.token(typed.strip())
            if exact is not None or found:
                self.pointing.watch(found[0] if exact is None else exact)
            else:
                self._refused = f"No token holds “{typed.strip()}”: type a part of one."
        self.invalidate()

    # ------------------------------------------------------------------------- asking

    @property
    def _choices(self) -> Choices:
        store, controls = self.store, self.controls
        return Choices(
            view=controls.view,
            of=controls.of,
            position=self.pointing.position,
            watched=store.selection.vocabulary_id,
            by_token=controls.coloring in ("rank", "probability"),
        )

    def questions(self) -> Mapping[str, Question]:
        read, model = self.store.read, self.store.model
        if read is None or model is None:
            return {}
        is_lens = isinstance(self.pointing.drawn, LensDrawn)
        seen = self.grid.seen if is_lens else (range(0), range(0))
        return questions(self._choices, model.config, read.n_tokens, seen)

    def other_questions(self) -> Mapping[str, Question]:
        return self.two_sides.questions(self._answers())

    def _on_watch(self) -> None:
        self._refused = ""
        self.invalidate()

    def _on_choice(self) -> None:
        self.ask()
        self.invalidate()

    def _forget(self) -> None:
        """Another model: nothing that was drawn is of it."""
        self.pointing.drawn = self._cells = self._search = None
        self._refused = ""
        self.grid.set_content(None)
        self.grid.set_mark(None)
        self.matrix.set_content(None)
        self.invalidate()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        # As high whatever it says: the picture below must not jump.
        lines = 1 if self.width() >= ONE_LINE else 2
        height = QFontMetrics(self.sentence.font()).height() * lines
        self.sentence.setFixedHeight(height)

    # ------------------------------------------------------------------------ drawing

    def refresh(self) -> None:
        model = self.store.model
        self.controls.set_lens(model is None or model.config.has_logits)
        if problem := self._why_empty():
            self._empty.setText(problem)
            self._empty.update()
            self._stack.setCurrentWidget(self._empty)
            self.controls.setVisible(model is not None and self.store.read is not None)
            self.sentence.setText("")
            self.sentence.hide()
            self.pointing.drawn = None
            return
        assert model is not None
        self.controls.setVisible(True)
        watched = self.store.selection.vocabulary_id
        self.controls.watch.show_token("" if watched is None else model.token_text(watched))
        self.ask_other()
        said = {"lens": self._draw_lens, "writes": self._draw_lengths, "angles": self._draw_angles}[
            self.controls.view
        ](model)
        self._say(said)
        self.pointing.mark()

    def _say(self, said: str) -> None:
        self.sentence.set_tone("warning" if self._refused else "text")
        self.sentence.setText(self._refused or said)
        self.sentence.setToolTip(as_written(said))
        self.sentence.setVisible(True)
        self.matrix.setAccessibleDescription(said)

    def _why_empty(self) -> str:
        store, model = self.store, self.store.model
        if model is None:
            return "Open a model to see what its stream says after every block."
        if store.read is None:
            return store.prompt_problem or "Type a prompt to see what the stream says of it."
        if self.controls.view == "lens" and not model.config.has_logits:
            return words.NO_LENS
        # Without the parts of a logit the rest is drawn.
        slots = [self.slot(name) for name in self.questions() if name != "why"]
        wrong = [slot.problem for slot in slots if slot is not None and slot.problem]
        return wrong[0] if wrong else ""

    def _answers(self) -> dict[str, Answer]:
        """What has come to the questions of now, about the subject of now."""
        found = {name: self.slot(name) for name in self.questions()}
        return {
            name: slot.answer
            for name, slot in found.items()
            if slot is not None and slot.answer is not None and slot.is_current
        }

    def _draw_lens(self, model: ModelInfo) -> str:
        cells = self._take_cells(model)
        if cells is None:
            return ""
        _, watched, read, sheet = cells
        column = self._about(read, "column", LensFound)
        both, other = self.two_sides, None
        if both.wanted:
            others = [both.found(name, found) for name, found in self._tiles(read).items()]
            there = [found for found in others if found is not None]
            was_drawn = isinstance(self.pointing.drawn, LensDrawn)
            if not there and was_drawn and both.pending(self._answers()):
                return self.sentence.text()
            if not self.store.comparing.no_predictions:
                other = Sheet.of(len(sheet.ids_LP), read.n_tokens, there)
        drawn = LensDrawn(
            model, read, watched, sheet, other, column, both.found("column", column), both.sides
        )
        self.pointing.drawn = drawn
        self.grid.set_content(lens_picture.content(drawn, self.controls.coloring))
        self._stack.setCurrentWidget(self.grid)
        return words.lens_sentence(drawn)

    def _tiles(self, read: PromptRead) -> dict[str, LensFound]:
        """The tiles in view that have come, about a prompt."""
        found = {}
        for name in self.questions():
            answer = self.answered(name, LensFound)
            if name != "column" and answer is not None and answer.subject == read.subject:
                found[name] = answer
        return found

    def _take_cells(self, model: ModelInfo) -> tuple[Subject, int | None, PromptRead, Sheet] | None:
        """The cells to draw: of the prompt of now once they are there, or those of before."""
        read, wanted = self.store.read, self._choices.in_cells
        assert read is not None
        slots = {name: self.slot(name) for name in self.questions()}
        current = {n: slot.answer for n, slot in slots.items() if slot and slot.is_current}
        column = current.pop("column", None)
        there = [found for found in current.values() if isinstance(found, LensFound)]
        shown = self._cells
        same = shown is not None and shown[:2] == (read.subject, wanted)
        whole = column is not None and len(there) == len(slots) - 1
        waited = self.store.asked.waits(self.key) is not None
        if same or whole or (waited and there):
            sheet = Sheet.of(model.config.n_layers + 1, read.n_tokens, there)
            self._cells = (read.subject, wanted, read, sheet)
        return self._cells

    def _draw_lengths(self, model: ModelInfo) -> str:
        norms, slot = self.answered("norms", NormsFound), self.slot("norms")
        if norms is None or slot is None or slot.read is None:
            return ""
        both = self.two_sides
        norms_other = both.found("norms", norms)
        was_drawn = isinstance(self.pointing.drawn, LengthsDrawn)
        if norms_other is None and was_drawn and both.pending(self._answers()):
            return self.sentence.text()
        stream = self._about(slot.read, "stream", StreamAtFound)
        why = self._about(slot.read, "why", AttributionFound)
        drawn = LengthsDrawn(
            model,
            slot.read,
            norms,
            norms_other,
            stream,
            both.found("stream", stream),
            why,
            both.found("why", why),
            both.sides,
        )
        self.pointing.drawn = drawn
        self.grid.set_content(lengths_picture.content(drawn))
        self._stack.setCurrentWidget(self.grid)
        return words.lengths_sentence(drawn)

    def _draw_angles(self, model: ModelInfo) -> str:
        found = self.answered("stream", StreamAtFound)
        if found is None:
            return ""
        self.pointing.drawn = found
        both = self.two_sides
        self.matrix.set_content(angles.content(found, both.found("stream", found), both.sides))
        self._stack.setCurrentWidget(self.matrix)
        return words.angles_sentence(found)

    def _about(self, read: PromptRead, name: str, kind: type[A]) -> A | None:
        """An answer, if it is about the same prompt as what is drawn beside it."""
        found = self.answered(name, kind)
        return found if found is not None and found.subject == read.subject else None

    def no_difference(self) -> str:
        comparing = self.store.comparing
        at = comparing.other_position(self._choices.position)
        return comparing.no_places or ("" if at is not None else NO_TOKEN)

    def header_note(self) -> str:
        read, at = self.store.read, self._choices.position
        if read is None or self.pointing.drawn is None:
            return ""
        parts = [f"at {quoted(read.tokens[at].text)} ({at})"]
        if self.two_sides.wanted:
            parts.append(self.two_sides.sides.difference)
        parts.append(waiting.words(self.store.asked.waits(self.key)))
        return " · ".join(filter(None, parts))

    # ------------------------------------------------------------------ out, and memory

    def export_data(self) -> Mapping[str, Named | NDArray[Any]]:
        """The answers of the view: the cells in view, and what the charts are of."""
        return exported(self.pointing.drawn)

    def remember(self) -> dict[str, Any]:
        controls = self.controls
        return {
            "view": controls.view,
            "coloring": controls.coloring,
            "of": controls.of,
            "fit": controls.fit.isChecked(),
        }

    def recall(self, kept: Mapping[str, Any]) -> None:
        for name in ("view", "coloring", "of"):
            self.controls.choose(name, kept.get(name))
        self.controls.fit.setChecked(kept.get("fit") is True)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self.store.selection.vocabulary_id is not None:
            self.pointing.watch(None)
        else:
            super().keyPressEvent(event)

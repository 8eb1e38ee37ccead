"""The stage: the selected operation, large, on the numbers of this text.

Draws the scene of `selection.operation` at the selected position, or what it reads and writes for
all tokens; a number under the mouse is taken apart, and its parts can be followed. The walk through
the operations is the store's (`store.walking`, `store.run_until`). Knows the store and its own
parts; no other pane.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QHideEvent, QKeyEvent, QMouseEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QStackedLayout, QStackedWidget, QVBoxLayout, QWidget

from gui import theme
from gui.panes.base import EmptyState, Pane
from gui.panes.stage import ENTRY, all_tokens, two_sides
from gui.panes.stage.explaining import Explaining
from gui.panes.stage.numbers import shapes, with_numbers
from gui.panes.stage.pieces import Target, feeds, pieces
from gui.panes.stage.room import Room
from gui.panes.stage.scenes.compose import rows_for
from gui.panes.stage.scenes.kit import Scenery
from gui.panes.stage.share_terms import share_pieces
from gui.panes.stage.sheet import Sheet
from gui.panes.stage.telling import number_told
from gui.panes.stage.term_text import TermText
from gui.panes.stage.told import Told
from gui.panes.stage.view import Pointed, StageView
from gui.panes.stage.walk_controls import WalkControls
from gui.panes.stage.walk_keys import walk_by_button, walk_by_key
from gui.panes.stage.weight_menu import WeightMenu
from gui.panes.stage.words import here
from gui.reading import code, waiting
from gui.reading.operation_tones import tone_of
from gui.session.store import Store
from gui.widgets.nest import nest
from gui.widgets.segments import Segments
from gui.widgets.text import Text
from model.operations import PROBABILITIES, Operation
from model.probe.question import Named, Question
from model.probe.scene.asks import Scene, SceneFound
from model.probe.terms.asks import Terms, TermsFound
from model.sampling import OWN

MOST_TOKENS = 20
"""Of the vocabulary, the likeliest."""
COARSE = 16
"""The room is asked for in steps of so many cells, so that a drag of an edge asks seldom."""


class StagePane(Pane):
    """The scene, what its numbers are made of, what it means here, and the way on.

    Attributes:
        view: the scene.
        sheet: the same for all tokens.
        terms: the line beneath it.
        sentence: what the operation did with this text, or where a run through them ended.
        walk: the buttons of the walk, and what to run to.
        told: the number that is taken apart.
    """

    entry = ENTRY
    draws_next = True

    def __init__(self, store: Store, parent: QWidget | None = None) -> None:
        super().__init__(store, parent)
        self.title_line = Text(parent=self, font=theme.sans(theme.FONT_SIZE + 2, bold=True))
        self.meaning = TermText(self, tone="dim")
        self.which = Segments(self)
        self.which.add("one", "This token", "The operation at the selected token, in full")
        self.which.add("all", "All tokens", "What it reads and writes, a line a token")
        self.view = StageView(self)
        self.sheet = Sheet(self)
        self.explaining = Explaining(self)
        self.terms, self.sentence = self.explaining.terms, self.explaining.sentence
        self.walk = WalkControls(store, self)
        self._room = Room(self.explaining, self.walk)
        self._empty = EmptyState("Open a model to see its operations.", self)
        self.told = Told(store, self._tell_other)
        self._of_all = all_tokens.AllTokens(store, self.sheet)
        self._all = False

        content = QWidget(self)
        layout = QVBoxLayout(content)
        layout.setContentsMargins(0, 4, 0, 0)
        layout.setSpacing(2)
        head = QHBoxLayout()
        head.setContentsMargins(12, 0, 8, 0)
        head.setSpacing(12)
        head.addWidget(self.title_line)
        head.addWidget(self.meaning, 1)
        head.addWidget(self.which)
        nest(layout, head)
        self._drawn = QStackedWidget(content)
        self._drawn.addWidget(self.view)
        self._drawn.addWidget(self.sheet)
        layout.addWidget(self._drawn, 1)
        layout.addWidget(self.explaining)
        layout.addWidget(self.walk)
        self._stack = QStackedLayout(self)
        self._stack.addWidget(self._empty)
        self._stack.addWidget(content)
        self.explaining.depth_changed.connect(self.invalidate)
        self.view.pointed.connect(self._point)
        self.view.chosen.connect(self._choose)
        self.weights = WeightMenu(store, self.view)
        self.sheet.pointed.connect(self._point)
        self.sheet.chosen.connect(self._choose_line)
        self.sheet.moved.connect(self._move_to)
        self.sheet.seen_changed.connect(self.ask)
        self.sheet.verticalScrollBar().valueChanged.connect(self.invalidate)
        self.terms.followed.connect(self.follow)
        self.which.chosen.connect(self._choose_which)
        self.walk.form_shown.connect(self._make_room)
        self.walk.words_changed.connect(self.invalidate)
        store.sampling_changed.connect(self.ask)
        store.model_changed.connect(self._on_model)
        store.intervening.changed.connect(self.invalidate)
        store.selection_changed.connect(self._note_selection)

    # ---------------------------------------------------------------------- questions

    @property
    def operation(self) -> Operation | None:
        """The one that is selected."""
        ops, at = self.store.operations, self.store.selection.operation
        return ops[at] if 0 <= at < len(ops) else None

    @property
    def all_tokens(self) -> bool:
        """Whether it shows the operation for all tokens."""
        return self._all

    @property
    def _shows_sheet(self) -> bool:
        """Whether that has a picture for the selected operation."""
        op = self.operation
        return self._all and op is not None and op.kind not in all_tokens.WITHOUT

    def questions(self) -> Mapping[str, Question]:
        """What is drawn of the selected operation, and what one of its numbers is made of."""
        op = self.operation
        if op is None:
            return {}
        asked = self._of_all.questions(op) if self._shows_sheet else self._of_scene(op)
        number = self.told.now
        if number is not None and number.written and number.name != PROBABILITIES:
            asked["terms"] = Terms(number.name, number.index)
        return asked

    def other_questions(self) -> Mapping[str, Question]:
        found = None if self._shows_sheet else self.answered("scene", SceneFound)
        return two_sides.questions(found, self.store.comparing)

    def _other_scene(self, found: SceneFound) -> SceneFound | None:
        """The other side's numbers, which are drawn as ghosts."""
        if found.subject != self.store.subject:
            return None
        return two_sides.fitting(found, self.other("scene", SceneFound), self.store.comparing)

    def _of_scene(self, op: Operation) -> dict[str, Question]:
        selection, room = self.store.selection, self.view.room_for(op.kind)
        rows = rows_for(op.kind, room.height())
        return {
            "scene": Scene(
                op.output,
                selection.position,
                selection.head,
                key=-1 if selection.key is None else selection.key,
                most_keys=rows,
                n_tokens=min(MOST_TOKENS, rows),
                most_rows=_steps(room.height()),
                most_columns=_steps(room.width()),
                sampling=self.store.sampling if op.output == PROBABILITIES else OWN,
            )
        }

    # ------------------------------------------------------------------------ actions

    def _point(self, number: Pointed | None) -> None:
        self.told.number = number
        self.ask()

    def _choose(self, number: Pointed) -> None:
        slot = self.slot("scene") or self.slot("rows 0")
        self.told.choose(number, None if slot is None else slot.read)

    def _choose_line(self, position: int, number: Pointed | None) -> None:
        """Go to one token of all, and to the number that was clicked."""
        written = number if number is not None and number.written else None
        if written is not None:
            self._choose(written)
        self.store.walking.visit(position=position)
        if written is not None:
            self.told.pin(Target(written.name, written.index))
        self.set_all_tokens(False)

    def _move_to(self, position: int) -> None:
        self.store.select(position=position)

    def _choose_which(self, key: str) -> None:
        self.set_all_tokens(key == "all")

    def toggle_all_tokens(self) -> None:
        """The operation for all tokens, or for the selected one."""
        self.set_all_tokens(not self._all)

    def set_all_tokens(self, shown: bool) -> None:
        """Show the operation for all tokens, or for the selected one."""
        if shown != self._all:
            self._all = shown
            self.told.forget()
            self.which.set_current("all" if shown else "one")
            self.ask()
            self.invalidate()

    def follow(self, to: Target) -> None:
        """Go to where a number stands; without an index, to the operation that writes it."""
        self.told.follow(to)

    def _tell_other(self) -> None:
        self.ask()
        self.invalidate()

    def _make_room(self, form: bool) -> None:
        self._room.fit_terms(self.size(), form=form)
        if not form:
            self.setFocus(Qt.FocusReason.OtherFocusReason)

    def _note_selection(self) -> None:
        self.told.note_selection()

    def _on_model(self) -> None:
        self.told.note_model()
        self.invalidate()

    # ----------------------------------------------------------------------- drawing

    def refresh(self) -> None:
        model, op = self.store.model, self.operation
        if model is None or op is None:
            self._stack.setCurrentIndex(0)
            return
        self._stack.setCurrentIndex(1)
        self.title_line.setText(op.label)
        self.title_line.set_tone(tone_of(op))
        self.meaning.setText(op.sentence)
        self._drawn.setCurrentWidget(self.sheet if self._shows_sheet else self.view)
        said = self._draw_sheet(op) if self._shows_sheet else self._draw_scene()
        self.explaining.say("  ".join(filter(None, (self.walk.words, said))))
        self._explain(op)

    def _explain(self, op: Operation) -> None:
        """What the number is made of, and what reads it; the formula; the lines of Python."""
        model = self.store.model
        terms, of = self.answered("terms", TermsFound), self.slot("terms")
        said = []
        if terms is not None and of is not None and of.read is not None and model is not None:
            said = pieces(terms, model, of.read)
        scenery = None if self._shows_sheet else self._scenery
        number = self.told.now
        if scenery is not None and number is not None and number.name == PROBABILITIES:
            said = share_pieces(scenery, number.index[-1])
        self.terms.set_pieces(said, feeds(op, self.store.operations))
        if scenery is None:
            self.explaining.set_formula(op.formula, (), "")
            self.explaining.set_code("", "")
        elif self.explaining.shown == "mathematics":
            numbers = with_numbers(terms, scenery)
            self.explaining.set_formula(scenery.op.formula, numbers, shapes(scenery))
        elif self.explaining.shown == "code":
            self.explaining.set_code(scenery.found.lines, _opening(scenery))

    def _draw_sheet(self, op: Operation) -> str:
        """All tokens; what there is to say about them."""
        n = len(all_tokens.names_of(op, self._of_all.room))
        slots = [self.slot(f"rows {i}") for i in range(n)]
        said = self._of_all.draw(op, slots)
        return self.sentence.text() if said is None else said

    def _draw_scene(self) -> str:
        """One token; what the operation did with it."""
        model, slot = self.store.model, self.slot("scene")
        found = self.answered("scene", SceneFound)
        if model is None or slot is None or found is None or slot.read is None:
            self.view.show_scene(None)
            self._scenery = None
            return "" if slot is None else slot.problem
        asked = found.question
        assert isinstance(asked, Scene)
        drawn = next((o for o in self.store.operations if o.output == asked.of), None)
        if drawn is None:  # of another model: the new one's answer is on its way
            return self.sentence.text()
        self.ask_other()
        other, key = self._other_scene(found), self.store.selection.key
        name = self.store.comparing.sides.other
        scenery = Scenery(found, drawn, model, slot.read, QRectF(), key, other, name)
        if self._shown != (found, other):
            if self._shown[0] is not found:
                self.told.number = None
            self._shown = found, other
            self.view.show_scene(scenery)
        self._scenery = scenery
        self._tell(scenery)
        return here(scenery)

    _shown: tuple[SceneFound | None, SceneFound | None] = (None, None)
    _scenery: Scenery | None = None

    def _tell(self, scenery: Scenery) -> None:
        """What is told of while the mouse is elsewhere."""
        to = self.told.pinned
        self.view.mark_number(*((to.name, to.index) if to is not None else ("", ())))
        if self.told.tell(number_told(scenery, to)):
            self.ask()

    def no_difference(self) -> str:
        return two_sides.why_alone(self.store.comparing, of_all=self._shows_sheet)

    def header_note(self) -> str:
        op, store = self.operation, self.store
        if op is None or store.read is None:
            return ""
        words = [f"op {store.selection.operation + 1} of {len(store.operations)}"]
        if op.layer is not None:
            words.insert(0, f"block {op.layer}")
        if set("HG") & set(op.shape) or op.kind in ("mix",):
            words.insert(1, f"head {store.selection.head}")
        found = None if self._shows_sheet else self.answered("scene", SceneFound)
        ghosts = found is not None and self._other_scene(found) is not None
        words.append(two_sides.words(store.comparing, ghosts=ghosts))
        words.append(waiting.words(store.asked.waits(self.key)))
        return " · ".join(filter(None, words))

    def export_data(self) -> Mapping[str, Named | NDArray[Any]]:
        if self._shows_sheet:
            arrays: dict[str, Named] = {}
            for matrix in self.sheet.matrices:
                arrays |= matrix.found.arrays()
            return arrays
        found = self.answered("scene", SceneFound)
        return {} if found is None else dict(found.arrays())

    def remember(self) -> dict[str, Any]:
        return {
            "all_tokens": self._all,
            "until": self.walk.form.remember(),
            "depth": self.explaining.shown,
        }

    def recall(self, kept: Mapping[str, Any]) -> None:
        self.set_all_tokens(kept.get("all_tokens") is True)
        self.explaining.set_depth(str(kept.get("depth", "")))
        until = kept.get("until")
        if isinstance(until, Mapping):
            self.walk.form.recall(until)

    # ------------------------------------------------------------------------- events

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if not walk_by_key(self.store.walking, event):
            super().keyPressEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if not walk_by_button(self.store.walking, event):
            super().mousePressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._room.fit(self.size())

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.store.walking.watch(self.key, rank=1)

    def hideEvent(self, event: QHideEvent) -> None:
        self.store.walking.unwatch(self.key)
        super().hideEvent(event)


def _opening(scenery: Scenery) -> str:
    """The lines of Python before those of a scene."""
    model, read = scenery.model, scenery.read
    as_typed = not model.tokenizer.startswith("none") and read.truncated_at is None
    return code.opening(
        model.place or model.path,
        read.text if as_typed else list(read.subject.ids),
        read.subject.interventions,
        model.device,
    )


def _steps(pixels: float) -> int:
    return max(COARSE, int(pixels // COARSE) * COARSE)

"""Neurons: a layer's MLP at every token, and one neuron of it from all sides.

The map, the bars, the lists, the curve and the texts are an answer each; one selection of layer,
position and neuron runs through them. Knows the store and its own parts; no other pane.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from numpy.typing import NDArray
from PySide6.QtWidgets import QFileDialog, QStackedLayout, QVBoxLayout, QWidget

from gui import theme
from gui.file_dialog import file_dialog
from gui.panes.base import EmptyState, Pane
from gui.panes.neurons import ENTRY, pictures, two_sides, words
from gui.panes.neurons.arrangement import VIEWS, Body
from gui.panes.neurons.bars import NeuronBar, NeuronBars
from gui.panes.neurons.changing import Changing
from gui.panes.neurons.controls import Controls
from gui.panes.neurons.curve import NeuronCurve
from gui.panes.neurons.heading import Heading
from gui.panes.neurons.map import NeuronGrid
from gui.panes.neurons.map_side import MapSide
from gui.panes.neurons.reading import Reading
from gui.panes.neurons.texts_view import TextsView
from gui.panes.neurons.tokens import TokenColumns
from gui.panes.neurons.two_sides import OtherRows
from gui.reading import waiting
from gui.session.state import Notice
from gui.session.store import Store
from gui.widgets.text import Text, as_written
from model.interventions import SetNeuron
from model.probe.neurons.asks import Neurons, NeuronsFound
from model.probe.neurons.curve.asks import NeuronCurve as CurveQuestion
from model.probe.neurons.curve.asks import NeuronCurveFound
from model.probe.neurons.map.asks import NeuronMap, NeuronMapFound
from model.probe.neurons.texts.asks import End, NeuronTexts, NeuronTextsFound
from model.probe.question import Named, Question

PAGE = 32
"""Rows are asked for in steps of so many, and a step more at either end than are seen."""
STRONGEST = 32
TEXTS = 12


class NeuronsPane(Pane):
    """The pane.

    Attributes:
        controls: the line above.
        grid: neurons by tokens.
        bars, lists, curve, texts: the parts beside it.
        heading: which neuron it is, and whether it is cut.
    """

    entry = ENTRY

    def __init__(self, store: Store, parent: QWidget | None = None) -> None:
        super().__init__(store, parent)
        self.reading = Reading()
        self.end: End = "highest"
        content = QWidget(self)
        self.controls = Controls(content)
        self.grid = NeuronGrid()
        self.bars, self.lists = NeuronBars(), TokenColumns()
        self.curve, self.texts = NeuronCurve(), TextsView()
        self.heading = Heading()
        parts = {"token": self.bars, "tokens": self.lists, "curve": self.curve}
        self.body = Body(self.grid, self.heading, {**parts, "texts": self.texts}, content)
        self.sentence = Text(parent=content)
        layout = QVBoxLayout(content)
        layout.setContentsMargins(theme.SPACE, theme.TIGHT, theme.SPACE, theme.TIGHT)
        layout.setSpacing(theme.TIGHT)
        layout.addWidget(self.controls)
        layout.addWidget(self.body, 1)
        layout.addWidget(self.sentence)
        self._empty = EmptyState(parent=self)
        self._stack = QStackedLayout(self)
        self._stack.addWidget(self._empty)
        self._stack.addWidget(content)
        self._connect()

    def _connect(self) -> None:
        store = self.store
        self.controls.layer_chosen.connect(self._choose_layer)
        self.controls.changed.connect(self._ask_from_the_top)
        self.controls.number_typed.connect(self.go_to)
        self.grid.seen_changed.connect(self.ask)
        self.map_side = MapSide(self)
        self.bars.tip = self._tip
        self.bars.chosen.connect(self._choose_neuron)
        self.lists.chosen.connect(self._choose_token)
        self.curve.chosen.connect(self._choose_position)
        self.texts.file_wanted.connect(self._ask_file)
        self.texts.source_chosen.connect(self.read_file)
        self.texts.reading_wanted.connect(self.toggle_reading)
        self.texts.end_chosen.connect(self._choose_end)
        self.body.seen_changed.connect(self._on_seen_changed)
        self.heading.cut_button.clicked.connect(self.toggle_cut)
        self.changing = Changing(self)
        store.model_changed.connect(self._forget)
        store.intervening.changed.connect(self.invalidate)
        store.run.changed.connect(self.invalidate)

    # ---------------------------------------------------------------------- questions

    @property
    def neuron(self) -> int | None:
        """The one that is looked at: the selected one, or the strongest of the token."""
        selection = self.store.selection
        if selection.neuron is not None:
            return selection.neuron
        found = self.answered("here", NeuronsFound)
        asked = None if found is None else found.question
        same = isinstance(asked, Neurons) and asked.layer == selection.layer
        return found.neuron if found is not None and same else None

    def questions(self) -> Mapping[str, Question]:
        """The rows that are seen, the token's strongest; and of the neuron what is seen."""
        model, selection = self.store.model, self.store.selection
        if model is None:
            return {}
        layer, position = selection.layer, selection.position
        by, order = self.controls.by, self.controls.order
        seen, n = self.grid.seen, model.config.n_neurons
        first = min(max(0, seen.start // PAGE * PAGE - PAGE), max(0, n - 1) // PAGE * PAGE)
        stop = -(-seen.stop // PAGE) * PAGE + PAGE
        at = position if order == "token" else -1
        asked: dict[str, Question] = {
            "here": Neurons(layer, position, selection.neuron, STRONGEST, by),
            "map": NeuronMap(layer, order, at, by, first, stop - first),
        }
        neuron, parts = self.neuron, self.body.seen
        if neuron is not None and "curve" in parts:
            asked["curve"] = CurveQuestion(layer, neuron)
        if neuron is not None and "texts" in parts:
            asked["texts"] = NeuronTexts(
                layer, neuron, TEXTS, self._goal, self.end, self.reading.file
            )
        return asked

    def other_questions(self) -> Mapping[str, Question]:
        found = self.answered("map", NeuronMapFound)
        if found is None or not self.store.comparing.same_places:
            return {}
        return {"map": two_sides.question(found)}

    def no_difference(self) -> str:
        return self.store.comparing.no_places

    def other_rows(self, found: NeuronMapFound) -> OtherRows | None:
        """The other side of the rows that are drawn, where the difference is shown."""
        comparing = self.store.comparing
        if found.subject != self.store.subject:
            return None
        other = self.other("map", NeuronMapFound)
        return two_sides.rows(found, other, comparing.alignment, comparing.sides)

    @property
    def _goal(self) -> int:
        """How many tokens of text are wanted; none while the model learns."""
        model = self.store.model
        if model is None or self._learning:
            return 0
        return self.reading.goal(model.model_id, self.store.selection.layer)

    @property
    def _learning(self) -> bool:
        return self.store.timeline.live

    def _forget(self) -> None:
        """Another model: nothing that is drawn holds of it."""
        self.map_side.forget()
        self.invalidate()

    def _ask_from_the_top(self) -> None:
        self.grid.verticalScrollBar().setValue(0)
        if self.store.selection.neuron is not None:
            self.map_side.reveal_soon()
        self.ask()
        self.invalidate()

    def _on_seen_changed(self) -> None:
        self.ask()
        self.invalidate()

    # ------------------------------------------------------------------------ actions

    def find_neuron(self) -> None:
        """Type the number of a neuron."""
        self.controls.number.setFocus()
        self.controls.number.selectAll()

    def go_to(self, typed: str) -> None:
        """Select the neuron of a number, as it is typed."""
        model = self.store.model
        if model is None or not typed:
            return
        n, layer = model.config.n_neurons, self.store.selection.layer
        if int(typed) >= n:
            said = f"There is no neuron {int(typed):,} in layer {layer}; there are 0 to {n - 1:,}."
            self.store.post(Notice(said, level="warning"))
            return
        self._choose_neuron(int(typed))

    def toggle_cut(self) -> None:
        """Clamp the neuron to 0, or take that back."""
        neuron = self.neuron
        if neuron is not None:
            self.store.select(neuron=neuron)  # or the next strongest would be looked at
            self.store.intervening.toggle(SetNeuron(self.store.selection.layer, neuron, 0.0))
        self.invalidate()

    def toggle_reading(self) -> None:
        """Read texts, read on, or stop."""
        model, layer = self.store.model, self.store.selection.layer
        if model is None:
            return
        found = self.answered("texts", NeuronTextsFound)
        n_read = 0 if found is None or not self._is_of_source(found) else found.n_scanned
        if self._is_reading:
            self.reading.stop(model.model_id, layer, n_read)
        else:
            self.reading.start(model.model_id, layer, n_read)
            if not self.body.is_wide:
                self.body.show_view("texts")
        self.ask()
        self.invalidate()

    def read_file(self, path: str) -> None:
        """Read a file instead; the story world if it is empty."""
        self.reading.file = path
        self.texts.set_source(path)
        self.ask()
        self.invalidate()

    def _ask_file(self) -> None:
        dialog = file_dialog(
            self, "Text to read for neurons", mode=QFileDialog.FileMode.ExistingFile
        )
        dialog.fileSelected.connect(self.read_file)
        dialog.open()

    def _choose_end(self, end: str) -> None:
        self.end = cast(End, end)
        self.ask()
        self.invalidate()

    def _choose_layer(self, layer: int) -> None:
        self.store.select(layer=layer)

    def _choose_neuron(self, neuron: int) -> None:
        self.map_side.reveal_soon()
        self.store.select(neuron=neuron)
        self.invalidate()

    def _choose_position(self, position: int) -> None:
        self.store.select(neuron=self.neuron, position=position)

    def _choose_token(self, token_id: int) -> None:
        self.store.select(vocabulary_id=token_id)

    # ------------------------------------------------------------------------ drawing

    def refresh(self) -> None:
        model, store = self.store.model, self.store
        if model is None or store.read is None:
            self._stack.setCurrentIndex(0)
            self._empty.setText(
                "Open a model to see its neurons."
                if model is None
                else store.prompt_problem or "Type a prompt to see what each neuron makes of it."
            )
            return
        self._stack.setCurrentIndex(1)
        self.controls.show_layers(model.config.n_layers, store.selection.layer)
        self.ask_other()
        self.map_side.draw()
        self._draw_neuron()
        self._draw_texts()
        self.map_side.mark()
        if set(self.questions()) - set(self._asked):
            self.ask()  # the strongest neuron is known now, and can be looked at

    @property
    def _asked(self) -> set[str]:
        return {name for name in ("here", "map", "curve", "texts") if self.slot(name)}

    def _draw_neuron(self) -> None:
        model, slot = self.store.model, self.slot("here")
        found = self.answered("here", NeuronsFound)
        assert model is not None
        if found is None or slot is None or slot.read is None:
            self.sentence.setText("" if slot is None else slot.problem)
            self.heading.name.setText("")
            return
        asked = found.question
        assert isinstance(asked, Neurons)
        cut = SetNeuron(asked.layer, found.neuron, 0.0)
        changing = self.store.intervening
        name = words.long_name(model.config, asked.layer, found.neuron)
        self.heading.show_neuron(name, changing.is_on(cut), changing.refusal(cut))
        token = slot.read.tokens[asked.position].text
        self.body.caption("token", words.bars_caption(asked, token))
        self.bars.set_rows(pictures.bars(found, model.config), found.neuron)
        self.lists.set_columns(pictures.columns(found, model))
        self.body.caption("tokens", words.tokens_caption(found))
        raised = [model.token_text(int(one)) for one in found.promoted_ids[:3]]
        self.sentence.setText(slot.problem or words.here(model.config, found, token, raised))
        self.sentence.setToolTip(as_written(self.sentence.text()))
        self._draw_curve()

    def _draw_curve(self) -> None:
        slot, found = self.slot("curve"), self.answered("curve", NeuronCurveFound)
        if found is None or slot is None or slot.read is None:
            self.curve.set_content(None, None)
            return
        self.curve.set_content(pictures.curve(found, slot.read), self.store.selection.position)
        self.body.caption("curve", words.curve_caption(found))

    def _draw_texts(self) -> None:
        slot, model = self.slot("texts"), self.store.model
        found = self.answered("texts", NeuronTextsFound)
        assert model is not None
        if found is not None and (slot is None or not self._is_of_source(found)):
            found = None
        self.texts.show_found(
            found,
            reading=self._is_reading,
            problem="" if slot is None else slot.problem,
            gated=model.config.gated,
            learning=self._learning,
        )
        self.body.caption(
            "texts",
            "what excites it in other texts" if self.end == "highest" else "its lowest elsewhere",
        )

    def _is_of_source(self, found: NeuronTextsFound) -> bool:
        """Whether an answer is about the layer and the texts in view."""
        same = found.asked.file == self.reading.file
        return same and found.asked.layer == self.store.selection.layer

    @property
    def _is_reading(self) -> bool:
        """Whether texts are being read just now."""
        slot = self.slot("texts")
        if slot is None or slot.problem or not self._goal:
            return False
        return not (slot.is_current and slot.answer is not None and slot.answer.is_whole)

    def _tip(self, row: NeuronBar) -> str:
        found, model = self.answered("here", NeuronsFound), self.store.model
        if found is None or model is None:
            return ""
        return pictures.bar_tip(found, model.config, row.neuron)

    # ------------------------------------------------------------------------ the base

    def header_note(self) -> str:
        waits = waiting.words(self.store.asked.waits(self.key))
        found = self.answered("map", NeuronMapFound)
        if waits or found is None:
            return waits
        return f"layer {found.asked.layer} · {len(found.order_N):,} neurons"

    def export_data(self) -> Mapping[str, Named | NDArray[Any]]:
        found = {
            "map": self.answered("map", NeuronMapFound),
            "token": self.answered("here", NeuronsFound),
            "curve": self.answered("curve", NeuronCurveFound),
            "texts": self.answered("texts", NeuronTextsFound),
        }
        return pictures.exported(found)

    def remember(self) -> dict[str, Any]:
        return {
            "by": self.controls.by,
            "order": self.controls.order,
            "view": self.body.views.current,
            "file": self.reading.file,
        }

    def recall(self, kept: Mapping[str, Any]) -> None:
        by, order = kept.get("by"), kept.get("order")
        self.controls.choose(
            "activation" if by == "activation" else "write",
            order if order in ("text", "token", "number") else "text",
        )
        view = kept.get("view")
        if isinstance(view, str) and view in VIEWS:
            self.body.show_view(view)
        file = kept.get("file")
        if isinstance(file, str) and file and Path(file).is_file():
            self.read_file(file)

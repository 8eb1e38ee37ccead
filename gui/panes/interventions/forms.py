"""What has to be typed for an intervention: a neuron and its value, or other texts.

Each form is about what is selected when it is sent. Knows the store.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QCompleter, QHBoxLayout, QLineEdit, QPushButton, QVBoxLayout, QWidget

from gui import theme
from gui.reading.axes import parameter_shape
from gui.reading.intervening import is_weight
from gui.session.store import Store
from gui.widgets.choice import Choice
from gui.widgets.control_button import ControlButton, make_primary
from gui.widgets.nest import nest
from gui.widgets.number_boxes import DecimalBox, WholeBox
from gui.widgets.text import Text
from model.interventions import PatchActivation, SetNeuron, SetWeight, Steer
from model.operations import parameter_names

Ids = tuple[int, ...]


class Form(QWidget):
    """A few fields, a button that sends them, one that doesn't.

    Signals:
        done: it is to be put away.
    """

    done = Signal()

    def __init__(self, store: Store, button: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.store = store
        self.title = Text(parent=self, font=theme.sans(theme.SMALL_FONT_SIZE), tone="dim")
        self.send_button = QPushButton(button, self)
        self.send_button.setAccessibleName(button)
        make_primary(self.send_button)
        self.close_button = ControlButton("press", self, sign="close")
        self.close_button.setToolTip("Put it away (Esc)")
        self.close_button.setAccessibleName("Put the form away")
        self.send_button.clicked.connect(self.send)
        self.close_button.clicked.connect(self.done)
        head = QHBoxLayout()
        head.addWidget(self.title, 1)
        head.addWidget(self.close_button)
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(theme.SPACE, theme.TIGHT, theme.TIGHT, theme.TIGHT)
        self._layout.setSpacing(theme.TIGHT)
        nest(self._layout, head)
        self._layout.setAlignment(Qt.AlignmentFlag.AlignTop)

    def line(self, *widgets: QWidget) -> None:
        """Fields beside each other; the first has the room."""
        row = QHBoxLayout()
        row.setSpacing(theme.TIGHT)
        for index, widget in enumerate(widgets):
            row.addWidget(widget, 1 if index == 0 else 0)
        nest(self._layout, row)

    def field(self, name: str, hint: str) -> QLineEdit:
        """A field for a text; Return sends."""
        field = QLineEdit(self)
        field.setPlaceholderText(name)
        field.setAccessibleName(name)
        field.setToolTip(hint)
        field.returnPressed.connect(self.send)
        field.textChanged.connect(self.follow)
        return field

    def follow(self) -> None:
        """Show what the fields are about now."""

    def put_away(self) -> None:
        """It is seen no more."""
        self.hide()

    def send(self) -> None:
        """Do it, if all is there."""
        raise NotImplementedError

    def first(self) -> QWidget:
        """What has the keyboard first."""
        raise NotImplementedError

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.done.emit()
        else:
            super().keyPressEvent(event)

    @property
    def _token(self) -> str:
        """The selected position with its token, in words."""
        at, read = self.store.selection.position, self.store.read
        if read is None or not 0 <= at < read.n_tokens:
            return "the position"
        return f"{at} {read.tokens[at].text}"


class NeuronForm(Form):
    """A neuron of the selected layer, and its value."""

    def __init__(self, store: Store, parent: QWidget | None = None) -> None:
        super().__init__(store, "Clamp", parent)
        self.neuron = WholeBox(0, 1, "neuron", self)
        self.neuron.setAccessibleName("Neuron")
        self.value = DecimalBox(-1e4, 1e4, "value", "a number", self)
        self.value.setAccessibleName("Value of the neuron")
        self.value.setToolTip("What the neuron fires with, at every position; 0 silences it")
        self.line(self.neuron, self.value, self.send_button)

    def follow(self) -> None:
        model, layer = self.store.model, self.store.selection.layer
        n = 1 if model is None else model.config.d_mlp
        self.neuron.setRange(0, n - 1)
        self.neuron.setToolTip(f"Index in blocks.{layer}.mlp.hook_post, 0 to {n - 1}")
        self.title.setText(f"Neuron of layer {layer} (of {n:,}) and its value")

    def first(self) -> QWidget:
        return self.neuron

    def send(self) -> None:
        layer = self.store.selection.layer
        one = SetNeuron(layer, self.neuron.value(), self.value.value())
        if self.store.intervening.add(one):
            self.done.emit()


class WeightForm(Form):
    """One number of a parameter, by its name and index, and its value."""

    def __init__(self, store: Store, parent: QWidget | None = None) -> None:
        super().__init__(store, "Set", parent)
        self.name = self.field("parameter", "Its name, for example blocks.0.mlp.W_in")
        self.index = self.field("index", "A number for each axis, for example 3, 5")
        self.value = DecimalBox(-1e4, 1e4, "value", "a number from −10,000 to 10,000", self)
        self.value.setAccessibleName("Value of the weight")
        self.value.setToolTip("What the number is from now on, wherever the network reads it")
        names = () if store.model is None else parameter_names(store.model.config)
        known = self._known = QCompleter(list(names), self)
        known.setFilterMode(Qt.MatchFlag.MatchContains)
        known.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self.name.setCompleter(known)
        self.line(self.name)
        self.line(self.index, self.value, self.send_button)
        self._begin()

    def _begin(self) -> None:
        """With the weight that is inspected, if one is."""
        model, inspected = self.store.model, self.store.inspected
        if model is None or inspected is None or not is_weight(model.config, inspected):
            return
        self.name.setText(inspected.name)
        self.index.setText(", ".join(map(str, inspected.index)))
        self.value.setValue(inspected.value or 0.0)

    def put_away(self) -> None:
        super().put_away()
        names = self._known.popup()
        if names is not None:
            names.hide()

    @property
    def _typed(self) -> SetWeight | None:
        """What is typed; None while the index is none."""
        words = self.index.text().replace(",", " ").split()
        if not words or not all(word.isdecimal() and word.isascii() for word in words):
            return None
        return SetWeight(self.name.text().strip(), tuple(map(int, words)), self.value.value())

    def follow(self) -> None:
        model, one = self.store.model, self._typed
        if model is None:
            return
        name = self.name.text().strip()
        sizes, axes = parameter_shape(model.config, name)
        known = name in parameter_names(model.config)
        words = f"One weight: [{' × '.join(map(str, sizes))}] {axes}" if known else "One weight"
        why = one.refusal(model.config) if one is not None else ""
        typing = not known and not (one is not None and name)
        self.title.setText(words if typing or not why else why)
        self.title.set_tone("warning" if why and not typing else "dim")
        self.send_button.setEnabled(one is not None and not why)

    def first(self) -> QWidget:
        return self.value if self._typed is not None else self.name

    def send(self) -> None:
        one = self._typed
        if one is not None and self.store.intervening.set_weight(one):
            self.done.emit()


class PatchForm(Form):
    """An activation of the selected place is taken from another prompt."""

    def __init__(self, store: Store, parent: QWidget | None = None) -> None:
        super().__init__(store, "Patch in", parent)
        self.text = self.field("Another prompt", "It runs as it is; what it has there comes here")
        self.what = Choice(self)
        self.what.setAccessibleName("Which activation")
        self.what.setToolTip("Which activation is taken from the other prompt")
        self.where = Choice(self)
        self.where.setAccessibleName("At which positions")
        self.where.setToolTip("Where it is put, and from where it is taken")
        self.what.setMinimumContentsLength(6)
        self.where.setMinimumContentsLength(4)
        for choice in (self.what, self.where):
            choice.setSizeAdjustPolicy(
                choice.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
            )
        self.line(self.text)
        self.line(self.what, self.where, self.send_button)
        self.title.setText("Patch in from another prompt")

    def follow(self) -> None:
        selection, ops, model = self.store.selection, self.store.operations, self.store.model
        if model is None:
            return
        layer, head = selection.layer, selection.head
        block = f"blocks.{layer}"
        whats: list[tuple[str, tuple[str, int | None]]] = [
            (f"stream after layer {layer}", (f"{block}.hook_resid_post", None)),
            (f"attention of layer {layer}", (f"{block}.hook_attn_out", None)),
            (f"MLP of layer {layer}", (f"{block}.hook_mlp_out", None)),
            (f"head {layer}.{head}", (f"{block}.attn.hook_z", head)),
            (f"pattern of head {layer}.{head}", (f"{block}.attn.hook_pattern", head)),
        ]
        if ops:
            name = ops[selection.operation].output
            known = [each for _, (each, _) in whats]
            if name not in known:
                whats.append((name, (name, None)))
        whats = [
            (words, (name, own_head))
            for words, (name, own_head) in whats
            if not PatchActivation(name, (0,), head=own_head).refusal(model.config)
        ]
        _fill(self.what, whats)
        _fill(self.where, [("all", None), (f"at {self._token}", selection.position)])
        self.send_button.setEnabled(bool(self.text.text().strip()))

    def first(self) -> QWidget:
        return self.text

    def send(self) -> None:
        text = self.text.text()
        if not text.strip():
            return
        name, head = self.what.currentData()
        at = self.where.currentData()
        made = partial(_patch, name, head, () if at is None else (at,), text)
        self.store.intervening.add_of_texts((text,), made)
        self.done.emit()


class SteerForm(Form):
    """A direction from one text or word to another, added to the stream after a layer."""

    def __init__(self, store: Store, parent: QWidget | None = None) -> None:
        super().__init__(store, "Add", parent)
        self.plus = self.field("towards: a word or a prompt", "Towards this; it runs as it is")
        self.minus = self.field("away from: another, or nothing", "Away from this; may be empty")
        self.line(self.plus)
        self.line(self.minus, self.send_button)

    def follow(self) -> None:
        layer = self.store.selection.layer
        self.title.setText(f"A direction, added to the stream after layer {layer}")
        self.send_button.setEnabled(bool(self.plus.text().strip()))

    def first(self) -> QWidget:
        return self.plus

    def send(self) -> None:
        plus, minus = self.plus.text(), self.minus.text()
        if not plus.strip():
            return
        made = partial(_steer, self.store.selection.layer, plus, minus.strip() and minus)
        self.store.intervening.add_of_texts((plus, minus), made)
        self.done.emit()


def _patch(
    name: str, head: int | None, positions: Ids, text: str, found: tuple[Ids, ...]
) -> PatchActivation:
    return PatchActivation(name, found[0], positions, head=head, text=text)


def _steer(layer: int, plus: str, minus: str, found: tuple[Ids, ...]) -> Steer:
    return Steer(layer, found[0], found[1], plus_text=plus, minus_text=minus)


def _fill(choice: Choice, items: Sequence[tuple[str, object]]) -> None:
    """Other words, the same place."""
    at = choice.currentIndex()
    if [choice.itemText(i) for i in range(choice.count())] != [words for words, _ in items]:
        choice.clear()
        for words, data in items:
            choice.addItem(words, data)
        choice.setCurrentIndex(min(max(at, 0), len(items) - 1))

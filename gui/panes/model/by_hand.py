"""One number of the weights by hand: which was clicked, what it is, what it is set to.

A number that is set is an intervention like any other: it has a switch and a slider in
Interventions, is undone there, and every pane shows what it changes. The weights themselves stay.
Knows the store, the image and the layout of the tensor that is drawn.
"""

from __future__ import annotations

import math
from functools import partial

from PySide6.QtCore import QObject, QPoint, QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QWidget

from gui import theme
from gui.panes.model.matrix_image import MatrixImage
from gui.reading import intervening as reading
from gui.session.store import Store
from gui.widgets.control_button import ControlButton
from gui.widgets.number_boxes import DecimalBox
from gui.widgets.offer_menu import MenuItem, OfferMenu
from gui.widgets.text import Text, as_written
from model.interventions import SetWeight
from model.probe.weights.matrix_layout import MatrixLayout

FARTHEST = 1e4
HOW = "It becomes an intervention: switch it, slide it and undo it in Interventions"


class WeightBox(DecimalBox):
    """A weight: most are small."""

    DECIMALS = 6


class NumberRow(QWidget):
    """The number that was clicked, told in full, and the box in which it is set.

    Signals:
        set_to: the number that it is to be.
        taken_back: it is to be its own again.
        shown_or_hidden: there is a number now, or none.
    """

    set_to = Signal(object)
    taken_back = Signal()
    shown_or_hidden = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        small = theme.SMALL_FONT_SIZE
        self.words = Text(parent=self, font=theme.mono(small), elide=Qt.TextElideMode.ElideLeft)
        self.words.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.label = Text("Set to", self, tone="dim", font=theme.sans(small))
        limits = f"a number from −{FARTHEST:g} to {FARTHEST:g}"
        self.box = WeightBox(-FARTHEST, FARTHEST, "weight", limits, self)
        self.box.setAccessibleName("Set this weight to")
        self.box.setToolTip(HOW)
        self.box.setSingleStep(0.05)
        self.box.setKeyboardTracking(False)
        self.box.setFont(theme.mono(small))
        self.box.setFixedSize(
            self.box.fontMetrics().horizontalAdvance("−00.000000") + 22, theme.ROW_HEIGHT
        )
        self.box.valueChanged.connect(self._on_box)
        self.back = ControlButton("press", self, sign="undo")
        self.back.setAccessibleName("As in the model's own weights")
        self.back.clicked.connect(self.taken_back)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.SPACE)
        row.addWidget(self.words, 1)
        row.addWidget(self.label)
        row.addWidget(self.box)
        row.addWidget(self.back)
        self.hide()

    def show_number(self, where: str, own: float, now: float | None, *, is_on: bool) -> None:
        """Tell of a number.

        Args:
            where: its name and index.
            own: the model's own.
            now: what it is set to; None where it is its own.
            is_on: whether that is switched on and shown.
        """
        told = f"{where} = {own:.8g}"
        if now is not None:
            told = f"{where} = {own:.4g} → {now:.6g}" + ("" if is_on else " (off)")
        self.words.setText(told)
        self.words.set_tone("warning" if now is not None and is_on else "text")
        self.words.setToolTip(as_written(f"{told}\n{HOW}" if now is None else told))
        with QSignalBlocker(self.box):
            if math.isfinite(own) or now is not None:
                self.box.setValue(own if now is None else now)
        self.back.setEnabled(now is not None)
        self.back.setToolTip(f"As in the model's own weights: {own:.6g}")
        self._appear(True)

    def forget(self) -> None:
        """No number is chosen."""
        self._appear(False)

    def edit(self) -> None:
        """The keyboard goes into the box."""
        if self.isVisible():
            self.box.setFocus(Qt.FocusReason.ShortcutFocusReason)
            self.box.selectAll()

    def _appear(self, there: bool) -> None:
        if self.isHidden() == there:
            self.setVisible(there)
            self.shown_or_hidden.emit()

    def _on_box(self, value: float) -> None:
        self.set_to.emit(value)


class ByHand(QObject):
    """Connects the image, the row and the list of interventions.

    Args:
        store: whose list it is.
        image: where numbers are clicked.
        row: where the chosen one is told.
        parent: of menus.

    Signals:
        told: the chosen number is set, or set no more.
    """

    told = Signal()

    def __init__(self, store: Store, image: MatrixImage, row: NumberRow, parent: QWidget) -> None:
        super().__init__(parent)
        self._store, self._image, self._row, self._window = store, image, row, parent
        self._name = ""
        self._layout: MatrixLayout | None = None
        self._index: tuple[int, ...] = ()
        self._own = math.nan
        self._chosen = (0, 0, math.nan)
        image.menu_requested.connect(self._offer)
        image.set_requested.connect(row.edit)
        row.set_to.connect(self._set)
        row.taken_back.connect(self._take_back)
        store.intervening.changed.connect(self.refresh)

    def show_tensor(self, name: str, layout: MatrixLayout) -> None:
        """Another tensor is drawn, or another part of it: no number of it is chosen."""
        self._name, self._layout, self._index = name, layout, ()
        self._row.forget()
        self.refresh()

    def choose(self, row: int, column: int, value: float) -> None:
        """A number was clicked, or reached by a key."""
        if self._layout is not None:
            self._index, self._own = self._layout.index(row, column), value
            self._chosen = row, column, value
            self.refresh()

    @property
    def chosen(self) -> tuple[str, tuple[int, ...], tuple[int, int, float]] | None:
        """Name and full index of the chosen number, and its row, its column and it; or None."""
        return (self._name, self._index, self._chosen) if self._index else None

    def refresh(self) -> None:
        """Read the list: what is set of this tensor, and of the number that is chosen."""
        model, layout = self._store.model, self._layout
        if model is None or layout is None:
            return
        changed: dict[tuple[int, int], float] = {}
        for one in self._store.interventions:
            if not isinstance(one, SetWeight) or one.refusal(model.config):
                continue
            name, index = one.place(model.config)
            drawn_as, _ = SetWeight(self._name, index).place(model.config)
            if name != drawn_as:
                continue
            # A tied unembedding is the embedding's numbers, transposed.
            cell = layout.cell(index if name == self._name else index[::-1])
            if cell is not None:
                changed[cell] = one.value
        self._image.set_by_hand(changed)
        if self._index:
            self._tell()

    def _tell(self) -> None:
        changing = self._store.intervening
        at = changing.weight_set(self._weight(0.0))
        now, is_on = None, False
        if at is not None:
            one = changing.entries[at].intervention
            assert isinstance(one, SetWeight)
            now, is_on = one.value, changing.entries[at].on and changing.view != "before"
        self._row.show_number(self._where, self._own, now, is_on=is_on)
        self.told.emit()

    @property
    def _where(self) -> str:
        return f"{self._name}[{', '.join(map(str, self._index))}]"

    def _weight(self, value: float) -> SetWeight:
        return SetWeight(self._name, self._index, value)

    def _set(self, value: object) -> None:
        assert isinstance(value, float)
        if self._index:
            self._store.intervening.set_weight(self._weight(value), moving=True)
            self.refresh()

    def _take_back(self) -> None:
        at = self._store.intervening.weight_set(self._weight(0.0))
        if at is not None:
            self._store.intervening.remove(at)

    def _offer(self, at: QPoint | None, on_screen: QPoint) -> None:
        """What can be done to the number under the mouse, or to the chosen one."""
        model = self._store.model
        number = None if at is None else self._image.number_at(at.toPointF())
        if number is not None:
            self._image.cell_chosen.emit(number)
        if model is None or not self._index:
            return
        name, index = self._name, self._index
        items = [MenuItem("Set this weight…", self._row.edit)]
        for offer in reading.of_weight(model.config, name, index, self._own):
            assert isinstance(offer.intervention, SetWeight)
            does = partial(self._set, offer.intervention.value)
            items.append(MenuItem(offer.words, does, why_not=offer.refusal, group=1))
        if self._store.intervening.weight_set(self._weight(0.0)) is not None:
            items.append(MenuItem("As in the model's own weights", self._take_back, group=2))
        menu = OfferMenu(items, self._window)
        menu.chosen.connect(_do)
        menu.popup(on_screen)


def _do(thing: object) -> None:
    if callable(thing):
        thing()

"""The line of controls above the map: which layer, by what and in which order, a neuron by number.

Says what is wanted; knows no store.
"""

from __future__ import annotations

from typing import cast

from PySide6.QtCore import Signal
from PySide6.QtGui import QIntValidator
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QWidget

from gui import theme
from gui.widgets.choice import Choice
from gui.widgets.segments import Segments
from model.probe.neurons.asks import By
from model.probe.neurons.map.asks import Order

ORDERS: dict[Order, str] = {
    "text": "strongest in text",
    "token": "strongest at token",
    "number": "by number",
}


class Controls(QWidget):
    """The line.

    Signals:
        layer_chosen: index of a block.
        changed: by what, or the order, is another.
        number_typed: what was typed as a neuron's number.

    Attributes:
        by, order: what is chosen.
    """

    layer_chosen = Signal(int)
    changed = Signal()
    number_typed = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.by: By = "write"
        self.order: Order = "text"
        self.layers = Choice(self)
        self.layers.setAccessibleName("Layer")
        self.layers.setToolTip("Whose MLP is shown (Alt+Up, Alt+Down)")
        self.layers.activated.connect(self.layer_chosen)
        self.bys = Segments(self, font=theme.sans(theme.SMALL_FONT_SIZE))
        self.bys.setAccessibleName("What makes a neuron strong")
        self.bys.add(
            "write", "write", "Length of what it adds to the stream: activation × its row of W_out"
        )
        self.bys.add("activation", "activation", "The activation alone (mlp.hook_post)")
        self.bys.chosen.connect(self._on_by)
        self.orders = Choice(self)
        self.orders.setAccessibleName("Order of the neurons")
        self.orders.setToolTip("In which order the rows of the map stand")
        for key, text in ORDERS.items():
            self.orders.addItem(text, key)
        self.orders.activated.connect(self._on_order)
        self.number = QLineEdit(self)
        self.number.setPlaceholderText("neuron no.")
        self.number.setAccessibleName("Number of a neuron")
        self.number.setToolTip("Type a neuron's number and press Enter to go to it (Ctrl+Alt+N)")
        self.number.setValidator(QIntValidator(0, 99_999_999, self.number))
        self.number.setMaximumWidth(92)
        self.number.returnPressed.connect(self._on_number)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(theme.SPACE)
        for widget in (self.layers, self.bys, self.orders, self.number):
            layout.addWidget(widget)
        layout.addStretch(1)

    def show_layers(self, n: int, layer: int) -> None:
        """Offer so many, of which one is selected."""
        if self.layers.count() != n:
            self.layers.clear()
            self.layers.addItems([f"layer {index}" for index in range(n)])
        self.layers.setCurrentIndex(layer)

    def choose(self, by: By, order: Order) -> None:
        """Take these, without reporting it."""
        self.by, self.order = by, order
        self.bys.set_current(by)
        self.orders.setCurrentIndex(list(ORDERS).index(order))

    def _on_by(self, key: str) -> None:
        self.by = cast(By, key)
        self.changed.emit()

    def _on_order(self, index: int) -> None:
        self.order = list(ORDERS)[index]
        self.changed.emit()

    def _on_number(self) -> None:
        self.number_typed.emit(self.number.text().strip())
        self.number.selectAll()

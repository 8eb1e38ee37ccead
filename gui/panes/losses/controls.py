"""The line above: which view, which batch. Knows what can be chosen and what is; asks nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, cast

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QSpinBox, QVBoxLayout, QWidget

from gui import theme
from gui.widgets.control_button import ControlButton
from gui.widgets.flow import FlowLayout
from gui.widgets.nest import nest
from gui.widgets.segments import Segments

View = Literal["batch", "flow", "moved"]
Part = Literal["training", "validation"]

VIEWS: Mapping[str, tuple[str, str]] = {
    "batch": ("Batch", "The texts of a batch, each token by what it costs"),
    "flow": ("Gradient", "What flows back from the selected token's loss, operation by operation"),
    "moved": ("What moved", "Which weights the training moved since the kept step before"),
}
PARTS: Mapping[str, tuple[str, str]] = {
    "training": ("training", "Batches that are learned from; at first the one that comes next"),
    "validation": ("validation", "Batches that are never learned from"),
}
MOST = 10_000_000


class Controls(QWidget):
    """Choices.

    Signals:
        changed: another choice.

    Attributes:
        number: which batch; None follows the step in view.
    """

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.number: int | None = None
        small = theme.sans(theme.SMALL_FONT_SIZE)
        self.views = Segments(self, font=small)
        self.views.setAccessibleName("What is shown of the loss")
        self.parts = Segments(self, font=small)
        self.parts.setAccessibleName("Which text the batch is cut from")
        for segments, options in ((self.views, VIEWS), (self.parts, PARTS)):
            for key, (text, tip) in options.items():
                segments.add(key, text, tip)
        self.views.chosen.connect(self._on_view)
        self.parts.chosen.connect(self._on_part)
        self.box = QSpinBox(self)
        self.box.setFont(small)
        self.box.setPrefix("batch ")
        self.box.setRange(0, MOST)
        self.box.setKeyboardTracking(False)
        self.box.setFixedWidth(104)
        # A style sheet's padding does not reach the text of a spin box (Qt 6.11).
        self.box.lineEdit().setTextMargins(5, 0, 0, 0)
        self.box.setAccessibleName("Number of the batch")
        self.box.setToolTip("Of training the step that learns from it; of validation from 0")
        self.box.valueChanged.connect(self._on_number)
        self.following = ControlButton("option", self)
        self.following.setText("follow")
        self.following.setChecked(True)
        self.following.setAccessibleName("Follow the step in view")
        self.following.setToolTip("Always the batch that is learned next at the step in view")
        self.following.toggled.connect(self._on_following)
        flow = FlowLayout(spacing=theme.TIGHT)
        for widget in (self.views, self.parts, self.box, self.following):
            flow.addWidget(widget)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        nest(layout, flow)

    @property
    def view(self) -> View:
        return cast(View, self.views.current)

    @property
    def part(self) -> Part:
        return cast(Part, self.parts.current)

    def show_number(self, number: int, n_batches: int) -> None:
        """Which batch is drawn, and of how many; 0 for without end."""
        self.box.blockSignals(True)
        training = self.part == "training"
        self.box.setRange(int(training), MOST if training else max(0, n_batches - 1))
        self.box.setValue(number)
        self.box.blockSignals(False)

    def show_view(self, view: View) -> None:
        """Another view, without reporting it."""
        self.views.set_current(view)
        self._arrange()

    def follow(self) -> None:
        """Follow the step in view, without reporting it."""
        self.number = None
        self.following.blockSignals(True)
        self.following.setChecked(True)
        self.following.blockSignals(False)
        self._arrange()

    def _arrange(self) -> None:
        batch = self.view == "batch"
        self.parts.setVisible(batch)
        self.box.setVisible(batch)
        self.following.setVisible(batch and self.part == "training")

    def _on_view(self, _: str) -> None:
        self._arrange()
        self.changed.emit()

    def _on_part(self, _: str) -> None:
        self.follow()
        self.changed.emit()

    def _on_number(self, number: int) -> None:
        self.number = number
        self.following.blockSignals(True)
        self.following.setChecked(False)
        self.following.blockSignals(False)
        self.changed.emit()

    def _on_following(self, on: object) -> None:
        self.number = None if on else self.box.value()
        self.changed.emit()

"""Temperature, top-k and top-p: how the next token is chosen.

Knows `Sampling`; no store, no model.
"""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtGui import QValidator
from PySide6.QtWidgets import QDoubleSpinBox, QHBoxLayout, QSlider, QSpinBox, QVBoxLayout, QWidget

from gui import theme
from gui.widgets.flow import FlowLayout
from gui.widgets.text import Text
from model.sampling import Sampling

LARGEST_TEMPERATURE = 2.0
STEPS = 200  # of the slider: hundredths


class SamplingControls(QWidget):
    """A slider and three boxes.

    Signals:
        sampling_changed: the `Sampling` that a person has set.
    """

    sampling_changed = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._sampling = Sampling()
        self.slider = QSlider(Qt.Orientation.Horizontal, self)
        self.slider.setRange(0, STEPS)
        self.slider.setPageStep(10)
        self.slider.setMinimumWidth(24)
        _explain(
            self.slider,
            "Temperature",
            "Temperature: the logits are divided by it. 0 always takes the likeliest token "
            "(greedy), 1 is the model's own distribution, above 1 is flatter.",
        )
        self.temperature = QDoubleSpinBox(self)
        self.temperature.setRange(0.0, LARGEST_TEMPERATURE)
        self.temperature.setSingleStep(0.05)
        self.temperature.setDecimals(2)
        self.temperature.setSpecialValueText("greedy")
        _explain(self.temperature, "Temperature, exact", self.slider.toolTip())
        self.top_k = QSpinBox(self)
        self.top_k.setSpecialValueText("all")
        _explain(
            self.top_k, "Top k", "Top k: only the k likeliest tokens can be drawn; 0 keeps all."
        )
        self.top_p = ShareBox(self)
        _explain(
            self.top_p,
            "Top p",
            "Top p (nucleus): only the fewest tokens whose probability reaches p can be drawn; "
            "1 keeps all.",
        )
        for box in (self.temperature, self.top_k, self.top_p):
            box.setFont(theme.mono(theme.FONT_SIZE - 0.5))
            box.setAlignment(Qt.AlignmentFlag.AlignRight)
            box.setKeyboardTracking(True)
            box.setFixedWidth(box.fontMetrics().horizontalAdvance("0") * 6 + 12)

        first = QHBoxLayout()
        first.setSpacing(theme.SPACE)
        first.addWidget(_label("temperature", self.temperature, self))
        first.addWidget(self.slider, 1)
        first.addWidget(self.temperature)
        second = FlowLayout(spacing=theme.SPACE)
        for text, box in (("top k", self.top_k), ("top p", self.top_p)):
            second.addWidget(_label(text, box, self))
            second.addWidget(box)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(theme.TIGHT)
        layout.addLayout(first)
        layout.addLayout(second)

        self.slider.valueChanged.connect(self._on_slider)
        self.temperature.valueChanged.connect(self._on_box)
        self.top_k.valueChanged.connect(self._on_box)
        self.top_p.valueChanged.connect(self._on_box)

    def show_sampling(self, sampling: Sampling, d_vocab: int) -> None:
        """Show what is set, without reporting it as a change."""
        self._sampling = sampling
        blockers = [
            QSignalBlocker(widget)
            for widget in (self.slider, self.temperature, self.top_k, self.top_p)
        ]
        self.slider.setValue(round(sampling.temperature * STEPS / LARGEST_TEMPERATURE))
        # A box in which somebody types "0.8" must not be rewritten at "0.".
        if round(self.temperature.value(), 2) != round(sampling.temperature, 2):
            self.temperature.setValue(sampling.temperature)
        self.top_k.setMaximum(max(d_vocab, sampling.top_k, 1))
        if self.top_k.value() != sampling.top_k:
            self.top_k.setValue(sampling.top_k)
        if round(self.top_p.value(), 2) != round(sampling.top_p, 2):
            self.top_p.setValue(sampling.top_p)
        del blockers

    def _on_slider(self, value: int) -> None:
        with QSignalBlocker(self.temperature):
            self.temperature.setValue(value * LARGEST_TEMPERATURE / STEPS)
        self._on_box()

    def _on_box(self) -> None:
        with QSignalBlocker(self.slider):
            self.slider.setValue(round(self.temperature.value() * STEPS / LARGEST_TEMPERATURE))
        sampling = Sampling(
            temperature=round(self.temperature.value(), 2),
            top_k=self.top_k.value(),
            top_p=round(self.top_p.value(), 2),
        )
        if sampling != self._sampling:
            self._sampling = sampling
            self.sampling_changed.emit(sampling)


class ShareBox(QDoubleSpinBox):
    """A share above 0, at most 1; 1 is written "all"."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setRange(0.01, 1.0)
        self.setSingleStep(0.05)
        self.setDecimals(2)
        self.setValue(1.0)

    def textFromValue(self, value: float) -> str:
        return "all" if value >= 1 else super().textFromValue(value)

    def valueFromText(self, text: str) -> float:
        return 1.0 if "all".startswith(text.strip() or "-") else super().valueFromText(text)

    def validate(self, text: str, position: int) -> tuple[QValidator.State, str, int]:
        if text and "all".startswith(text):
            acceptable = text == "all"
            state = QValidator.State.Acceptable if acceptable else QValidator.State.Intermediate
            return state, text, position
        state, text, position = super().validate(text, position)
        return state, text, position


def _explain(widget: QWidget, name: str, tip: str) -> None:
    widget.setAccessibleName(name)
    widget.setToolTip(tip)


def _label(text: str, buddy: QWidget, parent: QWidget) -> Text:
    label = Text(text, parent, tone="dim", font=theme.sans(theme.SMALL_FONT_SIZE + 0.5))
    label.setToolTip(buddy.toolTip())
    label.setMinimumWidth(label.sizeHint().width())
    return label

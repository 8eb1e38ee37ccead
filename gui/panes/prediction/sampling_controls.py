"""Temperature, top-k, top-p and min-p: how a token is chosen; in place why a number can't be.

Knows `Sampling`; no store, no model.
"""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QApplication, QHBoxLayout, QSlider, QVBoxLayout, QWidget

from gui import theme
from gui.widgets.control_button import ControlButton
from gui.widgets.flow import FlowLayout
from gui.widgets.nest import nest
from gui.widgets.number_boxes import DecimalBox, WholeBox
from gui.widgets.text import Text
from model.sampling import HOTTEST, Sampling

FINE = 2.0
"""Up to this temperature the slider goes in hundredths, above in tenths: that is where text is."""
_FINE_STEPS = 200
_STEPS = _FINE_STEPS + round((HOTTEST - FINE) * 10)
MORE = (
    "Show or hide top k, top p, min p, and how many tokens are generated from which seed; what is "
    "set stays in sight"
)


class SamplingControls(QWidget):
    """A slider and four boxes, three of which are seen where there is room or they are set.

    Attributes:
        refused: why what was typed last is no such number.
        more_button: shows or hides what is set seldom, here and below.

    Signals:
        sampling_changed: the `Sampling` that a person has set.
        more_toggled: a person wants to see what is set seldom, or no more.
    """

    sampling_changed = Signal(object)
    more_toggled = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._sampling = Sampling()
        self.slider = QSlider(Qt.Orientation.Horizontal, self)
        self.slider.setRange(0, _STEPS)
        self.slider.setPageStep(10)
        self.slider.setMinimumWidth(24)
        _explain(
            self.slider,
            "Temperature",
            "Temperature: the logits are divided by it. 0 always takes the likeliest token "
            f"(greedy), 1 is the model's own distribution, above 1 is flatter, up to {HOTTEST:g}.",
        )
        self.temperature = DecimalBox(
            0.0,
            HOTTEST,
            "temperature",
            f"a number from 0 (greedy) to {HOTTEST:g}",
            self,
            special="greedy",
        )
        self.temperature.setSingleStep(0.05)
        _explain(self.temperature, "Temperature, exact", self.slider.toolTip())
        self.top_k = WholeBox(0, 1, "top k", self, special="all")
        _explain(
            self.top_k, "Top k", "Top k: only the k likeliest tokens can be drawn; 0 keeps all."
        )
        self.top_p = DecimalBox(
            0.0001, 1.0, "top p", "a share above 0 and up to 1 (all)", self, all_word="all"
        )
        self.top_p.setSingleStep(0.05)
        self.top_p.setValue(1.0)
        _explain(
            self.top_p,
            "Top p",
            "Top p (nucleus): only the fewest tokens whose probability reaches p can be drawn; "
            "1 keeps all.",
        )
        self.min_p = DecimalBox(0.0, 1.0, "min p", "a share from 0 (all) to 1", self, special="all")
        self.min_p.setSingleStep(0.05)
        _explain(
            self.min_p,
            "Min p",
            "Min p: only tokens at least this share as likely as the likeliest one can be drawn; "
            "0 keeps all.",
        )
        for box in (self.temperature, self.top_k, self.top_p, self.min_p):
            box.setFont(theme.mono(theme.FONT_SIZE - 0.5))
            box.setAlignment(Qt.AlignmentFlag.AlignRight)
            box.setKeyboardTracking(True)
            box.setFixedHeight(theme.CONTROL_HEIGHT)
            # Three boxes with their names stand beside each other in the narrowest of columns.
            box.setFixedWidth(box.fontMetrics().horizontalAdvance("0") * 6 + 8)
            box.refusals.tell = self._refuse
        words = theme.sans(theme.SMALL_FONT_SIZE + 0.5)
        self.refused = Text(parent=self, tone="warning", font=words, wrap=True)
        self.refused.hide()

        first = QHBoxLayout()
        first.setSpacing(theme.SPACE)
        first.addWidget(_label("temperature", self.temperature, self))
        first.addWidget(self.slider, 1)
        first.addWidget(self.temperature)
        self.more_button = ControlButton("option", self, sign="more")
        _explain(self.more_button, "More options of drawing", MORE)
        self.more_button.clicked.connect(self.more_toggled)
        first.addWidget(self.more_button)
        self._filters = QWidget(self)
        second = FlowLayout(self._filters, spacing=theme.TIGHT)
        self._pairs: list[QWidget] = []
        for text, box in (("top k", self.top_k), ("top p", self.top_p), ("min p", self.min_p)):
            pair = QWidget(self._filters)
            self._pairs.append(pair)
            row = QHBoxLayout(pair)
            row.setContentsMargins(0, 0, 0, 0)
            row.setSpacing(theme.TIGHT)
            row.addWidget(_label(text, box, pair))
            row.addWidget(box)
            second.addWidget(pair)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(theme.TIGHT)
        nest(layout, first)
        layout.addWidget(self._filters)
        layout.addWidget(self.refused)

        self.slider.valueChanged.connect(self._on_slider)
        self.temperature.valueChanged.connect(self._on_box)
        self.top_k.valueChanged.connect(self._on_box)
        self.top_p.valueChanged.connect(self._on_box)
        self.min_p.valueChanged.connect(self._on_box)

    def show_sampling(self, sampling: Sampling, d_vocab: int) -> None:
        """Show what is set, without reporting it as a change."""
        self._sampling = sampling
        blockers = [
            QSignalBlocker(widget)
            for widget in (self.slider, self.temperature, self.top_k, self.top_p, self.min_p)
        ]
        self.slider.setValue(_place(sampling.temperature))
        # A box in which somebody types "0.8" must not be rewritten at "0.".
        if round(self.temperature.value(), DIGITS) != round(sampling.temperature, DIGITS):
            self.temperature.setValue(sampling.temperature)
        self.top_k.setMaximum(max(d_vocab, sampling.top_k, 1))
        if self.top_k.value() != sampling.top_k:
            self.top_k.setValue(sampling.top_k)
        if round(self.top_p.value(), DIGITS) != round(sampling.top_p, DIGITS):
            self.top_p.setValue(sampling.top_p)
        if round(self.min_p.value(), DIGITS) != round(sampling.min_p, DIGITS):
            self.min_p.setValue(sampling.min_p)
        del blockers

    def show_more(self, more: bool) -> None:
        """Show all filters, or only those that are set: what cuts the distribution is seen."""
        self.more_button.setChecked(more)
        sampling, focused = self._sampling, QApplication.focusWidget()
        is_set = (sampling.top_k > 0, sampling.top_p < 1, sampling.min_p > 0)
        shown = [
            more or one or (focused is not None and pair.isAncestorOf(focused))
            for pair, one in zip(self._pairs, is_set, strict=True)
        ]
        for pair, seen in zip(self._pairs, shown, strict=True):
            pair.setVisible(seen)
        self._filters.setVisible(any(shown))

    def _on_slider(self, value: int) -> None:
        with QSignalBlocker(self.temperature):
            self.temperature.setValue(_temperature(value))
        self._refuse("")
        self._on_box()

    def _on_box(self) -> None:
        with QSignalBlocker(self.slider):
            self.slider.setValue(_place(self.temperature.value()))
        sampling = Sampling(
            temperature=round(self.temperature.value(), DIGITS),
            top_k=self.top_k.value(),
            top_p=round(self.top_p.value(), DIGITS),
            min_p=round(self.min_p.value(), DIGITS),
        )
        if sampling != self._sampling:
            self._sampling = sampling
            self.sampling_changed.emit(sampling)

    def _refuse(self, why: str) -> None:
        """Say why what was typed is no such number; nothing takes it back."""
        self.refused.setText(why)
        self.refused.setVisible(bool(why))


DIGITS = DecimalBox.DECIMALS


def _temperature(place: int) -> float:
    """The temperature at a place of the slider."""
    if place <= _FINE_STEPS:
        return place * FINE / _FINE_STEPS
    return FINE + (place - _FINE_STEPS) / 10


def _place(temperature: float) -> int:
    """The place of the slider nearest to a temperature."""
    if temperature <= FINE:
        return round(temperature * _FINE_STEPS / FINE)
    return _FINE_STEPS + round((temperature - FINE) * 10)


def _explain(widget: QWidget, name: str, tip: str) -> None:
    widget.setAccessibleName(name)
    widget.setToolTip(tip)


def _label(text: str, buddy: QWidget, parent: QWidget) -> Text:
    label = Text(text, parent, tone="dim", font=theme.sans(theme.SMALL_FONT_SIZE + 0.5))
    label.setToolTip(buddy.toolTip())
    label.setMinimumWidth(label.sizeHint().width())
    return label

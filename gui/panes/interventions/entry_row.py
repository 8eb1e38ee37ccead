"""One intervention of the list: what it does, how much, its switch, and its end.

Knows entries and the theme; no store.
"""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QSignalBlocker, Qt, Signal
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QSlider, QVBoxLayout, QWidget

from gui import theme
from gui.panes.interventions.switch import Switch
from gui.session.intervening import Entry
from gui.widgets.control_button import ControlButton
from gui.widgets.nest import nest
from gui.widgets.number_boxes import DecimalBox
from gui.widgets.text import Text, as_written
from model.interventions.amount import amount, with_amount

STEPS = 200
"""Places of a slider between its ends: a hundredth each, from 0 to 2."""
FARTHEST = 1e4


class EntryRow(QWidget):
    """A row of the list.

    Signals:
        switched: on or off, by the person.
        removed: it is to go.
        exchanged: another intervention is to take its place; whether more steps may follow.
        settled: the slider was let go of.
        opened: it was clicked, or its amount has the keyboard.
    """

    switched = Signal(object)  # bool; see STYLE on Signal(bool)
    removed = Signal()
    exchanged = Signal(object, object)
    settled = Signal()
    opened = Signal()

    def __init__(self, entry: Entry, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.entry = entry
        self.words = Text(parent=self)
        self.words.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.note = Text(parent=self, tone="warning", font=theme.sans(theme.SMALL_FONT_SIZE))
        self.note.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.note.hide()
        self.switch = Switch(self)
        self.remove = ControlButton("press", self, sign="close")
        self.remove.clicked.connect(self.removed)
        self.switch.clicked.connect(self._on_switch)
        first = QHBoxLayout()
        first.setSpacing(theme.TIGHT)
        first.addWidget(self.words, 1)
        self.slider: QSlider | None = None
        self.box: DecimalBox | None = None
        if (much := amount(entry.intervention)) is not None:
            self._least, self._most = much.least, much.most
            first.addWidget(self._make_amount())
        first.addWidget(self.switch)
        first.addWidget(self.remove)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(theme.SPACE, 2, 2, 2)
        layout.setSpacing(0)
        nest(layout, first)
        layout.addWidget(self.note)
        if self.slider is not None:
            layout.addWidget(self.slider)
        self.open(False)
        self.take(entry)

    def open(self, opened: bool) -> None:
        """Show its slider, or not: a list is short where one row has it at a time."""
        if self.slider is not None:
            self.slider.setVisible(opened)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.opened.emit()
        event.ignore()  # and the pane takes the keyboard

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self.box and event.type() == QEvent.Type.FocusIn:
            self.opened.emit()
        return super().eventFilter(watched, event)

    def _make_amount(self) -> DecimalBox:
        self.slider = QSlider(Qt.Orientation.Horizontal, self)
        self.slider.setRange(0, STEPS)
        self.slider.setPageStep(STEPS // 20)
        self.slider.setMinimumWidth(40)
        self.slider.valueChanged.connect(self._on_slider)
        self.slider.sliderReleased.connect(self.settled)
        self.box = DecimalBox(
            -FARTHEST, FARTHEST, "amount", f"a number from −{FARTHEST:g} to {FARTHEST:g}", self
        )
        self.box.setSingleStep(0.05)
        self.box.setKeyboardTracking(False)
        self.box.setFont(theme.mono(theme.FONT_SIZE - 0.5))
        self.box.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.box.setFixedSize(
            self.box.fontMetrics().horizontalAdvance("0") * 5 + 14, theme.ROW_HEIGHT
        )
        self.box.refusals.tell = self._refuse
        self.box.valueChanged.connect(self._on_box)
        self.box.installEventFilter(self)
        return self.box

    def fits(self, entry: Entry) -> bool:
        """Whether it can show another entry as it is built: the same, perhaps doing more."""
        mine, other = self.entry.intervention, entry.intervention
        if mine == other:
            return True
        return amount(mine) is not None and with_amount(mine, 0.0) == with_amount(other, 0.0)

    def take(self, entry: Entry, note: str = "") -> None:
        """Show an entry.

        Args:
            entry: that `fits`.
            note: why it does nothing now; empty if it does.
        """
        self.entry = entry
        words = entry.intervention.words
        words = words[:1].upper() + words[1:]
        self.words.setText(words)
        self.words.set_tone("text" if entry.on else "dim")
        self.words.setToolTip(as_written("\n".join(filter(None, (words, note)))))
        self.switch.setChecked(entry.on)
        self.switch.setToolTip("Switch it off" if entry.on else "Switch it on")
        self.switch.setAccessibleName(f"{words}: {'on' if entry.on else 'off'}")
        self.remove.setToolTip("Take it out of the list")
        self.remove.setAccessibleName(f"Remove: {words}")
        self._show_note(note)
        much = amount(entry.intervention)
        if much is not None and self.slider is not None and self.box is not None:
            with QSignalBlocker(self.slider), QSignalBlocker(self.box):
                if not self.slider.isSliderDown():
                    self.slider.setValue(self._step_of(much.value))
                if self.box.value() != much.value:
                    self.box.setValue(much.value)
            for widget in (self.slider, self.box):
                widget.setAccessibleName(f"How much: {words}")
                widget.setToolTip(
                    f"{much.least:g} to {much.most:g}"
                    + ("" if much.neutral is None else f"; {much.neutral:g} changes nothing")
                )

    def _show_note(self, note: str) -> None:
        self.note.setText(note)
        self.note.setToolTip(as_written(note))
        self.note.setVisible(bool(note))

    def _step_of(self, value: float) -> int:
        share = (value - self._least) / (self._most - self._least)
        return round(min(max(share, 0.0), 1.0) * STEPS)

    def _refuse(self, why: str) -> None:
        self._show_note(why)

    def _on_switch(self) -> None:
        self.switched.emit(self.switch.isChecked())

    def _on_slider(self, step: int) -> None:
        value = round(self._least + (self._most - self._least) * step / STEPS, 6)
        self.exchanged.emit(with_amount(self.entry.intervention, value), True)

    def _on_box(self, value: float) -> None:
        self.exchanged.emit(with_amount(self.entry.intervention, value), False)

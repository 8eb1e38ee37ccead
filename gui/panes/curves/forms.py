"""What is watched and waited for: two lines to type into, and what stands in the lists.

Knows names to complete and lists that it is given; no store.
"""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSignalBlocker, QStringListModel, Qt, Signal
from PySide6.QtWidgets import (
    QCompleter,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from gui import theme
from gui.widgets.control_button import ControlButton
from gui.widgets.flow import FlowLayout
from gui.widgets.nest import nest

MOST_EVERY = 100_000
CONDITIONS = (
    "val_loss < 2",
    "train_loss < 1",
    "grad_norm > 10",
    "induction > 0.5",
    "blocks.0 update_ratio > 0.01",
    "embed rank < 10",
    "analogies > 0.9",
    "nan",
)
"""What is offered while a condition is typed."""


class WatchForm(QWidget):
    """The widget.

    Signals:
        watch_asked: a name was typed, with a reduction or without.
        condition_asked: a condition was typed.
        dropped: a line of a list was clicked: no longer.
        every_chosen: steps between two measurements; 0 for what the recipe has.

    Attributes:
        watch, condition: the lines to type into.
        every: steps between two measurements.
        problem: why what was typed can't be.
    """

    watch_asked = Signal(str)
    condition_asked = Signal(str)
    dropped = Signal(str)
    every_chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._names = QStringListModel(self)
        self._known: Sequence[str] = ()
        self.watch = _line(
            "Watch a tensor: blocks.0.mlp.W_in.grad",
            "Watch a tensor",
            "An activation, a parameter or a gradient by its name, then if you like norm, rms, "
            "max, mean, entropy or rank. Enter adds its curve.",
        )
        self.watch.setCompleter(_completer(self._names, self))
        self.condition = _line(
            "Pause when: val_loss < 2",
            "Pause when",
            "The run waits where this begins to hold: a measure or any tensor, <, <=, > or >=, a "
            "number; or nan. Enter adds it.",
        )
        self.condition.setCompleter(_completer(QStringListModel(list(CONDITIONS), self), self))
        self.every = QSpinBox()
        self.every.setRange(0, MOST_EVERY)
        self.every.setSpecialValueText("every: as recipe")
        self.every.setPrefix("every ")
        self.every.setAccessibleName("Steps between two measurements")
        self.every.setToolTip(
            "Steps between two measurements of all curves; at 0, as often as the recipe has it. A "
            "measurement of a small network takes about a third of a step."
        )
        self.every.setFixedHeight(theme.CONTROL_HEIGHT)
        self.every.setFixedWidth(122)
        self.every.setKeyboardTracking(False)
        # A style sheet's padding does not reach the text of a spin box (Qt 6.11).
        self.every.lineEdit().setTextMargins(5, 0, 0, 0)
        self.problem = QLabel()
        self.problem.setTextFormat(Qt.TextFormat.PlainText)
        self.problem.setWordWrap(True)
        self.problem.setAccessibleName("What is wrong with it")
        self.problem.hide()
        self._chips = QWidget()
        self._flow = FlowLayout(self._chips, spacing=4)
        self._shown: tuple[tuple[str, bool], ...] = ()
        self.buttons: list[ControlButton] = []
        row = QHBoxLayout()
        row.setSpacing(theme.TIGHT)
        row.addWidget(self.watch, 3)
        row.addWidget(self.condition, 2)
        row.addWidget(self.every)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.TIGHT)
        nest(column, row)
        column.addWidget(self.problem)
        column.addWidget(self._chips)
        self._chips.hide()
        self.watch.returnPressed.connect(self._ask_watch)
        self.every.valueChanged.connect(self.every_chosen)
        self.condition.returnPressed.connect(self._ask_condition)
        self.watch.textEdited.connect(self._forget_problem)
        self.condition.textEdited.connect(self._forget_problem)

    def offer(self, names: Sequence[str]) -> None:
        """Complete these names."""
        if names is not self._known:
            self._known = names
            self._names.setStringList(list(names))

    def show_every(self, steps: int, recipes: int | None = None) -> None:
        """Show how often is measured, without reporting it.

        Args:
            steps: between two measurements; 0 for what the recipe has.
            recipes: what that is; None while it is not known.
        """
        self.every.setSpecialValueText(
            "every: as recipe" if recipes is None else f"every {recipes:,} steps"
        )
        if steps != self.every.value() and not self.every.hasFocus():
            blocked = QSignalBlocker(self.every)
            self.every.setValue(steps)
            blocked.unblock()

    def show_lists(self, watched: Sequence[str], stop_when: Sequence[str]) -> None:
        """Show what is watched and waited for."""
        shown = (*((one, False) for one in watched), *((one, True) for one in stop_when))
        if shown == self._shown:
            return
        self._shown = shown
        for button in self.buttons:
            self._flow.removeWidget(button)
            button.deleteLater()
        self.buttons = []
        for text, waits in shown:
            button = ControlButton("press", self._chips)
            button.setText(f"pause when {text}  ×" if waits else f"{text}  ×")
            does = "Wait for this no longer" if waits else "Watch this no longer"
            button.setToolTip(f"{does}: {text}")
            button.setAccessibleName(f"{does}: {text}")
            button.setProperty("text_of_list", text)
            button.clicked.connect(self._drop)
            self._flow.addWidget(button)
            self.buttons.append(button)
        self._chips.setVisible(bool(shown))

    def say(self, problem: str) -> None:
        """Say why what was typed can't be; empty for nothing."""
        self.problem.setText(problem)
        self.problem.setVisible(bool(problem))

    def apply_theme(self) -> None:
        """Take the colours of the theme in force."""
        self.problem.setStyleSheet(f"color: {theme.current().bad};")

    def _ask_watch(self) -> None:
        if self.watch.text().strip():
            self.watch_asked.emit(self.watch.text().strip())

    def _ask_condition(self) -> None:
        if self.condition.text().strip():
            self.condition_asked.emit(self.condition.text().strip())

    def _drop(self) -> None:
        button = self.sender()
        if button is not None:
            self.dropped.emit(str(button.property("text_of_list")))

    def _forget_problem(self) -> None:
        self.say("")


def _line(placeholder: str, name: str, tip: str) -> QLineEdit:
    line = QLineEdit()
    line.setPlaceholderText(placeholder)
    line.setAccessibleName(name)
    line.setToolTip(tip)
    line.setMinimumWidth(90)
    line.setFixedHeight(theme.CONTROL_HEIGHT)
    line.setFont(theme.mono(theme.SMALL_FONT_SIZE))
    return line


def _completer(names: QStringListModel, parent: QWidget) -> QCompleter:
    completer = QCompleter(names, parent)
    completer.setFilterMode(Qt.MatchFlag.MatchContains)
    completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
    completer.setMaxVisibleItems(12)
    return completer

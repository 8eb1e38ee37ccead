"""The buttons of a training run, and what its curve is: of what, over what.

Knows widgets only; what a button does is its owner's affair.
"""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QMenu, QPushButton, QToolButton, QWidget

from gui.panes.training.curves import ALONG_WORDS, LOSS, UNIT_WORDS, Along, Unit, choices
from gui.panes.training.live_rate import LiveRate
from gui.widgets.control_button import make_primary
from gui.widgets.flow import FlowLayout

START_TIP = "Train a new model by this recipe"
Hold = Literal["pause", "go on", "take up"]
_HOLDS: dict[Hold, tuple[str, str]] = {
    "pause": ("Pause", "Hold the run; nothing is lost"),
    "go on": ("Resume", "Let the run go on"),
    "take up": ("Resume", "Go on with this run from its last saved state"),
}


class RunControls(QWidget):
    """A line of buttons that wraps where it has no room.

    Signals:
        axes_changed: another axis or unit was chosen.
        fit_requested: the whole run is to be shown.
    """

    axes_changed = Signal()
    fit_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.recipe = QPushButton("Recipe")
        self.recipe.setCheckable(True)
        self.recipe.setChecked(True)
        self.start = QPushButton("Start")
        make_primary(self.start)
        self.pause = QPushButton("Pause")
        self.step = QPushButton("Step")
        self.stop = QPushButton("Stop")
        self.axes = QToolButton()
        self.axes.setText("Curve")
        self.axes.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.axes.setMenu(self._axes_menu())
        tips = {
            self.recipe: "Show or fold away what is trained and how",
            self.start: START_TIP,
            self.pause: "Hold the run; nothing is lost",
            self.step: "One update of the weights, then pause",
            self.stop: "End the run; it stays on disk and opens like any checkpoint",
            self.axes: "What is drawn, and over what",
        }
        flow = FlowLayout(self)
        for control, tip in tips.items():
            control.setToolTip(tip)
            control.setAccessibleName(control.text())
            control.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            control.setMaximumHeight(self.start.sizeHint().height())
            flow.addWidget(control)
        self.rate = LiveRate()
        self.rate.setFixedHeight(self.start.sizeHint().height())
        self.rate.hide()
        flow.addWidget(self.rate)

    @property
    def along(self) -> Along:
        """What the curves are drawn over."""
        return next(key for key, action in self.along_actions.items() if action.isChecked())

    @property
    def unit(self) -> Unit:
        """What losses are measured in."""
        return next(key for key, action in self.unit_actions.items() if action.isChecked())

    @property
    def what(self) -> str:
        """What is drawn: losses, or another measure by its name."""
        return next(key for key, action in self.what_actions.items() if action.isChecked())

    @property
    def log(self) -> bool:
        """Whether losses are on a logarithmic axis."""
        return self.log_action.isChecked()

    def show_hold(self, does: Hold, why_not: str = "") -> None:
        """Name the button that holds a run, lets it go on, or takes up one that has ended.

        Args:
            does: which of these.
            why_not: why it can't be pressed; empty if it can.
        """
        word, tip = _HOLDS[does]
        if self.pause.text() != word:
            self.pause.setText(word)
            self.pause.setAccessibleName(word)
        self.pause.setEnabled(not why_not)
        self.pause.setToolTip(why_not or tip)

    def _axes_menu(self) -> QMenu:
        menu = QMenu(self)
        menu.setToolTipsVisible(True)
        group = QActionGroup(menu)
        self.what_actions: dict[str, QAction] = {}
        for key, measures in choices().items():
            one = measures[0]
            self.what_actions[key] = _choice(menu, group, LOSS if key == LOSS else one.title)
            self.what_actions[key].setToolTip("; ".join(each.sentence for each in measures))
        self.what_actions[LOSS].setChecked(True)
        menu.addSeparator()
        group = QActionGroup(menu)
        self.along_actions: dict[Along, QAction] = {
            along: _choice(menu, group, f"Over {words}") for along, words in ALONG_WORDS.items()
        }
        menu.addSeparator()
        group = QActionGroup(menu)
        self.unit_actions: dict[Unit, QAction] = {
            unit: _choice(menu, group, f"Loss in {words}") for unit, words in UNIT_WORDS.items()
        }
        self.unit_actions["bits_per_byte"].setToolTip(
            "Comparable between tokenizers. By the validation text's tokens per byte; known from "
            "the first validation on."
        )
        menu.addSeparator()
        self.log_action = menu.addAction("Logarithmic")
        self.log_action.setCheckable(True)
        self.along_actions["step"].setChecked(True)
        self.unit_actions["nats"].setChecked(True)
        for action in menu.actions():
            action.triggered.connect(self.axes_changed)
        menu.addSeparator()
        menu.addAction("Show the whole run").triggered.connect(self.fit_requested)
        return menu


def _choice(menu: QMenu, group: QActionGroup, text: str) -> QAction:
    action = menu.addAction(text)
    action.setCheckable(True)
    group.addAction(action)
    return action

"""Above the recipe of a branch: which run and step it begins at, and what it has otherwise.

Knows recipes and widgets; what becomes of it is its owner's affair.
"""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QVBoxLayout, QWidget

from gui import theme
from gui.panes.training.wrapped import WrappedText
from gui.widgets.control_button import ControlButton
from gui.widgets.text import Text, as_written
from model.train.branching.record import Departure, differences, shown
from model.train.recipe import Recipe

_KEPT = "Same weights, optimiser and batches"


class BranchLine(QFrame):
    """A few lines; hidden where the run begins anew.

    Attributes:
        departure: where the branch begins; None for none.
        parent_recipe: of the run that it comes of.

    Signals:
        given_up: the run shall begin anew after all.
    """

    given_up = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.departure: Departure | None = None
        self.parent_recipe: Recipe | None = None
        self.setObjectName("branch_line")
        self.title = Text(
            font=theme.sans(theme.SMALL_FONT_SIZE + 0.5, bold=True),
            elide=Qt.TextElideMode.ElideMiddle,
        )
        self.words = WrappedText()
        self.words.setFont(theme.sans(theme.SMALL_FONT_SIZE))
        self.give_up = ControlButton("press", self)
        self.give_up.setText("Begin anew")
        self.give_up.setToolTip("No branch: the next run begins with new weights")
        self.give_up.setAccessibleName("No branch: begin anew")
        self.give_up.clicked.connect(self.given_up)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(theme.SPACE, 5, 5, 6)
        layout.setSpacing(2)
        layout.addWidget(self.title)
        layout.addWidget(self.words)
        layout.addWidget(self.give_up, 0, Qt.AlignmentFlag.AlignRight)
        self.apply_theme()
        self.hide()

    def show_departure(self, departure: Departure | None, name: str, recipe: Recipe | None) -> None:
        """Say where the run begins.

        Args:
            departure: where; None for nowhere.
            name: of the run that it comes of.
            recipe: of that run.
        """
        self.departure, self.parent_recipe = departure, None if departure is None else recipe
        if departure is not None:
            self.title.setText(f"Branch of {name} at step {departure.step:,}")
            self.title.setToolTip(as_written(departure.parent))
        self.setVisible(departure is not None)

    def show_recipe(self, recipe: Recipe) -> None:
        """Say what is otherwise than in the run that it comes of."""
        if self.departure is None or self.parent_recipe is None:
            return
        changes = differences(self.parent_recipe, recipe)
        if changes:
            listed = ", ".join(
                f"{name} {shown(was)} \u2192 {shown(now)}" for name, (was, now) in changes.items()
            )
            words = f"{_KEPT}; otherwise: {listed}."
        else:
            words = f"{_KEPT}; nothing is changed yet: it would be the same run again."
        self.words.setText(words)
        self.words.updateGeometry()
        self.setAccessibleName(f"{self.title.text()}. {words}")

    def apply_theme(self) -> None:
        """Take the colours of the theme in force."""
        t = theme.current()
        self.setStyleSheet(
            f"#branch_line {{ background: {t.accent_soft}; border: none; border-radius: 4px; }}"
        )

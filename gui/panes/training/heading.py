"""Whose curve it is: the run's name and folder, and which model the panes show meanwhile.

Knows a run and a sentence; what its button does is its owner's affair.
"""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QSizePolicy, QWidget

from gui import theme
from gui.session.training_run import Run
from gui.session.watching import Watching
from gui.widgets.text import Text, as_written
from model.train.branching.record import Departure

AGAIN = "A new run by this recipe that begins with this run's weights"

BRANCH = (
    "A run with other settings that begins at the step in view, with its weights, optimiser and "
    "batches; both runs are kept"
)

ROOM_FOR_BOTH = 560
"""From this width on both ways of going on have a button."""


class RunHeading(QWidget):
    """One line above a run's curve.

    Signals:
        show_requested: the panes shall show the model of this run.
        again_requested: a new run shall begin with the weights of this one.
        branch_requested: a run shall begin at the step of this one that is in view.
        follow_requested: each new snapshot of a run that is written elsewhere shall come into
            view, or no more.
    """

    show_requested = Signal()
    again_requested = Signal()
    branch_requested = Signal()
    follow_requested = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        small = theme.SMALL_FONT_SIZE
        self.name = Text(font=theme.sans(small + 0.5, bold=True))
        self.place = Text(tone="dim", font=theme.mono(small), elide=Qt.TextElideMode.ElideMiddle)
        self.place.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.view = Text(tone="dim", font=theme.sans(small))
        self.show_button = QPushButton("Show this run")
        self.show_button.setToolTip("Every pane shows this run's model; the other one stays open")
        self.show_button.clicked.connect(self.show_requested)
        self.again = QPushButton("Start again from here")
        self.again.setToolTip(AGAIN)
        self.again.clicked.connect(self.again_requested)
        self.branch = QPushButton("Branch from here…")
        self.branch.setToolTip("Another run from the step in view, with other settings")
        self.branch.clicked.connect(self.branch_requested)
        self.follow = QPushButton("Follow")
        self.follow.setToolTip("Every pane shows each new snapshot of this run as it comes")
        self.follow.setCheckable(True)
        self.follow.clicked.connect(self.follow_requested)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.SPACE)
        row.addWidget(self.name)
        row.addWidget(self.place, 1)
        row.addWidget(self.view)
        for button in (self.follow, self.show_button, self.branch, self.again):
            button.setAccessibleName(button.text())
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            row.addWidget(button)
        # One height, whichever of them are there: what is below doesn't jump.
        self.setFixedHeight(self.show_button.sizeHint().height())

    def show_following(self, watching: Watching, run: Run) -> None:
        """Offer to follow the snapshots of a run that another process writes."""
        newest = watching.newest if watching.run is run else None
        there = "the newest is in view" if newest is None else f"newest: step {newest.step:,}"
        self.follow.setVisible(run.elsewhere or newest is not None)
        self.follow.setChecked(watching.follows)
        self.follow.setText("Follow" if newest is None else f"Follow to step {newest.step:,}")
        self.follow.setAccessibleName("Follow the snapshots of this run")
        self.follow.setToolTip(f"Every pane shows each new snapshot as it comes; {there}")

    def show_run(
        self, run: Run, *, in_view: bool, other: str, again: bool, branch: Departure | None
    ) -> None:
        """Say whose curve it is.

        Args:
            run: that is drawn.
            in_view: whether the panes show a model of it.
            other: what they show, if not.
            again: whether another run can begin with its weights.
            branch: where a branch would begin; None where none can.
        """
        self.name.setText(f"Run {run.name}")
        self.place.setText(run.run_dir)
        self.place.setToolTip(as_written(run.run_dir))
        self.view.setText("The panes show it" if in_view else f"The panes show {other}")
        self.view.set_tone("dim" if in_view else "warning")
        self.view.setMinimumWidth(self.view.sizeHint().width())  # the name gives way first
        self.show_button.setVisible(not in_view)
        # "Here" is what is in view. In a narrow pane the run's name goes first: it is in the menu.
        self.again.setVisible(in_view and again and self.width() >= ROOM_FOR_BOTH)
        self.branch.setVisible(in_view and branch is not None)
        if branch is not None:
            self.branch.setToolTip(f"{BRANCH}. Here is step {branch.step:,} (Ctrl+Shift+R)")
        if run.weights_step is not None:
            self.again.setToolTip(f"{AGAIN}: those of step {run.weights_step:,}")
        self.setAccessibleName(f"Run {run.name} in {run.run_dir}. {self.view.text()}")

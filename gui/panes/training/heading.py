"""Whose curve it is: the run's name and folder, and which model the panes show meanwhile.

Knows a run and a sentence; what its button does is its owner's affair.
"""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QSizePolicy, QWidget

from gui import theme
from gui.session.training_run import Run
from gui.widgets.text import Text


class RunHeading(QWidget):
    """One line above a run's curve.

    Signals:
        show_requested: the panes shall show the model of this run.
    """

    show_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        small = theme.SMALL_FONT_SIZE
        self.name = Text(font=theme.sans(small + 0.5, bold=True))
        self.place = Text(
            tone="dim", font=theme.mono(small), elide=Qt.TextElideMode.ElideMiddle
        )
        self.place.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.view = Text(tone="dim", font=theme.sans(small))
        self.show_button = QPushButton("Show this run")
        self.show_button.setAccessibleName("Show this run")
        self.show_button.setToolTip("Every pane shows this run's model; the other one stays open")
        self.show_button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.show_button.clicked.connect(self.show_requested)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.SPACE)
        row.addWidget(self.name)
        row.addWidget(self.place, 1)
        row.addWidget(self.view)
        row.addWidget(self.show_button)
        self.setMaximumHeight(self.show_button.sizeHint().height())

    def show_run(self, run: Run, *, in_view: bool, other: str) -> None:
        """Say whose curve it is.

        Args:
            run: that is drawn.
            in_view: whether the panes show a model of it.
            other: what they show, if not.
        """
        self.name.setText(f"Run {run.name}")
        self.place.setText(run.run_dir)
        self.place.setToolTip(run.run_dir)
        self.view.setText("The panes show it" if in_view else f"The panes show {other}")
        self.view.set_tone("dim" if in_view else "warning")
        self.show_button.setVisible(not in_view)
        self.setAccessibleName(f"Run {run.name} in {run.run_dir}. {self.view.text()}")

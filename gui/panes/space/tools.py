"""The buttons above the embedding space: which table, what is drawn over it, how it is coloured.

Knows what can be chosen and what is; draws and asks nothing itself.
"""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QHBoxLayout, QWidget

from gui.widgets.action_row import ActionRow
from gui.widgets.control_button import SIGN

NO_LIMIT = 16_777_215  # QWIDGETSIZE_MAX


class SpaceTools(QWidget):
    """Choices, and one row of buttons for them.

    Attributes:
        tables: ``W_E`` and ``W_U``, of which one is chosen.
        path, all_paths, true_length: the ways through the layers.
        plane: whether a sum of words is seen in its own plane.
        norm, labels: how points are coloured and named.
        reset: the first view again.

    Signals:
        table_chosen: another table, by name.
        plane_changed: of the sum, or back to the principal axes.
        colors_changed: of the points.
        path_changed: paths are drawn, or not.
        extent_changed: paths may now reach farther, or less far.
        changed: another choice.
        reset_wanted: the first view was asked for.
    """

    table_chosen = Signal(str)
    plane_changed = Signal()
    colors_changed = Signal()
    extent_changed = Signal()
    path_changed = Signal()
    changed = Signal()
    reset_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.tables = QActionGroup(self)
        for name, tip in (
            ("W_E", "The vectors by which tokens enter the model"),
            ("W_U", "The vectors with which the model's last vector is compared"),
        ):
            self.tables.addAction(self._toggle(name, tip, on=name == "W_E"))
        self.tables.triggered.connect(self._table_triggered)
        self.path = self._toggle(
            "Path",
            "The selected token's way through the layers: its residual stream",
            on=True,
            sign="path",
        )
        self.path.toggled.connect(self._path_toggled)
        self.all_paths = self._toggle(
            "All paths", "The paths of all positions of the prompt", sign="all_paths"
        )
        self.all_paths.toggled.connect(self.extent_changed)
        self.true_length = self._toggle(
            "True length",
            "Draw residual vectors as long as they are. Otherwise all are scaled to the mean\n"
            "length of the table's vectors, so that only directions are compared.",
            sign="length",
        )
        self.true_length.toggled.connect(self.extent_changed)
        self.plane = self._toggle(
            "Plane",
            "Draw a sum of words, such as king - man + woman, in the plane in which it lies:\n"
            "its words and its end are as far apart there as they are. The third axis is the\n"
            "longest of the rest.",
        )
        self.plane.toggled.connect(self.plane_changed)
        self.norm = self._toggle(
            "Norm", "Colour each token by the length of its vector", sign="norm"
        )
        self.norm.toggled.connect(self.colors_changed)
        self.labels = self._toggle(
            "Labels", "Name as many tokens as find room", on=True, sign="labels"
        )
        self.labels.toggled.connect(self.changed)
        self.reset = QAction("Reset", self)
        self.reset.setProperty(SIGN, "reset")
        self.reset.setToolTip("The first view again (double click, Home)")
        self.reset.triggered.connect(self.reset_wanted)
        others = (
            self.path,
            self.all_paths,
            self.true_length,
            self.plane,
            self.norm,
            self.labels,
            self.reset,
        )
        # One row for a model with two tables, one for a model with one.
        self.untied = ActionRow((*self.tables.actions(), *others), "What is drawn")
        self.tied = ActionRow(others, "What is drawn")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.untied)
        layout.addWidget(self.tied)
        self.arrange(tied=True, narrow=False)

    def set_table(self, name: str) -> None:
        """Show which table is drawn; nothing is asked for."""
        for action in self.tables.actions():
            if action.text() == name:
                action.setChecked(True)

    def arrange(self, *, tied: bool, narrow: bool) -> None:
        """Fit a model and a place.

        Args:
            tied: there is only one table, so nothing to choose.
            narrow: all goes into one menu.
        """
        for row, shown in ((self.untied, not tied), (self.tied, tied)):
            row.setVisible(shown)
            row.setMaximumWidth(row.minimumSizeHint().width() if narrow else NO_LIMIT)

    def _toggle(self, text: str, tip: str, *, on: bool = False, sign: str = "") -> QAction:
        action = QAction(text, self)
        action.setCheckable(True)
        action.setChecked(on)
        action.setToolTip(tip)
        action.setProperty(SIGN, sign)
        return action

    def _table_triggered(self, action: QAction) -> None:
        self.table_chosen.emit(action.text())

    def _path_toggled(self, on: bool) -> None:
        self.all_paths.setEnabled(on)
        self.true_length.setEnabled(on)
        self.path_changed.emit()

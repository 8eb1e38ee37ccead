"""Under the recipe: all its settings, and the same as a TOML file.

Knows dialogs and widgets; reading and writing are its owner's affair.
"""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFileDialog, QWidget

from gui import theme
from gui.file_dialog import file_dialog
from gui.widgets.control_button import ControlButton
from gui.widgets.flow import FlowLayout

ALL_SETTINGS = "All settings"
_TOML = "Recipes (*.toml)"


class RecipeFiles(QWidget):
    """A line of small buttons.

    Args:
        first: a button that stands before them.

    Signals:
        read_requested, write_requested: with a path.
    """

    read_requested = Signal(str)
    write_requested = Signal(str)

    def __init__(self, first: ControlButton, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.name = "recipe"
        self.all_button = ControlButton("option", self)
        self.all_button.setText(ALL_SETTINGS)
        self.open_button = ControlButton("press", self)
        self.open_button.setText("Open TOML…")
        self.save_button = ControlButton("press", self)
        self.save_button.setText("Save TOML…")
        tips = {
            self.all_button: "Every setting in a table, beside the preset's",
            self.open_button: "Take a recipe from a TOML file, or from a run's run.toml",
            self.save_button: "Write this recipe to a TOML file, for here or for the command line: "
            "python -m model train --recipe FILE",
        }
        row = FlowLayout(self, spacing=theme.TIGHT)
        first.setFixedHeight(24)
        row.addWidget(first)
        for button, tip in tips.items():
            button.setToolTip(tip)
            button.setAccessibleName(button.text().rstrip("…"))
            button.setFixedHeight(24)
            row.addWidget(button)
        show_disclosure(self.all_button, ALL_SETTINGS, shown=False)
        self.open_button.clicked.connect(self.ask_open)
        self.save_button.clicked.connect(self.ask_save)

    def ask_open(self) -> None:
        """Open the dialog in which a recipe's file is chosen."""
        dialog = self._dialog("A recipe", "recipe_open_dialog")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(self.read_requested)
        dialog.open()

    def ask_save(self) -> None:
        """Open the dialog in which the place of a recipe's file is chosen."""
        dialog = self._dialog("Save the recipe", "recipe_save_dialog")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix("toml")
        dialog.selectFile(f"{self.name or 'recipe'}.toml")
        dialog.fileSelected.connect(self.write_requested)
        dialog.open()

    def _dialog(self, title: str, name: str) -> QFileDialog:
        dialog = file_dialog(self, title, name)
        dialog.setNameFilters([_TOML, "All files (*)"])
        return dialog


def show_disclosure(button: ControlButton, words: str, *, shown: bool) -> None:
    """Let a button say that more stands below it, or that it folds that away."""
    button.setText(f"{'▾' if shown else '▸'} {words}")

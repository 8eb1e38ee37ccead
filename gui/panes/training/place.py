"""The button that says where runs are written, and chooses another folder."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFileDialog, QPushButton, QWidget

from gui.file_dialog import file_dialog
from gui.session.runs_folder import FOLDER
from gui.widgets.text import as_written


class PlaceButton(QPushButton):
    """Shows a folder's name, its whole path in the tip; a click chooses another.

    Signals:
        chosen: another folder, str.
    """

    chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._path = Path(FOLDER)
        self.clicked.connect(self.ask)

    def show_path(self, path: Path) -> None:
        """Name a folder."""
        self._path = path
        self.setToolTip(as_written(f"Runs are written to {path}. Click to choose another folder."))
        self._elide()

    def ask(self) -> None:
        """Open the dialog in which a folder is chosen, or made."""
        dialog = file_dialog(
            self, "A folder for runs", "runs_dir_dialog", QFileDialog.FileMode.Directory
        )
        if self._path.is_dir():
            dialog.setDirectory(str(self._path))
        dialog.fileSelected.connect(self.chosen)
        dialog.open()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._elide()

    def minimumSizeHint(self) -> QSize:
        return QSize(40, super().minimumSizeHint().height())

    def _elide(self) -> None:
        room = self.width() - 2 * 11
        name = f"{self._path.name or self._path}…"
        self.setText(self.fontMetrics().elidedText(name, Qt.TextElideMode.ElideLeft, room))

"""Where runs are written: the folder that is proposed, and the button that chooses another.

The one place of the pane that asks the disk anything: whether a folder can be written.
"""

from __future__ import annotations

import os
from pathlib import Path

from PySide6.QtCore import QSize, QStandardPaths, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFileDialog, QPushButton, QWidget

FOLDER = "runs"
PROGRAM = "Glassformer"


def proposed() -> Path:
    """The folder for runs where nobody has chosen one, as a whole path.

    ``runs`` where the program was started, if that can be written: beside what one works on. From
    a desktop's starter it can't, or it is the root of the disk: then among the person's own
    documents, or else their program data.
    """
    for folder in (_working_folder(), *_own_folders()):
        if folder is not None and can_be_written(folder):
            return folder
    return Path(PROGRAM, FOLDER).absolute()


def can_be_written(folder: Path) -> bool:
    """Whether a run could be made in a folder, which need not exist yet."""
    try:
        for existing in (folder, *folder.parents):
            if existing.exists():
                return existing.is_dir() and os.access(existing, os.W_OK | os.X_OK)
    except OSError:
        pass
    return False


def _working_folder() -> Path | None:
    try:
        here = Path.cwd()
    except OSError:  # it was removed
        return None
    return None if here == Path(here.anchor) else here / FOLDER


def _own_folders() -> list[Path]:
    kinds = (
        QStandardPaths.StandardLocation.DocumentsLocation,
        QStandardPaths.StandardLocation.GenericDataLocation,
    )
    places = [QStandardPaths.writableLocation(kind) for kind in kinds]
    return [Path(place, PROGRAM, FOLDER) for place in places if place]


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
        self.setToolTip(f"Runs are written to {path}. Click to choose another folder.")
        self._elide()

    def ask(self) -> None:
        """Open the dialog in which a folder is chosen, or made."""
        dialog = QFileDialog(self, "A folder for runs")
        dialog.setObjectName("runs_dir_dialog")
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly, True)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
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

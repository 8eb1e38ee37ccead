"""Files in and out of the window: open, recent, save, export; each dialog is opened, not executed.

Knows the store, the settings and panes by their base class; no model.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal, cast

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QFileDialog, QMenu, QWidget

from gui import export
from gui.panes.base import Pane
from gui.settings import Settings
from gui.store import Notice, Store
from resources import STORY_WORLD


class Files(QObject):
    """What the File menu does.

    Args:
        window: parent of the dialogs.
        store: asked to open and save.
        settings: remembers what was opened.
        pane: what is exported until another pane has had the focus.

    Attributes:
        pane: the pane that had the focus last: what is exported.
        recent_menu: a menu of checkpoints opened before, filled when it is shown.
    """

    def __init__(self, window: QWidget, store: Store, settings: Settings, pane: Pane) -> None:
        super().__init__(window)
        self._window = window
        self._store = store
        self._settings = settings
        self.pane = pane
        self._exporting = pane
        self.recent_menu = QMenu("Open &recent", window)
        self.recent_menu.aboutToShow.connect(self._fill_recent)

    def open_path(self, path: str) -> None:
        """Open a checkpoint by path; what is open stays until the new one is there."""
        self._store.open_model(path)

    def open_bundled(self) -> None:
        """The model that comes with the program."""
        self._store.open_model(str(STORY_WORLD))

    def ask_open_folder(self) -> None:
        dialog = self._file_dialog("Open a checkpoint or run folder")
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly, True)
        dialog.fileSelected.connect(self.open_path)
        dialog.open()

    def ask_open_file(self) -> None:
        dialog = self._file_dialog("Open a checkpoint by a file in it")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setNameFilters(["Checkpoints (*.safetensors config.json run.toml)", "All files (*)"])
        dialog.fileSelected.connect(self.open_path)
        dialog.open()

    def ask_save(self) -> None:
        dialog = self._file_dialog("Save the model or run as a new folder")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setFileMode(QFileDialog.FileMode.AnyFile)
        dialog.fileSelected.connect(self._store.save_model)
        dialog.open()

    def ask_export_picture(self) -> None:
        pane = self.pane
        dialog = self._file_dialog(f"Export {pane.title} as a picture")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setNameFilters(["PNG (*.png)", "SVG (*.svg)"])
        dialog.setDefaultSuffix("png")
        dialog.selectFile(f"{pane.key}.png")
        self._exporting = pane
        dialog.filterSelected.connect(self._suffix_chosen)
        dialog.fileSelected.connect(self._export_picture)
        dialog.open()

    def ask_export_data(self) -> None:
        pane = self.pane
        dialog = self._file_dialog(f"Export the data of {pane.title}")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setNameFilters(["NumPy (*.npz)", "CSV (*.csv)"])
        dialog.setDefaultSuffix("npz")
        dialog.selectFile(f"{pane.key}.npz")
        self._exporting = pane
        dialog.filterSelected.connect(self._suffix_chosen)
        dialog.fileSelected.connect(self._export_data)
        dialog.open()

    def export_pane(self, pane: Pane, path: Path, what: Literal["picture", "data"]) -> None:
        """Write a pane to a file; says so, or why not."""
        model = self._store.model
        facts = export.provenance_of(
            pane.title, model.path if model is not None else "none", self._store.prompt
        )
        try:
            if what == "picture":
                export.write_picture(pane, path, facts)
                written = [path]
            else:
                written = export.write_data(pane.export_data(), path, facts)
        except export.ExportError as error:
            self._store.post(Notice(str(error), level="error"))
            return
        more = f" and {len(written) - 1} more files" if len(written) > 1 else ""
        self._store.post(Notice(f"Wrote {written[0]}{more}."))

    def _export_picture(self, path: str) -> None:
        self.export_pane(self._exporting, Path(path), "picture")

    def _export_data(self, path: str) -> None:
        self.export_pane(self._exporting, Path(path), "data")

    def _suffix_chosen(self, name_filter: str) -> None:
        dialog = cast(QFileDialog, self.sender())
        dialog.setDefaultSuffix(name_filter.partition("*.")[2].rstrip(")"))

    def _file_dialog(self, title: str) -> QFileDialog:
        dialog = QFileDialog(self._window, title)
        dialog.setObjectName("file_dialog")
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        return dialog

    def _fill_recent(self) -> None:
        self.recent_menu.clear()
        for path in self._settings.recent:
            action = self.recent_menu.addAction(path)
            action.setData(path)
            action.triggered.connect(self._open_recent)
        if self.recent_menu.isEmpty():
            self.recent_menu.addAction("Nothing yet").setEnabled(False)

    def _open_recent(self) -> None:
        action = self.sender()
        if isinstance(action, QAction):
            self.open_path(str(action.data()))

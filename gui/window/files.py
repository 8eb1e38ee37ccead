"""Files in and out of the window: open, recent, save, export; each dialog is opened, not executed.

Knows the store, the settings and panes by their base class; no model.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal, cast

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction, QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QFileDialog, QMenu, QWidget

from gui.file_dialog import file_dialog
from gui.opening.words import short_name
from gui.panes.base import Pane
from gui.session.state import Notice
from gui.session.store import Store
from gui.settings import Settings
from gui.widgets.text import as_written, no_mnemonic
from gui.window import export
from gui.window.pane_host import PaneHost
from model.space.files import looks_like_table
from resources import STORY_WORLD


class Files(QObject):
    """What the File menu does.

    Args:
        window: parent of the dialogs.
        store: asked to open and save.
        settings: remembers what was opened.
        host: says which pane is exported: the one in focus.

    Attributes:
        recent_menu: a menu of checkpoints opened before, filled when it is shown.
    """

    def __init__(self, window: QWidget, store: Store, settings: Settings, host: PaneHost) -> None:
        super().__init__(window)
        self._window = window
        self._store = store
        self._settings = settings
        self._host = host
        self._exporting: Pane | None = None
        self.recent_menu = QMenu("Open &recent", window)
        self.recent_menu.setToolTipsVisible(True)
        self.recent_menu.aboutToShow.connect(self._fill_recent)
        store.opening.previewed.connect(self._remember_line)

    def open_path(self, path: str, *, remembered: bool = False) -> None:
        """Open a checkpoint by path; what is open stays until the new one is there."""
        self._store.opening.open(path, remembered=remembered)

    def drag_entered(self, event: QDragEnterEvent) -> None:
        """Take what comes from this machine."""
        if _dragged_path(event) is not None:
            event.acceptProposedAction()

    def dropped_table(self, event: QDropEvent) -> str:
        """The path of a file of vectors that was dropped; empty if it is something else."""
        path = _dragged_path(event)
        if path is None or not looks_like_table(path):
            return ""
        event.acceptProposedAction()
        return path

    def dropped(self, event: QDropEvent) -> None:
        """Open the first file or folder of this machine that was dropped."""
        path = _dragged_path(event)
        if path is not None:
            event.acceptProposedAction()
            self.open_path(path)

    def open_bundled(self) -> None:
        """The model that comes with the program."""
        self._store.opening.open(str(STORY_WORLD))

    def ask_open(self) -> None:
        """One dialog for folders, files and hub names, with a preview."""
        # Here, so that the window's start does not wait for it.
        from gui.opening.open_dialog import OpenDialog

        OpenDialog(self._store, self._settings, self._window).open()

    def ask_open_beside(self) -> None:
        """The same dialog, for a model that is compared with the one in view."""
        from gui.opening.open_dialog import OpenDialog

        OpenDialog(self._store, self._settings, self._window, beside=True).open()

    def ask_save(self) -> None:
        dialog = self._file_dialog("Save the model or run as a new folder")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setFileMode(QFileDialog.FileMode.AnyFile)
        dialog.fileSelected.connect(self._store.saving.save)
        dialog.open()

    def ask_export_picture(self, pane: Pane | None = None) -> None:
        """Of a pane, or of the one that has the focus."""
        pane = pane or self._host.in_focus
        if pane is None:
            return
        dialog = self._file_dialog(f"Export {pane.title} as a picture")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setNameFilters(["PNG (*.png)", "SVG (*.svg)"])
        dialog.setDefaultSuffix("png")
        dialog.selectFile(f"{pane.key}.png")
        self._exporting = pane
        dialog.filterSelected.connect(self._suffix_chosen)
        dialog.fileSelected.connect(self._export_picture)
        dialog.open()

    def ask_export_data(self, pane: Pane | None = None) -> None:
        """Of a pane, or of the one that has the focus."""
        pane = pane or self._host.in_focus
        if pane is None:
            return
        dialog = self._file_dialog(f"Export the data of {pane.title}")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setNameFilters(["NumPy (*.npz)", "CSV (*.csv)"])
        dialog.setDefaultSuffix("npz")
        dialog.selectFile(f"{pane.key}.npz")
        self._exporting = pane
        pane.prepare_export()
        dialog.filterSelected.connect(self._suffix_chosen)
        dialog.fileSelected.connect(self._export_data)
        dialog.open()

    def export_pane(self, pane: Pane, path: Path, what: Literal["picture", "data"]) -> None:
        """Begin to write a pane to a file; a notice says that it is there, or why not."""
        model, read = self._store.model, self._store.read
        facts = export.provenance_of(
            pane.title,
            "none" if model is None else model.name,
            self._store.prompt if read is None else read.text,
            None if read is None else read.step,
        )
        try:
            if what == "picture":
                writing = export.writing_picture(pane, path, facts)
            else:
                data = dict(pane.export_data())
                if path.suffix.lower() == ".npz":
                    data |= pane.export_arrays()
                writing = export.writing_data(data, path, facts)
        except export.ExportError as error:
            self._store.post(Notice(str(error), level="error"))
            return
        self._store.exporting.start(path, writing)

    def _export_picture(self, path: str) -> None:
        if self._exporting is not None:
            self.export_pane(self._exporting, Path(path), "picture")

    def _export_data(self, path: str) -> None:
        if self._exporting is not None:
            self.export_pane(self._exporting, Path(path), "data")

    def _suffix_chosen(self, name_filter: str) -> None:
        dialog = cast(QFileDialog, self.sender())
        dialog.setDefaultSuffix(name_filter.partition("*.")[2].rstrip(")"))

    def _file_dialog(self, title: str) -> QFileDialog:
        return file_dialog(self._window, title)

    def _fill_recent(self) -> None:
        self.recent_menu.clear()
        for path in self._settings.recent:
            line = self._settings.recent_lines.get(path, "")
            # A menu cuts nothing: the name, what it is, and the whole path in the tip.
            words = f"{short_name(path)}    {line}" if line else path
            action = self.recent_menu.addAction(no_mnemonic(words))
            action.setToolTip(as_written(path))
            action.setData(path)
            action.triggered.connect(self._open_recent)
        if self.recent_menu.isEmpty():
            self.recent_menu.addAction("Nothing yet").setEnabled(False)

    def remember(self, path: str) -> None:
        """Put a checkpoint or run in front of the recent ones, and find out what it is.

        Args:
            path: whole, so that it means the same wherever the program is started next; or a name
                on a hub.
        """
        self._settings.remember(path)
        if path not in self._settings.recent_lines:
            self._store.opening.preview(path, remembered=True)

    def _remember_line(self, path: object) -> None:
        """What a recent checkpoint is, for the menu."""
        line = self._store.opening.previews[str(path)].line
        if line and path in self._settings.recent:
            self._settings.recent_lines[str(path)] = line

    def _open_recent(self) -> None:
        action = self.sender()
        if isinstance(action, QAction):
            self.open_path(str(action.data()), remembered=True)


def _dragged_path(event: QDropEvent) -> str | None:
    urls = (url.toLocalFile() for url in event.mimeData().urls() if url.isLocalFile())
    return next(urls, None)

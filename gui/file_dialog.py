"""The dialog in which a file or a folder is chosen: one way to make it, for whoever asks.

Qt's own dialog in every case, gone when it is left: each holds a thread that reads folders for
as long as it lives. Knows Qt; nothing of what is chosen.
"""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QWidget

from gui.on_screen import keep_on_screen


def file_dialog(
    parent: QWidget,
    title: str,
    name: str = "file_dialog",
    mode: QFileDialog.FileMode = QFileDialog.FileMode.AnyFile,
) -> QFileDialog:
    """A dialog that is not open yet.

    Args:
        parent: who asks; the dialog lies over its window.
        title: what is asked for.
        name: the dialog's object name.
        mode: whether a file that is there is chosen, a folder, or any name.
    """
    dialog = QFileDialog(parent, title)
    keep_on_screen(dialog)
    dialog.setObjectName(name)
    dialog.setFileMode(mode)
    if mode == QFileDialog.FileMode.Directory:
        dialog.setOption(QFileDialog.Option.ShowDirsOnly)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    return dialog

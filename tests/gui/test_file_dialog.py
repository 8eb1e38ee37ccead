"""The dialog for files is made in one place, and gone when it is left."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtWidgets import QFileDialog, QWidget
from pytestqt.qtbot import QtBot

import gui
from gui.file_dialog import file_dialog


@pytest.mark.parametrize("way", ["accept", "reject", "close"])
def test_a_dialog_that_is_left_is_gone_with_its_thread(
    way: str, qtbot: QtBot, tmp_path: Path
) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    window.show()
    (tmp_path / "text.txt").write_text("a", encoding="utf-8")
    dialog = file_dialog(window, "A text", mode=QFileDialog.FileMode.ExistingFile)
    dialog.setDirectory(str(tmp_path))
    dialog.selectFile("text.txt")
    chosen: list[str] = []
    dialog.fileSelected.connect(chosen.append)
    dialog.open()
    getattr(dialog, way)()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    assert not window.findChildren(QFileDialog)
    assert chosen == ([str(tmp_path / "text.txt")] if way == "accept" else [])


def test_nobody_makes_such_a_dialog_otherwise() -> None:
    folder = Path(gui.__file__).parent
    makers = [p.name for p in folder.rglob("*.py") if "QFileDialog(" in p.read_text("utf-8")]
    assert makers == ["file_dialog.py"]

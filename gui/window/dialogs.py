"""Small dialogs of the window: command palette, keys, threads, about. Opened, never executed.

Knows actions and the theme; the store only to say what runs, and on how many threads.
"""

from __future__ import annotations

import platform
from collections.abc import Sequence

from PySide6 import __version__ as pyside_version
from PySide6.QtCore import QEvent, QObject, Qt, QTimer
from PySide6.QtGui import QAction, QKeyEvent
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QGridLayout,
    QInputDialog,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from gui import theme
from gui.on_screen import keep_on_screen
from gui.session.store import Store
from gui.settings import Settings
from model import __version__


class PaletteDialog(QDialog):
    """Find any command by typing parts of its name."""

    def __init__(self, actions: Sequence[QAction], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        keep_on_screen(self)
        self.setWindowTitle("Commands")
        self.resize(480, 380)
        self._actions = [action for action in actions if action.isEnabled()]
        layout = QVBoxLayout(self)
        self._field = QLineEdit(self)
        self._field.setPlaceholderText("Type a command")
        self._field.setAccessibleName("Command")
        self._field.textChanged.connect(self._filter)
        self._field.returnPressed.connect(self._choose)
        self._field.installEventFilter(self)
        self._list = QListWidget(self)
        self._list.itemActivated.connect(self._choose)
        layout.addWidget(self._field)
        layout.addWidget(self._list)
        self._filter("")

    def _filter(self, text: str) -> None:
        words = text.lower().split()
        self._list.clear()
        for index, action in enumerate(self._actions):
            name = action.text().replace("&", "")
            haystack = f"{name} {action.toolTip()}".lower()
            if all(word in haystack for word in words):
                keys = action.shortcut().toString()
                item = QListWidgetItem(f"{name}    {keys}" if keys else name)
                item.setToolTip(action.toolTip())
                item.setData(Qt.ItemDataRole.UserRole, index)
                self._list.addItem(item)
        self._list.setCurrentRow(0)

    def _choose(self) -> None:
        item = self._list.currentItem()
        if item is None:
            return
        action = self._actions[item.data(Qt.ItemDataRole.UserRole)]
        self.accept()
        # After this dialog is gone: the command may open another.
        QTimer.singleShot(0, action.trigger)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            step = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1}.get(Qt.Key(event.key()))
            if step is not None and self._list.count():
                row = (self._list.currentRow() + step) % self._list.count()
                self._list.setCurrentRow(row)
                return True
        return super().eventFilter(watched, event)


class ShortcutsDialog(QDialog):
    """All keys, by menu."""

    def __init__(self, rows: Sequence[tuple[str, str, str]], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        keep_on_screen(self)
        self.setWindowTitle("Keyboard shortcuts")
        self.resize(560, 560)
        inner = QWidget()
        grid = QGridLayout(inner)
        grid.setHorizontalSpacing(24)
        menu_before = ""
        line = 0
        for menu, name, keys in rows:
            if menu != menu_before:
                heading = QLabel(menu)
                heading.setFont(theme.sans(bold=True))
                grid.addWidget(heading, line, 0, 1, 2)
                menu_before = menu
                line += 1
            grid.addWidget(QLabel(name), line, 0)
            label = QLabel(keys)
            label.setFont(theme.mono())
            grid.addWidget(label, line, 1)
            line += 1
        scroll = QScrollArea(self)
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QScrollArea.Shape.NoFrame)
        scroll.setWidget(inner)
        layout = QVBoxLayout(self)
        layout.addWidget(scroll)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close, self)
        buttons.rejected.connect(self.close)
        layout.addWidget(buttons)


class ThreadsDialog(QInputDialog):
    """How many processor threads the model may use; remembered."""

    def __init__(self, store: Store, settings: Settings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._store = store
        self._settings = settings
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        keep_on_screen(self)
        self.setInputMode(QInputDialog.InputMode.IntInput)
        self.setWindowTitle("Threads")
        self.setLabelText(
            "Processor threads for the model. All cores are fastest on a quiet machine\n"
            "and far slower on a busy one; one less than the cores is the default."
        )
        self.setIntRange(1, 256)
        self.setIntValue(store.engine.threads if store.engine is not None else 1)
        self.intValueSelected.connect(self._chosen)

    def _chosen(self, n: int) -> None:
        self._settings.threads = n
        self._store.set_threads(n)


class AboutDialog(QDialog):
    """Version, device, licences."""

    def __init__(self, store: Store, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        keep_on_screen(self)
        self.setWindowTitle("About Glassformer")
        engine = store.engine
        torch = "still loading" if engine is None else engine.torch_version
        device = "" if engine is None else f"{engine.device} ({engine.device_why})"
        layout = QVBoxLayout(self)
        name = QLabel(f"Glassformer {__version__}")
        name.setFont(theme.sans(theme.LARGE_FONT_SIZE, bold=True))
        layout.addWidget(name)
        text = QLabel(
            "Open or train a transformer and watch a sentence go through it.\n"
            "Every number on the screen is the model's own tensor.\n\n"
            f"Python {platform.python_version()}  ·  torch {torch}  ·  PySide {pyside_version}\n"
            f"{device}\n\n"
            "MIT licence. Qt for Python is used under the LGPL."
        )
        text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        layout.addWidget(text)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close, self)
        buttons.rejected.connect(self.close)
        layout.addWidget(buttons)

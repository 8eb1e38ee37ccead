"""Small dialogs of the window: keys and about. Opened, never executed.

Knows actions and the theme; the store only to say what runs, and on how many threads.
"""

from __future__ import annotations

import platform
from collections.abc import Sequence

from PySide6 import __version__ as pyside_version
from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QGridLayout,
    QLabel,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from gui import theme
from gui.on_screen import keep_on_screen
from gui.session.store import Store
from model import __version__


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
        buttons.button(QDialogButtonBox.StandardButton.Close).setFocus()


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
            "MIT licence. Qt for Python is used under the LGPL; Inter and JetBrains Mono under\n"
            "the SIL Open Font License."
        )
        text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        layout.addWidget(text)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close, self)
        buttons.rejected.connect(self.close)
        layout.addWidget(buttons)

"""The page of settings: each holds at once where that is possible, and says so where it is not.

Knows the settings and a window that does what is set; no model.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from PySide6.QtCore import Qt
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from gui import settings as settings_file
from gui import theme
from gui.file_dialog import file_dialog
from gui.on_screen import keep_on_screen
from gui.session.store import Store
from gui.settings import Settings
from gui.settings_checks import BUDGET_MB, DEVICES, TEXT_SIZES
from gui.widgets.choice import Choice
from gui.widgets.segments import Segments
from gui.widgets.text import Text, as_written
from gui.widgets.tick_box import show_boxes
from gui.window.settings_rows import NEXT_START, ROWS, SettingRow

_DEVICE_WORDS = {"auto": "the fastest there is", "cpu": "CPU", "cuda": "CUDA", "mps": "MPS"}
WIDTH, HEIGHT = 600, 700
FIELD = 130


class Settable(Protocol):
    """What a window does at once when it is set."""

    store: Store
    settings: Settings
    settings_at_start: Settings

    def set_theme(self, name: str) -> None:
        """Dress everything in a theme."""

    def set_motion(self, on: bool) -> None:
        """Let values move, or not."""

    @property
    def runs_folder(self) -> Path:
        """Where training writes its runs."""

    def set_runs_folder(self, path: Path) -> None:
        """Let training write there."""


class SettingsPage(QDialog):
    """The page.

    Args:
        window: whose settings they are.
        parent: over which it stands.
        focus: key of the setting that gets the keyboard, or "".
    """

    def __init__(self, window: Settable, parent: QWidget, focus: str = "") -> None:
        super().__init__(parent)
        keep_on_screen(self)
        self.setObjectName("settings_page")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Settings")
        self.setMinimumWidth(WIDTH)
        self._window = window
        self._settings = window.settings
        self._notes: dict[str, Text] = {}
        self._boxes: list[QCheckBox] = []
        self.controls: dict[str, QWidget] = {}
        makers: dict[str, Callable[[], QWidget]] = {
            "theme": self._theme,
            "motion": self._motion,
            "text_size": self._text_size,
            "restore": self._restore,
            "device": self._device,
            "threads": self._threads,
            "budget": self._budget,
            "runs": self._runs,
            "downloads": lambda: _path(_downloads()),
            "file": lambda: _path(settings_file.settings_path()),
        }
        grid = QGridLayout()
        grid.setHorizontalSpacing(3 * theme.SPACE)
        grid.setVerticalSpacing(theme.TIGHT)
        grid.setColumnStretch(1, 1)
        for line, row in enumerate(ROWS):
            self._add(grid, 2 * line, row, makers[row.key]())
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close, self)
        buttons.button(QDialogButtonBox.StandardButton.Close).setIcon(QIcon())
        buttons.rejected.connect(self.close)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(*(2 * theme.SPACE,) * 4)
        layout.setSpacing(2 * theme.SPACE)
        # On a small screen the page is lower than its rows.
        area = QScrollArea()
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        inner = QWidget()
        inner.setLayout(grid)
        area.setWidget(inner)
        layout.addWidget(area, 1)
        layout.addWidget(buttons)
        self.resize(WIDTH, min(HEIGHT, round(0.9 * self.screen().availableGeometry().height())))
        self._say()
        if focus in self.controls:
            self._focusable(focus).setFocus(Qt.FocusReason.ShortcutFocusReason)

    def _add(self, grid: QGridLayout, line: int, row: SettingRow, control: QWidget) -> None:
        title = QLabel(row.title)
        title.setBuddy(control)
        control.setToolTip(row.tip)
        control.setAccessibleName(row.title)
        control.setAccessibleDescription(row.tip)
        note = Text(tone="dim", font=theme.sans(theme.SMALL_FONT_SIZE), wrap=True)
        note.setContentsMargins(0, 0, 0, theme.SPACE)
        self.controls[row.key], self._notes[row.key] = control, note
        grid.addWidget(title, line, 0)
        grid.addWidget(control, line, 1, Qt.AlignmentFlag.AlignLeft)
        grid.addWidget(note, line + 1, 1)

    def _focusable(self, key: str) -> QWidget:
        control = self.controls[key]
        if isinstance(control, Segments):
            return control.buttons[control.current]
        return control.findChild(QPushButton) or control

    def note(self, key: str) -> str:
        """What is said below a setting."""
        return self._notes[key].text()

    # ------------------------------------------------------------------------- controls

    def _theme(self) -> QWidget:
        choice = _segments({"dark": "Dark", "light": "Light"}, self._settings.theme)
        choice.chosen.connect(self._window.set_theme)
        choice.chosen.connect(self._show_boxes)
        choice.chosen.connect(self._written)
        return choice

    def _show_boxes(self) -> None:
        for box in self._boxes:
            show_boxes(box)

    def _tick_box(self) -> QCheckBox:
        box = QCheckBox("On")
        show_boxes(box)
        self._boxes.append(box)
        return box

    def _motion(self) -> QWidget:
        box = self._tick_box()
        box.setChecked(self._settings.motion)
        box.toggled.connect(self._window.set_motion)
        box.toggled.connect(self._written)
        return box

    def _text_size(self) -> QWidget:
        sizes = {str(size): f"{size} %" for size in TEXT_SIZES}
        choice = _segments(sizes, str(self._settings.text_size))
        choice.chosen.connect(self._text_size_chosen)
        return choice

    def _text_size_chosen(self, size: str) -> None:
        self._settings.text_size = int(size)
        self._written()

    def _restore(self) -> QWidget:
        box = self._tick_box()
        box.setChecked(self._settings.restore)
        box.toggled.connect(self._restore_toggled)
        return box

    def _restore_toggled(self, on: bool) -> None:
        self._settings.restore = on
        self._written()

    def _device(self) -> QWidget:
        self._devices = Choice()
        self._devices.setMinimumWidth(FIELD + 40)
        for device in DEVICES:
            self._devices.addItem(_DEVICE_WORDS[device], device)
        self._devices.setCurrentIndex(self._devices.findData(self._settings.device))
        self._devices.activated.connect(self._device_chosen)
        return self._devices

    def _device_chosen(self) -> None:
        self._settings.device = self._devices.currentData()
        self._written()

    def _threads(self) -> QWidget:
        engine = self._window.store.engine
        box = QSpinBox()
        box.setRange(1, 256)
        _indent(box)
        box.setValue(self._settings.threads or (1 if engine is None else engine.threads))
        box.setKeyboardTracking(False)
        box.valueChanged.connect(self._threads_chosen)
        return box

    def _threads_chosen(self, n: int) -> None:
        self._settings.threads = n
        self._window.store.set_threads(n)
        self._written()

    def _budget(self) -> QWidget:
        box = QSpinBox()
        box.setRange(*BUDGET_MB)
        _indent(box)
        box.setSingleStep(128)
        box.setSuffix(" MiB")
        box.setValue(self._settings.budget_mb)
        box.setKeyboardTracking(False)
        box.valueChanged.connect(self._budget_chosen)
        return box

    def _budget_chosen(self, mb: int) -> None:
        self._settings.budget_mb = mb
        self._window.store.set_budget(mb * 2**20)
        self._written()

    def _runs(self) -> QWidget:
        self._runs_path = _path(self._window.runs_folder)
        choose = QPushButton("Choose…")
        choose.clicked.connect(self._ask_runs)
        both = QWidget()
        row = QHBoxLayout(both)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self._runs_path, 1)
        row.addWidget(choose)
        return both

    def _ask_runs(self) -> None:
        dialog = file_dialog(
            self,
            "Folder in which runs are written",
            "runs_folder_dialog",
            QFileDialog.FileMode.Directory,
        )
        dialog.fileSelected.connect(self.set_runs_folder)
        dialog.open()

    def set_runs_folder(self, path: str) -> None:
        """Let training write its runs there from now on."""
        self._window.set_runs_folder(Path(path))
        self._runs_path.setText(path)
        self._runs_path.setToolTip(as_written(path))
        self._written()

    # -------------------------------------------------------------------------- inside

    def _written(self) -> None:
        """Keep it at once: what was set outlives a crash."""
        try:
            settings_file.save(self._settings)
        except OSError as error:
            self._notes["file"].set_tone("bad")
            self._notes["file"].setText(f"It can't be written ({error.strerror}): free the place.")
            return
        self._say()

    def _say(self) -> None:
        """Below each setting what it does, and whether it holds already."""
        engine = self._window.store.engine
        for row in ROWS:
            note, words = self._notes[row.key], f"{row.tip}."
            before = getattr(self._window.settings_at_start, row.key, None)
            waits = row.at_start and before != getattr(self._settings, row.key, None)
            if row.key == "device" and engine is not None:
                words = f"{words[:-1]}; now on {engine.device.upper()}: {engine.device_why}."
            note.set_tone("warning" if waits else "dim")
            later = row.at_start and row.key != "restore"  # which says so by itself
            note.setText(f"{words} {NEXT_START}" if later else words)


def _segments(choices: dict[str, str], current: str) -> Segments:
    result = Segments()
    for key, words in choices.items():
        result.add(key, words, "")
    if current in choices:
        result.set_current(current)
    return result


def _indent(box: QSpinBox) -> None:
    # A style sheet's padding does not reach the text of a spin box (Qt 6.11).
    box.lineEdit().setTextMargins(5, 0, 0, 0)
    box.setFixedWidth(FIELD)


def _path(path: Path) -> Text:
    """A path as it is, cut in its middle where it is long."""
    absolute = str(path.absolute())
    text = Text(
        absolute, font=theme.mono(theme.SMALL_FONT_SIZE), elide=Qt.TextElideMode.ElideMiddle
    )
    text.setToolTip(as_written(absolute))
    text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return text


def _downloads() -> Path:
    """Where the hub's own library keeps what it fetched, by the variables that it reads."""
    if "HF_HUB_CACHE" in os.environ:
        return Path(os.environ["HF_HUB_CACHE"]).expanduser()
    cache = os.environ.get("XDG_CACHE_HOME", "~/.cache")
    return Path(os.environ.get("HF_HOME", f"{cache}/huggingface")).expanduser() / "hub"

"""Which perspective is in force, and the arrangement of docks that a person made of each.

Knows docks by their keys and the settings in which layouts are kept; no pane.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping

from PySide6.QtCore import QByteArray, QObject, Qt, QTimer, Signal
from PySide6.QtWidgets import QMainWindow, QMenu

from gui import settings as settings_file
from gui.settings import Settings
from gui.window.arrangements import PERSPECTIVES
from gui.window.dock import PaneDock
from gui.window.perspectives import arrange, resize

ADDED_SHARE = 5
"""A pane that an arrangement has no place for gets one of so many parts of the window's width."""


class Layouts(QObject):
    """The arrangements of a window's docks.

    Args:
        window: where the docks are.
        docks: by key.
        settings: the layouts as they were left, and the perspective to begin with.

    Attributes:
        perspective: name of the arrangement in force.
    """

    applied = Signal(object)  # name of the perspective, str: its docks are placed

    def __init__(
        self, window: QMainWindow, docks: Mapping[str, PaneDock], settings: Settings
    ) -> None:
        super().__init__(window)
        self._window = window
        self._docks = docks
        self._settings = settings
        known = settings.perspective in PERSPECTIVES
        self.perspective = settings.perspective if known else "Explore"
        self._added: PaneDock | None = None
        for dock in docks.values():
            dock.toggleViewAction().triggered.connect(self._toggled)

    def restore(self) -> None:
        """The window and its docks as they were left."""
        if self._settings.geometry:
            self._window.restoreGeometry(_from_text(self._settings.geometry))
        self._apply()

    def remember(self) -> None:
        """Keep in the settings how all is placed now."""
        self._keep()
        self._settings.perspective = self.perspective
        self._settings.geometry = _to_text(self._window.saveGeometry())

    def set_perspective(self, name: object) -> None:
        """Change to another arrangement; the one in force is kept as the person left it."""
        wanted = str(name)
        if wanted == self.perspective or wanted not in PERSPECTIVES:
            self.applied.emit(self.perspective)
            return
        self._keep()
        self.perspective = wanted
        self._apply()

    def reset(self) -> None:
        """This perspective as it was made."""
        self._settings.layouts.pop(self.perspective, None)
        self._apply()

    def show_pane(self, key: str) -> None:
        """Bring a pane to the front, wherever it is; at the right, if it has no place."""
        dock = self._docks[key]
        placed = self._window.dockWidgetArea(dock) != Qt.DockWidgetArea.NoDockWidgetArea
        if not placed:
            self._window.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, dock)
        dock.show()
        dock.raise_()
        if not placed:
            self._added = dock
            # Sizes hold only once the layout has run.
            QTimer.singleShot(0, self._widen_added)

    def fill_menu(self, menu: QMenu) -> None:
        """A check mark for each dock: whether it can be seen."""
        for key in sorted(self._docks):
            menu.addAction(self._docks[key].toggleViewAction())

    def _toggled(self, shown: bool) -> None:
        """Qt shows a dock that has no place in the window's corner, over all else: place it."""
        if shown:
            for key, dock in self._docks.items():
                if dock.toggleViewAction() is self.sender():
                    self.show_pane(key)

    def _apply(self) -> None:
        saved = self._settings.layouts.get(self.perspective)
        focused = self._window.focusWidget()
        # A saved state says nothing of docks that were not placed then: they would stay in sight.
        for dock in self._docks.values():
            dock.hide()
        if saved is None or not self._window.restoreState(
            _from_text(saved), settings_file.LAYOUT_VERSION
        ):
            arrange(self._window, self._docks, PERSPECTIVES[self.perspective])
            # Sizes hold only once the layout has run at the window's real size.
            QTimer.singleShot(0, self._settle)
        # While docks were hidden, Qt gave the focus to whatever button was next: its ring would
        # look like a choice that nobody made.
        stays = focused is not None and focused.isVisibleTo(self._window)
        (focused if stays and focused is not None else self._window).setFocus()
        self.applied.emit(self.perspective)

    def _widen_added(self) -> None:
        """Or it has its smallest width, in which no pane can be read."""
        if self._added is not None and not self._added.isFloating():
            share = self._window.width() // ADDED_SHARE
            self._window.resizeDocks([self._added], [share], Qt.Orientation.Horizontal)
        self._added = None

    def _settle(self) -> None:
        if self.perspective not in self._settings.layouts:
            resize(self._window, self._docks, PERSPECTIVES[self.perspective])

    def _keep(self) -> None:
        state = self._window.saveState(settings_file.LAYOUT_VERSION)
        self._settings.layouts[self.perspective] = _to_text(state)


def _to_text(blob: QByteArray) -> str:
    return base64.b64encode(blob.data()).decode("ascii")


def _from_text(text: str) -> QByteArray:
    try:
        return QByteArray(base64.b64decode(text, validate=True))
    except ValueError:
        return QByteArray()

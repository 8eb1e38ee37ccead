"""Which perspective is in force, and the arrangement of docks that a person made of each.

What a person has not arranged otherwise stands as the perspective says, at any size of the window;
what they have keeps its proportions. Qt's own docks do neither: what was squeezed in a small window
stays small in a large one.

Knows docks by their keys and the settings in which layouts are kept; no pane.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping

from PySide6.QtCore import QByteArray, QEvent, QObject, Qt, QTimer, Signal
from PySide6.QtWidgets import QMainWindow, QMenu

from gui import settings as settings_file
from gui.settings import Settings
from gui.window.arrangements import PERSPECTIVES, Split, arrangement, keys
from gui.window.dock import PaneDock
from gui.window.perspectives import (
    arrange,
    let_go_of_separators,
    measured,
    resize,
    shape,
)

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
        self._made: Split | None = None  # as it was made, where nobody has changed it
        self._shares: Split | None = None  # in which the docks stand at any size
        self._sized_by_person = False
        self._pressed_at: Split | None = None
        self._settling = _at_once(self, self._settle)
        self._noting = _at_once(self, self._note)
        self._comparing = _at_once(self, self._compare)
        window.installEventFilter(self)
        for dock in docks.values():
            dock.toggleViewAction().triggered.connect(self._toggled)
            dock.topLevelChanged.connect(self._noting.start)
            dock.dockLocationChanged.connect(self._noting.start)
            dock.visibilityChanged.connect(self._noting.start)

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
        let_go_of_separators(self._window)
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
        self._sized_by_person = False
        let_go_of_separators(self._window)
        # A saved state says nothing of docks that were not placed then: they would stay in sight.
        for dock in self._docks.values():
            dock.hide()
        if saved is None or not self._window.restoreState(
            _from_text(saved), settings_file.LAYOUT_VERSION
        ):
            self._arrange()
            # Sizes hold only once the layout has run at the window's real size.
            self._settling.start()
        else:
            self._made, self._shares, self._sized_by_person = None, None, True
            self._noting.start()
        # While docks were hidden, Qt gave the focus to whatever button was next: its ring would
        # look like a choice that nobody made.
        stays = focused is not None and focused.isVisibleTo(self._window)
        (focused if stays and focused is not None else self._window).setFocus()
        self.applied.emit(self.perspective)

    def _arrange(self) -> None:
        """As the perspective is made, for a window of this height."""
        self._made = self._shares = arrangement(self.perspective, self._window.height())
        arrange(self._window, self._docks, self._made)

    def _widen_added(self) -> None:
        """Or it has its smallest width, in which no pane can be read."""
        # Another perspective may have taken it away meanwhile.
        nowhere = Qt.DockWidgetArea.NoDockWidgetArea
        if (
            self._added is not None
            and not self._added.isFloating()
            and self._window.dockWidgetArea(self._added) != nowhere
        ):
            share = self._window.width() // ADDED_SHARE
            self._window.resizeDocks([self._added], [share], Qt.Orientation.Horizontal)
            self._shares = None
            self._noting.start()
        self._added = None

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        kind = event.type()
        if kind == QEvent.Type.Resize:
            self._settling.start()
        elif kind == QEvent.Type.Show:
            self._noting.start()
        elif kind == QEvent.Type.MouseButtonPress:
            # Between two docks the mouse is the window's own: a separator may be moved.
            self._pressed_at = measured(self._docks)
        elif kind == QEvent.Type.MouseButtonRelease:
            self._comparing.start()  # Qt moves the docks in a turn of its own
        return super().eventFilter(watched, event)

    def _compare(self) -> None:
        """Whether the person has moved a separator."""
        found = measured(self._docks)
        if found is not None and found != self._pressed_at:
            self._sized_by_person = True
            self._shares = found

    def _settle(self) -> None:
        """Give the docks their shares of the window as it is now."""
        fitting = arrangement(self.perspective, self._window.height())
        if self._shares is self._made is not fitting and not self._sized_by_person:
            self._arrange()  # nobody has moved a dock, and there is room for more, or less
            self._settling.start()  # sizes hold once the layout has run
            return
        if self._shares is not None and self._window.isVisible():
            resize(self._window, self._docks, self._shares)

    def _note(self) -> None:
        """The docks stand otherwise than the shares say: from now on that is what is kept."""
        if not self._window.isVisible() or self._window.isMinimized():
            return
        found = measured(self._docks)
        if found is not None and (self._shares is None or shape(found) != shape(self._shares)):
            self._shares = found

    @property
    def _is_own(self) -> bool:
        """Whether a person has arranged it otherwise than the perspective says."""
        made = arrangement(self.perspective, self._window.height())
        standing = {key for key, dock in self._docks.items() if not dock.isHidden()}
        floats = any(self._docks[key].isFloating() for key in standing)
        if self._sized_by_person or floats or standing != set(keys(made)):
            return True
        found = measured(self._docks)
        return self._window.isVisible() and found is not None and shape(found) != shape(made)

    def _keep(self) -> None:
        if not self._is_own:
            self._settings.layouts.pop(self.perspective, None)
            return
        state = self._window.saveState(settings_file.LAYOUT_VERSION)
        self._settings.layouts[self.perspective] = _to_text(state)


def _at_once(parent: QObject, do: Callable[[], None]) -> QTimer:
    """Does it once, after what is going on now."""
    timer = QTimer(parent)
    timer.setSingleShot(True)
    timer.setInterval(0)
    timer.timeout.connect(do)
    return timer


def _to_text(blob: QByteArray) -> str:
    return base64.b64encode(blob.data()).decode("ascii")


def _from_text(text: str) -> QByteArray:
    try:
        return QByteArray(base64.b64decode(text, validate=True))
    except ValueError:
        return QByteArray()

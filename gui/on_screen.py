"""Windows stay on their screen: never larger than what it leaves free, and never beyond its edge.

A window manager places a window; it shrinks none. So whatever is opened (first, restored from a
larger screen, floated, a dialog) is fitted here, and again where a screen goes away or changes.
Later a person may move and size a window as they like.

Knows Qt's windows only; neither docks nor store.
"""

from __future__ import annotations

from PySide6.QtCore import QEvent, QMargins, QObject, QRect, Qt, QTimer
from PySide6.QtGui import QGuiApplication, QScreen
from PySide6.QtWidgets import QApplication, QStyle, QWidget

NOT_SEEN = ("offscreen", "minimal")
"""Platforms whose screen nobody sees: a picture may be of any size."""

SETTLING_MS = 600
"""For so long after a window is shown what is done to it is the window manager's doing: it says
how wide its frame is, and where it has put the window, in several parts."""

_EDGE = 2
"""Width of a frame's sides before it is known."""


def keep_on_screen(window: QWidget) -> KeptOnScreen:
    """From now on a window is fitted to its screen whenever it is shown."""
    return KeptOnScreen(window)


class KeptOnScreen(QObject):
    """Fits one window to its screen.

    Args:
        window: which; its parent. While it isn't a window of its own (a dock), nothing is done.
    """

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._window = window
        self._stopped = False
        self._due = _single_shot(self, 0)
        self._due.timeout.connect(self.fit)
        self._settling = _single_shot(self, SETTLING_MS)
        self._settling.timeout.connect(self.fit)
        window.installEventFilter(self)
        app = QGuiApplication.instance()
        assert isinstance(app, QGuiApplication)
        app.screenAdded.connect(self._watch)
        app.screenRemoved.connect(self._screen_changed)
        app.primaryScreenChanged.connect(self._screen_changed)
        for screen in app.screens():
            self._watch(screen)
        if window.isWindow():
            self.fit()

    def stop(self) -> None:
        """Leave the window as it is from now on: for a picture of any size."""
        self._stopped = True

    def fit(self) -> None:
        """Make the window no larger than its screen has room for, and bring it into that room."""
        window = self._window
        if self._stopped or QGuiApplication.platformName() in NOT_SEEN:
            return
        if not window.isWindow() or _fills_screen(window):
            return
        room = room_for(window)
        here = window.geometry()
        size = window.size().boundedTo(room.size()).expandedTo(window.minimumSize())
        if not self._is_placed:
            window.resize(size)
            return
        left = max(room.left(), min(here.left(), room.right() + 1 - size.width()))
        top = max(room.top(), min(here.top(), room.bottom() + 1 - size.height()))
        wanted = QRect(left, top, size.width(), size.height())
        if wanted != here:
            window.setGeometry(wanted)

    @property
    def _is_placed(self) -> bool:
        """Whether where it lies is decided; else Qt centres it, or the window manager does."""
        window = self._window
        if not window.isVisible():
            return window.testAttribute(Qt.WidgetAttribute.WA_Moved)
        return not self._settling.isActive()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        kind = event.type()
        if kind == QEvent.Type.Show and self._window.isWindow():
            self._settle()
        elif kind == QEvent.Type.WindowStateChange:
            self._settle()  # no longer maximised, it has the size that it had on another screen
        elif kind in (QEvent.Type.Move, QEvent.Type.Resize) and self._settling.isActive():
            self._due.start()
        return super().eventFilter(watched, event)

    def _settle(self) -> None:
        self._settling.start()
        self._due.start()

    def _watch(self, screen: QScreen) -> None:
        screen.availableGeometryChanged.connect(self._screen_changed)

    def _screen_changed(self) -> None:
        if self._window.isVisible():
            self._settle()


def room_for(window: QWidget) -> QRect:
    """Where a window may lie without its frame, in its screen's logical pixels."""
    return available(window).marginsRemoved(frame_of(window))


def available(window: QWidget) -> QRect:
    """What panels and docks of the desktop leave free of the screen that a window is on."""
    return window.screen().availableGeometry()


def frame_of(window: QWidget) -> QMargins:
    """The frame that the window manager draws around a window.

    Before it has drawn one: as around another window of the program, or else a guess.
    """
    if window.windowFlags() & Qt.WindowType.FramelessWindowHint:
        return QMargins()
    for known in (window, *QApplication.topLevelWidgets()):
        # Not by windowHandle: PySide (6.11) holds what that gives longer than Qt has it.
        inner, outer = known.geometry(), known.frameGeometry()
        if known.isVisible() and inner != outer:
            low, high = inner.topLeft() - outer.topLeft(), outer.bottomRight() - inner.bottomRight()
            return QMargins(low.x(), low.y(), high.x(), high.y())
    title = window.style().pixelMetric(QStyle.PixelMetric.PM_TitleBarHeight, None, window)
    return QMargins(_EDGE, title + _EDGE, _EDGE, _EDGE)


def _fills_screen(window: QWidget) -> bool:
    return window.isMaximized() or window.isFullScreen() or window.isMinimized()


def _single_shot(parent: QObject, ms: int) -> QTimer:
    timer = QTimer(parent)
    timer.setSingleShot(True)
    timer.setInterval(ms)
    return timer

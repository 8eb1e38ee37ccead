"""A dock with the house's header: title, a fact about what is shown, float and close.

Knows a pane by its entry, its title and its header note.
"""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPoint, QSize, Signal
from PySide6.QtGui import (
    QContextMenuEvent,
    QEnterEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
)
from PySide6.QtWidgets import QDockWidget, QHBoxLayout, QWidget

from gui import theme
from gui.on_screen import keep_on_screen
from gui.panes.base import Pane
from gui.panes.entry import PaneEntry
from gui.widgets.control_button import ControlButton
from gui.widgets.drawing_cache import line

LEAST_WIDTH, LEAST_HEIGHT = 140, 66
"""So small that any arrangement fits a screen of 683 × 384, which is one of 1366 × 768 at twice the
scale."""


class PaneDock(QDockWidget):
    """The place of one pane in the window; movable, floatable, closable.

    It stands before its pane is made: `take` puts the pane in.

    Signals:
        menu_requested: of what is done with the whole pane: this dock, where on the screen.
    """

    menu_requested = Signal(object, QPoint)

    def __init__(self, entry: PaneEntry, parent: QWidget | None = None) -> None:
        super().__init__(entry.title, parent)
        self.entry = entry
        self.pane: Pane | None = None
        self.setObjectName(entry.key)
        self.setAccessibleName(f"{entry.title} pane")
        self._room = Room(self)
        self.setWidget(self._room)
        self.header = DockHeader(self)
        self.setTitleBarWidget(self.header)
        # Panes scroll or thin out inside.
        self.setMinimumSize(QSize(LEAST_WIDTH, LEAST_HEIGHT))
        keep_on_screen(self)  # where it floats
        self.visibilityChanged.connect(self._room.set_in_front)

    def take(self, pane: Pane) -> None:
        """Put the pane into its place."""
        self.pane = pane
        self._room.take(pane)
        pane.windowTitleChanged.connect(self._retitle)
        self._retitle(pane.title)

    def _retitle(self, title: str) -> None:
        self.setWindowTitle(title)
        self.header.update()

    def toggle_floating(self) -> None:
        """Out of the window, or back into it."""
        self.setFloating(not self.isFloating())


class Room(QWidget):
    """What a dock holds: bare at first, then a pane that fills it.

    It has no layout on purpose. A figure that changes its width asks every layout above it for
    another go; a dock's size is the person's affair, so that the asking ends here and not in
    the main window, which would lay out all docks again (2 ms for every letter typed).
    """

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAutoFillBackground(True)
        self._pane: Pane | None = None
        self._is_in_front = True

    def take(self, pane: Pane) -> None:
        """Put the pane in."""
        self._pane = pane
        pane.setParent(self)
        pane.setGeometry(self.rect())
        pane.setVisible(self._is_in_front)

    def set_in_front(self, in_front: bool) -> None:
        """Whether the dock can be seen: Qt calls those behind another visible.

        A pane that nobody sees would go on asking and drawing.
        """
        self._is_in_front = in_front
        if self._pane is not None:
            self._pane.setVisible(in_front)

    def resizeEvent(self, event: QResizeEvent) -> None:
        if self._pane is not None:
            self._pane.setGeometry(self.rect())

    def sizeHint(self) -> QSize:
        return super().sizeHint() if self._pane is None else self._pane.sizeHint()


class HeaderButton(ControlButton):
    """A button of a header; it is seen while the mouse is there, or the keyboard on it."""

    def __init__(self, sign: str, tip: str, parent: DockHeader) -> None:
        super().__init__("press", parent, sign=sign)
        self._header = parent
        self.setToolTip(tip)
        self.setAccessibleName(tip)
        self.setFixedSize(22, 22)

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._header.underMouse() or self.hasFocus():
            super().paintEvent(event)


class DockHeader(QWidget):
    """The bar above a pane; it is also the handle by which the dock is dragged."""

    def __init__(self, dock: PaneDock) -> None:
        super().__init__(dock)
        self._dock = dock
        self._note = self._alone = ""
        self.setToolTip(dock.entry.hint)
        self.setFixedHeight(theme.HEADER_HEIGHT)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(theme.SPACE, 0, theme.TIGHT, 0)
        layout.setSpacing(0)
        layout.addStretch(1)
        self.more = HeaderButton("more", f"What else there is to do with {dock.entry.title}", self)
        self.more.clicked.connect(self._ask_menu)
        self._float = HeaderButton(
            "float", f"Take {dock.entry.title} out of the window, or put it back", self
        )
        self._float.clicked.connect(dock.toggle_floating)
        self._close = HeaderButton(
            "close", f"Close {dock.entry.title}; View ▸ Panes brings it back", self
        )
        self._close.clicked.connect(dock.close)
        layout.addWidget(self.more)
        layout.addWidget(self._float)
        layout.addWidget(self._close)

    def sizeHint(self) -> QSize:
        # A dock's layout goes by the hint alone: the layout's own, of the buttons, is less than
        # the fixed height, and the pane would begin under the header.
        return QSize(super().sizeHint().width(), theme.HEADER_HEIGHT)

    def set_note(self, note: str, alone: str = "") -> None:
        """The fact at the right side.

        Args:
            note: in a few words.
            alone: why one side of a comparison stands alone: ``A alone: `` and a sentence, which
                the tooltip says.
        """
        side, _, _ = alone.partition(":")
        if side and side not in note:
            note = " · ".join(filter(None, (side, note)))
        if (note, alone) != (self._note, self._alone):
            self._note, self._alone = note, alone
            self.setAccessibleDescription(" · ".join(filter(None, (note, alone))))
            self.setToolTip("\n".join(filter(None, (alone, self._dock.entry.hint))))
            self.update()

    @property
    def note(self) -> str:
        return self._note

    def paintEvent(self, event: QPaintEvent) -> None:
        t = theme.current()
        with QPainter(self) as painter:
            painter.fillRect(self.rect(), t.color("panel"))
            left = theme.SPACE
            # The buttons come with the mouse: the fact gives way to them, else stands at the edge.
            edge = self.more.x() if self._with_mouse else self.width()
            right = edge - theme.SPACE
            middle = self.height() / 2
            pane = self._dock.pane
            words = self._dock.entry.title if pane is None else pane.title
            title = line(words, theme.sans(bold=True), max(0, right - left))
            painter.setPen(t.color("text"))
            title.draw(painter, left, middle)
            room = right - left - title.width - 2 * theme.SPACE
            if self._note and room > 40:
                note = line(self._note, theme.sans(theme.SMALL_FONT_SIZE), room)
                painter.setPen(t.color("dim"))
                note.draw(painter, right - note.width, middle)

    @property
    def _with_mouse(self) -> bool:
        buttons = self.more, self._float, self._close
        return self.underMouse() or any(button.hasFocus() for button in buttons)

    def enterEvent(self, event: QEnterEvent) -> None:
        super().enterEvent(event)
        self.update()

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self.update()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        self._dock.menu_requested.emit(self._dock, event.globalPos())
        event.accept()

    def _ask_menu(self) -> None:
        below = self.more.mapToGlobal(QPoint(0, self.more.height()))
        self._dock.menu_requested.emit(self._dock, below)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self._dock.toggle_floating()
        event.accept()

"""The palette as it is seen: a field and a list, over the window and part of it.

Knows what finds, and does what is chosen; not what there is to find.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, QRect, Qt, QTimer
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QApplication,
    QFrame,
    QLabel,
    QLineEdit,
    QVBoxLayout,
    QWidget,
)
from shiboken6 import isValid

from gui import theme
from gui.panes.base import EmptyState
from gui.window.palette.ranking import Offer
from gui.window.palette.rows import ROW, OfferList

WIDTH = 640
FROM_TOP = 0.12
"""Of the window's height, above the palette."""
MOST_ROWS = 12
SHADE = 110
"""How much of 255 the window behind is darkened."""
_STEPS = {
    Qt.Key.Key_Down: 1,
    Qt.Key.Key_Up: -1,
    Qt.Key.Key_PageDown: MOST_ROWS,
    Qt.Key.Key_PageUp: -MOST_ROWS,
}
_ENTER = (Qt.Key.Key_Return, Qt.Key.Key_Enter)

Find = Callable[[str], list[Offer]]


class Palette(QWidget):
    """Lies over a window while it is open; a click beside it, or Escape, closes it.

    Args:
        window: over which it lies.
        find: what is listed for a text, the best first.

    Attributes:
        field, rows: where is typed, and what was found.
        empty: says so where nothing was.
    """

    def __init__(self, window: QWidget, find: Find) -> None:
        super().__init__(window)
        self._window = window
        self._find = find
        self._before: QWidget | None = None
        self._chosen: Offer | None = None
        self.setObjectName("palette")
        self.setAccessibleName("Search everything")
        self.box = QFrame(self)
        self.box.setObjectName("palette_box")
        self.field = QLineEdit(self.box)
        self.field.setPlaceholderText("Commands, panes, settings, models, tensors, tokens")
        self.field.setAccessibleName("What is looked for")
        self.field.setFont(theme.sans(theme.FONT_SIZE + 2))
        self.field.setFrame(False)
        self.field.textChanged.connect(self.refresh)
        self.field.installEventFilter(self)
        self.rows = OfferList(self.box)
        self.rows.clicked.connect(self.choose)
        self.empty = EmptyState(parent=self.box)
        self._keys = QLabel("↑ ↓ choose     Enter do it     Esc close", self.box)
        self._keys.setFont(theme.sans(theme.SMALL_FONT_SIZE))
        self._tip = QLabel(self.box)
        self._tip.setFont(theme.sans(theme.SMALL_FONT_SIZE))
        self._tip.setWordWrap(True)
        layout = QVBoxLayout(self.box)
        layout.setContentsMargins(1, 1, 1, 1)
        layout.setSpacing(0)
        for part in (self.field, self.rows, self.empty, self._tip, self._keys):
            layout.addWidget(part)
        self.rows.selectionModel().currentChanged.connect(self._show_tip)
        window.installEventFilter(self)
        self.apply_theme()
        self.hide()

    def open(self) -> None:
        """Lie over the window, with an empty field that has the keyboard."""
        if not self.isVisible():
            self._before = QApplication.focusWidget()
        self.apply_theme()
        self.field.clear()
        self.refresh()
        self.show()
        self.raise_()
        self.field.setFocus(Qt.FocusReason.PopupFocusReason)

    def close_up(self) -> None:
        """Go, and give the keyboard back to who had it."""
        if not self.isVisible():
            return
        self.hide()
        before, self._before = self._before, None
        # It may be gone: a dialog that was open has been closed meanwhile.
        if before is not None and isValid(before) and before.isVisible():
            before.setFocus(Qt.FocusReason.PopupFocusReason)

    def choose(self) -> None:
        """Do what is chosen, once the palette is gone: it may open something itself."""
        if self.rows.offer is None:
            return
        self._chosen = self.rows.offer
        self.close_up()
        QTimer.singleShot(0, self._do)

    def _do(self) -> None:
        offer, self._chosen = self._chosen, None
        if offer is not None:
            offer.do()

    def refresh(self) -> None:
        """List anew what the text finds."""
        typed = self.field.text()
        self.rows.found.show(self._find(typed))
        nothing = not self.rows.found.offers
        self.empty.setText(
            f"Nothing is called “{typed.strip()}”.\n"
            "Commands, panes, settings, models, operations, tensors and tokens are searched."
        )
        self.empty.setVisible(nothing)
        self.rows.setVisible(not nothing)
        self.rows.go_to(0)
        self._show_tip()
        self._place()

    def apply_theme(self) -> None:
        """Take the colours of the theme in force."""
        t = theme.current()
        self.box.setStyleSheet(
            f"#palette_box {{ background: {t.panel}; border: 1px solid {t.line};"
            f" border-radius: 8px; }}"
            f"QLineEdit, QLineEdit:focus {{ background: transparent; border: none;"
            f" border-bottom: 1px solid {t.line}; border-radius: 0; padding: 11px 12px; }}"
            f"QListView {{ background: {t.panel}; border: none; outline: none; }}"
            f"QLabel {{ color: {t.dim}; padding: 5px 12px; border-top: 1px solid {t.line}; }}"
        )

    # ------------------------------------------------------------------------- inside

    def _show_tip(self) -> None:
        offer = self.rows.offer
        self._tip.setText("" if offer is None else offer.tip)
        self._tip.setVisible(bool(self._tip.text()))

    def _place(self) -> None:
        self.setGeometry(self._window.rect())
        width = min(WIDTH, self.width() - 4 * theme.SPACE)
        top = round(FROM_TOP * self.height())
        shown = max(
            3, min(MOST_ROWS, len(self.rows.found.offers), (self.height() - top) // ROW - 4)
        )
        self.rows.setFixedHeight(shown * ROW)
        self.empty.setFixedHeight(3 * ROW)
        self.box.setFixedWidth(width)
        self.box.adjustSize()
        self.box.move((self.width() - width) // 2, top)

    def paintEvent(self, event: QPaintEvent) -> None:
        with QPainter(self) as painter:
            painter.fillRect(self.rect(), QColor(0, 0, 0, SHADE))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if not QRect(self.box.geometry()).contains(event.position().toPoint()):
            self.close_up()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        kind = event.type()
        if watched is self._window:
            if kind == QEvent.Type.Resize and self.isVisible():
                self._place()
        elif isinstance(event, QKeyEvent):
            key = Qt.Key(event.key())
            own = key in _STEPS or key in _ENTER or key in (Qt.Key.Key_Escape, Qt.Key.Key_Tab)
            if own and kind == QEvent.Type.ShortcutOverride:
                # Before a command of the window takes it: Escape cancels, there.
                event.accept()
                return True
            if own and kind == QEvent.Type.KeyPress:
                self._press(key)
                return True
        return super().eventFilter(watched, event)

    def _press(self, key: Qt.Key) -> None:
        if key == Qt.Key.Key_Escape:
            self.close_up()
        elif key in _ENTER:
            self.choose()
        elif key in _STEPS and self.rows.found.offers:
            n, step = len(self.rows.found.offers), _STEPS[key]
            row = self.rows.row + step
            # One step goes round; a page stops at the ends.
            self.rows.go_to(row % n if abs(step) == 1 else max(0, min(row, n - 1)))

"""A sentence at the top of the window, with details on demand: errors never block.

Knows notices; no store.
"""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from gui import theme
from gui.on_screen import keep_on_screen
from gui.session.state import Notice

INFO_MS = 6000
MS_A_CHARACTER = 70
"""An information stays at least so long, and as long as reading it takes."""


class NoticeBar(QWidget):
    """Shows the newest notice; information leaves by itself, an error stays until closed.

    Signals:
        dismissed: there is nothing to show any more. A toolbar shows its widgets again at its next
            layout: so it must be hidden itself.
    """

    dismissed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("notice_bar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._notice: Notice | None = None
        self._row = layout = QHBoxLayout(self)
        layout.setContentsMargins(theme.SPACE + 4, theme.TIGHT, theme.SPACE, theme.TIGHT)
        self._text = QLabel(self)
        self._text.setWordWrap(True)
        self._text.setTextFormat(Qt.TextFormat.PlainText)
        self._text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._text.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self._details = QPushButton("Details", self)
        self._details.setToolTip("What happened inside, for a bug report")
        self._details.setAccessibleName("Details of this message")
        self._details.clicked.connect(self.show_details)
        self._close = QToolButton(self)
        self._close.setText("×")
        self._close.setToolTip("Close this message")
        self._close.setAccessibleName("Close this message")
        self._close.clicked.connect(self.dismiss)
        for widget in (self._text, self._details, self._close):
            layout.addWidget(widget)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.dismiss)
        self.hide()

    @property
    def message(self) -> str:
        """What it says now; empty when hidden."""
        return self._notice.message if self._notice is not None else ""

    def show_notice(self, notice: object) -> None:
        """Show a `Notice`."""
        assert isinstance(notice, Notice)
        self._notice = notice
        self._text.setText(notice.message)
        self._text.setAccessibleName(notice.message)
        self._details.setVisible(bool(notice.details))
        self.apply_theme()
        self.show()
        self._timer.stop()
        if notice.level == "info":
            self._timer.start(max(INFO_MS, MS_A_CHARACTER * len(notice.message)))
        self.updateGeometry()

    def sizeHint(self) -> QSize:
        """As high as its lines at the window's width.

        A toolbar goes by hints alone, and a wrapped label's own is a block three times as high.
        """
        margins = self._row.contentsMargins()
        buttons = [self._close] + [self._details] * (not self._details.isHidden())
        room = self.window().width() - margins.left() - margins.right() - 2 * theme.SPACE
        room -= sum(button.sizeHint().width() + self._row.spacing() for button in buttons)
        high = max(
            self._text.heightForWidth(max(100, room)),
            *(button.sizeHint().height() for button in buttons),
        )
        return QSize(400, high + margins.top() + margins.bottom())

    def minimumSizeHint(self) -> QSize:
        return QSize(100, self.sizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self.updateGeometry()

    def dismiss_about(self, subject: str) -> None:
        """Hide it if this is what it is about."""
        if self._notice is not None and self._notice.about == subject:
            self.dismiss()

    def dismiss(self) -> None:
        """Hide it."""
        self._notice = None
        self._timer.stop()
        self.hide()
        self.dismissed.emit()

    def apply_theme(self) -> None:
        """Take the colours of the theme and the notice's level."""
        t = theme.current()
        level = self._notice.level if self._notice is not None else "info"
        edge = {"info": t.accent, "warning": t.warning, "error": t.bad}[level]
        self.setStyleSheet(
            f"#notice_bar {{ background: {t.raised}; border-left: 4px solid {edge};"
            f" border-bottom: 1px solid {t.line}; }}"
        )

    def show_details(self) -> None:
        """Open the traceback in a window of its own."""
        if self._notice is not None:
            show_details(self._notice, self)


def show_details(notice: Notice, parent: QWidget) -> None:
    """Open a notice's traceback in a window of its own."""
    dialog = QDialog(parent)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.setWindowTitle("Details")
    dialog.resize(760, 420)
    keep_on_screen(dialog)
    layout = QVBoxLayout(dialog)
    text = QPlainTextEdit(f"{notice.message}\n\n{notice.details}", dialog)
    text.setReadOnly(True)
    text.setFont(theme.mono(theme.SMALL_FONT_SIZE + 0.5))
    layout.addWidget(text)
    buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close, dialog)
    buttons.rejected.connect(dialog.close)
    layout.addWidget(buttons)
    dialog.open()

"""A sentence at the top of the window, with details on demand: errors never block.

Knows notices; no store.
"""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer
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
from gui.store import Notice

INFO_MS = 6000


class NoticeBar(QWidget):
    """Shows the newest notice; information leaves by itself, an error stays until closed."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("notice_bar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._notice: Notice | None = None
        layout = QHBoxLayout(self)
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
            self._timer.start(INFO_MS)

    def dismiss(self) -> None:
        """Hide it."""
        self._notice = None
        self._timer.stop()
        self.hide()

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
        if self._notice is None:
            return
        dialog = QDialog(self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setWindowTitle("Details")
        dialog.resize(760, 420)
        layout = QVBoxLayout(dialog)
        text = QPlainTextEdit(f"{self._notice.message}\n\n{self._notice.details}", dialog)
        text.setReadOnly(True)
        text.setFont(theme.mono(theme.SMALL_FONT_SIZE + 0.5))
        layout.addWidget(text)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close, dialog)
        buttons.rejected.connect(dialog.close)
        layout.addWidget(buttons)
        dialog.open()

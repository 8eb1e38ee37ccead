"""A dialog into which a text is pasted or typed. Opened, never executed.

Knows widgets; what becomes of the text is its owner's affair.
"""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QPlainTextEdit, QVBoxLayout, QWidget

from gui import theme
from gui.on_screen import keep_on_screen
from gui.widgets.control_button import mark_primary
from gui.widgets.text import Text


class PasteDialog(QDialog):
    """Asks for a text.

    Args:
        title: what for.
        parent: over which it opens.

    Attributes:
        editor: that it is pasted into.
        use_button: takes it.

    Signals:
        text_given: the text, of which there is something.
    """

    text_given = Signal(str)

    def __init__(self, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setObjectName("paste_dialog")
        self.setWindowTitle(title)
        self.resize(560, 380)
        keep_on_screen(self)
        self.editor = QPlainTextEdit(self)
        self.editor.setAccessibleName(title)
        self.editor.setPlaceholderText("Paste or type a text here.")
        self.editor.setTabChangesFocus(True)
        small = theme.sans(theme.SMALL_FONT_SIZE)
        self.count = Text(parent=self, tone="dim", font=small, wrap=True)
        buttons = QDialogButtonBox(self)
        self.use_button = buttons.addButton(
            "&Use this text", QDialogButtonBox.ButtonRole.AcceptRole
        )
        self.use_button.setToolTip("Keep it in a file beside the runs, and learn from it")
        mark_primary(self.use_button, on=True)
        cancel = buttons.addButton(QDialogButtonBox.StandardButton.Cancel)
        cancel.setToolTip("Leave the text as it is")
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(14, 14, 14, 12)
        layout.setSpacing(theme.SPACE)
        layout.addWidget(self.editor, 1)
        layout.addWidget(self.count)
        layout.addWidget(buttons)
        self.editor.textChanged.connect(self._typed)
        self._typed()

    def _typed(self) -> None:
        text = self.editor.toPlainText()
        self.use_button.setEnabled(bool(text.strip()))
        self.count.setText(
            f"{len(text.split()):,} words, {len(text):,} characters. A tenth of it is held out, to "
            "see what is learned and not only remembered."
        )

    def accept(self) -> None:
        text = self.editor.toPlainText()
        super().accept()
        self.text_given.emit(text)

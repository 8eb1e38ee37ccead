"""The editor of the prompt: plain text that grows, kept exactly as it was typed or pasted.

Knows the theme; no store.
"""

from __future__ import annotations

from PySide6.QtCore import QRect, QSize, Qt, Signal
from PySide6.QtGui import (
    QKeyEvent,
    QPalette,
    QResizeEvent,
    QTextCharFormat,
    QTextCursor,
    QTextDocument,
)
from PySide6.QtWidgets import (
    QPlainTextEdit,
    QSizePolicy,
    QStyle,
    QStyleOptionFrame,
    QTextEdit,
    QWidget,
)

from gui import theme
from gui.widgets.text import utf16_length

LEAST_LINES = 2
MAX_LINES = 4
"""A short prompt takes so many lines, whatever its pane has room for."""
MOST_FITS = 4
"""So often the height follows lines that wrap anew because of it; a bar stays where they never
agree."""


class PromptEditor(QPlainTextEdit):
    """Plain text that grows from two lines to four, and further in a high pane.

    Signals:
        text_edited: by a person or by `replace_text`.
        committed: Return was pressed (Shift+Return makes a new line).
        older_wanted, newer_wanted: Alt+Up, Alt+Down.
    """

    text_edited = Signal()
    committed = Signal()
    older_wanted = Signal()
    newer_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFont(theme.mono(theme.FONT_SIZE + 0.5))
        self.setAccessibleName("Prompt")
        self.setToolTip(
            "The prompt. Return keeps it in the history, Shift+Return begins a new line, "
            "Alt+Up and Alt+Down step through the history."
        )
        self.setTabChangesFocus(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.document().setDocumentMargin(3)
        self._dimmed_from: int | None = None
        self._known = ""
        self._most_lines = MAX_LINES
        self._room = 10_000  # pixels that it may take at most
        self._fitting, self._fits = False, True
        self.textChanged.connect(self._on_text_changed)
        # How often a line is wrapped is known only after textChanged.
        self.document().documentLayout().documentSizeChanged.connect(self._fit_height)
        self._fit_height()

    def text(self) -> str:
        """What stands in it, exactly: no-break spaces and lone surrogates as they are."""
        return document_text(self.document())

    def replace_text(self, text: str) -> None:
        """Change the text where it differs, so that the caret stays where it can; undoable."""
        old, new = self.text(), as_typed(text)
        if old == new:
            return
        start = 0
        while start < min(len(old), len(new)) and old[start] == new[start]:
            start += 1
        end = 0
        while end < min(len(old), len(new)) - start and old[-1 - end] == new[-1 - end]:
            end += 1
        cursor = QTextCursor(self.document())
        cursor.setPosition(utf16_length(old[:start]))
        cursor.setPosition(utf16_length(old[: len(old) - end]), QTextCursor.MoveMode.KeepAnchor)
        piece = new[start : len(new) - end]
        if piece.startswith("\ufeff"):
            piece = "\ufeff" + piece  # PySide6 (6.11) drops one at the start on the way to Qt
        cursor.insertText(piece)

    def dim_from(self, index: int | None) -> None:
        """Draw everything from a character on in the faint colour: it is not read."""
        self._dimmed_from = index
        selections = []
        if index is not None:
            cursor = QTextCursor(self.document())
            cursor.setPosition(utf16_length(self.text()[:index]))
            cursor.movePosition(QTextCursor.MoveOperation.End, QTextCursor.MoveMode.KeepAnchor)
            dimmed = QTextEdit.ExtraSelection()
            look = QTextCharFormat()
            look.setForeground(theme.current().color("dim"))
            look.setFontStrikeOut(True)
            dimmed.format = look
            dimmed.cursor = cursor
            selections.append(dimmed)
        self.setExtraSelections(selections)

    @property
    def dimmed_from(self) -> int | None:
        """First character that is drawn as not read, or None."""
        return self._dimmed_from

    def apply_theme(self) -> None:
        """Placeholder and dimmed text take the new colours."""
        palette = self.palette()
        palette.setColor(QPalette.ColorRole.PlaceholderText, theme.current().color("dim"))
        self.setPalette(palette)
        self.dim_from(self._dimmed_from)

    def _on_text_changed(self) -> None:
        # Qt also reports changes of formatting here.
        text = self.text()
        if text != self._known:
            self._known = text
            self._fit_height()
            self.text_edited.emit()

    def set_room(self, height: int, share: int = 0) -> None:
        """Show no more lines than there is room for, and one at least.

        Args:
            height: all the room that there is.
            share: part of it that a long text may fill beyond four lines.
        """
        line = self.fontMetrics().lineSpacing()
        margins = self.document().documentMargin() + self._frame
        most = max(MAX_LINES, int((share - margins) // line))
        lines = max(1, min(most, int((height - margins) // line)))
        if (lines, height) != (self._most_lines, self._room):
            self._most_lines, self._room = lines, height
            self._fit_height()

    @property
    def least_height(self) -> int:
        """Pixels of one line."""
        margins = self.document().documentMargin() + self._frame
        return round(self.fontMetrics().lineSpacing() + margins)

    def height_for(self, width: int) -> int:
        """Pixels that the text needs at a width, from two lines to four."""
        line = self.fontMetrics().lineSpacing()
        same = abs(width - self.width()) < line
        n_lines = self._n_lines if same else LEAST_LINES
        lines = max(LEAST_LINES, min(MAX_LINES, n_lines))
        return round(lines * line + 2 * self.document().documentMargin() + self._frame)

    def _fit_height(self) -> None:
        """Take the height of the lines, and a scroll bar where there is no room for them.

        A bar that comes or goes makes the lines wrap anew, within the call, and Qt counts lines
        that it has not laid out as one each: what is found then may ask for the other again.
        """
        if self._fitting:
            self._fits = False
            return
        self._fitting = True
        try:
            for _ in range(MOST_FITS):
                self._fits = True
                self._fit_once()
                if self._fits:
                    return
            self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAsNeeded)
        finally:
            self._fitting = False

    @property
    def _n_lines(self) -> int:
        """Lines of the text as it is wrapped, as far as that is known."""
        return round(self.document().size().height())

    def _fit_once(self) -> None:
        n_lines = self._n_lines
        lines = min(self._most_lines, max(LEAST_LINES, n_lines))
        line = self.fontMetrics().lineSpacing()
        # Of a text that is scrolled, what is below its last whole line would be tops of letters.
        margins = self.document().documentMargin() * (1 if n_lines > lines else 2)
        height = round(lines * line + margins + self._frame)
        height = min(height, max(self._room, self.least_height))
        self.setVerticalScrollBarPolicy(
            Qt.ScrollBarPolicy.ScrollBarAsNeeded
            if n_lines > lines or lines >= MAX_LINES
            else Qt.ScrollBarPolicy.ScrollBarAlwaysOff
        )
        if height != self.minimumHeight():
            self.setFixedHeight(height)

    @property
    def _frame(self) -> int:
        """Height of what is drawn around the text, above and below.

        As the style says it. What the viewport's present height leaves of the widget's is no
        measure: while a layout runs, the one is new and the other old.
        """
        option = QStyleOptionFrame()
        self.initStyleOption(option)
        option.rect = QRect(0, 0, 1000, 1000)
        inside = QStyle.SubElement.SE_FrameContents
        return 1000 - self.style().subElementRect(inside, option, self).height()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit_height()

    def sizeHint(self) -> QSize:
        return QSize(240, self.minimumHeight())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        alt = event.modifiers() & Qt.KeyboardModifier.AltModifier
        shift = event.modifiers() & Qt.KeyboardModifier.ShiftModifier
        key = event.key()
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and not shift:
            self.committed.emit()
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            # Qt's own Shift+Return makes a line separator, which is another character.
            self.insertPlainText("\n")
            self.ensureCursorVisible()
        elif alt and key == Qt.Key.Key_Up:
            self.older_wanted.emit()
        elif alt and key == Qt.Key.Key_Down:
            self.newer_wanted.emit()
        else:
            super().keyPressEvent(event)


def document_text(document: QTextDocument) -> str:
    """A document's text, exactly.

    ``toPlainText`` turns no-break spaces into spaces, and PySide6 (6.11) drops lone surrogates
    when it makes a Python string; a tokenizer must see both.
    """
    text = document.toRawText()
    n_units = document.characterCount() - 1  # the last block's end is no character of the text
    if utf16_length(text) != n_units:
        units = (ord(document.characterAt(i)).to_bytes(2, "little") for i in range(n_units))
        text = b"".join(units).decode("utf-16-le", "surrogatepass")
    return text.replace("\u2029", "\n")


def as_typed(text: str) -> str:
    """A text as the editor can hold it: one kind of line end, no pair of surrogates apart."""
    for end in ("\r\n", "\r", "\u2029", "\ufdd0", "\ufdd1"):
        text = text.replace(end, "\n")
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")

"""Text that a model writes: the prompt's part dim, every generated token known by hovering it.

Knows the theme and `TokenGenerated`; no store.
"""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QPoint, QSize, Qt, Signal
from PySide6.QtGui import QHelpEvent, QKeyEvent, QMouseEvent, QTextCharFormat, QTextCursor
from PySide6.QtWidgets import QPlainTextEdit, QTextEdit, QToolTip, QWidget

from gui import theme
from gui.widgets.text import as_written, utf16_length
from gui.widgets.tips import Tips
from model.messages import TokenGenerated
from model.tokenizer.tokens import RETURN


class GeneratedText(QPlainTextEdit):
    """Read-only; grows token by token without writing again what stands there.

    Signals:
        token_chosen: index of a generated token that was clicked, or reached by Ctrl and an arrow.

    Attributes:
        chosen: that token; None for none.
    """

    token_chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        Tips(self.viewport(), self.show_tip)
        self.setReadOnly(True)
        self.setFont(theme.mono())
        self.setAccessibleName("Generated text")
        self.setMouseTracking(True)
        self.viewport().setMouseTracking(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.chosen: int | None = None
        self._key: object = None
        self._prompt = ""
        self._text = ""
        self._steps: tuple[TokenGenerated, ...] = ()
        self._spans: list[tuple[int, int]] = []
        self._names: tuple[str, ...] = ()

    def show_generation(
        self, key: object, prompt: str, steps: Sequence[TokenGenerated], names: Sequence[str]
    ) -> None:
        """Show a generation as far as it has come.

        Args:
            key: tells one generation from another.
            prompt: what it continues.
            steps: every token so far.
            names: each token's bytes made visible.
        """
        if key != self._key or prompt != self._prompt:
            self._key, self._prompt = key, prompt
            self._text, self._steps, self._spans = "", (), []
            self.chosen = None
            self.clear()
            self._write(0, prompt, "dim")
        at_end = self.verticalScrollBar().value() >= self.verticalScrollBar().maximum() - 2
        for step in steps[len(self._steps) :]:
            self._add(step)
        self._steps, self._names = tuple(steps), tuple(names)
        if at_end:
            self.verticalScrollBar().setValue(self.verticalScrollBar().maximum())

    def token_at(self, point: QPoint) -> list[int]:
        """Which generated tokens wrote the character under a point of the viewport.

        Several, if they are parts of one character.
        """
        cursor = self.cursorForPosition(point)
        box = self.cursorRect(cursor)
        unit = cursor.position() - (1 if point.x() < box.left() else 0)
        if abs(point.y() - box.center().y()) > box.height():
            return []
        at = unit - utf16_length(self._prompt)
        return [i for i, (start, end) in enumerate(self._spans) if start <= at < end]

    def describe(self, index: int) -> str:
        """What hovering a token says."""
        step = self._steps[index]
        lines = [
            f"{self._names[index]}   id {step.token_id}   drawn with p = {step.probability:.6g}"
        ]
        if step.rank:
            lines.append(
                f"{step.bits:.2f} bits by the model's own distribution, rank {step.rank:,}"
            )
        lines.append("Click to see what the model read when it wrote this")
        return "\n".join(lines)

    def choose(self, index: int | None) -> None:
        """Light a generated token."""
        self.chosen = index
        self._light([])

    def apply_theme(self) -> None:
        """Write everything anew in the new colours."""
        steps, names, key, prompt = self._steps, self._names, self._key, self._prompt
        self._key = None
        self._prompt = ""
        if key is not None:
            self.show_generation(key, prompt, steps, names)

    def _add(self, step: TokenGenerated) -> None:
        old, new = self._text, step.text
        same = 0
        # Most tokens only append. A token that completes a character changes the last one.
        if new.startswith(old):
            same = len(old)
        else:
            while same < min(len(old), len(new)) and old[same] == new[same]:
                same += 1
        start = utf16_length(new[:same])
        self._write(utf16_length(self._prompt) + start, new[same:], "text")
        self._spans.append((start, max(start, utf16_length(new))))
        self._text = new

    def _write(self, position: int, text: str, tone: str) -> None:
        """Replace everything from a position (in UTF-16 units) on."""
        cursor = QTextCursor(self.document())
        cursor.setPosition(min(position, self.document().characterCount() - 1))
        cursor.movePosition(QTextCursor.MoveOperation.End, QTextCursor.MoveMode.KeepAnchor)
        look = QTextCharFormat()
        look.setForeground(theme.current().color(tone))
        cursor.insertText(_shown(text), look)

    def _light(self, tokens: list[int]) -> None:
        selections = []
        chosen = [] if self.chosen is None or self.chosen >= len(self._spans) else [self.chosen]
        for index in dict.fromkeys((*tokens, *chosen)):
            start, end = self._spans[index]
            lit = QTextEdit.ExtraSelection()
            lit.cursor = QTextCursor(self.document())
            offset = utf16_length(self._prompt)
            lit.cursor.setPosition(offset + start)
            lit.cursor.setPosition(offset + end, QTextCursor.MoveMode.KeepAnchor)
            look = QTextCharFormat()
            look.setBackground(theme.current().color("accent_soft"))
            if index == self.chosen:
                look.setForeground(theme.current().color("accent"))
            lit.format = look
            selections.append(lit)
        self.setExtraSelections(selections)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        super().mouseMoveEvent(event)
        self._light(self.token_at(event.position().toPoint()))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        super().mouseReleaseEvent(event)
        # Who has marked a part of the text wants to copy it.
        if event.button() == Qt.MouseButton.LeftButton and not self.textCursor().hasSelection():
            tokens = self.token_at(event.position().toPoint())
            if tokens:
                self.token_chosen.emit(tokens[0])

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(event.key()))
        if step and event.modifiers() & Qt.KeyboardModifier.ControlModifier and self._steps:
            last = len(self._steps) - 1
            at = last if self.chosen is None else self.chosen + step
            self.token_chosen.emit(max(0, min(at, last)))
        else:
            super().keyPressEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._light([])

    def show_tip(self, event: QHelpEvent) -> None:
        """Say what there is to say where the mouse is."""
        lines = [self.describe(index) for index in self.token_at(event.pos())]
        if lines:
            QToolTip.showText(event.globalPos(), as_written("\n".join(lines)), self.viewport())
        else:
            QToolTip.hideText()

    def sizeHint(self) -> QSize:
        return QSize(240, 96)

    def minimumSizeHint(self) -> QSize:
        return QSize(100, 3 * self.fontMetrics().lineSpacing() + 12)


def _shown(text: str) -> str:
    """As Qt can hold it, character for character: it would swallow a carriage return."""
    return text.replace("\r", RETURN)

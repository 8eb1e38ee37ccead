"""A field for texts of any length: also a million characters without a line break stay editable.

Qt lays a whole paragraph out again at every key, which takes a second for a megabyte. A long one
therefore stands in parts, each a paragraph for Qt. Two invisible characters at a part's end tell it
from a line break of the text; `whole_text` and what is copied have neither. Knows Qt only.
"""

from __future__ import annotations

from PySide6.QtCore import QMimeData
from PySide6.QtWidgets import QPlainTextEdit

PART = 2000
"""Characters of a part."""
GOES_ON = "\u2060\u2063"
"""Word joiner and invisible separator: the text goes on in the next part."""


class LongTextEdit(QPlainTextEdit):
    """Plain text in parts."""

    def whole_text(self) -> str:
        """The text as it was typed and pasted."""
        return _joined(self.toPlainText())

    def setPlainText(self, text: str) -> None:
        super().setPlainText(in_parts(text))

    def insertFromMimeData(self, source: QMimeData) -> None:
        if source.hasText():
            self.insertPlainText(in_parts(source.text()))
            self.ensureCursorVisible()

    def createMimeDataFromSelection(self) -> QMimeData:
        data = QMimeData()
        # Qt's own selection ends paragraphs by this character.
        data.setText(_joined(self.textCursor().selectedText().replace("\u2029", "\n")))
        return data


def in_parts(text: str) -> str:
    """A text whose long lines are parts, broken after a space where there is one."""
    if len(text) <= PART or GOES_ON in text:
        return text
    return "\n".join(_line_in_parts(line) for line in text.split("\n"))


def _line_in_parts(line: str) -> str:
    if len(line) <= PART:
        return line
    parts: list[str] = []
    at = 0
    while len(line) - at > PART:
        space = line.rfind(" ", at + PART // 2, at + PART)
        end = space + 1 if space >= 0 else at + PART
        parts.append(line[at:end])
        at = end
    return f"{GOES_ON}\n".join((*parts, line[at:]))


def _joined(text: str) -> str:
    """A text of parts as it was: a break between two that a person took away is none either."""
    return text.replace(f"{GOES_ON}\n", "").replace(GOES_ON, "")

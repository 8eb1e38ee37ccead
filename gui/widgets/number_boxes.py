"""Boxes for numbers that never change what is typed without a word.

Qt's own drop a key that leads out of the range, so that "12" becomes 1. These take what is typed,
say at once why it can't be, and go on with the number before it. Knows Qt only.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtGui import QValidator
from PySide6.QtWidgets import QAbstractSpinBox, QDoubleSpinBox, QLineEdit, QSpinBox, QWidget

Tell = Callable[[str], None]
"""Called with why a text is no such number; with nothing once it is one."""

LARGEST_SEED = 2**31 - 1

_State = QValidator.State


class _Refusals:
    """What both kinds of box do with a text that is no number of theirs.

    Args:
        box: whose text it is.
        what: what its number is, as a sentence calls it: ``temperature``.
        limits: gives what it may be: ``from 0 to 10``.
    """

    def __init__(self, box: QAbstractSpinBox, what: str, limits: Callable[[], str]) -> None:
        self._box, self._what, self._limits = box, what, limits
        self.tell: Tell = lambda why: None
        box.lineEdit().textEdited.connect(self.hear)
        # A style sheet's padding does not reach the text of a spin box (Qt 6.11).
        box.lineEdit().setTextMargins(5, 0, 0, 0)

    def hear(self, text: str) -> None:
        """Something was typed: it is a number, may become one, or never will."""
        state, _, _ = self.own_state(text)
        self.tell(self.words(text) if state == _State.Invalid else "")

    def own_state(self, text: str) -> tuple[QValidator.State, str, int]:
        """What Qt thinks of a text."""
        box = self._box
        assert isinstance(box, DecimalBox | WholeBox)
        return box.qt_state(text, len(text))

    def words(self, text: str) -> str:
        """Why a text is refused."""
        return f"“{text}” is no {self._what}: it is {self._limits()}."

    def refuse(self, text: str) -> None:
        """It is left like that: the number before it comes back, which is said."""
        if text.strip():
            self.tell(f"{self.words(text)} {self._box.text_now()} stays.")  # type: ignore[attr-defined]


class DecimalBox(QDoubleSpinBox):
    """A number with at least two and at most `DECIMALS` decimals.

    Args:
        low, high: its range.
        what: as of `_Refusals`.
        limits: what it may be, in words.
        special: what stands for the lowest number; none if empty.
        all_word: what stands for the highest; none if empty.
    """

    DECIMALS = 4

    def __init__(
        self,
        low: float,
        high: float,
        what: str,
        limits: str,
        parent: QWidget | None = None,
        *,
        special: str = "",
        all_word: str = "",
    ) -> None:
        super().__init__(parent)
        self._all = all_word
        self.setDecimals(self.DECIMALS)
        self.setRange(low, high)
        self.setSpecialValueText(special)
        self.refusals = _Refusals(
            self, what, lambda: f"{limits}, with at most {self.DECIMALS} decimals"
        )

    def text_now(self) -> str:
        """The number that is in force, as it is written."""
        return self.textFromValue(self.value())

    def qt_state(self, text: str, position: int) -> tuple[QValidator.State, str, int]:
        """What Qt thinks of a text, or we of a word."""
        word = _state_of_word(text, self._all, self.specialValueText())
        if word is not None:
            return word, text, position
        found: tuple[QValidator.State, str, int] = super().validate(text, position)
        return found

    def validate(self, text: str, position: int) -> tuple[QValidator.State, str, int]:
        state, text, position = self.qt_state(text, position)
        return _State.Intermediate if state == _State.Invalid else state, text, position

    def fixup(self, text: str) -> str:
        self.refusals.refuse(text)
        return text

    def textFromValue(self, value: float) -> str:
        if self._all and value >= self.maximum():
            return self._all
        if self.specialValueText() and value <= self.minimum():
            return self.specialValueText()
        written = f"{value:.{self.DECIMALS}f}"
        while written.endswith("0") and len(written.partition(".")[2]) > 2:
            written = written[:-1]
        return written

    def valueFromText(self, text: str) -> float:
        if self._all and text.strip() == self._all:
            return self.maximum()
        if text.strip() and text.strip() == self.specialValueText():
            return self.minimum()
        return super().valueFromText(text)


class WholeBox(QSpinBox):
    """A whole number.

    Args:
        low, high: its range.
        what: as of `_Refusals`.
        parent: of the widget.
        special: what stands for the lowest number; none if empty.
    """

    def __init__(
        self, low: int, high: int, what: str, parent: QWidget | None = None, *, special: str = ""
    ) -> None:
        super().__init__(parent)
        self.setRange(low, high)
        self.setSpecialValueText(special)
        self.refusals = _Refusals(
            self, what, lambda: f"a whole number from {self.minimum():,} to {self.maximum():,}"
        )

    def text_now(self) -> str:
        """The number that is in force, as it is written."""
        special = self.specialValueText()
        return special if special and self.value() == self.minimum() else str(self.value())

    def qt_state(self, text: str, position: int) -> tuple[QValidator.State, str, int]:
        """What Qt thinks of a text, or we of a word."""
        word = _state_of_word(text, self.specialValueText())
        if word is not None:
            return word, text, position
        found: tuple[QValidator.State, str, int] = super().validate(text, position)
        return found

    def valueFromText(self, text: str) -> int:
        if text.strip() and text.strip() == self.specialValueText():
            return self.minimum()
        return super().valueFromText(text)

    def validate(self, text: str, position: int) -> tuple[QValidator.State, str, int]:
        state, text, position = self.qt_state(text, position)
        return _State.Intermediate if state == _State.Invalid else state, text, position

    def fixup(self, text: str) -> str:
        self.refusals.refuse(text)
        return text


def _state_of_word(text: str, *words: str) -> QValidator.State | None:
    """What a text is of the words that stand for numbers; None if it is no part of one."""
    if not text:
        return None
    if text in words:
        return _State.Acceptable
    return _State.Intermediate if any(word.startswith(text) for word in words) else None


class SeedField(QLineEdit):
    """A seed; empty for chance."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setPlaceholderText("seed")
        self.setAccessibleName("Seed")

    @property
    def seed(self) -> int | None:
        """What is written, if that is a seed; None for chance."""
        text = self.text().strip()
        return None if not text or self.problem else int(text)

    @property
    def problem(self) -> str:
        """Why what is written is no seed; empty if it is one, or nothing."""
        text = self.text().strip()
        if not text or (text.isdecimal() and text.isascii() and int(text) <= LARGEST_SEED):
            return ""
        return f"“{text}” is no seed: it is a whole number from 0 to {LARGEST_SEED:,}, or nothing."

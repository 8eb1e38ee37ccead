"""What can be set of a projection, as a row of controls: what all such forms have.

Knows names of rows; no store.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from gui import theme
from gui.panes.space.nearness import Terms
from gui.panes.space.rows import Rows
from model.messages import VocabularyProjected
from model.space.registry import Projection


@dataclass(frozen=True, slots=True)
class Looked:
    """What a form may need to know.

    Attributes:
        rows: the names of the table's rows.
        terms: the sum that is looked at; empty for none.
        expected: the row at which it should end; -1 for none.
    """

    rows: Rows
    terms: Terms
    expected: int


class Form(QWidget):
    """Of one projection.

    Signals:
        changed: another is set.

    Attributes:
        problem: why what is set can't be drawn; empty if it can.
        hint: what to do before it can; empty if it can.
        is_empty: whether there is nothing to set, so that it needs no room.
        flat: whether it is best looked at on its first two axes alone.
    """

    is_empty: ClassVar[bool] = False

    changed = Signal()
    flat: bool = False

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.problem = ""
        self.hint = ""
        self.line = QHBoxLayout(self)
        self.line.setContentsMargins(0, 0, 0, 0)
        self.line.setSpacing(theme.TIGHT)

    def projection(self, looked: Looked) -> Projection | None:
        """What is set; None where something is missing, which `hint` or `problem` says."""
        raise NotImplementedError

    def show_drawn(self, vocabulary: VocabularyProjected) -> None:
        """A picture has come: tell of it what helps to choose."""

    def forget_rows(self) -> None:
        """Other rows: what was typed about the others is over."""

    def set_first(self, typed: str) -> None:
        """Take up a direction as the first axis, where there is such a thing."""

    def kept(self) -> object:
        """What is remembered at the end of the program, as JSON has it."""
        return None

    def recall(self, kept: object) -> None:
        """The same, taken up again; what isn't as it should be is passed over."""

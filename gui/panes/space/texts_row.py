"""Which texts' counts colour the points: one or all, or one against another; texts are added here.

Knows names; no store, no counts.
"""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QMenu, QPushButton, QVBoxLayout, QWidget

from gui import theme
from gui.widgets.choice import Choice
from gui.widgets.nest import nest
from gui.widgets.text import Text, no_mnemonic

ALL = "all texts together"


class TextsRow(QWidget):
    """Choices of texts, and a button with a menu that adds and forgets.

    Signals:
        chosen: other texts.
        file_wanted: a text file is to be added.
        world_wanted: the story world is.
        forgotten: the number of a text that isn't wanted any more.
    """

    chosen = Signal()
    file_wanted = Signal()
    world_wanted = Signal()
    forgotten = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        small = theme.sans(theme.SMALL_FONT_SIZE)
        self.first = self._choice("Counted in", "The text whose tokens are counted")
        self.second = self._choice("Compared with", "The text that it is compared with")
        self.than = Text("than in", tone="dim", font=small)
        self.add = QPushButton("Add…")
        self.add.setAccessibleName("Add a text, or forget one")
        self.add.setToolTip("Texts whose tokens are counted: add one, or forget one")
        self.menu = QMenu(self.add)
        self.add.setMenu(self.menu)
        upper, lower = QHBoxLayout(), QHBoxLayout()
        for line, widgets in ((upper, (self.first, self.add)), (lower, (self.than, self.second))):
            line.setContentsMargins(0, 0, 0, 0)
            line.setSpacing(theme.TIGHT)
            for widget in widgets:
                line.addWidget(widget, 1 if isinstance(widget, Choice) else 0)
        inner = QVBoxLayout(self)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.setSpacing(theme.TIGHT)
        nest(inner, upper)
        nest(inner, lower)
        self._names: tuple[str, ...] | None = None
        self._compares = False
        self.show_texts((), compares=False)

    def _choice(self, name: str, tip: str) -> Choice:
        choice = Choice()
        choice.setAccessibleName(name)
        choice.setToolTip(tip)
        choice.setMinimumContentsLength(6)
        choice.setSizeAdjustPolicy(Choice.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        choice.activated.connect(lambda _: self.chosen.emit())
        return choice

    def show_texts(self, names: Sequence[str], *, compares: bool) -> None:
        """The texts there are.

        Args:
            names: of them.
            compares: whether one is chosen against another, or one or all.
        """
        if (tuple(names), compares) == (self._names, self._compares):
            return
        grown = self._names is not None and len(names) > len(self._names)
        before = (self.first.currentText(), self.second.currentText())
        self._names, self._compares = tuple(names), compares
        self.first.clear()
        self.second.clear()
        self.first.addItems([*names] if compares else [ALL, *names])
        self.second.addItems([*names])
        self.first.setEnabled(bool(names))
        self.second.setEnabled(len(names) > 1)
        self.first.setCurrentIndex(max(0, self.first.findText(before[0])))
        at = self.second.findText(before[1])
        if at < 0 or (grown and len(names) == 2):
            at = 1 if len(names) > 1 else 0
        self.second.setCurrentIndex(at)
        self.second.setVisible(compares)
        self.than.setVisible(compares)
        self._fill_menu()

    def _fill_menu(self) -> None:
        self.menu.clear()
        self.menu.addAction("A text file…").triggered.connect(self.file_wanted)
        self.menu.addAction("The story world").triggered.connect(self.world_wanted)
        if self._names:
            self.menu.addSeparator()
        for at, name in enumerate(self._names or ()):
            action = self.menu.addAction(no_mnemonic(f"Forget {name}"))
            action.triggered.connect(lambda _=False, at=at: self.forgotten.emit(at))

    @property
    def one(self) -> int | None:
        """The text that is chosen; None for all."""
        at = self.first.currentIndex() - (0 if self._compares else 1)
        return at if at >= 0 else None

    @property
    def other(self) -> int | None:
        """The one that it is compared with; None where nothing is compared."""
        at = self.second.currentIndex()
        return at if self._compares and at >= 0 else None

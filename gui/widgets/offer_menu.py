"""A menu of things that can be done, each with a check where it is done already.

Knows words and the things themselves, as they are; no store.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QWidget

from gui.widgets.text import as_written, no_mnemonic


@dataclass(frozen=True, slots=True)
class MenuItem:
    """A line of the menu.

    Attributes:
        words: what it says.
        thing: what is given to who chose it.
        checked: whether it is done already; None for what can't be taken back here.
        why_not: why it can't be done; it is shown, and can't be chosen.
        group: between two groups is a line.
    """

    words: str
    thing: object
    checked: bool | None = None
    why_not: str = ""
    group: int = 0


class OfferMenu(QMenu):
    """Is gone once something was chosen, or nothing.

    Signals:
        chosen: the thing of the line.
    """

    chosen = Signal(object)

    def __init__(self, items: Sequence[MenuItem], parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setToolTipsVisible(True)
        before = items[0].group if items else 0
        for item in items:
            if item.group != before:
                self.addSeparator()
                before = item.group
            action = self.addAction(no_mnemonic(item.words))
            action.setCheckable(item.checked is not None)
            action.setChecked(bool(item.checked))
            action.setEnabled(not item.why_not)
            tip = item.why_not or ("Take it back" if item.checked else item.words)
            action.setToolTip(as_written(tip))
            action.setData(item.thing)
        self.triggered.connect(self._on_triggered)

    def _on_triggered(self, action: QAction) -> None:
        self.chosen.emit(action.data())

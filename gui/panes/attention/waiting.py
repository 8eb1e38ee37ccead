"""What a pane waits for: a thin line that says how far it is, and the words.

Knows shares and slots; no store.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from gui import theme
from gui.session.asked import Asking, Slot

HEIGHT = 2
NAMES = {
    "heads": "all heads",
    "graph": "routes",
    "matrix": "matrix",
    "row": "row",
    "head": "head",
    "kinds": "kinds of heads",
    "on_key": "weights on the key",
    "why": "why it attends",
    **{f"pin{place}": "pinned heads" for place in range(4)},
}
"""What is waited for, in words, by the names of questions."""


class WaitingLine(QWidget):
    """The line; hidden while nothing is waited for."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.share: float | None = None
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAccessibleName("How far the answer is")
        self.hide()

    def set_share(self, share: float | None) -> None:
        """How much is done, 0 to 1; None where nothing is waited for."""
        if share == self.share:
            return
        self.share = share
        self.setVisible(share is not None)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        if self.share is None:
            return
        t = theme.current()
        with QPainter(self) as painter:
            painter.fillRect(self.rect(), t.color("line"))
            done = QRectF(0, 0, self.width() * max(self.share, 0.02), self.height())
            painter.fillRect(done, t.color("accent"))


def waits_for(asking: Asking | None, slot: Callable[[str], Slot | None]) -> str:
    """What is waited for, and how far it is; empty if nothing is.

    Args:
        asking: what has been waited for the longest, if for long.
        slot: what stands under the name of a question.
    """
    if asking is None:
        return ""
    late = [words for name, words in NAMES.items() if not _is_whole(slot(name))]
    share = f" {asking.share:.0%}" if asking.share > 0 else ""
    return f"computing {late[0] if late else 'attention'}{share}…"


def _is_whole(slot: Slot | None) -> bool:
    """Whether nothing more comes."""
    if slot is None or slot.answer is None:
        return slot is None
    return slot.is_current and slot.answer.is_whole

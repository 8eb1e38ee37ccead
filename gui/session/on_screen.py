"""When what was answered is on the screen, for the worker, which rests until then.

Knows Qt's events and what it is to tell; no pane, no widget.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QCoreApplication, QEvent, QObject, Qt, QTimer

_SEEN = QEvent.Type(QEvent.registerEventType())
AFTER_PAINTING = Qt.EventPriority.LowEventPriority.value - 1
"""Qt posts the painting of what was drawn with the low priority."""


class OnScreen(QObject):
    """Says so once those who draw what has come have drawn it, and it was painted.

    Args:
        tell: what is called with the turn that is on the screen (`model.messages.Ask.turn`).
        parent: owns it.
    """

    def __init__(self, tell: Callable[[int], None], parent: QObject) -> None:
        super().__init__(parent)
        self._tell = tell
        self._turn = 0
        self._passes = 0
        self._drawing = QTimer(self)
        self._drawing.setSingleShot(True)
        self._drawing.timeout.connect(self._wait_for_painting)

    def follow(self, turn: int) -> None:
        """The last answers of a turn have come; who draws them was told before this."""
        self._turn = turn
        self._drawing.start(0)  # they draw in the next turn of the event loop, each at its timer

    def _wait_for_painting(self) -> None:
        # Twice: what draws after the others is itself called when these are painted, and Qt deals
        # with what is posted meanwhile, its painting, after all that was there before.
        self._passes = 2
        self._post()

    def _post(self) -> None:
        QCoreApplication.postEvent(self, QEvent(_SEEN), AFTER_PAINTING)

    def customEvent(self, event: QEvent) -> None:
        if event.type() != _SEEN:
            return
        self._passes -= 1
        if self._passes > 0:
            self._post()
        elif self._passes == 0:
            self._tell(self._turn)

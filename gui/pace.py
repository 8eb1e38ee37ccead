"""How soon something is drawn again: at once after a rest, then so many times a second.

Knows a clock and Qt's timer; nothing of what is drawn.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer

BURST = 2
"""How often at once after a rest: an edit is drawn as it is made, and the trace of it as soon as
that is there, a few milliseconds later."""


class Pace:
    """Says when the next turn is due, so that turns take a frame each in the long run.

    A leaky bucket (ITU-T I.371 calls it the generic cell rate algorithm).

    Args:
        frame_ms: time between two turns, while there is always something to do.
    """

    def __init__(self, frame_ms: int) -> None:
        self._frame_ms = frame_ms
        self._paid_until = 0.0  # when all turns so far have had their frame

    def wait_ms(self) -> int:
        """How long until the next turn may be taken."""
        return max(0, math.ceil(self._paid_until - (BURST - 1) * self._frame_ms - _now_ms()))

    def take(self) -> None:
        """A turn is taken now."""
        self._paid_until = max(self._paid_until, _now_ms()) + self._frame_ms


class Turns:
    """Lets several draw one after the other, so that an event between two of them waits for one.

    Args:
        gap_ms: from the beginning of a turn to the next: the drawing and what it had painted.
    """

    def __init__(self, gap_ms: int) -> None:
        self._gap_ms = gap_ms
        self._next = 0.0

    def wait_ms(self) -> int:
        """How long until somebody may draw."""
        return max(0, math.ceil(self._next - _now_ms()))

    def take(self, in_ms: int = 0) -> None:
        """Somebody begins to draw now, or in so many milliseconds."""
        self._next = _now_ms() + in_ms + self._gap_ms


class Later(QObject):
    """Does something once for all that asked for it since the last turn of the event loop.

    What is painted because of one result is then painted together, and not result by signal.

    Args:
        work: what to do.
        frame_ms: time between two turns, while it is always asked for.
        after_ms: how long it lets others go first, also after a rest: an edit's picture comes
            before what is said of it.
    """

    def __init__(
        self, work: Callable[[], None], frame_ms: int, parent: QObject, after_ms: int = 0
    ) -> None:
        super().__init__(parent)
        self._work = work
        self._after_ms = after_ms
        self._pace = Pace(frame_ms)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.now)

    def ask(self) -> None:
        """Do it soon."""
        if not self._timer.isActive():
            self._timer.start(max(self._after_ms, self._pace.wait_ms()))

    def now(self) -> None:
        """Do it now, and not again for what was asked so far."""
        self._timer.stop()
        self._pace.take()
        self._work()


def _now_ms() -> float:
    return 1000 * time.monotonic()

"""Python's cycle collector, run in the GUI thread alone.

The collector runs in whatever thread happens to allocate. A widget that is part of a cycle may
then be destroyed in the worker thread, and Qt crashes (seen with PySide6 6.11: a segmentation
fault in the worker some time after a window was closed). So automatic collection is off, and a
timer in the GUI thread collects what Python's own thresholds would have collected.
"""

from __future__ import annotations

import gc

from PySide6.QtCore import QObject, QTimer

INTERVAL_MS = 500
LATEST_MS = 20_000
"""When collecting begins also if nothing has said so: a run that is started at once may go on for
hours before the worker is idle."""


class GarbageCollector(QObject):
    """Collects cycles from a timer; automatic collection is off from `start` on.

    Args:
        parent: the application.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._thresholds = gc.get_threshold()
        self._timer = QTimer(self)
        self._timer.timeout.connect(self.collect)
        self._latest = QTimer(self)
        self._latest.setSingleShot(True)
        self._latest.timeout.connect(self.begin)

    def start(self) -> None:
        """Take over from Python. Nothing is collected before `begin`: imports make no garbage."""
        gc.disable()
        self._latest.start(LATEST_MS)

    def stop(self) -> None:
        """Collect no more; automatic collection stays off.

        To be called before the collector itself may become garbage: it would destroy the timer
        that calls it.
        """
        self._timer.stop()
        self._latest.stop()

    def settle(self) -> None:
        """Never look again at what is there now, because it is there to stay.

        A full collection then takes a millisecond or two instead of the hundreds that torch's
        modules cost.
        """
        gc.freeze()

    def begin(self) -> None:
        """Collect from now on: what is imported late is imported.

        Earlier, a collection met what was being imported: 100,000 objects, 35 ms.
        """
        self.settle()
        self._latest.stop()
        self._timer.start(INTERVAL_MS)

    def collect(self) -> None:
        """Collect the oldest generation whose count has passed its threshold."""
        counts = gc.get_count()
        for generation in (2, 1, 0):
            if counts[generation] > self._thresholds[generation] > 0:
                gc.collect(generation)
                return

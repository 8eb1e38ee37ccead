"""What the system asks a program to end with: Ctrl+C, `kill`, a terminal or session that closes.

Knows no window; says in the event loop that the end was asked for.
"""

from __future__ import annotations

import signal
import socket
from types import FrameType

from PySide6.QtCore import QObject, QSocketNotifier, Signal

from model.end_signals import Handler, heeded


class EndSignals(QObject):
    """Turns the system's signals into one of Qt's.

    Python runs its handlers only when it next runs Python, and then anywhere, in the middle of a
    paint event too. So its handler does nothing: Python also writes a byte into a socket as the
    signal arrives, and Qt's event loop wakes up for that.
    """

    received = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._reading, self._writing = socket.socketpair()
        for end in (self._reading, self._writing):
            end.setblocking(False)
        self._notifier = QSocketNotifier(self._reading.fileno(), QSocketNotifier.Type.Read, self)
        self._notifier.activated.connect(self._read)
        self._before: dict[signal.Signals, Handler] = {}
        self._wakeup_before = -1

    def install(self) -> None:
        """Listen from now on; in the main thread only. What is ignored (nohup) stays so."""
        self._before = heeded()
        for number in self._before:
            signal.signal(number, _noted)
        self._wakeup_before = signal.set_wakeup_fd(
            self._writing.fileno(), warn_on_full_buffer=False
        )

    def remove(self) -> None:
        """Everything as it was before."""
        signal.set_wakeup_fd(self._wakeup_before)
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}
        self._notifier.setEnabled(False)
        self._reading.close()
        self._writing.close()

    def _read(self) -> None:
        self._reading.recv(64)
        self.received.emit()


def _noted(_number: int, _frame: FrameType | None) -> None:
    """Keeps the system from ending the program."""

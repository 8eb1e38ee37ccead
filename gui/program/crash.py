"""What goes wrong outside of any answer: an uncaught exception, a message of Qt.

Knows a notice as what a person is told, and the program's log.
"""

from __future__ import annotations

import logging
import sys
import threading
import traceback
from types import TracebackType

from PySide6.QtCore import QMessageLogContext, QObject, QtMsgType, Signal
from PySide6.QtWidgets import QApplication

from gui.session.state import Notice

log = logging.getLogger("glassformer")


class CrashReporter(QObject):
    """Turns an uncaught exception, in any thread, into a notice; the program goes on."""

    crashed = Signal(object)  # Notice

    def install(self) -> None:
        sys.excepthook = self._handle
        threading.excepthook = self._handle_thread

    def _handle(
        self, kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        if issubclass(kind, KeyboardInterrupt):
            QApplication.quit()
            return
        details = "".join(traceback.format_exception(kind, error, trace))
        print(details, file=sys.stderr)
        self.crashed.emit(
            Notice(
                f"Something went wrong inside ({kind.__name__}: {error}). "
                "What is open stays open; the details help in a bug report.",
                details,
                "error",
            )
        )

    def _handle_thread(self, hook: threading.ExceptHookArgs) -> None:
        if hook.exc_value is not None:
            self._handle(hook.exc_type, hook.exc_value, hook.exc_traceback)


QUIET = ("This plugin does not support propagateSizeHints()",)
"""What Qt says on screens that are none, each time a window changes its size."""

_LEVELS = {
    QtMsgType.QtDebugMsg: logging.DEBUG,
    QtMsgType.QtInfoMsg: logging.INFO,
    QtMsgType.QtWarningMsg: logging.WARNING,
    QtMsgType.QtCriticalMsg: logging.ERROR,
    QtMsgType.QtFatalMsg: logging.CRITICAL,
}


def log_qt_message(kind: QtMsgType, context: QMessageLogContext, message: str) -> None:
    """Qt's messages go where the program's go."""
    if message not in QUIET:
        log.log(_LEVELS.get(kind, logging.WARNING), "Qt: %s", message)

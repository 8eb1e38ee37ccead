"""The application: Qt set up once, crash handling, the window and its worker.

Knows how everything is put together; no pane and no model by itself.
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import sys
import threading
import traceback
from pathlib import Path
from types import TracebackType
from typing import NoReturn

from PySide6.QtCore import (
    QMessageLogContext,
    QObject,
    Qt,
    QtMsgType,
    Signal,
    qInstallMessageHandler,
)
from PySide6.QtWidgets import QApplication

from gui import settings as settings_file
from gui import theme
from gui.program.garbage import GarbageCollector
from gui.program.preloading import Preloading
from gui.program.signals import EndSignals
from gui.session.backend import Backend
from gui.session.state import Notice
from gui.session.store import Store
from gui.settings import Settings
from model import __version__
from resources import STORY_WORLD

log = logging.getLogger("glassformer")

FIRST_PROMPT = "Here comes the king with his crown, and here comes the queen with her"


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


def make_application(theme_name: str) -> QApplication:
    """The QApplication, made or found, in a theme."""
    app = QApplication.instance()
    if not isinstance(app, QApplication):
        # Without it a floated dock shows an empty 3D view.
        QApplication.setAttribute(Qt.ApplicationAttribute.AA_ShareOpenGLContexts)
        app = QApplication(sys.argv[:1])
    app.setApplicationName("glassformer")
    app.setApplicationDisplayName("Glassformer")
    app.setApplicationVersion(__version__)
    theme.apply(app, theme_name)
    return app


class Program:
    """Store, worker and window, connected.

    Args:
        settings: remembered choices; the command line has already changed what it says.
        checkpoint: what to open first.
        prompt: the first prompt.
    """

    def __init__(
        self, settings: Settings, checkpoint: str | None = None, prompt: str | None = None
    ) -> None:
        from gui.window.main_window import MainWindow

        self.settings = settings
        self.backend = Backend(settings.device, settings.threads or None)
        self.store = Store(self.backend.submit)
        self.backend.result_ready.connect(self.store.receive)
        self.collector = GarbageCollector(self.backend)
        self.collector.start()
        self.store.vocabulary_changed.connect(self._settle)
        # Nobody has asked for anything for a while: import what is needed later.
        self.preloading = Preloading(self.backend)
        self.backend.warmed_up.connect(self.preloading.start)
        # The modules that came late are there to stay, too.
        self.preloading.done.connect(self.collector.begin)
        self.backend.stopped.connect(self.preloading.stop)
        self.backend.stopped.connect(self.collector.stop)
        self.window = MainWindow(self.store, self.backend, settings)
        self.store.trace_changed.connect(self.window.begin_with_a_head)
        self.store.set_prompt(FIRST_PROMPT if prompt is None else prompt)
        self.store.opening.open(str(STORY_WORLD) if checkpoint is None else checkpoint)

    def _settle(self) -> None:
        """The model is seen: what is here now is here to stay."""
        self.store.vocabulary_changed.disconnect(self._settle)
        self.collector.settle()

    def start(self) -> None:
        """Let the worker begin: torch is imported there, behind the window."""
        # Two threads share the interpreter: hand it over fifty times as often as Python's default,
        # so that neither a key press nor a training step waits 5 ms for its turn.
        sys.setswitchinterval(0.0001)
        _keep_triton_out()
        self.backend.start()


def _keep_triton_out() -> None:
    """Let torch believe that there is no triton, which comes with its CUDA builds on Linux.

    Triton brings an LLVM of its own. Where Mesa draws OpenGL, Mesa's LLVM is in the process by
    then, the one finds the other's symbols, and loading it ends the program (torch 2.13, Mesa 22.3:
    a segmentation fault in 25 of 25 starts, as soon as an optimiser is made). Only compiled models
    need it, and nothing is compiled here.
    """
    # None is Python's own way to say so, which typeshed does not know.
    sys.modules.setdefault("triton", None)  # type: ignore[arg-type]


def run(options: argparse.Namespace) -> int:
    """Open the window, or write pictures; returns the exit status."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    # Pictures are the same whatever a person has moved around.
    settings = Settings() if options.pictures else settings_file.load()
    if options.theme:
        settings.theme = options.theme
    if options.device:
        settings.device = options.device
    if options.threads:
        settings.threads = options.threads
    if options.perspective:
        settings.perspective = options.perspective.capitalize()
    qInstallMessageHandler(log_qt_message)
    app = make_application(settings.theme)
    theme.set_motion(settings.motion and not options.pictures)
    if options.pictures:
        from gui.program.pictures import write_pictures

        return write_pictures(settings, options, Path(options.pictures))
    reporter = CrashReporter()
    reporter.install()
    program = Program(settings, options.checkpoint, options.prompt)
    reporter.crashed.connect(program.store.post)
    if options.size:
        program.window.resize(*options.size)
    program.window.show()
    # Whoever ends the program, the window closes as by its button: a run is saved.
    signals = EndSignals()
    signals.received.connect(program.window.close)
    signals.install()
    # After the first paint, so that torch's import does not hold it back.
    program.start()
    status = app.exec()
    signals.remove()
    program.backend.stop()
    if not program.backend.wait(5):
        log.warning("the worker did not stop in time")
        _leave(status)
    return status


def _leave(status: int) -> NoReturn:
    """End at once, while the worker still computes.

    Python would take itself apart around it, and abort the process when the worker next asks for
    the interpreter from inside torch.
    """
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(status)

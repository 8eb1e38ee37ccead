"""The application: Qt set up once, the program begun, and its end.

Knows the program as a whole; no pane and no model.
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import sys
from pathlib import Path
from typing import NoReturn

from PySide6.QtCore import Qt, qInstallMessageHandler
from PySide6.QtWidgets import QApplication

from gui import settings as settings_file
from gui import theme
from gui.program.crash import CrashReporter, log_qt_message
from gui.program.program import Program
from gui.program.signals import EndSignals
from gui.settings import Settings
from gui.window.app_icon import app_icon
from model import __version__

log = logging.getLogger("glassformer")


def make_application(theme_name: str, text_size: int = 100) -> QApplication:
    """The QApplication, made or found, in a theme.

    Args:
        theme_name: "dark" or "light".
        text_size: in hundredths; of an application that is made now.
    """
    app = QApplication.instance()
    if not isinstance(app, QApplication):
        # Without it a floated dock shows an empty 3D view.
        QApplication.setAttribute(Qt.ApplicationAttribute.AA_ShareOpenGLContexts)
        if text_size != 100:
            # On top of the system's own scale. Qt reads it once, here.
            os.environ["QT_SCALE_FACTOR"] = f"{_given_scale() * text_size / 100:g}"
        app = QApplication(sys.argv[:1])
    app.setApplicationName("glassformer")
    app.setApplicationDisplayName("Glassformer")
    app.setApplicationVersion(__version__)
    # By this name a desktop finds the program's own entry, and with it name and icon (Wayland).
    app.setDesktopFileName("glassformer")
    app.setWindowIcon(app_icon())
    theme.apply(app, theme_name)
    return app


def _given_scale() -> float:
    """By how much a person lets Qt scale everything already."""
    try:
        return float(os.environ.get("QT_SCALE_FACTOR", "1"))
    except ValueError:
        return 1.0


def run(options: argparse.Namespace) -> int:
    """Open the window, or write pictures; returns the exit status."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    # Pictures are the same whatever a person has moved around, and leave all that as it is.
    settings = Settings(written=False) if options.pictures else settings_file.load()
    if options.theme:
        settings.theme = options.theme
    if options.device:
        settings.device = options.device
    if options.threads:
        settings.threads = options.threads
    if options.perspective:
        settings.perspective = options.perspective.capitalize()
    qInstallMessageHandler(log_qt_message)
    app = make_application(settings.theme, settings.text_size)
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

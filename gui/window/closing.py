"""The end of the window, in stages: remember, stop the worker, wait for it, go.

Knows the worker and what is to be remembered; a run that is going is saved by the worker itself.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QWidget

from gui import settings as settings_file
from gui.session.backend import Backend
from gui.settings import Settings

log = logging.getLogger(__name__)

CLOSE_MS = 20_000
"""How long closing waits for the worker to save a run before it goes without."""


class Closing(QObject):
    """Lets a window close once the worker has ended.

    Args:
        window: closed when it may go.
        backend: the worker, stopped at the first close.
        settings: written at the first close.
        remember: puts into the settings what is to be remembered.
    """

    def __init__(
        self,
        window: QWidget,
        backend: Backend,
        settings: Settings,
        remember: Callable[[], None],
    ) -> None:
        super().__init__(window)
        self._window = window
        self._backend = backend
        self._settings = settings
        self._remember = remember
        self._begun = False
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(window.close)
        backend.stopped.connect(self._worker_stopped)

    def may_close(self) -> bool:
        """Begin to end, or go on with it: whether the window may go now.

        The worker stops within one step; the window is closed again when it has. A person's second
        close goes at once.
        """
        if not self._begun:
            self._begun = True
            self._remember()
            self._write()
            self._backend.stop()
            if self._backend.running:
                self._timer.start(CLOSE_MS)
                return False
        self._timer.stop()
        return True

    def _worker_stopped(self) -> None:
        if self._begun:
            self._window.close()

    def _write(self) -> None:
        try:
            settings_file.save(self._settings)
        except OSError as error:
            log.warning("the settings are not remembered: %s", error)

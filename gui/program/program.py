"""The program: store, worker and window, connected, and when the worker begins.

Knows how all is put together; no pane and no model by itself.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

from PySide6.QtCore import QCoreApplication, QEvent, QObject, QTimer
from PySide6.QtWidgets import QWidget

from gui.panes import PANES
from gui.panes.entry import PaneEntry
from gui.program.garbage import GarbageCollector
from gui.program.last_time import LastTime
from gui.program.preloading import Preloading
from gui.session.backend import Backend
from gui.session.first_look import FirstLook
from gui.session.state import Notice
from gui.session.store import Store
from gui.settings import Settings
from gui.window.main_window import MainWindow

UNPAINTED_MS = 300
"""After which the worker begins though the window was not painted: it is minimised, or covered."""


class Program:
    """Store, worker and window, connected.

    Args:
        settings: remembered choices; the command line has already changed what it says.
        checkpoint: what to open first.
        prompt: the first prompt.
        panes: what there is to see.
    """

    def __init__(
        self,
        settings: Settings,
        checkpoint: str | None = None,
        prompt: str | None = None,
        panes: Sequence[PaneEntry] = PANES,
    ) -> None:
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
        self.window = MainWindow(self.store, self.backend, settings, panes)
        if settings.left_out:
            self.store.post(Notice(settings.left_out, level="warning"))
        self.first_look = FirstLook(self.store)
        # The worker takes requests in order: before anything is kept, how much may be.
        self.store.set_budget(settings.budget_mb * 2**20)
        self.last_time = LastTime(self.store, settings)
        self.window.remembering.connect(self.last_time.remember)
        self.last_time.begin(checkpoint, prompt)

    def _settle(self) -> None:
        """The model is seen: what is here now is here to stay."""
        self.store.vocabulary_changed.disconnect(self._settle)
        self.collector.settle()

    def start(self) -> None:
        """Let the worker begin: torch is imported there, behind the window, once that is painted.

        Before, its import would hold the window back by as long as the window takes itself.
        """
        # Two threads share the interpreter: hand it over fifty times as often as Python's default,
        # so that neither a key press nor a training step waits 5 ms for its turn.
        sys.setswitchinterval(0.0001)
        _keep_triton_out()
        if self.window.isVisible():
            self._painted = FirstPaint(self.window, self.backend.start)
        else:
            self.backend.start()

    def let_go(self) -> None:
        """Free the window and what it shows, when the worker has ended, for a process that goes on.

        Store and panes hold each other by connections, which Python's collector can't see.
        """
        for one in (self.window, self.store, self.backend):
            one.deleteLater()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)


class FirstPaint(QObject):
    """Does something once, after a window's first paint, or soon if it never paints.

    Args:
        window: that is shown.
        then: what is done.
    """

    def __init__(self, window: QWidget, then: Callable[[], None]) -> None:
        super().__init__(window)
        self._window, self._then = window, then
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._do)
        self._timer.start(UNPAINTED_MS)
        window.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Paint:
            self._timer.start(0)  # after the widgets in it
        return False

    def _do(self) -> None:
        self._window.removeEventFilter(self)
        self._then()


def _keep_triton_out() -> None:
    """Let torch believe that there is no triton, which comes with its CUDA builds on Linux.

    Triton brings an LLVM of its own. Where Mesa draws OpenGL, Mesa's LLVM is in the process by
    then, the one finds the other's symbols, and loading it ends the program (torch 2.13, Mesa 22.3:
    a segmentation fault in 25 of 25 starts, as soon as an optimiser is made). Only compiled models
    need it, and nothing is compiled here.
    """
    # None is Python's own way to say so, which typeshed does not know.
    sys.modules.setdefault("triton", None)  # type: ignore[arg-type]

"""What must never happen: an exception, a warning of Qt, a stall, a thread left behind, a leak.

Knows Qt's message handler, the worker's results and the process; no pane.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import gc
import re
import sys
import threading
import time
import traceback
import warnings
import weakref
from pathlib import Path
from types import TracebackType

from PySide6.QtCore import QMessageLogContext, QtMsgType

from gui.program.crash import QUIET
from model import messages as m

STALL_SECONDS = 2.0
THREAD_SECONDS = 5.0
LOOK_SECONDS = 0.25
"""How often a turn of the window's thread is looked at from outside."""
DEPTH = 10
"""Calls that are told of a look: the innermost ones."""
_FOREIGN = re.compile(r"^[A-Z]\w*(Error|Exception|Interrupt|Exit): ")
"""How a failure begins that this program did not foresee: see ``model.engine.job.failed``."""


_OF_THE_HAND = 'Mouse event "'
"""What QTest says where it presses a widget that takes no mouse: about the hand, not the window."""


class Watcher:
    """Collects what went wrong.

    Attributes:
        faults: one text each, in the order they came.
        longest: seconds that the window's thread was busy or waited at once, at most.
        longest_in: what was done last before that.
        doing: what is done now; whoever does it says so.
    """

    def __init__(self) -> None:
        self.faults: list[str] = []
        self.longest = 0.0
        self.longest_in = self.doing = "the start"
        self._gives_back: threading.Event | None = None
        self._given_back = threading.Event()
        self._beat: tuple[float, float] | None = None
        self._where = _Where(threading.get_ident())
        self._threads = set(threading.enumerate())

    # ---------------------------------------------------------------------- what is heard

    def heard_qt(self, kind: QtMsgType, context: QMessageLogContext, message: str) -> None:
        """For ``qInstallMessageHandler``."""
        quiet = message in QUIET or message.startswith(_OF_THE_HAND)
        if kind not in (QtMsgType.QtDebugMsg, QtMsgType.QtInfoMsg) and not quiet:
            self.faults.append(f"Qt: {message}")

    def heard_exception(
        self, kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        """For ``sys.excepthook``."""
        self.faults.append("".join(traceback.format_exception(kind, error, trace)))

    def heard_thread_exception(self, hook: threading.ExceptHookArgs) -> None:
        """For ``threading.excepthook``."""
        if hook.exc_value is not None:
            self.heard_exception(hook.exc_type, hook.exc_value, hook.exc_traceback)

    def heard_warning(
        self, message: Warning | str, category: type[Warning], place: str, line: int, *_: object
    ) -> None:
        """For ``warnings.showwarning``."""
        # Whose fault it is, is told by who called: most places are a library's.
        way = "".join(traceback.format_stack()[:-1])
        self.faults.append(f"{category.__name__}: {message} ({Path(place).name}:{line})\n{way}")

    def heard_result(self, result: object) -> None:
        """A request may fail; what nobody foresaw is a fault."""
        if isinstance(result, m.Failed) and _FOREIGN.match(result.message):
            self.faults.append(f"{result.message}\n{result.details}")

    # --------------------------------------------------------------------- what is measured

    def beat(self) -> None:
        """Call from the event loop again and again: what lies between was a stall, if it is long.

        Time in which the system gave the processor to others doesn't count, where it can be known.
        """
        seen = self._where.new_turn()  # first: nobody asks where the beat itself stands
        now = time.monotonic(), _seconds_kept_waiting()
        if self._beat is not None:
            stall = now[0] - self._beat[0] - (now[1] - self._beat[1])
            if stall > self.longest:
                self.longest, self.longest_in = stall, self.doing
            if stall > STALL_SECONDS:
                self.faults.append(
                    f"the window stood still for {stall:.1f} s ({self.doing}), seen at\n"
                    + ("\n".join(seen) or "  no look: nothing else could run")
                )
        self._beat = now

    def rest(self) -> None:
        """What comes until the next beat is no stall of the window."""
        self._beat = None

    @property
    def longest_turn(self) -> str:
        """In words, and in what it was."""
        return f"longest turn {self.longest:.2f} s ({self.longest_in})"

    def give_back(self) -> None:
        """Have the worker give back what is free of its memory, when it rests next.

        It keeps that for the next edit, up to a bound, and the end of a thread's own part of the
        heap can be given back in that thread alone.
        """
        if self._gives_back is None:
            self._gives_back = wanted = threading.Event()
            given = self._given_back
            from model.engine import Engine  # as the worker has it by now

            rest = Engine.rest

            def rest_and_give_back(self: Engine) -> None:
                asked = wanted.is_set()
                self.place.has_let_go |= asked
                wanted.clear()
                rest(self)
                if asked:
                    given.set()

            Engine.rest = rest_and_give_back  # type: ignore[method-assign]
        self._given_back.clear()
        self._gives_back.set()

    @property
    def gives_back(self) -> bool:
        """Whether the worker was told to, and hasn't yet."""
        return self._gives_back is not None and not self._given_back.is_set()

    def threads_left(self) -> list[str]:
        """Names of Python's threads that were not there at the beginning, and don't end now."""
        end = time.monotonic() + THREAD_SECONDS
        while True:
            now = set(threading.enumerate()) - self._threads
            left = [t.name for t in now if not isinstance(t, threading._DummyThread)]
            if not left or time.monotonic() > end:
                return left
            time.sleep(0.01)


class _Where:
    """Looks from a thread of its own at what the window's thread does in a long turn."""

    def __init__(self, thread: int) -> None:
        self._thread = thread
        self._turn = 0
        self._seen: list[str] = []
        look = threading.Thread(target=_look_on, args=(weakref.ref(self),), daemon=True)
        look.start()

    def new_turn(self) -> list[str]:
        """Begin another turn; where Python's code stood in the one that ends, one for each look."""
        self._turn += 1
        seen, self._seen = self._seen, []
        return seen

    def look(self, turn: int) -> int:
        """Note where the thread stands, if it is in the turn of the last look; which it is now."""
        if self._turn == turn:
            places: list[str] = []
            frame = sys._current_frames().get(self._thread)
            while frame is not None and len(places) < DEPTH:
                # By hand: `traceback` would read and keep the source of each file.
                code = frame.f_code
                places.append(f"{Path(code.co_filename).name}:{frame.f_lineno} {code.co_name}")
                frame = frame.f_back
            self._seen.append("  " + " > ".join(reversed(places)))
        return self._turn


def _look_on(where_of: weakref.ref[_Where]) -> None:
    turn = -1
    while (where := where_of()) is not None:
        turn = where.look(turn)
        del where
        time.sleep(LOOK_SECONDS)


def catch_warnings(watcher: Watcher) -> None:
    """Every warning of Python is heard once."""
    warnings.simplefilter("default")
    warnings.showwarning = watcher.heard_warning  # type: ignore[assignment]


def memory_bytes() -> int:
    """What the process holds, after everything was given back that can be."""
    gc.collect()
    name = ctypes.util.find_library("c")
    if name is not None and hasattr(ctypes.CDLL(name), "malloc_trim"):
        ctypes.CDLL(name).malloc_trim(0)
    for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) * 1024
    raise OSError("the system tells no process how much it holds")


def _seconds_kept_waiting() -> float:
    """How long this thread could have run while others had the processor (Linux; 0 elsewhere)."""
    try:
        figures = Path("/proc/thread-self/schedstat").read_text(encoding="ascii").split()
    except OSError:
        return 0.0
    return int(figures[1]) / 1e9

"""The signals by which a system asks a program to end; which of them this process listens to."""

from __future__ import annotations

import signal
from collections.abc import Callable
from types import FrameType
from typing import TypeAlias

Handler: TypeAlias = "Callable[[int, FrameType | None], object] | int | signal.Handlers"

END_SIGNALS: tuple[signal.Signals, ...] = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)
"""Ctrl+C, `kill`, a terminal or session that closes; Windows lacks the last."""


def heeded() -> dict[signal.Signals, Handler]:
    """Those that may be handled otherwise, each with the handler to put back afterwards.

    What is ignored is left out: a program under nohup outlives its terminal. So is what a library
    in C handles, because Python can't put that back.
    """
    handlers = {number: signal.getsignal(number) for number in END_SIGNALS}
    return {
        number: handler
        for number, handler in handlers.items()
        if handler is not None and handler is not signal.SIG_IGN
    }

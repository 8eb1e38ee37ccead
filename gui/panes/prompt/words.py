"""What the prompt's header says: how long it is, and what of it was run.

Knows messages; no store, no widget.
"""

from __future__ import annotations

from gui.widgets.text import counted
from model.messages import PromptRead, StreamReady


def how_run(read: PromptRead, ran: StreamReady | None, *, narrow: bool) -> str:
    """How many tokens a prompt has, and how many of them were computed, in what time.

    Args:
        read: the prompt.
        ran: the last run; None, or of another prompt, while this one is still run.
        narrow: a narrow header would cut off the figure itself: words are left out.
    """
    n = read.n_tokens
    tokens = counted(n, "token")
    if ran is None or ran.subject != read.subject:
        return tokens
    if ran.n_run == 0:
        return f"{tokens} · run before"
    took = duration(ran.seconds)
    if ran.n_run < n:
        return f"{ran.n_run:,} of {n:,} new · {took}"
    return f"{tokens} · {took}" if narrow else f"{tokens} · run in {took}"


def duration(seconds: float) -> str:
    """A measured time, in few characters."""
    ms = seconds * 1000
    if ms >= 1000:
        return f"{seconds:.1f} s"
    return f"{ms:.0f} ms" if ms >= 0.95 else f"{ms:.1f} ms"

"""The line below the views: what the selected head reads, of the query and on the whole.

Knows answers and tokens; no widget, no store.
"""

from __future__ import annotations

from gui.panes.attention import words
from gui.session.state import Selection
from model import messages as m
from model.probe.pattern.asks import Pattern, PatternFound


def readout(
    head: PatternFound | None,
    drawn: PatternFound | None,
    read: m.PromptRead | None,
    selection: Selection,
    not_finite: str,
) -> str:
    """What there is to say; empty where nothing is known.

    Args:
        head: the selected head's shares.
        drawn: the matrix, where one is drawn.
        read: its prompt.
        selection: what is selected.
        not_finite: which operation wrote the first number that is none; empty where all are finite.
    """
    reads = "" if head is None or head.shares is None else words.reads(head.shares, not_finite)
    if drawn is None or read is None:
        return f"head {_name(head)} {reads}" if head is not None and reads else ""
    row = ""
    if _name(drawn) == f"{selection.layer}.{selection.head}":  # and not the head before
        query = min(selection.position, read.n_tokens - 1)
        row = words.row_reads(drawn, read.tokens, query)
    return f"{row} · the head {reads}" if row and reads else reads or row


def _name(found: PatternFound) -> str:
    """Layer and head: ``3.1``."""
    asked = found.question
    assert isinstance(asked, Pattern)
    return f"{asked.layer}.{asked.head}"


def why_empty(*, has_model: bool, prompt: str, problem: str) -> str:
    """What to do where nothing can be drawn.

    Args:
        has_model: whether one is open.
        prompt: as it is typed.
        problem: why it can't be read; empty where it can.
    """
    if not has_model:
        return "Open a model to see where its heads look."
    if problem or not prompt:
        return problem or "Type a prompt to see where each token looks."
    return ""

"""That an answer is on its way, in a few words for a header.

Knows what is asked; no widget.
"""

from __future__ import annotations

from gui.session.asked import Asking


def words(asking: Asking | None) -> str:
    """How far a question is that is waited for; empty while nobody waits long."""
    if asking is None:
        return ""
    return f"working, {asking.share:.0%}" if asking.share > 0 else "working"

"""Whether what is painted now is a figure that leaves the program: it says nothing of the keyboard.

A figure is painted by the widgets themselves, in the GUI thread, one at a time. What belongs to the
window and not to the numbers (the ring of the focus, a hovered cell) is left out of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

_painted = 0


@contextmanager
def painting_figure() -> Iterator[None]:
    """What is painted inside is a figure."""
    global _painted  # noqa: PLW0603  # of the one GUI thread
    _painted += 1
    try:
        yield
    finally:
        _painted -= 1


def is_figure() -> bool:
    """Whether what is painted now is a figure."""
    return _painted > 0

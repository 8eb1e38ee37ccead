"""Which rows and columns of a head are asked for: all of a short text, of a long one those in view.

A little more than is seen, so that a step of the mouse wheel asks for nothing new. Knows numbers
only: no widget, no store.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

WHOLE = 256
"""Up to so many tokens all of a head is asked for: 1 MB at most."""
STEP = 64
"""Windows begin and end at multiples of this, so that the same ones are asked for again."""
MORE = 128
"""The most that is asked for beyond what is seen, on each side."""
OVERVIEW = 1000
"""More rows or columns than this are an overview: blocks of them share a cell."""
MOST = 1500
"""The most cells along a side: 30 MB both ways."""

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Window:
    """A part of a matrix of attention, and how finely it is drawn.

    Attributes:
        queries, keys: first and one past the last; None for all.
        most: the most cells down and across.
    """

    queries: Span | None = None
    keys: Span | None = None
    most: Span = (WHOLE, WHOLE)


@dataclass(frozen=True, slots=True)
class View:
    """What is seen of a matrix.

    Attributes:
        queries, keys: of which something is in view.
        pixels: device pixels down and across.
        cell: device pixels of one number's side.
    """

    queries: range
    keys: range
    pixels: Span
    cell: float


def first_window(
    query: int, key: int, n_tokens: int, pixels: Span, cell: float, *, fit: bool
) -> Window:
    """Where a text is looked at before anything of it is drawn.

    Args:
        query, key: that will be seen.
        n_tokens: of the text.
        pixels: device pixels down and across that there will be.
        cell: device pixels that a number's side will have.
        fit: whether everything is to be seen.
    """
    if n_tokens <= WHOLE or fit:
        return _whole(n_tokens, pixels)
    spans = []
    for place, room in zip((query, key), pixels, strict=True):
        count = math.ceil(room / cell)
        spans.append(range(max(0, place - count), min(n_tokens, place + count)))
    return _around(spans[0], spans[1], n_tokens)


def next_window(window: Window, view: View, n_tokens: int) -> Window:
    """What to ask for where this is seen: the same, if it holds that."""
    if n_tokens <= WHOLE or view.cell < 1 or max(len(view.queries), len(view.keys)) > OVERVIEW:
        return _whole(n_tokens, view.pixels)
    if _holds(window.queries, view.queries) and _holds(window.keys, view.keys):
        return window
    return _around(view.queries, view.keys, n_tokens)


def _whole(n_tokens: int, pixels: Span) -> Window:
    if n_tokens <= WHOLE:
        return Window()
    down, across = (min(max(side, STEP), OVERVIEW) for side in pixels)
    return Window(most=(down, across))


def _around(queries: range, keys: range, n_tokens: int) -> Window:
    return Window(_widened(queries, n_tokens), _widened(keys, n_tokens), (MOST, MOST))


def _holds(span: Span | None, seen: range) -> bool:
    return span is not None and span[0] <= seen.start and seen.stop <= span[1]


def _widened(seen: range, n_tokens: int) -> Span:
    more = min(len(seen) / 2, MORE)
    start = STEP * math.floor((seen.start - more) / STEP)
    stop = STEP * math.ceil((seen.stop + more) / STEP)
    return max(0, start), min(n_tokens, stop)

"""The words below a mosaic: which heads are there in which order, and what their cells are.

Knows answers and orders; no widget, no store.
"""

from __future__ import annotations

import math

import numpy as np

from gui.panes.attention.difference import Difference
from gui.panes.attention.head_order import Ordered
from gui.panes.attention.mosaic_image import color_limits
from gui.panes.attention.words import percent
from gui.widgets.text import counted
from model.probe.mosaic.asks import Mosaic, MosaicFound


def caption(
    found: MosaicFound | None,
    shape: tuple[int, int],
    ordered: Ordered | None,
    cell_tokens: int,
    difference: Difference | None = None,
) -> str:
    """What is drawn, what matters most first: it may be cut off.

    Args:
        found: the tiles; None while none is there.
        shape: how many layers, and heads in each.
        ordered: which heads stand where.
        cell_tokens: tokens (words) to a cell, along each side.
        difference: drawn instead of the tiles' own numbers, where two sides are compared.
    """
    text = f"{counted(shape[0], 'layer')} × {counted(shape[1], 'head')}"
    if ordered is not None and ordered.caption:
        text = ordered.caption
    if found is not None:
        text += _what(found, difference)
    if cell_tokens > 1:
        text += f" · cells: largest of {cell_tokens} × {cell_tokens}"
    if found is not None and not found.is_whole:
        text += f" · {counted(found.n_layers_there, 'layer')} so far"
    if difference is None:
        return text
    ends = f", −{difference.limit:.2g} to +{difference.limit:.2g}"
    each = len(set(difference.limits)) > 1  # and that is said
    return f"{difference.name}{'' if each else ends} · {text}"


def _what(found: MosaicFound, difference: Difference | None) -> str:
    """What the first token holds; what cells are and where colours end, if not plain weights."""
    question, sink = found.question, found.sink
    assert isinstance(question, Mosaic)
    held = "" if math.isnan(sink) else percent(sink)
    first = f" · first token holds {held}" if held else ""
    if question.hide_first:
        first = f" · without the first token{f' ({held})' if held else ''}"
    colors = ""
    if question.valued:
        colors = " · ‖A·v·W_O‖, colours to each layer's largest"
    elif question.hide_first and difference is None:
        colors = f" · colours to {color_limits(found).max():.2g}"
    elif difference is None:
        colors = " · a row a query, a column a key · colours from 0 to 1"
    return first + colors + (" · by words" if question.words else "")


def heads_without_number(found: MosaicFound) -> int:
    """How many heads hold NaN where a query may look."""
    there = slice(found.n_layers_there)
    bad = np.isnan(found.maxima[there]) & ~found.masked[there, None]
    return int(bad.any((2, 3)).sum())

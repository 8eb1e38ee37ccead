"""The weighted sum of values: each key's part of every number, stacked to what comes out."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QRectF

from gui import theme
from gui.panes.stage.marks import Bars, Grid, Mark, Words, color_limit, limit_of
from gui.panes.stage.scenes.kit import (
    LABEL,
    LARGEST_CELL,
    LINE,
    RIGHT,
    STRIP,
    Scenery,
    over,
)
from gui.panes.stage.scenes.scores import names_of_keys, scale_of
from gui.panes.stage.stacked import N_TOLD, Stacks
from model.probe.question import Array

BARS = 104.0
SWATCH = 5.0
NAMED_ROW = 13.0
"""Height of a row whose name does not touch the next."""
LEAST_STACK = 24.0


def rows_of_values(height: float) -> int:
    """How many keys there is room for, above what their values add up to."""
    return max(3, int(0.5 * (height - STRIP - 4 * LINE) / 13))


def compose_mix(scenery: Scenery) -> list[Mark]:
    """Each value by how much it is read, its part of every number, their sum below."""
    found, room = scenery.found, scenery.room
    weights, values = found.all_of("in")
    out, rest = found.panel("out"), found.panel("rest")
    assert out is not None
    shown = values.at_rows if values.at_rows is not None else np.arange(len(values.values_RC))
    n, columns = values.values_RC.shape
    left, top = room.left() + LABEL, room.top() + LINE + 2
    wide = min(max(60.0, room.width() - LABEL - BARS - 16), columns * LARGEST_CELL)
    free = room.height() - STRIP - 4 * LINE
    # Half of the room is for the rows, and more where their names would touch otherwise.
    named = min(NAMED_ROW, (free - LEAST_STACK) / n)
    high = min(22.0, max(3.0, float(int(max(0.5 * free / n, named)))))
    share = np.clip(np.nan_to_num(weights.values_RC[0].astype(np.float64)), 0, 1)
    grid = Grid(
        values,
        QRectF(left + BARS, top, wide, high * n),
        limit=color_limit(values.values_RC),
        strength=share / (float(share.max()) or 1.0),
    )
    scale = scale_of(weights.values_RC[0])
    line = Bars(
        weights,
        QRectF(left + 8, top, BARS - 14, high * n),
        limit=scale,
        signs="positive",
        told=frozenset(int(i) for i in np.argsort(-share)[:4] if share[i] >= 0.005),
        digits=3,
    )
    parts = weights.values_RC[0].astype(np.float64)[:, None] * values.values_RC.astype(np.float64)
    ranks = _ranks(parts)
    if rest is not None:
        parts = np.concatenate((parts, rest.values_RC.astype(np.float64)))
        ranks = (*ranks, N_TOLD)
    y = grid.box.bottom() + LINE + 4
    stack = QRectF(grid.box.left(), y, wide, max(8.0, room.bottom() - y - STRIP - 8))
    swatches = tuple(QRectF(left, top + i * high + 1, SWATCH, max(2.0, high - 2)) for i in range(n))
    stacks = Stacks(out, parts, ranks, stack, _reach(parts, out.values_RC[0]), swatches)
    total = Grid(
        out,
        QRectF(grid.box.left(), room.bottom() - STRIP, wide, STRIP),
        limit=color_limit(out.values_RC),
    )
    others = "" if rest is None else f"; grey: {rest.name}"
    font = theme.mono(theme.SMALL_FONT_SIZE)
    label = QRectF(room.left(), stack.top(), LABEL + BARS - 8, LINE)
    return [
        over(f"weight, 0 to {scale:g}", line.box, room),
        over(f"v of each, {columns} dimensions of this head", grid.box, room, "value"),
        *names_of_keys(scenery, shown, grid, room),
        line,
        grid,
        over(f"weight · v of each key, stacked{others}", stack, room),
        Words("Σ weight · v", label, "text", RIGHT, font),
        Words(f"±{stacks.limit:.2g}", label.translated(0, LINE), "dim", RIGHT, font),
        stacks,
        Words(
            "= z",
            QRectF(room.left(), total.box.top(), LABEL + BARS - 8, STRIP),
            "text",
            RIGHT,
            font,
        ),
        total,
    ]


def _ranks(parts: Array) -> tuple[int, ...]:
    """Of each key: how many others give more."""
    sizes = np.nan_to_num(np.abs(parts)).sum(axis=1)
    order = np.argsort(-sizes, kind="stable")
    ranks = np.empty(len(order), dtype=np.int64)
    ranks[order] = np.arange(len(order))
    return tuple(int(rank) for rank in ranks)


def _reach(parts: Array, whole: Array) -> float:
    """How far the highest stack reaches, or the whole itself."""
    finite = np.nan_to_num(parts, nan=0.0, posinf=0.0, neginf=0.0)
    up = np.where(finite > 0, finite, 0).sum(axis=0).max()
    down = -np.where(finite < 0, finite, 0).sum(axis=0).min()
    return max(float(up), float(down), limit_of(whole) if whole.any() else 0.0) or 1.0

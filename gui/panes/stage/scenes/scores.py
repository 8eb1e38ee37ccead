"""A query against all keys, and the mean of values that comes of it."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRectF

from gui import theme
from gui.panes.stage.marks import Bars, Grid, Lines, Mark, Words, limit_of, signs_of
from gui.panes.stage.scenes.kit import (
    CENTER,
    LABEL,
    LARGEST_CELL,
    LINE,
    RIGHT,
    STRIP,
    Scenery,
    above,
    caption,
)
from model.operations import Operation, operations
from model.probe.scene.asks import Panel

CHAIN = 96.0
"""Width of one step's bars."""
LEAST_STEP = 62.0
LEAST_GRID = 60.0
WORDS = {
    "dot": "q · k",
    "scale": "÷ √d",
    "bias": "+ bias",
    "cap": "capped",
    "mask": "masked",
    "pattern": "softmax",
}


def rows_that_fit(height: float) -> int:
    """How many keys there is room for."""
    return max(3, int((height - STRIP - 3 * LINE - 12) / 13))


def compose_scores(scenery: Scenery) -> list[Mark]:
    """The query on top, a key a line beneath it, and each step of the score beside it."""
    found, room = scenery.found, scenery.room
    query, keys = found.all_of("in")
    chain = found.all_of("chain")
    step = min(CHAIN, (room.width() - LABEL - LEAST_GRID - 24) / len(chain))
    if step < LEAST_STEP and len(chain) > 2:  # only this step, and what comes of them all
        chain = [p for p in chain if p.name == scenery.op.output or p is chain[-1]]
        step = min(CHAIN, (room.width() - LABEL - LEAST_GRID - 24) / len(chain))
    marks: list[Mark] = []
    shown = keys.at_rows if keys.at_rows is not None else np.arange(len(keys.values_RC))
    beside = len(chain) * step
    width = max(LEAST_GRID, room.width() - LABEL - beside - 24)
    wide = min(width, keys.values_RC.shape[1] * LARGEST_CELL)
    left, top = room.left() + LABEL, room.top() + LINE + 2
    high = min(26.0, (room.height() - STRIP - 2 * LINE - 14) / max(1, len(shown)))
    grid = Grid(
        keys,
        QRectF(left, top + STRIP + LINE, wide, high * len(shown)),
        limit=limit_of(keys.values_RC),
    )
    upper = Grid(query, QRectF(left, top, wide, STRIP), limit=limit_of(query.values_RC))
    n = keys.values_RC.shape[1]
    marks += [
        caption(f"{n} dimensions of this head", above(upper.box)),
        _name(f"q  {scenery.token(scenery.position)}", upper.box.top(), STRIP, room, "accent"),
        upper,
        grid,
        *_names(scenery, shown, grid, room),
    ]
    marks += _chain(scenery, chain, shown, grid, step)
    return marks


def compose_mix(scenery: Scenery) -> list[Mark]:
    """Each value by how much it is read, their sum below."""
    found, room = scenery.found, scenery.room
    weights, values = found.all_of("in")
    out = found.panel("out")
    assert out is not None
    shown = values.at_rows if values.at_rows is not None else np.arange(len(values.values_RC))
    left, top = room.left() + LABEL, room.top() + LINE + 2
    bars = CHAIN + 8
    width = max(60.0, room.width() - LABEL - bars - 16)
    wide = min(width, values.values_RC.shape[1] * LARGEST_CELL)
    high = min(26.0, (room.height() - STRIP - 3 * LINE - 14) / max(1, len(shown)))
    share = np.clip(np.nan_to_num(weights.values_RC[0].astype(np.float64)), 0, 1)
    most = float(share.max()) or 1.0
    grid = Grid(
        values,
        QRectF(left + bars, top, wide, high * len(shown)),
        limit=limit_of(values.values_RC),
        strength=share / most,
    )
    line = Bars(
        weights,
        QRectF(left, top, bars - 8, grid.box.height()),
        limit=1.0,
        signs="positive",
        told=frozenset(int(i) for i in np.argsort(-share)[:4] if share[i] >= 0.005),
        digits=3,
    )
    total = Grid(
        out,
        QRectF(grid.box.left(), grid.box.bottom() + LINE + 4, wide, STRIP),
        limit=limit_of(out.values_RC),
    )
    n = values.values_RC.shape[1]
    return [
        caption("weight", above(line.box)),
        caption(f"value vectors, {n} dimensions of this head", above(grid.box)),
        *_names(scenery, shown, grid, room),
        line,
        grid,
        Lines((grid.box.bottomLeft() + QPointF(0, 8), grid.box.bottomRight() + QPointF(0, 8))),
        Words(
            "Σ weight · value",
            QRectF(left - 30, total.box.top(), bars + 22, STRIP),
            "text",
            RIGHT,
            theme.mono(theme.SMALL_FONT_SIZE),
        ),
        total,
    ]


def _chain(
    scenery: Scenery, chain: list[Panel], shown: object, grid: Grid, wide: float
) -> list[Mark]:
    ops = {op.output: op for op in operations(scenery.model.config)}
    signed = [p.values_RC[0] for p in chain if ops[p.name].kind != "pattern"]
    weights = chain[-1].values_RC[0]
    told = {int(np.nanargmax(weights))} if np.isfinite(weights).any() else set()
    positions = [int(i) for i in np.asarray(shown)]
    if scenery.selected_key in positions:
        told.add(positions.index(scenery.selected_key))
    marks: list[Mark] = []
    for step, panel in enumerate(chain):
        op = ops[panel.name]
        box = QRectF(
            grid.box.right() + 20 + step * wide, grid.box.top(), wide - 14, grid.box.height()
        )
        here = op.output == scenery.op.output
        marks.append(
            Words(
                _step(op),
                QRectF(box.left(), box.top() - LINE - 4, box.width() - 30, LINE),
                "accent" if here else "dim",
                CENTER,
                theme.mono(theme.SMALL_FONT_SIZE, bold=here),
            )
        )
        share = op.kind == "pattern"
        # Raw products have a scale of their own; the steps behind them share one.
        limit = 1.0 if share else limit_of(*(signed[:1] if step == 0 else signed[1:]))
        signs = "positive" if share else signs_of(*signed)
        marks.append(Bars(panel, box, limit, signs, frozenset(told), 3 if share else 2))
    return marks


def _step(op: Operation) -> str:
    if op.kind == "scale" and "√" not in op.label:
        return op.label
    return WORDS[op.kind]


def _names(scenery: Scenery, shown: object, grid: Grid, room: QRectF) -> list[Mark]:
    """The token of each line."""
    marks: list[Mark] = []
    for i, position in enumerate(np.asarray(shown)):
        box = grid.rect_of((i, 0))
        own = int(position) == scenery.position
        chosen = int(position) == scenery.selected_key
        tone = "accent" if own else "text" if chosen else "dim"
        marks.append(_name(scenery.token(int(position)), box.top(), box.height(), room, tone))
    return marks


def _name(text: str, top: float, height: float, room: QRectF, tone: str) -> Words:
    font = theme.mono(theme.SMALL_FONT_SIZE)
    return Words(text, QRectF(room.left(), top, LABEL - 8, height), tone, RIGHT, font)

"""A query against all keys, and every step from their products to the weights."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QRectF

from gui import theme
from gui.panes.stage.marks import Bars, Grid, Mark, Words, color_limit, limit_of, signs_of
from gui.panes.stage.scenes.kit import (
    LABEL,
    LARGEST_CELL,
    LEFT,
    LINE,
    RIGHT,
    STRIP,
    Scenery,
    caption,
    over,
)
from model.operations import Operation, operations
from model.probe.question import Array
from model.probe.scene.asks import Panel

CHAIN = 96.0
"""Width of one step's bars."""
WIDEST_CHAIN = 170.0
BARS = 0.45
"""Part of the room for all steps: the cells beside them have the rest."""
LEAST_STEP = 62.0
LEAST_GRID = 60.0
LONGEST_NAME = 11
"""Characters that have room before a line."""
ENDS = (0.05, 0.1, 0.2, 0.5, 1.0)
"""Of scales of weights: what is read of many keys is seen, too."""
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
    return max(3, int((height - STRIP - 2 * LINE - 14) / 13))


def compose_scores(scenery: Scenery) -> list[Mark]:
    """The query on top, a key a line beneath it, and each step of the score beside it."""
    found, room = scenery.found, scenery.room
    query, keys = found.all_of("in")
    chain = found.all_of("chain")
    step = _step_width(room, len(chain))
    if step < LEAST_STEP and len(chain) > 2:  # only this step, and what comes of them all
        chain = [p for p in chain if p.name == scenery.op.output or p is chain[-1]]
        step = _step_width(room, len(chain))
    marks: list[Mark] = []
    shown = keys.at_rows if keys.at_rows is not None else np.arange(len(keys.values_RC))
    beside = len(chain) * step
    width = max(LEAST_GRID, room.width() - LABEL - beside - 24)
    wide = min(width, keys.values_RC.shape[1] * LARGEST_CELL)
    left, top = room.left() + LABEL, room.top() + LINE + 2
    high = min(34.0, (room.height() - STRIP - 2 * LINE - 14) / max(1, len(shown)))
    grid = Grid(
        keys,
        QRectF(left, top + STRIP + LINE, wide, high * len(shown)),
        limit=color_limit(keys.values_RC),
    )
    upper = Grid(query, QRectF(left, top, wide, STRIP), limit=color_limit(query.values_RC))
    n = keys.values_RC.shape[1]
    words = f"{n} dimensions of this head"
    if len(shown) < scenery.read.n_tokens:
        words += f"; of {scenery.read.n_tokens:,} keys the {len(shown)} that are read most"
    marks += [
        over(words, upper.box, room),
        _name(f"q  {scenery.token(scenery.position)}", upper.box.top(), STRIP, room, "query"),
        upper,
        Words(
            "k of each",
            QRectF(room.left(), upper.box.bottom(), LABEL - 8, LINE),
            "key",
            RIGHT,
            theme.mono(theme.SMALL_FONT_SIZE),
        ),
        grid,
        *names_of_keys(scenery, shown, grid, room),
    ]
    marks += _chain(scenery, chain, shown, grid, step)
    return marks


def _step_width(room: QRectF, steps: int) -> float:
    """Of each step's bars."""
    free = room.width() - LABEL - 24
    return min((free - LEAST_GRID) / steps, max(CHAIN, min(WIDEST_CHAIN, BARS * free / steps)))


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
        share = op.kind == "pattern"
        # Raw products have a scale of their own; the steps behind them share one.
        first = signed[:1] if step == 0 or len(signed) == 1 else signed[1:]
        limit = scale_of(weights) if share else limit_of(*first)
        heading = QRectF(box.left() - 8, box.top() - 2 * LINE - 2, wide, LINE)
        marks.append(
            Words(
                ("→ " if step else "") + _step(op),
                heading,
                "accent" if here else "dim",
                font=theme.mono(theme.SMALL_FONT_SIZE, bold=here),
            )
        )
        ends = f"0 to {limit:g}" if share else f"±{limit:.3g}"
        marks.append(caption(ends, heading.translated(0, LINE - 2), LEFT))
        signs = "positive" if share else signs_of(*signed)
        marks.append(Bars(panel, box, limit, signs, frozenset(told), 3 if share else 2))
    return marks


def scale_of(weights: Array) -> float:
    """The end of a scale for weights: 1, or a round number above the largest."""
    finite = weights[np.isfinite(weights)]
    most = float(finite.max()) if finite.size else 1.0
    return min((end for end in ENDS if end >= most), default=1.0)


def _step(op: Operation) -> str:
    if op.kind == "scale" and "√" not in op.label:
        return op.label
    return WORDS[op.kind]


def told_apart(token: str, position: int) -> str:
    """A token with its position, as far as there is room for the token."""
    most = LONGEST_NAME - len(str(position)) - 1
    return f"{token if len(token) <= most else token[: most - 1] + '…'} {position}"


def names_of_keys(scenery: Scenery, shown: object, grid: Grid, room: QRectF) -> list[Mark]:
    """The token of each line."""
    marks: list[Mark] = []
    texts = [scenery.token(int(position)) for position in np.asarray(shown)]
    for i, position in enumerate(np.asarray(shown)):
        box = grid.rect_of((i, 0))
        # Of two “the” one has to know which: their positions tell them apart.
        name = told_apart(texts[i], int(position)) if texts.count(texts[i]) > 1 else texts[i]
        own = int(position) == scenery.position
        chosen = int(position) == scenery.selected_key
        tone = "accent" if own else "text" if chosen else "dim"
        marks.append(_name(name, box.top(), box.height(), room, tone))
    return marks


def _name(text: str, top: float, height: float, room: QRectF, tone: str) -> Words:
    font = theme.mono(theme.SMALL_FONT_SIZE)
    return Words(text, QRectF(room.left(), top, LABEL - 8, height), tone, RIGHT, font)

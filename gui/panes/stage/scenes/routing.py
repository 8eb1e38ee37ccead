"""Where a router sends a position: experts' scores, weights and shares, and what each writes."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from PySide6.QtCore import QPointF, QRectF

from gui import theme
from gui.panes.stage.marks import Bars, Grid, Lines, Mark, Words, color_limit, limit_of, signs_of
from gui.panes.stage.scenes.kit import (
    LABEL,
    LINE,
    NOTE,
    RIGHT,
    STRIP,
    Scenery,
    called,
    over,
    size,
)
from model.counting import ordinal
from model.probe.question import Array
from model.probe.scene.asks import Panel

CHAIN = 96.0
RANK = 64.0
"""Width of the places of the experts that are asked."""
RANKED = 720.0
"""Width of the room from which on there is room for them."""
NAMED_ROW = 12.0
"""Height of a line with a name."""
STEPS = {"router": "x · expert", "expert_weights": "softmax", "expert_shares": "share"}


def compose_routing(scenery: Scenery) -> list[Mark]:
    """The vector on top, an expert a line beneath it, each step of its share beside it."""
    found, room = scenery.found, scenery.room
    x, table, parts = found.panel("in"), found.panel("table"), found.panel("parts")
    chain, out = found.all_of("chain"), found.panel("out")
    if x is None or table is None or parts is None or parts.at_rows is None or len(chain) < 3:
        return []
    experts = np.arange(len(table.values_RC)) if table.at_rows is None else table.at_rows
    chosen = [int(e) for e in parts.at_rows]
    joined = scenery.op.kind == "mlp_out"
    n = len(experts)
    ranked = room.width() >= RANKED
    rank = RANK if ranked else 0.0
    step = min(CHAIN, max(54.0, (room.width() - LABEL - 130 - rank) / 5))
    beside = 3 * step + rank + NOTE
    left, top = room.left() + LABEL, room.top() + LINE + 2
    wide = max(30.0, room.width() - LABEL - beside - 24)
    under = (len(chosen) + 1) * (STRIP + 3) + 8 if joined else 0
    high = min(24.0, max(3.0, (room.height() - STRIP - 2 * LINE - 8 - under) / n))
    upper = Grid(x, QRectF(left, top, wide, STRIP), limit=color_limit(x.values_RC))
    grid = Grid(
        table, QRectF(left, top + STRIP + LINE, wide, n * high), limit=color_limit(table.values_RC)
    )
    font = theme.mono(theme.SMALL_FONT_SIZE)
    marks: list[Mark] = [
        over(f"{called(x.name)}, {x.n_columns:,} dimensions", upper.box, room),
        Words("x", QRectF(room.left(), top, LABEL - 8, STRIP), "accent", RIGHT, font),
        upper,
        grid,
    ]
    named = -math.inf
    for row, expert in enumerate(int(e) for e in experts):
        box = QRectF(room.left(), grid.box.top() + row * high, LABEL - 8, high)
        own = expert in chosen
        # Those that are asked have a name in any case, as far as names don't touch.
        if (high >= NAMED_ROW or own) and box.center().y() - named >= NAMED_ROW:
            named = box.center().y()
            marks.append(Words(f"expert {expert}", box, "accent" if own else "dim", RIGHT, font))
    marks += _steps(scenery, chain, experts, chosen, grid, step, rank)
    if ranked:
        marks += _ranks(scenery, experts, chosen, grid, 2 * step)
    marks += _lengths(parts, experts, grid, 3 * step + rank)
    if joined and out is not None:
        marks += _joined(scenery, parts, out, grid)
    return marks


def _steps(
    scenery: Scenery,
    chain: list[Panel],
    experts: Array,
    chosen: list[int],
    grid: Grid,
    step: float,
    rank: float,
) -> list[Mark]:
    """Bars of the scores and the weights of all, and of the shares of those that are asked.

    Args:
        scenery: of one of the steps.
        chain: what the steps wrote.
        experts: a line each.
        chosen: those that are asked.
        grid: the lines.
        step: width of a step.
        rank: width of what stands before the shares.
    """
    marks: list[Mark] = []
    high = grid.box.height() / len(experts)
    for i, panel in enumerate(chain):
        kind = ("router", "expert_weights", "expert_shares")[i]
        left = grid.box.right() + 20 + i * step + (rank if i == 2 else 0.0)
        box = QRectF(left, grid.box.top(), step - 12, grid.box.height())
        chooses = scenery.op.kind == "expert_indices" and not rank
        here = scenery.op.kind == kind or (kind == "expert_weights" and chooses)
        tone = "accent" if here else "dim"
        small = theme.mono(theme.SMALL_FONT_SIZE, bold=here)
        words = ("" if i == 0 else "→ ") + STEPS[kind]
        marks.append(
            Words(words, QRectF(box.left(), box.top() - LINE - 4, step, LINE), tone, font=small)
        )
        if kind == "expert_shares":
            for rank, expert in enumerate(chosen):
                row = int(np.flatnonzero(experts == expert)[0])
                one = replace(
                    panel,
                    values_RC=panel.values_RC[:, rank : rank + 1],
                    n_columns=1,
                    at_columns=np.array([rank]),
                )
                line = QRectF(box.left(), box.top() + row * high, box.width(), high)
                marks.append(Bars(one, line, 1.0, "positive", frozenset({0})))
            continue
        share = kind == "expert_weights"
        limit = 1.0 if share else limit_of(panel.values_RC)
        signs = "positive" if share else signs_of(panel.values_RC)
        told = frozenset(
            row for row, expert in enumerate(experts) if high >= 11 or int(expert) in chosen
        )
        marks.append(Bars(panel, box, limit, signs, told))
    return marks


def _ranks(
    scenery: Scenery, experts: Array, chosen: list[int], grid: Grid, over: float
) -> list[Mark]:
    """Which experts are asked: the place of each in their order."""
    here = scenery.op.kind == "expert_indices"
    left = grid.box.right() + 20 + over
    high = grid.box.height() / len(experts)
    small = theme.mono(theme.SMALL_FONT_SIZE, bold=here)
    heading = QRectF(left, grid.box.top() - LINE - 4, RANK, LINE)
    tone = "accent" if here else "dim"
    marks: list[Mark] = [Words(f"→ top {len(chosen)}", heading, tone, font=small)]
    below = -math.inf
    for place, expert in sorted(
        enumerate(chosen), key=lambda each: int(np.flatnonzero(experts == each[1])[0])
    ):
        row = int(np.flatnonzero(experts == expert)[0])
        box = QRectF(left + 16, grid.box.top() + row * high, RANK - 20, high)
        if box.center().y() - below >= NAMED_ROW:
            below = box.center().y()
            font = theme.mono(theme.SMALL_FONT_SIZE)
            marks.append(Words(ordinal(place + 1), box, "accent" if here else "text", font=font))
    return marks


def _lengths(parts: Panel, experts: Array, grid: Grid, over: float) -> list[Mark]:
    """How long what each chosen expert writes is, once it is multiplied with its share."""
    left = grid.box.right() + 20 + over
    high = grid.box.height() / len(experts)
    font = theme.mono(theme.SMALL_FONT_SIZE)
    marks: list[Mark] = [
        Words("→ writes", QRectF(left, grid.box.top() - LINE - 4, NOTE, LINE), font=font),
    ]
    assert parts.at_rows is not None
    lengths = np.linalg.norm(parts.values_RC.astype(np.float64), axis=1)
    told: list[float] = []
    for expert, length in zip(parts.at_rows, lengths):
        row = int(np.flatnonzero(experts == expert)[0])
        box = QRectF(left, grid.box.top() + row * high, NOTE, high)
        if any(abs(box.center().y() - other) < NAMED_ROW for other in told):
            continue
        told.append(box.center().y())
        marks.append(Words(f"length {size(float(length))}", box, "text", font=font))
    return marks


def _joined(scenery: Scenery, parts: Panel, out: Panel, grid: Grid) -> list[Mark]:
    """What the chosen experts write, one below the other, and their sum."""
    room = scenery.room
    font = theme.mono(theme.SMALL_FONT_SIZE)
    limit = color_limit(parts.values_RC, out.values_RC)
    n = len(parts.values_RC)
    y = grid.box.bottom() + 6
    added = Grid(
        parts, QRectF(grid.box.left(), y, grid.box.width(), n * (STRIP + 3) - 3), limit=limit
    )
    marks: list[Mark] = [added]
    assert parts.at_rows is not None
    for row, expert in enumerate(int(e) for e in parts.at_rows):
        box = added.rect_of((row, 0))
        label = QRectF(room.left(), box.top(), LABEL - 8, box.height())
        marks.append(Words(f"{'+ ' if row else ''}expert {expert}", label, "text", RIGHT, font))
    y = added.box.bottom() + 4
    marks.append(Lines((QPointF(added.box.left(), y), QPointF(added.box.right(), y))))
    label = QRectF(room.left(), y + 3, LABEL - 8, STRIP)
    marks.append(Words(f"= {called(out.name)}", label, "text", RIGHT, font))
    marks.append(Grid(out, QRectF(grid.box.left(), y + 3, grid.box.width(), STRIP), limit=limit))
    return marks

"""The hidden layer of an MLP: the nonlinearity's curve with its neurons, and what they write."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from PySide6.QtCore import QPointF, QRectF

from gui import theme
from gui.panes.stage.marks import (
    Bars,
    Dots,
    Grid,
    Lines,
    Mark,
    Words,
    color_limit,
    figure,
    limit_of,
    signs_of,
)
from gui.panes.stage.scenes.kit import (
    CENTER,
    LABEL,
    LEFT,
    LINE,
    NOTE,
    RIGHT,
    STRIP,
    Scenery,
    above,
    called,
    caption,
    fitted,
    over,
    size,
    symbol,
    vector,
    worded,
)
from model.operations.words import ACTIVATIONS
from model.probe.question import Array
from model.probe.scene.asks import Panel

LIST = 132.0
"""Width of the list of the strongest neurons; of a gated layer it has three figures."""
TALL = 300.0
"""Height of the room from which on the vectors are drawn as strips, too."""
BAR = 92.0
TOKENS = 230.0
GAP = 8.0
"""Between how long a vector is and what it promotes."""
ROW = 17.0
NARROW = 600.0
"""Width of the room up to which a gated neuron is told without its factors."""


def rows_of_neurons(height: float) -> int:
    """How many neurons there is room for, each with what it writes."""
    return max(2, int((height - 2 * LINE - 3 * (STRIP + 4)) / ROW))


def function(name: str, x: Array) -> Array:
    """A nonlinearity's values, as the network has them, in float64."""
    match name:
        case "gelu_tanh":
            inner = math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)
            return np.asarray(0.5 * x * (1 + np.tanh(inner)))
        case "gelu":
            return np.asarray(0.5 * x * (1 + np.array([math.erf(v / math.sqrt(2)) for v in x])))
        case "relu":
            return np.maximum(x, 0.0)
        case "relu2":
            return np.square(np.maximum(x, 0.0))
        case _:
            return np.asarray(x / (1 + np.exp(-np.clip(x, -700, 700))))


def compose_activation(scenery: Scenery) -> list[Mark]:
    """The curve, this token's neurons on it, and the strongest of them in figures."""
    found, room = scenery.found, scenery.room
    inputs, out = found.all_of("in"), found.panel("out")
    if not inputs or out is None:
        return []
    gated = len(inputs) > 1
    marks: list[Mark] = []
    y = room.top() + 2
    if room.height() >= TALL:
        names = ("gate", "up", "after") if gated else ("before", "after")
        for name, panel in zip(names, (*inputs, out)):
            vector(marks, name, panel, QRectF(room.left(), y, room.width(), STRIP))
            y += STRIP + 6
        y += LINE / 2
    wide = 2 * LIST if gated and room.width() > NARROW else LIST
    plot = QRectF(room.left() + LABEL, y, room.width() - LABEL - wide - 24, room.bottom() - y)
    plot.adjust(0, 4, 0, -2 * LINE)
    if plot.height() < 30 or plot.width() < 60:
        return marks
    config = scenery.model.config
    head = scenery.op.kind == "head_act" and config.masked_head is not None
    act = config.masked_head.activation if head and config.masked_head else config.activation
    unit = "neuron" if scenery.op.kind == "mlp_act" else "dimension"
    marks += _curve(inputs[0], out, plot, act, unit, gated=gated)
    listed = QRectF(plot.right() + 20, y, wide, room.bottom() - y)
    marks += _strongest(inputs, out, listed, act, unit)
    return marks


def _curve(pre: Panel, out: Panel, plot: QRectF, act: str, unit: str, *, gated: bool) -> list[Mark]:
    x, h = pre.values_RC[0].astype(np.float64), out.values_RC[0].astype(np.float64)
    # Behind a gate the product is no function of the gate: there the dots stand on the curve.
    height = function(act, np.where(np.isfinite(x), x, 0.0)) if gated else h
    wide = limit_of(x)
    line_x = np.linspace(-wide, wide, 161)
    line_y = function(act, line_x)
    high, low = max(limit_of(height), 1e-9), min(0.0, float(line_y.min()))
    if np.isfinite(height).any():
        low = min(low, float(height[np.isfinite(height)].min()))
    span = high - low

    def at(value: float, up: float) -> QPointF:
        share = min(max((up - low) / span, 0.0), 1.0)
        return QPointF(
            plot.center().x() + value / wide * plot.width() / 2,
            plot.bottom() - share * plot.height(),
        )

    zero = at(0, 0)
    inside = line_y <= high
    curve = tuple(at(float(a), float(b)) for a, b in zip(line_x[inside], line_y[inside]))
    finite = np.isfinite(x) & np.isfinite(height)
    order = np.argsort(-np.abs(np.nan_to_num(h)), kind="stable")
    points = tuple(
        at(float(a), float(b)) if ok else QPointF(-100, -100) for a, b, ok in zip(x, height, finite)
    )
    font = theme.mono(theme.SMALL_FONT_SIZE)
    name = ACTIVATIONS[act]
    read = "gate g" if gated else "before x"
    result = "what it passes on" if gated else "its answer"
    axis = QRectF(plot.left(), plot.bottom() + 2, plot.width(), LINE)
    corner = QRectF(plot.left() - LABEL, plot.top() - 2, LABEL - 6, LINE)
    return [
        Lines((QPointF(plot.left(), zero.y()), QPointF(plot.right(), zero.y()))),
        Lines((QPointF(zero.x(), plot.top()), QPointF(zero.x(), plot.bottom()))),
        Lines(curve, "faint", 1.4),
        Dots(out, points, frozenset(int(i) for i in order[:6])),
        Words(figure(-wide).replace("-", "−"), axis, "dim", font=font),
        caption(read, axis, CENTER),
        worded(
            (
                f"a dot a {unit}: orange where {result} is below 0; "
                "the largest dots are the strongest",
                f"a dot a {unit}; orange: {result} is below 0",
                f"a dot a {unit}",
            ),
            axis.translated(0, LINE - 1).adjusted(-LABEL, 0, 0, 0),
            LEFT,
        ),
        Words(figure(wide), axis, "dim", RIGHT, font),
        caption(f"{name}({read[-1]})", corner, RIGHT),
        Words(figure(high), corner.translated(0, LINE - 2), "dim", RIGHT, font),
    ]


def _strongest(inputs: list[Panel], out: Panel, box: QRectF, act: str, unit: str) -> list[Mark]:
    """The neurons that answer most, with their numbers."""
    h = out.values_RC[0].astype(np.float64)
    n = max(0, min(12, len(h), int((box.height() - LINE) / 15)))
    order = np.argsort(-np.abs(np.nan_to_num(h)), kind="stable")[:n]
    gated = len(inputs) > 1 and box.width() > LIST
    font = theme.mono(theme.SMALL_FONT_SIZE)
    head = QRectF(box.left(), box.top(), box.width(), LINE)
    word = f"{ACTIVATIONS[act]}(g) × u = h" if gated else "after"
    marks: list[Mark] = [
        caption(unit, QRectF(head.left(), head.top(), 64, LINE), RIGHT),
        caption(word, head, RIGHT),
    ]
    gate = function(act, inputs[0].values_RC[0].astype(np.float64)) if gated else None
    for rank, i in enumerate(int(each) for each in order):
        row = QRectF(box.left(), box.top() + LINE + rank * 15, box.width(), 15)
        value = figure(float(h[i]))
        if gate is not None:
            up = float(inputs[1].values_RC[0, i])
            value = f"{figure(float(gate[i])):>6} × {figure(up):>6} = {value:>6}"
        tone = "negative" if h[i] < 0 else "accent"
        own = QRectF(row.left(), row.top(), 64, row.height())
        marks.append(Words(f"{i:,}", own, "dim", RIGHT, font))
        marks.append(Words(value.replace("-", "−"), row, tone, RIGHT, font))
    return marks


def compose_down(scenery: Scenery) -> list[Mark]:
    """The neurons that write most, a line each: how much it fires, what it adds and promotes."""
    found, room = scenery.found, scenery.room
    parts, out, h = found.panel("parts"), found.panel("out"), found.panel("in")
    if parts is None or out is None or h is None or parts.at_rows is None:
        return []
    rest, bias = found.panel("rest"), found.panel("bias")
    n = len(parts.at_rows)
    tokens = TOKENS if room.width() > 760 and scenery.model.config.has_logits else 0.0
    gap = GAP if tokens else 0.0
    left = room.left() + LABEL + BAR + 14
    wide = max(40.0, room.right() - left - NOTE - gap - tokens - 8)
    top = room.top() + LINE + 2
    sums = [each for each in (rest, bias) if each is not None]
    under = (len(sums) + 1) * (STRIP + 4) + 10
    high = min(24.0, max(3.0, (room.height() - LINE - under - 4) / n))
    neurons = [int(i) for i in parts.at_rows]
    fired = replace(h, values_RC=h.values_RC[:, neurons], n_columns=n, at_columns=np.array(neurons))
    bars = Bars(
        fired,
        QRectF(room.left() + LABEL, top, BAR, n * high),
        limit_of(fired.values_RC),
        signs_of(fired.values_RC),
        frozenset(range(n)) if high >= 11 else frozenset(),
    )
    limit = color_limit(parts.values_RC, out.values_RC)
    grid = Grid(parts, QRectF(left, top, wide, n * high), limit=limit)
    font = theme.mono(theme.SMALL_FONT_SIZE)
    marks: list[Mark] = [
        over("neuron fires", bars.box, room),
        over("times its row of W_out: what it adds to the stream", grid.box, room),
        bars,
        grid,
    ]
    lengths = np.linalg.norm(parts.values_RC.astype(np.float64), axis=1)
    if tokens:
        line = above(QRectF(grid.box.right() + NOTE + 8 + gap, top, tokens, LINE))
        marks.append(caption("promotes", line, LEFT))
    for row, neuron in enumerate(neurons):
        y = top + row * high
        if high < 11:
            continue
        name = QRectF(room.left(), y, LABEL - 8, high)
        marks.append(Words(f"{neuron:,}", name, "text", RIGHT, font))
        note = QRectF(grid.box.right() + 8, y, NOTE, high)
        marks.append(Words(f"length {size(float(lengths[row]))}", note, "dim", font=font))
        if tokens and row < len(found.promoted):
            words = "  ".join(scenery.model.token_text(id) for id, _ in found.promoted[row])
            marks.append(
                Words(words, note.adjusted(NOTE + gap, 0, gap + tokens, 0), "text", font=font)
            )
    y = grid.box.bottom() + 6
    for each in sums:
        label = each.name if each is rest else symbol(each.name)
        marks += _strip(scenery, f"+ {label}", each, QPointF(left, y), wide, limit)
        y += STRIP + 4
    marks.append(Lines((QPointF(left, y - 1), QPointF(left + wide, y - 1))))
    strip = QPointF(left, y + 2)
    marks += _strip(scenery, f"= {called(out.name)}", out, strip, wide, limit)
    return marks


def _strip(
    scenery: Scenery, label: str, panel: Panel, at: QPointF, wide: float, limit: float
) -> list[Mark]:
    box = QRectF(at.x(), at.y(), wide, STRIP)
    words = QRectF(scenery.room.left(), at.y(), at.x() - scenery.room.left() - 8, STRIP)
    note = QRectF(box.right() + 8, at.y(), NOTE, STRIP)
    font = theme.mono(theme.SMALL_FONT_SIZE)
    length = float(np.linalg.norm(panel.values_RC.astype(np.float64)))
    marks: list[Mark] = [
        Words(label, words, "text", RIGHT, font),
        Grid(fitted(panel, int(wide)), box, limit=limit),
    ]
    if panel.is_whole:
        marks.append(Words(f"length {size(length)}", note, "dim", font=font))
    return marks

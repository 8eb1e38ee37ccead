"""What a map says about a row when the mouse rests on it.

Knows operations and figures; the words come from `model.operations`.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np

from gui.panes.layers.figures import Figures, LensReading
from gui.panes.layers.map_layout import OperationGraph, Row, ratio_names
from gui.reading.axes import SIZES
from gui.reading.numbers import short
from gui.reading.vectors import Reading
from model.counting import counted
from model.probe.not_finite.asks import NO_NUMBER


def row_words(
    row: Row, graph: OperationGraph, figures: Figures | None, changes: Sequence[str] = ()
) -> str:
    """A tooltip, as rich text.

    Args:
        row: of the map.
        graph: its operations.
        figures: what is known of them.
        changes: what is done to them, in words.
    """
    changed = "".join(f"<br><b>Changed:</b> {escape(words)}." for words in changes)
    return _row_words(row, graph, figures) + changed


def _row_words(row: Row, graph: OperationGraph, figures: Figures | None) -> str:
    if row.kind == "section":
        what = "Click to fold it." if row.unfolded else "Click to see its operations."
        n = row.last - row.first + 1
        lines = [f"<b>{escape(row.label)}</b>: {counted(n, 'operation')}. {what}"]
        if figures is not None and row.unfolded and figures.whose():
            lines.append(f"Its values are {escape(figures.whose())}.")
        reading = None if figures is None else figures.lens_after(row.layer)
        if reading is not None:
            lines.append(lens_words(reading))
        return "<br>".join(lines)
    if row.kind == "folded":
        return _folded(row, graph, figures)
    op = graph.operations[row.first]
    lines = [f"<b>{escape(op.output)}</b>"]
    if figures is not None:
        axes = ", ".join(SIZES[letter] for letter in op.shape[1:])
        lines.append(f"{escape(figures.shape(op))} ({axes})")
    lines += _difference_words(row, graph, figures)
    lines += [f"<i>{escape(op.formula)}</i>", escape(op.sentence)]
    if figures is not None and (reading := figures.lens_of(op)) is not None:
        lines.append(lens_words(reading))
    if op.inputs:
        lines.append(f"Reads {escape(', '.join(op.inputs + op.parameters))}.")
    return "<br>".join(lines)


def lens_words(reading: LensReading) -> str:
    """What the lens reads, and that it is a reading."""
    if np.isnan(reading.probability):
        return f"Logit lens: {escape(reading.activation)} holds NaN, so there is nothing to read."
    return (
        f"Logit lens at position {reading.position}: if the network ended here, it would say "
        f"“{escape(reading.token)}” with probability {short(reading.probability, 3)} "
        f"({reading.entropy_bits:.1f} bits of entropy). Raw: {escape(reading.activation)} through "
        "the network's own head, its norm computed anew."
    )


def _folded(row: Row, graph: OperationGraph, figures: Figures | None) -> str:
    title = f"<b>Block {row.layer} · {escape(row.label)}</b>"
    lines = [f"{title}: {counted(row.last - row.first + 1, 'operation')}"]
    lines += _difference_words(row, graph, figures)
    names = ratio_names(row, graph)
    ratio = None if names is None or figures is None else figures.ratio(names[0])
    if names is not None and ratio is not None and np.isnan(ratio):
        lines.append(f"How much it writes is {NO_NUMBER}: {escape(names[0])} holds NaN.")
    elif names is not None and ratio is not None:
        lines.append(
            f"+{short(ratio, 4)} is how much it writes, relative to the stream: the mean over "
            f"positions of ‖{escape(names[0])}‖ / ‖{escape(names[1])}‖."
        )
    elif names is not None:
        lines.append(f"It writes {escape(names[0])} to the stream.")
    lines.append("Click to go there.")
    return "<br>".join(lines)


def cell_words(strip: Reading, at: int) -> str:
    """One value with its name and full index, and what the strip shows."""
    index = ", ".join(map(str, strip.full_index(at)))
    value = float(strip.values[at])
    written = short(value, 6)
    if strip.is_masked(at):
        written = "masked" if np.isnan(value) else f"masked ({written})"
    signed = strip.scale == "signed"
    scale = f"colours {'to ±' if signed else 'from 0 to '}{strip.limit:.4g}"
    return f"<b>{escape(strip.name)}</b>[{index}] = {written}<br>{scale}"


def relative_difference(row: Row, graph: OperationGraph, figures: Figures) -> float | None:
    """‖B − A‖ / ‖A‖ of what a row writes, while a difference is shown; None where unknown."""
    name = _written(row, graph)
    return None if figures.two_sides is None or not name else figures.two_sides.relative(name)


def _written(row: Row, graph: OperationGraph) -> str:
    """What a row writes; empty for a part that writes nothing to the stream."""
    if row.kind == "operation":
        return graph.operations[row.first].output
    names = ratio_names(row, graph) if row.kind == "folded" else None
    return "" if names is None else names[0]


def _difference_words(row: Row, graph: OperationGraph, figures: Figures | None) -> list[str]:
    """A line on how far both sides are apart here, while a difference is shown."""
    if figures is None or figures.two_sides is None:
        return []
    apart, name = relative_difference(row, graph, figures), _written(row, graph)
    if apart is None:
        return []
    return [
        f"<b>{escape(figures.two_sides.name)}</b>: Δ = {short(apart, 4)} = ‖B − A‖ / ‖A‖ of "
        f"{escape(name)} over all tokens."
    ]


def fold_ratio(row: Row, graph: OperationGraph, figures: Figures) -> float | None:
    """How much a folded part adds, relative to the stream before it."""
    names = ratio_names(row, graph)
    return None if names is None else figures.ratio(names[0])

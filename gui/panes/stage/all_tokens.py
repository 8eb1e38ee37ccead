"""Which matrices the stage shows for all tokens, and how: questions and answers, no widget.

Knows operations and answers; no store.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gui.panes.stage.scenes.kit import symbol
from gui.panes.stage.sheet import Matrix, limit_in
from model.operations import INPUT_IDS, Operation
from model.probe.question import Question
from model.probe.rows.asks import Rows, RowsFound
from model.subject import Subject

WITHOUT = frozenset(("tokens", "softmax"))
"""Kinds of operations that have nothing to draw a line a token of."""
MOST_READ = 2
"""So many inputs stand beside what is written."""
COLUMNS = {
    "D": "{} dimensions",
    "E": "{} dimensions",
    "K": "{} dimensions of this head",
    "M": "{} neurons",
    "V": "{} tokens of the vocabulary",
    "X": "{} experts",
    "A": "{} experts that were chosen",
    "S": "{} keys",
    "H": "{} heads",
    "G": "{} key/value heads",
    "1": "one number a token",
}


def names_of(op: Operation, room: float) -> tuple[str, ...]:
    """What is read, and what is written last.

    Args:
        op: the operation.
        room: pixels across; where it is narrow only the first input is shown.
    """
    read = [name for name in op.inputs if name != INPUT_IDS]
    most = MOST_READ if room >= 720 else 1
    return (*read[:most], op.output)


def questions(
    op: Operation, head: int, rows: tuple[int, int] | None, most: tuple[int, int], room: float
) -> dict[str, Question]:
    """A question a matrix."""
    names = names_of(op, room)
    return {f"rows {i}": Rows(name, head, rows, most) for i, name in enumerate(names)}


class Scales:
    """Where colours end: as in the first answer about a matrix, so that scrolling changes none."""

    def __init__(self) -> None:
        self._kept: dict[tuple[Subject, str, int], float] = {}

    def of(self, found: RowsFound) -> tuple[float, bool]:
        """The limit, and whether numbers lie past it."""
        asked = found.question
        assert isinstance(asked, Rows)
        key = found.subject, found.activation, asked.head
        limit, beyond = limit_in(found.values_RC, found.masked_RC)
        if key in self._kept:
            limit = self._kept[key]
            finite = found.values_RC[np.isfinite(found.values_RC)]
            beyond = bool(finite.size and np.abs(finite).max() > limit * (1 + 1e-6))
        elif len(self._kept) > 200:
            self._kept.clear()
        self._kept[key] = limit
        return limit, beyond


def matrices(
    op: Operation,
    found: Sequence[RowsFound],
    operations: Sequence[Operation],
    scales: Scales,
) -> tuple[Matrix, ...]:
    """What is drawn of some answers, in their order."""
    kinds = {each.output: each.kind for each in operations}
    drawn = []
    for one in found:
        if not one.activation:
            continue
        share = kinds.get(one.activation) in ("pattern", "expert_shares", "expert_weights")
        written = one.activation == op.output
        limit, beyond = (1.0, False) if share else scales.of(one)
        name = COLUMNS.get(one.letters[-1], "{}").format(f"{one.n_columns:,}")
        title = f"{'writes' if written else 'reads'}  {symbol(one.activation)}"
        kind = "sequential" if share or bool((one.values_RC >= 0).all()) else "diverging"
        drawn.append(Matrix(one, title, name, kind, limit, beyond, written))
    return tuple(drawn)


def sentence(op: Operation, matrix: Matrix, tokens: Sequence[str]) -> str:
    """What is plain to see of what is written: where it is largest."""
    found = matrix.found
    values: np.ndarray = np.where(
        found.masked_RC | ~np.isfinite(found.values_RC), 0, found.values_RC
    )
    if not values.size or not values.any():
        return ""
    if found.letters[-1] == "S":
        # A query with one key has no choice: what it reads says nothing.
        rows = [i for i in range(len(values)) if (~found.masked_RC[i]).sum() > 1]
        if not rows or op.kind != "pattern":
            return ""
        row = max(rows, key=lambda i: float(values[i].max()))
        place = found.place(row, int(values[row].argmax()))
        query, key = place[-2], place[-1]
        return (
            f"Of the lines in view “{tokens[query]}” reads most of one token: "
            f"{values[row].max():.0%} of “{tokens[key]}”."
        )
    lengths = np.linalg.norm(values.astype(np.float64), axis=1)
    most, least = int(lengths.argmax()), int(lengths.argmin())
    if found.block != (1, 1) or len(lengths) < 2:
        return ""
    first = found.rows[0]
    return (
        f"Of the lines in view “{tokens[first + most]}” has the longest vector, "
        f"{lengths[most]:.3g}, and “{tokens[first + least]}” the shortest, {lengths[least]:.3g}."
    )

"""Which matrices the stage shows for all tokens, and how: questions, colours, a sentence.

Knows the store and the sheet on which they are drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from gui.panes.stage.scenes.kit import called
from gui.panes.stage.scenes.scores import scale_of
from gui.panes.stage.sheet import Sheet
from gui.panes.stage.sheet_painter import Matrix
from gui.reading.quoting import quoted
from gui.session.asked import Slot
from gui.session.store import Store
from gui.widgets.heat_map.cell_image import Kind
from model import messages as m
from model.operations import INPUT_IDS, Operation
from model.probe.question import Array, Question
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

AXIS = {
    "D": "dimension",
    "E": "dimension",
    "K": "dimension",
    "M": "neuron",
    "V": "token",
    "X": "expert",
}
"""What one of the columns is called."""


def names_of(op: Operation, room: float) -> tuple[str, ...]:
    """What is read, and what is written last.

    Args:
        op: the operation.
        room: pixels across; where it is narrow only the first input is shown.
    """
    read = [name for name in op.inputs if name != INPUT_IDS]
    most = MOST_READ if room >= 720 else 1
    return (*read[:most], op.output)


class AllTokens:
    """What is asked for the sheet, and how answers come to be drawn on it."""

    def __init__(self, store: Store, sheet: Sheet) -> None:
        self._store = store
        self._sheet = sheet
        self._scales = Scales()

    @property
    def room(self) -> float:
        """Pixels across."""
        return float(self._sheet.viewport().width())

    def questions(self, op: Operation) -> dict[str, Question]:
        """A question a matrix, about the lines in view."""
        read, selection = self._store.read, self._store.selection
        if read is None:
            return {}
        self._sheet.show_tokens(_tokens(read), selection.position)
        names = names_of(op, self.room)
        rows, most = self._sheet.asked_rows, self._sheet.most(len(names))
        return {f"rows {i}": Rows(name, selection.head, rows, most) for i, name in enumerate(names)}

    def draw(self, op: Operation, slots: Sequence[Slot | None]) -> str | None:
        """Draw what was answered.

        Args:
            op: the operation that is selected.
            slots: of `questions`, in order.

        Returns:
            What to say of it; None while an answer is missing: the old picture stays.
        """
        read = self._store.read
        if read is None:
            self._sheet.show_tokens((), 0)
            return ""
        found: list[RowsFound] = []
        for slot, name in zip(slots, names_of(op, self.room), strict=True):
            if slot is None:
                return None
            if slot.problem:
                return slot.problem
            answer = slot.answer
            asked = None if answer is None else answer.question
            if not isinstance(answer, RowsFound) or not isinstance(asked, Rows):
                return None
            if asked.of != name or answer.subject.n_tokens != read.n_tokens:
                return None
            found.append(answer)
        self._sheet.show_tokens(_tokens(read), self._store.selection.position)
        drawn = matrices(op, found, self._store.operations, self._scales)
        self._sheet.show_matrices(drawn)
        written = [matrix for matrix in drawn if matrix.written]
        if not written:
            return ""
        return sentence(op, in_view(written[0], self._sheet.seen), _tokens(read))


def _tokens(read: m.PromptRead) -> tuple[str, ...]:
    return tuple(token.text for token in read.tokens)


class Scales:
    """Where colours end: as in the first answer about a matrix, so that scrolling changes none."""

    def __init__(self) -> None:
        self._kept: dict[tuple[Subject, str, int], float] = {}

    def of(self, found: RowsFound, *, share: bool = False) -> tuple[float, bool]:
        """The limit, and whether numbers lie past it.

        Args:
            found: the numbers in view.
            share: of 1, whose scale ends at a round number: of many keys each has little.
        """
        asked = found.question
        assert isinstance(asked, Rows)
        key = found.subject, found.activation, asked.head
        limit, beyond = limit_in(found.values_RC, found.masked_RC)
        if share:
            limit = scale_of(_second(found))
            beyond = bool(np.nanmax(found.values_RC, initial=0.0) > limit)
        if key in self._kept:
            limit = self._kept[key]
            finite = found.values_RC[np.isfinite(found.values_RC)]
            beyond = bool(finite.size and np.abs(finite).max() > limit * (1 + 1e-6))
        elif len(self._kept) > 200:
            self._kept.clear()
        self._kept[key] = limit
        return limit, beyond


def _second(found: RowsFound) -> Array:
    """A size that of 9 in 10 lines only one number exceeds.

    Of many keys the first is often read most by far: all the others would have no colour.
    """
    values_RC = np.where(found.masked_RC | ~np.isfinite(found.values_RC), 0, found.values_RC)
    if values_RC.shape[1] < 2:
        return np.ones(1)
    return np.quantile(np.sort(values_RC, axis=1)[:, -2], 0.9, keepdims=True)


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
        limit, beyond = scales.of(one, share=share)
        name = COLUMNS.get(one.letters[-1], "{}").format(f"{one.n_columns:,}")
        if one.n_columns == 1 and one.letters[-1] != "1":
            name = name.replace("s of", " of").removesuffix("s")
        title = f"{'writes' if written else 'reads'}  {called(one.activation)}"
        kind: Kind = "sequential" if share or bool((one.values_RC >= 0).all()) else "diverging"
        drawn.append(Matrix(one, title, name, kind, limit, beyond, written))
    return tuple(drawn)


def in_view(matrix: Matrix, seen: range) -> Matrix:
    """The same without the lines around those in view, of which more are asked for.

    Args:
        matrix: that is drawn.
        seen: tokens whose lines are in view.
    """
    found = matrix.found
    (origin, end), down = found.rows, found.block[0]
    first = max(0, (seen.start - origin) // down)
    last = min(len(found.values_RC), -(-(seen.stop - origin) // down))
    if first >= last:  # it was asked for other lines: those in view are on their way
        return matrix
    kept = slice(first, last)
    part = replace(
        found,
        rows=(origin + first * down, min(end, origin + last * down)),
        values_RC=found.values_RC[kept],
        rows_RC=found.rows_RC[kept],
        columns_RC=found.columns_RC[kept],
        masked_RC=found.masked_RC[kept],
    )
    return replace(matrix, found=part)


def sentence(op: Operation, matrix: Matrix, tokens: Sequence[str]) -> str:
    """What is plain to see of what is written: where it is largest."""
    found = matrix.found
    values: Array = np.where(found.masked_RC | ~np.isfinite(found.values_RC), 0, found.values_RC)
    if not values.size or not values.any():
        return ""
    if found.letters[-1] == "S":
        # A query with one key has no choice: what it reads says nothing.
        rows = [i for i in range(len(values)) if (~found.masked_RC[i]).sum() > 1]
        if not rows:
            return f"{quoted(tokens[found.rows[0]])} has one key to read: its own."
        if op.kind != "pattern":
            return _fits(matrix, values, rows, tokens)
        row = max(rows, key=lambda i: float(values[i].max()))
        place = found.place(row, int(values[row].argmax()))
        query, key = place[-2], place[-1]
        return (
            f"Of the lines in view {quoted(tokens[query])} ({query}) reads most of one token: "
            f"{values[row].max():.0%} of {quoted(tokens[key])} ({key})."
        )
    lengths = np.linalg.norm(values.astype(np.float64), axis=1)
    most, least = int(lengths.argmax()), int(lengths.argmin())
    if found.block != (1, 1) or len(lengths) < 2:
        return _largest(found, values, tokens)
    first = found.rows[0]
    return (
        f"Of the lines in view {quoted(tokens[first + most])} has the longest vector, "
        f"{lengths[most]:.3g}, and {quoted(tokens[first + least])} the shortest, "
        f"{lengths[least]:.3g}."
    )


def _largest(found: RowsFound, values: Array, tokens: Sequence[str]) -> str:
    """Where the number farthest from 0 stands: of blocks no lengths are known, but that."""
    row, column = (int(at) for at in np.unravel_index(int(np.abs(values).argmax()), values.shape))
    place, what = found.place(row, column), AXIS.get(found.letters[-1])
    if what is None:
        return ""
    value = f"{values[row, column]:.3g}".replace("-", "−")
    farthest = f"the number farthest from 0: {value}, {what} {place[-1]:,}"
    return f"Of the lines in view {quoted(tokens[place[1]])} has {farthest}."


def _fits(matrix: Matrix, values: Array, rows: Sequence[int], tokens: Sequence[str]) -> str:
    """Which query and which key have the largest score."""
    found = matrix.found
    seen = np.where(found.masked_RC | ~np.isfinite(found.values_RC), -np.inf, values)[list(rows)]
    line, column = (int(each) for each in np.unravel_index(int(seen.argmax()), seen.shape))
    if not np.isfinite(seen[line, column]):
        return ""
    place = found.place(rows[line], column)
    query, key = (f"{quoted(tokens[at])} ({at})" for at in place[-2:])
    score = f"{seen[line, column]:.3g}".replace("-", "−")
    return f"Of the lines in view {query} fits {key} best, with a score of {score}."


def limit_in(values_RC: Array, masked_RC: Array) -> tuple[float, bool]:
    """Where the colours of a signed matrix end, and whether numbers lie past it.

    Almost all numbers, not the largest: in the stream one dimension of the first token may be a
    thousand times as large as all others, which would all look like 0.
    """
    sizes = np.abs(values_RC[~masked_RC & np.isfinite(values_RC)].astype(np.float64))
    if not sizes.size or not sizes.any():
        return 1.0, False
    limit = float(np.quantile(sizes, 0.995)) or float(sizes.max())
    return limit, bool(sizes.max() > limit * (1 + 1e-6))

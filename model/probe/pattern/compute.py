"""One head's matrix, computed window by window of its queries.

Shape suffixes: Q queries, S keys, R rows of cells, C columns of cells.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from model.bench import Bench
from model.bench.looking import WINDOW
from model.probe.pattern.asks import Pattern, PatternFound, Shares
from model.probe.pattern.masks import may_look
from model.probe.pattern.valued import Valued
from model.probe.pattern.words import Words
from model.probe.question import Answer, Array, ProbeError, read_only
from model.probe.tensors.compute import to_array
from model.subject import Subject


def answer(question: Pattern, subject: Subject, bench: Bench) -> Iterator[Answer | None]:
    """A window of queries a slice.

    Raises:
        ValueError: what is only made of weights is asked of scores, or words are none.
    """
    config = bench.network(subject).config
    if question.tensor != "pattern" and not question.is_tensor:
        raise ProbeError("Value-weighted and by words there are weights only: ask for pattern.")
    words = Words(question.words, subject.n_tokens)
    valued = None
    if question.valued:
        valued = Valued(bench, subject, question.layer, (question.head,))
    n = words.n
    first_row, end_row = _within(question.rows, n)
    first_column, end_column = _within(question.columns, n)
    block = (
        -(-(end_row - first_row) // max(1, question.most[0])),
        -(-(end_column - first_column) // max(1, question.most[1])),
    )
    window = config.window_at(question.layer)
    whole = question.tensor == "pattern" and question.summed
    tally = _Tally(causal=config.causal)
    drawn = _Drawn((first_row, end_row), (first_column, end_column), block)
    height = max(1, WINDOW // block[0]) * block[0]
    # All of a pattern for its shares and its largest weight; of the rest only what is in view.
    starts = _starts(first_row, end_row, n if whole else end_row, 0 if whole else first_row, height)
    for start, stop in starts:
        first, last = words.tokens(start, stop)
        matrix_HQS = bench.pattern(
            subject, question.layer, (question.head,), first, last, question.tensor
        )
        if valued is not None:
            matrix_HQS = valued.weigh(matrix_HQS, slice(first, last))
        matrix_QS = to_array(words.fold(matrix_HQS, np.arange(first, last)))[0]
        look_QS = may_look(config, window, first, last, subject.n_tokens)
        if bench.concerns(subject, question.layer):
            look_QS = looked_at(subject, bench, question.layer, (question.head,), first, last)[0]
        look_QS = words.any(look_QS, first)
        tally.add(matrix_QS, look_QS, start)
        if first_row <= start < end_row:
            columns = slice(first_column, end_column)
            drawn.add(matrix_QS[:, columns], look_QS[:, columns], start)
        yield None
    yield PatternFound(
        subject=subject,
        question=question,
        rows=(first_row, end_row),
        columns=(first_column, end_column),
        block=block,
        values=read_only(drawn.values),
        value_rows=read_only(drawn.rows),
        value_columns=read_only(drawn.columns),
        masked=read_only(drawn.masked),
        largest=tally.largest,
        largest_but_first=tally.largest_but_first,
        shares=tally.shares() if whole and not question.valued else None,
    )


def looked_at(
    subject: Subject,
    bench: Bench,
    layer: int,
    heads: tuple[int, ...] | None,
    start: int,
    stop: int,
) -> Array:
    """Where queries may look under an intervention, as their scores say, ``[H', n, S]``."""
    scores_HQS = bench.pattern(subject, layer, heads, start, stop, "attn_scores")
    return ~np.isneginf(to_array(scores_HQS))


def _within(wanted: tuple[int, int] | None, n: int) -> tuple[int, int]:
    if wanted is None:
        return 0, n
    first = max(0, min(wanted[0], n - 1))
    return first, max(first + 1, min(wanted[1], n))


def _starts(first: int, end: int, last: int, begin: int, height: int) -> Iterator[tuple[int, int]]:
    """Windows that cover ``begin`` to ``last``, cut so that the rows in view begin one."""
    at = begin
    while at < last:
        border = next(edge for edge in (first, end, last) if edge > at)
        yield at, min(at + height, border)
        at = min(at + height, border)


class _Drawn:
    """What is in view, block by block, filled window by window.

    Args:
        rows, columns: the queries and keys in view, first and one past the last.
        block: queries and keys to a cell.

    Attributes:
        values: each block's largest number.
        rows, columns: where it stands, int32.
        masked: whether all of the block is masked.
    """

    def __init__(
        self, rows: tuple[int, int], columns: tuple[int, int], block: tuple[int, int]
    ) -> None:
        self._first, self._block = (rows[0], columns[0]), block
        shape = -(-(rows[1] - rows[0]) // block[0]), -(-(columns[1] - columns[0]) // block[1])
        self._shape = shape
        self.values: Array = np.empty(0)
        self.masked: Array = np.empty(shape, bool)
        if block == (1, 1):  # then each place is its own: two rulers say it, in no memory
            at_R = np.arange(*rows, dtype=np.int32)
            at_C = np.arange(*columns, dtype=np.int32)
            self.rows: Array = np.broadcast_to(at_R[:, None], shape)
            self.columns: Array = np.broadcast_to(at_C, shape)
        else:
            self.rows, self.columns = np.empty(shape, np.int32), np.empty(shape, np.int32)

    def add(self, matrix_QS: Array, look_QS: Array, start: int) -> None:
        """The columns in view of a window of queries, which ends where a block ends."""
        if not self.values.size:
            self.values = np.empty(self._shape, matrix_QS.dtype)
        (down, across), (n_rows, n_columns) = self._block, matrix_QS.shape
        first = (start - self._first[0]) // down
        cells = slice(first, first + -(-n_rows // down))
        if self._block == (1, 1):
            self.values[cells] = matrix_QS
            np.logical_not(look_QS, out=self.masked[cells])
            return
        r, c = -(-n_rows // down), -(-n_columns // across)
        padded = np.full((r * down, c * across), -np.inf, matrix_QS.dtype)
        padded[:n_rows, :n_columns] = np.where(look_QS, matrix_QS, -np.inf)
        blocks = padded.reshape(r, down, c, across).transpose(0, 2, 1, 3).reshape(r, c, -1)
        # NaN, of a network that diverged, is what stands out most.
        best = np.where(np.isnan(blocks), np.inf, blocks).argmax(-1)
        rows: Array = np.arange(r)[:, None] * down + best // across
        columns: Array = np.arange(c)[None, :] * across + best % across
        rows, columns = np.minimum(rows, n_rows - 1), np.minimum(columns, n_columns - 1)
        seen = np.zeros(padded.shape, bool)
        seen[:n_rows, :n_columns] = look_QS
        self.masked[cells] = np.logical_not(seen.reshape(r, down, c, across).any((1, 3)))
        self.values[cells] = matrix_QS[rows, columns]
        self.rows[cells] = rows + start
        self.columns[cells] = columns + self._first[1]


class _Tally:
    """Sums over all queries of a head."""

    def __init__(self, *, causal: bool) -> None:
        self._causal = causal
        self.largest = self.largest_but_first = -np.inf
        self._sums = np.zeros(4)  # first, previous, itself, following
        self._n_queries = self._n_previous = self._n_following = 0

    def add(self, matrix_QS: Array, look_QS: Array, start: int) -> None:
        n_queries, n_keys = matrix_QS.shape
        largest_S = np.fmax.reduce(np.where(look_QS, matrix_QS, -np.inf), 0)
        self.largest = float(np.fmax(self.largest, np.fmax.reduce(largest_S)))
        if n_keys > 1:
            rest = np.fmax.reduce(largest_S[1:])
            self.largest_but_first = float(np.fmax(self.largest_but_first, rest))
        at = np.arange(start, start + n_queries)
        counted = at >= (1 if self._causal else 0)
        local, at = np.flatnonzero(counted), at[counted]
        self._sums[0] += matrix_QS[local, 0].sum()
        self._sums[2] += matrix_QS[local, at].sum()
        self._n_queries += len(at)
        back = at >= 1
        self._sums[1] += matrix_QS[local[back], at[back] - 1].sum()
        self._n_previous += int(back.sum())
        ahead = at + 1 < n_keys
        self._sums[3] += matrix_QS[local[ahead], at[ahead] + 1].sum()
        self._n_following += int(ahead.sum())

    def shares(self) -> Shares | None:
        if not self._n_previous:
            return None
        first, previous, itself, following = self._sums
        return Shares(
            first=float(first / self._n_queries),
            previous=float(previous / self._n_previous),
            itself=float(itself / self._n_queries),
            n_queries=self._n_queries,
            following=None if self._causal else float(following / max(1, self._n_following)),
        )

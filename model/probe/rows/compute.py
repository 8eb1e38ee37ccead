"""An activation of many positions: window by window, pooled to what is drawn.

Shape suffixes: R rows (positions, queries), C columns (dimensions, keys).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from model.bench import Bench
from model.bench.looking import WINDOW
from model.operations import PROBABILITIES, Operation, aliases, shape_of
from model.probe.pattern.masks import may_look
from model.probe.question import Answer, Array, read_only
from model.probe.rows.asks import Rows, RowsFound
from model.probe.tensors.compute import to_array
from model.probe.weights.compute import farthest
from model.subject import Subject
from model.transformer import Transformer

MOST_NUMBERS = 4_000_000
"""That are held at once: 80 positions of the scores of a vocabulary of 50,000."""


def answer(question: Rows, subject: Subject, bench: Bench) -> Iterator[Answer | None]:
    """A window of positions a slice."""
    network = bench.network(subject)
    name = aliases(network.config).get(question.of, question.of)
    op = next((op for op in network.operations if op.output == name), None)
    n = subject.n_tokens
    first, end = (0, n) if question.rows is None else question.rows
    first = max(0, min(first, n - 1))
    end = max(first + 1, min(end, n))
    if op is None or name == PROBABILITIES:
        nothing = read_only(np.zeros((0, 0)))
        yield RowsFound(
            subject=subject,
            question=question,
            activation="",
            letters="TD",
            rows=(first, end),
            n_columns=0,
            block=(1, 1),
            values_RC=nothing,
            rows_RC=nothing,
            columns_RC=nothing,
            masked_RC=nothing,
            index=(),
        )
        return
    index = index_of(op, network, question.head)
    shape = shape_of(op, network.config, 1, n)
    free = [i for i, place in enumerate(index) if place is None]
    n_columns = shape[free[1]] if len(free) > 1 else 1
    down = -(-(end - first) // max(1, question.most[0]))
    across = -(-n_columns // max(1, question.most[1]))
    width = shape[2] if len(shape) > 2 and op.shape[2] == "V" else n_columns
    height = max(1, min(WINDOW, MOST_NUMBERS // max(1, width)) // down) * down
    parts: list[tuple[Array, Array, Array, Array]] = []
    for start in range(first, end, height):
        stop = min(start + height, end)
        matrix_RC = _read(op, subject, bench, index, start, stop)
        hidden_RC = _hidden(op, matrix_RC, subject, bench, network, start, stop)
        parts.append(_pooled(matrix_RC, hidden_RC, (down, across), start))
        yield None
    values, rows, columns, masked = (np.concatenate(each) for each in zip(*parts))
    yield RowsFound(
        subject=subject,
        question=question,
        activation=op.output,
        letters="".join(op.shape[i] for i in free) if len(free) > 1 else op.shape[free[0]] + "1",
        rows=(first, end),
        n_columns=n_columns,
        block=(down, across),
        values_RC=read_only(values),
        rows_RC=read_only(rows),
        columns_RC=read_only(columns),
        masked_RC=read_only(masked),
        index=index,
    )


def index_of(op: Operation, network: Transformer, head: int) -> tuple[int | None, ...]:
    """The full index of a matrix of an operation's output: None at its rows and its columns.

    Of heads it is the asked one's; of experts that were chosen the one that counts most.
    """
    config = network.config
    head = max(0, min(head, config.n_heads - 1))
    group = head * config.n_kv_heads // config.n_heads
    at: list[int | None] = []
    for i, letter in enumerate(op.shape):
        last = i == len(op.shape) - 1
        if letter in "TQ" or (last and letter != "1"):
            at.append(None)
        elif letter in "HG":
            of_scales = op.shape[i + 1 :] == "1"
            at.append(None if of_scales else head if letter == "H" else group)
        else:
            at.append(0)
    if at.count(None) < 2 and op.shape[-1] == "1":
        at[-1] = None
    return tuple(at)


def _read(
    op: Operation,
    subject: Subject,
    bench: Bench,
    index: tuple[int | None, ...],
    start: int,
    stop: int,
) -> Tensor:
    """Some positions as a matrix."""
    if op.shape == "BHQS" and op.layer is not None:
        tail = op.output.rpartition("hook_")[2]
        heads = (index[1],) if index[1] is not None else None
        return bench.pattern(subject, op.layer, heads, start, stop, tail)[0]
    tensor = bench.values(subject, (op.output,), start, stop)[op.output]
    place = tuple(slice(None) if i is None else i for i in index)
    matrix = tensor[place]
    return matrix if matrix.ndim > 1 else matrix[:, None]


def _hidden(
    op: Operation,
    matrix_RC: Tensor,
    subject: Subject,
    bench: Bench,
    network: Transformer,
    start: int,
    stop: int,
) -> Array:
    """What a query may not look at."""
    hidden: Array = to_array(matrix_RC.isneginf())
    if op.shape != "BHQS" or op.layer is None or bench.concerns(subject, op.layer):
        return hidden
    config = network.config
    window = config.window_at(op.layer)
    look_QS = may_look(config, window, start, stop, subject.n_tokens)
    unseen: Array = np.logical_or(hidden, ~look_QS)
    return unseen


def _pooled(
    matrix_RC: Tensor, hidden_RC: Array, block: tuple[int, int], start: int
) -> tuple[Array, Array, Array, Array]:
    """Of each block the number farthest from 0 that is not hidden, and where it stands."""
    n_rows, n_columns = matrix_RC.shape
    seen = matrix_RC.masked_fill(torch.from_numpy(hidden_RC).to(matrix_RC.device), 0)
    if block == (1, 1):
        rows: Array = np.broadcast_to(
            np.arange(start, start + n_rows, dtype=np.int32)[:, None], (n_rows, n_columns)
        )
        columns = np.broadcast_to(np.arange(n_columns, dtype=np.int32), (n_rows, n_columns))
        return to_array(seen), rows, columns, hidden_RC
    values, at_rows, at_columns = farthest(seen, *block)
    high, wide = values.shape
    padded = np.ones((high * block[0], wide * block[1]), np.bool_)
    padded[:n_rows, :n_columns] = hidden_RC
    masked: Array = np.logical_and.reduce(
        padded.reshape(high, block[0], wide, block[1]), axis=(1, 3)
    )
    return to_array(values), to_array(at_rows) + start, to_array(at_columns), masked

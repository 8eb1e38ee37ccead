"""Where the rows of an operation map stand, and which lines join them.

Derived from the list of operations alone, so that another architecture draws itself. Knows the
operations' names, groups and inputs; neither Qt nor a trace.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from model.operations import Operation

_GROUP_LABELS = {"attention": "Attention", "mlp": "MLP"}


_ROOMY_TO_TIGHT = ((24.0, 4.0), (22.0, 4.0), (20.0, 3.0), (18.0, 3.0))
"""Heights of a row and of the gap below it."""


class OperationGraph:
    """What reads what, by index into the list of operations.

    Attributes:
        operations: the forward pass, in order.
        inputs: for each operation, the operations that it reads.
        readers: for each operation, the operations that read it.
        stream: operations whose output is the residual stream: sums, and what the first sum
            adds to.
    """

    def __init__(self, operations: Sequence[Operation]) -> None:
        self.operations = tuple(operations)
        index = {op.output: i for i, op in enumerate(self.operations)}
        self.inputs = tuple(
            tuple(index[name] for name in op.inputs if name in index) for op in self.operations
        )
        readers: list[list[int]] = [[] for _ in self.operations]
        for i, sources in enumerate(self.inputs):
            for source in sources:
                readers[source].append(i)
        self.readers = tuple(tuple(some) for some in readers)
        sums = [i for i, op in enumerate(self.operations) if op.kind == "add"]
        self.stream = frozenset(sums) | {self.inputs[i][0] for i in sums if self.inputs[i]}

    def sums_of(self, index: int) -> tuple[int, ...]:
        """The sums that add this operation's output to the stream."""
        return tuple(
            reader
            for reader in self.readers[index]
            if self.operations[reader].kind == "add" and self.inputs[reader][0] != index
        )

    def written_by(self, first: int, last: int) -> tuple[int, ...]:
        """What the operations ``first`` to ``last`` add to the stream (inclusive)."""
        return tuple(i for i in range(first, last + 1) if i not in self.stream and self.sums_of(i))


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the map.

    Attributes:
        kind: one operation, the head of a block, or a part of a folded block.
        label: what it says.
        first, last: the operations that it stands for, inclusive.
        layer: of which block, None outside the blocks.
        unfolded: of a head: whether the block's operations are shown.
        top, height: where it is, in pixels from the map's top.
    """

    kind: Literal["operation", "section", "folded"]
    label: str
    first: int
    last: int
    layer: int | None
    unfolded: bool
    top: float
    height: float

    @property
    def key(self) -> tuple[str, int]:
        """What stays the same when the map is laid out anew."""
        return self.kind, self.first

    @property
    def middle(self) -> float:
        return self.top + self.height / 2

    def holds(self, index: int) -> bool:
        """Whether this line stands for an operation."""
        return self.kind != "section" and self.first <= index <= self.last


@dataclass(frozen=True, slots=True)
class Spacing:
    """Heights in pixels."""

    row: float = 22.0
    gap: float = 4.0
    section: float = 20.0
    margin: float = 8.0


def lay_out(
    graph: OperationGraph, unfolded: Collection[int], spacing: Spacing
) -> tuple[tuple[Row, ...], float]:
    """The rows from top to bottom, and the height of all of them.

    Args:
        graph: the operations.
        unfolded: blocks whose operations are shown one by one.
        spacing: heights.
    """
    rows: list[Row] = []
    top = spacing.margin

    def add(
        kind: Literal["operation", "section", "folded"],
        label: str,
        first: int,
        last: int,
        layer: int | None,
    ) -> None:
        nonlocal top
        height = spacing.section if kind == "section" else spacing.row
        is_open = layer in unfolded
        rows.append(Row(kind, label, first, last, layer, is_open, top, height))
        top += height + (0 if kind == "section" else spacing.gap)

    at = 0
    for layer, members in groupby(graph.operations, key=lambda op: op.layer):
        block = tuple(members)
        if rows:
            top += spacing.gap
        if layer is not None:
            add("section", f"Block {layer}", at, at + len(block) - 1, layer)
        if layer is None or layer in unfolded:
            for offset, op in enumerate(block):
                add("operation", op.label, at + offset, at + offset, layer)
        else:
            first = at
            for group, part in groupby(block, key=lambda op: op.group):
                last = first + len(tuple(part)) - 1
                add("folded", _GROUP_LABELS.get(group, group.capitalize()), first, last, layer)
                first = last + 1
        at += len(block)
    return tuple(rows), top - spacing.gap + spacing.margin


def lay_out_in(
    graph: OperationGraph, unfolded: Collection[int], height: float
) -> tuple[tuple[Row, ...], float]:
    """The same as roomy as it can be without scrolling; as usual where it scrolls anyway."""
    for row, gap in _ROOMY_TO_TIGHT:
        rows, needed = lay_out(graph, unfolded, Spacing(row=row, gap=gap))
        if needed <= height:
            return rows, needed
    return lay_out(graph, unfolded, Spacing())


def strip_operation(row: Row, graph: OperationGraph) -> int | None:
    """Whose values a row shows: the operation's own, or what a folded part writes."""
    if row.kind == "operation":
        return row.first
    written = graph.written_by(row.first, row.last) if row.kind == "folded" else ()
    return written[-1] if written else None


def ratio_names(row: Row, graph: OperationGraph) -> tuple[str, str] | None:
    """What a part writes and the stream that it is added to."""
    written = graph.written_by(row.first, row.last)
    if not written:
        return None
    total = graph.sums_of(written[-1])[0]
    ops = graph.operations
    return ops[written[-1]].output, ops[graph.inputs[total][0]].output


def blocks_between(
    graph: OperationGraph, rows: Sequence[Row], top: float, bottom: float
) -> tuple[Row, ...]:
    """The rows of all blocks that lie between two heights, be it in part; and of both ends.

    Args:
        graph: the operations.
        rows: of the map.
        top, bottom: in pixels from the map's top.
    """

    def part(row: Row) -> object:
        return graph.operations[row.first].group if row.layer is None else row.layer

    near = {part(row) for row in rows if row.top + row.height > top and row.top < bottom}
    return tuple(row for row in rows if part(row) in near)


def lanes(graph: OperationGraph, visible: Sequence[int]) -> dict[int, int]:
    """A lane for every output that a later row than the next one reads, or the stream.

    Outputs whose ways overlap get different lanes; lane 0 is nearest to the rows.

    Args:
        graph: the operations.
        visible: the operations that have rows of their own, in order.
    """
    row_of = {op: row for row, op in enumerate(visible)}
    ends: list[int] = []
    result: dict[int, int] = {}
    for op in visible:
        readers = [reader for reader in graph.readers[op] if reader in row_of]
        straight = all(row_of[r] == row_of[op] + 1 and r not in graph.stream for r in readers)
        if op in graph.stream or not readers or straight:
            continue
        last = max(row_of[reader] for reader in readers)
        # A lane may end and another begin in one row: it is entered above the middle of a row
        # and left below it.
        lane = next((i for i, end in enumerate(ends) if end <= row_of[op]), len(ends))
        if lane == len(ends):
            ends.append(last)
        ends[lane] = last
        result[op] = lane
    return result


def scroll_to_see(row: Row, at: int, page: int, most: int) -> int:
    """Where to scroll so that a row is seen with some of its surroundings.

    Args:
        row: which.
        at: where the map is scrolled to.
        page: height of what is seen.
        most: as far as it can be scrolled.
    """
    around = min(2.5 * row.height, max(0.0, (page - row.height) / 2))
    low, high = row.top + row.height + around - page, row.top - around
    return round(min(max(min(max(at, low), high), 0), most))


def shown_of(
    rows: Sequence[Row], graph: OperationGraph, *, folded: bool
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Operations that rows show one by one, and what folded parts write.

    Args:
        rows: that are in view, or nearly.
        graph: whose operations.
        folded: whether what these write is drawn as values; elsewhere they say how much it is.
    """
    alone = tuple(row.first for row in rows if row.kind == "operation")
    if not folded:
        return alone, ()
    written = (strip_operation(row, graph) for row in rows if row.kind == "folded")
    return alone, tuple(index for index in written if index is not None)

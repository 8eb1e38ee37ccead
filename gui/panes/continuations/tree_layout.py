"""Where the nodes of a tree of continuations stand: a column a depth, a row a last token.

Knows the answer and sizes; no Qt widget, no store.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF

from model.probe.continuations.asks import ROOT, ContinuationsFound

ROW = 24.0
HIGHEST_ROW = 34.0
THICKEST = 16.0
"""Of a branch that is certain; a probability is drawn as its share of that."""
THINNEST = 1.0
BRANCH = 34.0
"""Of a column, for the branches; the rest is for words."""
LEAST_COLUMN = 104.0
LEAST_OF_TWO = 164.0
"""Of a column in which both sides' figures stand."""
WIDEST_COLUMN = 210.0
ROOT_WIDTH = 118.0


@dataclass(frozen=True, slots=True)
class Node:
    """One token's place.

    Attributes:
        index: in the answer; `ROOT` for the text itself.
        box: of its words.
        thickness: of the branch that leads to it; 0 for the text.
        kept: whether a continuation that was followed to its end goes through it.
    """

    index: int
    box: QRectF
    thickness: float
    kept: bool

    @property
    def entry(self) -> QPointF:
        """Where the branch from the node before ends."""
        return QPointF(self.box.left(), self.box.center().y())

    @property
    def exit(self) -> QPointF:
        """Where branches to the nodes after begin."""
        return QPointF(self.box.right(), self.box.center().y())


@dataclass(frozen=True, slots=True)
class TreeLayout:
    """All places, the text itself first.

    Attributes:
        nodes: by index in the answer, and the text's under `ROOT`.
        width, height: of the whole.
        column: width of one.
    """

    nodes: dict[int, Node]
    width: float
    height: float
    column: float

    def at(self, point: QPointF) -> int | None:
        """The node under a point; the text itself is none."""
        for node in self.nodes.values():
            if node.index != ROOT and node.box.contains(point):
                return node.index
        return None


def laid_out(
    found: ContinuationsFound,
    width: float,
    height: float,
    measure: Callable[[int], float],
    kept: Collection[int] | None = None,
    least: float = LEAST_COLUMN,
) -> TreeLayout:
    """Places for a tree in a room: rows are as high as fits, from `ROW` on.

    Args:
        found: the tree.
        width, height: of the room; the whole may be larger.
        measure: how wide the words of a node are.
        least: width of a column.
        kept: nodes that stand out; those that were followed to their end, if left out.
    """
    rows = {index: place for place, index in enumerate(_leaves(found, ROOT))}
    depth = int(found.depths.max()) if len(found.depths) else 0
    high = min(HIGHEST_ROW, max(ROW, height / max(1, len(rows))))
    column = min(WIDEST_COLUMN, max(least, (width - ROOT_WIDTH) / max(1, depth)))
    if kept is None:
        kept = {node for last in found.best for node in found.path(last)}
    middles = dict[int, float]()
    _place(found, ROOT, rows, high, middles)
    nodes = {ROOT: Node(ROOT, QRectF(0, middles[ROOT] - high / 2, ROOT_WIDTH, high), 0.0, True)}
    for index in range(len(found.ids)):
        left = ROOT_WIDTH + (int(found.depths[index]) - 1) * column
        room = column - BRANCH
        box = QRectF(left + BRANCH, middles[index] - high / 2, min(room, measure(index)), high)
        thickness = max(THINNEST, THICKEST * float(found.probabilities[index]))
        nodes[index] = Node(index, box, thickness, index in kept)
    whole = ROOT_WIDTH + depth * column
    return TreeLayout(nodes, whole, max(1, len(rows)) * high, column)


def _leaves(found: ContinuationsFound, node: int) -> Iterator[int]:
    """The nodes that nothing follows, from top to bottom."""
    children = found.children(node)
    if not children:
        yield node
    for child in children:
        yield from _leaves(found, child)


def _place(
    found: ContinuationsFound,
    node: int,
    rows: dict[int, int],
    high: float,
    middles: dict[int, float],
) -> float:
    """The height of a node: its own row, or the likeliest child's."""
    children = found.children(node)
    if children:
        places = [_place(found, child, rows, high, middles) for child in children]
        middles[node] = places[0]  # the likeliest way is straight
    else:
        middles[node] = (rows[node] + 0.5) * high
    return middles[node]

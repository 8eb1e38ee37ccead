"""Which nodes and edges lie on a path through a node or an edge. Knows indices only."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

Lit = tuple[frozenset[int], frozenset[int]]


@dataclass(frozen=True, slots=True)
class Paths:
    """A graph without circles.

    Attributes:
        edges: index, source and goal of each.
    """

    edges: tuple[tuple[int, int, int], ...] = ()

    def through_node(self, node: int) -> Lit:
        """All that leads to a node and all that it leads to: nodes, edges."""
        return _joined((self._one_way(node, 2, 1), self._one_way(node, 1, 2)))

    def through_edge(self, index: int) -> Lit:
        """The same through an edge."""
        own = next(edge for edge in self.edges if edge[0] == index)
        before = self._one_way(own[1], 2, 1)
        behind = self._one_way(own[2], 1, 2)
        return _joined((before, behind, (frozenset(own[1:]), frozenset((index,)))))

    def _one_way(self, node: int, start: int, end: int) -> Lit:
        nodes, edges, ahead = {node}, set[int](), {node}
        while ahead:
            fresh = [edge for edge in self.edges if edge[start] in ahead]
            edges.update(edge[0] for edge in fresh)
            ahead = {edge[end] for edge in fresh} - nodes
            nodes |= ahead
        return frozenset(nodes), frozenset(edges)


def _joined(some: Iterable[Lit]) -> Lit:
    nodes, edges = zip(*some, strict=True)
    return frozenset().union(*nodes), frozenset().union(*edges)

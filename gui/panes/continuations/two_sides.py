"""Two trees of continuations as one: what either side would say, and how likely both find it.

Both sides are first asked for their own likeliest continuations, then for the chances of all of
either's: so every token of the merged tree has two exact probabilities. Knows answers and the
comparison; no widget.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from gui.panes.base import NO_TOKEN, Pane
from gui.session.sides import Sides
from model.probe.chances.asks import Chances, ChancesFound
from model.probe.continuations.asks import ROOT, Continuations, ContinuationsFound
from model.probe.question import Array, Question


@dataclass(frozen=True, slots=True, eq=False)
class BothTrees:
    """The merged tree. Shape suffix: N nodes.

    Attributes:
        tree: its tokens, with the probabilities of the side in view.
        a_N, b_N: each token's probability after those before it, on either side.
        a_joint_N, b_joint_N: of all tokens up to and with it.
        of_a_N, of_b_N: whether it is among the side's own likeliest.
        sides: what both are called.
    """

    tree: ContinuationsFound
    a_N: Array
    b_N: Array
    a_joint_N: Array
    b_joint_N: Array
    of_a_N: Array
    of_b_N: Array
    sides: Sides

    def likeliest(self, joint_N: Array) -> tuple[int, ...]:
        """The nodes of the continuation that a side finds likeliest, to its end."""
        tree = self.tree
        if not len(tree.ids):
            return ()
        deepest = int(tree.depths.max())
        ends = np.flatnonzero((tree.depths == deepest) | tree.ends)
        if not len(ends) or not np.isfinite(joint_N[ends]).any():
            return ()
        return tree.path(int(ends[np.nanargmax(joint_N[ends])]))

    @property
    def parting(self) -> tuple[int, int] | None:
        """The first nodes at which both sides' likeliest continuations differ; None if they don't.

        The one that A goes on with, then B's.
        """
        a, b = self.likeliest(self.a_joint_N), self.likeliest(self.b_joint_N)
        return next(((x, y) for x, y in zip(a, b) if x != y), None)

    @property
    def changed_most(self) -> int | None:
        """The token whose probability differs most among those that follow what both may say."""
        if not len(self.a_N):
            return None
        # A difference far down a way that neither goes says nothing.
        before = [self._before(node) for node in range(len(self.a_N))]
        return int(np.nanargmax(np.abs(self.b_N - self.a_N) * before))

    def _before(self, node: int) -> float:
        parent = int(self.tree.parents[node])
        if parent == ROOT:
            return 1.0
        return float(max(self.a_joint_N[parent], self.b_joint_N[parent]))

    def columns(self) -> dict[str, Array]:
        """Both sides and their difference, a row a node."""
        a, b = self.sides.names
        return {
            a: self.a_N,
            b: self.b_N,
            self.sides.difference: self.b_N - self.a_N,
            f"cumulative {a}": self.a_joint_N,
            f"cumulative {b}": self.b_joint_N,
            f"found by {a}": self.of_a_N.astype(np.int8),
            f"found by {b}": self.of_b_N.astype(np.int8),
        }


class TwoTrees:
    """What the pane asks both sides, and what came.

    Args:
        pane: whose answers are compared.
    """

    def __init__(self, pane: Pane) -> None:
        self._pane = pane
        self._merged: tuple[tuple[object, ...], BothTrees] | None = None

    @property
    def wanted(self) -> bool:
        """Whether the difference is shown, of sides that mean the same by a token."""
        comparing = self._pane.store.comparing
        return comparing.shows_difference and not comparing.no_predictions

    def questions(self, own: Continuations) -> Mapping[str, Question]:
        """What the side in view is asked beside its tree."""
        paths = self._paths(own)
        return {"chances": Chances(own.position, paths, own.sampling)} if paths else {}

    def other_questions(self, own: Continuations) -> Mapping[str, Question]:
        """What the other side is asked."""
        theirs = self._theirs(own)
        if theirs is None:
            return {}
        asked: dict[str, Question] = {"tree": theirs}
        if paths := self._paths(own):
            asked["chances"] = Chances(theirs.position, paths, own.sampling)
        return asked

    def why_alone(self, position: int) -> str:
        """Why the side in view stands alone although the difference is chosen; empty if not."""
        comparing = self._pane.store.comparing
        if not comparing.shows_difference:
            return ""
        if comparing.no_predictions:
            return comparing.no_predictions
        if comparing.other_position(position) is None:
            return NO_TOKEN
        return self._pane.other_problem("tree") or self._problem()

    def _problem(self) -> str:
        found = self._pane.other("tree", ContinuationsFound)
        return "" if found is None else found.problem

    def _theirs(self, own: Continuations) -> Continuations | None:
        at = self._pane.store.comparing.other_position(own.position)
        return None if at is None or not self.wanted else replace(own, position=at)

    def _trees(self, own: Continuations) -> tuple[ContinuationsFound, ContinuationsFound] | None:
        """Both trees, once both are whole and about what is wanted now."""
        pane, theirs = self._pane, self._theirs(own)
        mine = pane.answered("tree", ContinuationsFound)
        other = pane.other("tree", ContinuationsFound)
        if mine is None or other is None or theirs is None:
            return None
        current = (mine.subject, mine.question) == (pane.store.subject, own)
        whole = mine.is_whole and other.is_whole and not (mine.problem or other.problem)
        return (mine, other) if current and whole and other.question == theirs else None

    def _paths(self, own: Continuations) -> tuple[tuple[int, ...], ...]:
        """The continuations of both trees, each once."""
        both = self._trees(own)
        if both is None:
            return ()
        ways = [way for tree in both for way in _ways(tree)]
        return tuple(dict.fromkeys(ways))

    def merged(self, own: Continuations) -> BothTrees | None:
        """Both trees as one; None while something is still to come, or nothing is compared."""
        both, pane = self._trees(own), self._pane
        mine, theirs = pane.answered("chances", ChancesFound), pane.other("chances", ChancesFound)
        if both is None or mine is None or theirs is None:
            return None
        asked, other = mine.question, theirs.question
        assert isinstance(asked, Chances)
        assert isinstance(other, Chances)
        paths = self._paths(own)
        ready = mine.is_whole and theirs.is_whole and mine.subject == pane.store.subject
        if not ready or (asked.paths, other.paths) != (paths, paths):
            return None
        key = (*both, mine, theirs, pane.store.comparing.sides)
        if self._merged is None or self._merged[0] != key:
            self._merged = key, _merged(both, mine, theirs, pane.store.comparing.sides)
        return self._merged[1]


def _ways(tree: ContinuationsFound) -> list[tuple[int, ...]]:
    """The tokens of every continuation of a tree, to where nothing follows."""
    inner = set(tree.parents.tolist())
    ends = [node for node in range(len(tree.ids)) if node not in inner]
    return [tuple(tree.ids[list(tree.path(node))].tolist()) for node in ends]


def _prefixes(tree: ContinuationsFound) -> dict[tuple[int, ...], int]:
    """Every beginning of a tree's continuations, and its node."""
    return {tuple(tree.ids[list(tree.path(node))].tolist()): node for node in range(len(tree.ids))}


def _merged(
    both: tuple[ContinuationsFound, ContinuationsFound],
    mine: ChancesFound,
    theirs: ChancesFound,
    sides: Sides,
) -> BothTrees:
    own, other = both
    n = len(mine.ids)
    paths = list[tuple[int, ...]]()
    for node in range(n):
        parent = int(mine.parents[node])
        before = () if parent == ROOT else paths[parent]
        paths.append((*before, int(mine.ids[node])))
    found = [_prefixes(tree) for tree in both]
    ends = [
        any(path in known and tree.ends[known[path]] for tree, known in zip(both, found))
        for path in paths
    ]
    tree = replace(
        own,
        ids=mine.ids,
        parents=mine.parents,
        depths=np.array([len(path) for path in paths], np.intp),
        probabilities=mine.probabilities,
        cumulative=mine.cumulative,
        ends=np.array(ends, bool),
        full=own.full or other.full,
    )
    of_own, of_other = (np.array([path in known for path in paths], bool) for known in found)
    a, b = sides.in_order(mine, theirs)
    of_a, of_b = sides.in_order(of_own, of_other)
    return BothTrees(
        tree, a.probabilities, b.probabilities, a.cumulative, b.cumulative, of_a, of_b, sides
    )

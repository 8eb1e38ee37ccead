"""The question for the probabilities of given continuations, and the tree that they make."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from model.probe.continuations.asks import ROOT
from model.probe.question import Answer, Array, Named, Question
from model.sampling import OWN, Sampling

Path = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Chances(Question):
    """How likely each token of some continuations is, whatever else would be likelier.

    What `Continuations` of one subject finds is so asked of another.

    Attributes:
        position: after which they begin.
        paths: the tokens of each.
        sampling: temperature, top-k, top-p, min-p, with which tokens have their probabilities.
    """

    name: ClassVar[str] = "chances"
    title: ClassVar[str] = "chances of continuations"
    position: int
    paths: tuple[tuple[int, ...], ...]
    sampling: Sampling = OWN


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ChancesFound(Answer):
    """A tree, a node a token, parents before their children; what begins alike is there once.

    Attributes:
        ids: ``[N]``, each node's token.
        parents: ``[N]``, index of the node before; `ROOT` for the first tokens.
        probabilities: ``[N]``, of the token after those before it; NaN where the context is full.
        cumulative: ``[N]``, of all tokens up to and with it: their product.
        problem: why there is no distribution (a logit that is not finite); empty if there is one.
    """

    ids: Array
    parents: Array
    probabilities: Array
    cumulative: Array
    problem: str = ""

    def arrays(self) -> Mapping[str, Named]:
        columns = {
            "id": self.ids,
            "parent": self.parents,
            "probability": self.probabilities,
            "cumulative": self.cumulative,
        }
        return {name: Named(values, ("node",)) for name, values in columns.items()}


def tree_of(paths: Sequence[Path]) -> tuple[list[int], list[int]]:
    """Continuations as a tree: the token and the parent of each node, in order of depth."""
    ids, parents = list[int](), list[int]()
    known: dict[tuple[int, int], int] = {}
    at = [ROOT] * len(paths)
    for depth in range(max(map(len, paths), default=0)):
        for which, path in enumerate(paths):
            if depth < len(path):
                key = at[which], path[depth]
                if key not in known:
                    known[key] = len(ids)
                    ids.append(path[depth])
                    parents.append(at[which])
                at[which] = known[key]
    return ids, parents

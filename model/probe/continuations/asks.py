"""The question for the likeliest continuations of a text, and the tree that answers it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from model.probe.question import Answer, Array, Named, Question
from model.sampling import OWN, Sampling

ROOT = -1
"""Parent of the first tokens: the text itself."""


@dataclass(frozen=True, slots=True)
class Continuations(Question):
    """How the text is likely to go on after a position: a beam search, kept as a tree.

    At each depth the `beams` likeliest continuations are kept, by the product of their tokens'
    probabilities, and each of them is tried with its `branches` likeliest next tokens. A likelier
    continuation may hide behind a first token that was not kept.

    Attributes:
        position: after which.
        beams: how many continuations are kept at each depth.
        depth: how many tokens long they are.
        branches: most next tokens of one continuation.
        sampling: temperature, top-k, top-p, min-p, with which tokens have their probabilities.
    """

    name: ClassVar[str] = "continuations"
    title: ClassVar[str] = "continuations"
    position: int
    beams: int = 6
    depth: int = 5
    branches: int = 4
    sampling: Sampling = OWN


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ContinuationsFound(Answer):
    """A tree, a node a token, parents before their children; of one depth the likeliest first.

    Attributes:
        ids: ``[N]``, each node's token.
        parents: ``[N]``, index of the node before; `ROOT` for the first tokens.
        depths: ``[N]``, 1 for the first tokens.
        probabilities: ``[N]``, of the token after those before it.
        cumulative: ``[N]``, of all tokens up to and with it: their product.
        ends: ``[N]``, whether the text ends with the token, so that nothing follows.
        full: the context holds no more tokens, so that the tree is less deep than asked.
        problem: why there is no distribution (a logit that is not finite), where that came from
            and what to do; empty if there is one.
    """

    ids: Array
    parents: Array
    depths: Array
    probabilities: Array
    cumulative: Array
    ends: Array
    full: bool = False
    problem: str = ""

    def arrays(self) -> Mapping[str, Named]:
        columns = {
            "id": self.ids,
            "parent": self.parents,
            "depth": self.depths,
            "probability": self.probabilities,
            "cumulative": self.cumulative,
            "ends": self.ends.astype(np.int8),
        }
        return {name: Named(values, ("node",)) for name, values in columns.items()}

    def path(self, node: int) -> tuple[int, ...]:
        """The nodes from the first token to this one."""
        found: list[int] = []
        while node != ROOT:
            found.append(node)
            node = int(self.parents[node])
        return tuple(reversed(found))

    def children(self, node: int) -> tuple[int, ...]:
        """The nodes that follow one, the likeliest first; the first tokens of `ROOT`."""
        found = np.flatnonzero(self.parents == node)
        return tuple(found[np.argsort(-self.probabilities[found], kind="stable")].tolist())

    @property
    def best(self) -> tuple[int, ...]:
        """The last nodes of the continuations that were followed to their end, likeliest first."""
        deepest = int(self.depths.max()) if len(self.depths) else 0
        last = np.flatnonzero((self.depths == deepest) | self.ends)
        return tuple(last[np.argsort(-self.cumulative[last], kind="stable")].tolist())

    def as_rows(self) -> Mapping[str, list[dict[str, Any]]]:
        rows = [
            {
                "probability": float(self.cumulative[node]),
                "tokens": [{"id": int(self.ids[at])} for at in self.path(node)],
            }
            for node in self.best
        ]
        return {"continuations": rows}

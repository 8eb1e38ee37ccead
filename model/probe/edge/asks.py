"""The question for the heads of one edge between two tokens, and what each promotes there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from model.probe.question import Answer, Array, Named, Question


@dataclass(frozen=True, slots=True)
class Edge(Question):
    """Which heads of a layer read one position from another, and what they write there.

    Attributes:
        layer: of which block.
        query: the position that reads.
        key: the position that is read.
        heads: of how many heads, those that write most along the edge, tokens are told.
        n: how many tokens each.
    """

    name: ClassVar[str] = "edge"
    title: ClassVar[str] = "heads of an edge"
    layer: int
    query: int
    key: int
    heads: int = 8
    n: int = 5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EdgeFound(Answer):
    """What was found. Shape suffixes: H all heads of the layer, N those told of, K tokens.

    Scores are logits: what a vector at the query does to a token's, straight through the final
    norm with the scale that it has there and the unembedding, past all later layers.

    Attributes:
        weight_H: attention weights.
        write_H: length of what each head writes along the edge, ``‖A · v · W_O‖``.
        share_H: the same over the length of the stream at the query before the layer.
        head_N: the heads that write most along the edge, the one that writes most first.
        promoted_NK, promoted_score_NK: the tokens that all that a head writes at the query
            promotes, best first, with their scores. No tokens where the network scores none.
        carried_NK, carried_score_NK: the same of what comes along this edge alone.
        note: what is left out on the way to the tokens; empty if nothing is.
    """

    weight_H: Array
    write_H: Array
    share_H: Array
    head_N: Array
    promoted_NK: Array
    promoted_score_NK: Array
    carried_NK: Array
    carried_score_NK: Array
    note: str = ""

    @property
    def asked(self) -> Edge:
        """The question."""
        assert isinstance(self.question, Edge)
        return self.question

    def arrays(self) -> Mapping[str, Named]:
        at = {"head": self.head_N}
        found = {
            "weight": Named(self.weight_H, ("head",)),
            "write_length": Named(self.write_H, ("head",)),
            "stream_share": Named(self.share_H, ("head",)),
        }
        if self.promoted_NK.size:
            axes = ("head", "place")
            found |= {
                "promoted_id": Named(self.promoted_NK, axes, at),
                "promoted_logit": Named(self.promoted_score_NK, axes, at),
                "carried_id": Named(self.carried_NK, axes, at),
                "carried_logit": Named(self.carried_score_NK, axes, at),
            }
        return found

    def as_rows(self) -> Mapping[str, list[dict[str, Any]]]:
        order = self.head_N.tolist()
        rows: dict[str, list[dict[str, Any]]] = {
            "heads": [
                {
                    "head": head,
                    "weight": float(self.weight_H[head]),
                    "write_length": float(self.write_H[head]),
                    "stream_share": float(self.share_H[head]),
                }
                for head in order
            ]
        }
        for name, ids, scores in (
            ("promoted", self.promoted_NK, self.promoted_score_NK),
            ("carried", self.carried_NK, self.carried_score_NK),
        ):
            rows[name] = [
                {"head": head, "id": int(id), "logit": float(score)}
                for head, own, theirs in zip(order, ids, scores, strict=False)
                for id, score in zip(own, theirs, strict=True)
            ]
        return rows

"""The question for the gradient of a token's loss with respect to every activation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from model.probe.question import Answer, Array, Named, Question, TokenId


@dataclass(frozen=True, slots=True)
class LossFlow(Question):
    """How the loss of one token, -log p, would change with every activation before it.

    The gradient goes back from the scores through the operations, the last first; drawn is its
    length at each operation and position.

    Attributes:
        position: from which the token is predicted.
        target: the token that is to be predicted; if left out the text's own next one, or behind
            its last token the likeliest.
    """

    name: ClassVar[str] = "loss_flow"
    title: ClassVar[str] = "gradient of the loss"
    later: ClassVar[bool] = True
    position: int
    target: TokenId | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LossFlowFound(Answer):
    """Lengths of gradients. Shape suffixes: O operations, T positions, D d_embed.

    Attributes:
        target: id of the token whose loss it is.
        nats: that loss, natural logarithm.
        names: of the activations, in the order in which they are computed.
        layers: of each the block, -1 outside.
        kinds: of the operations that write them.
        norm_OT: of d loss / d activation at each position; of scores and patterns, a query's row.
        embedding_T: of d loss / d token vector: the row of ``hook_embed``.
        along_T: what the loss would change if a token's vector were a little longer: the gradient
            times the vector itself.
    """

    target: int
    nats: float
    names: tuple[str, ...]
    layers: tuple[int, ...]
    kinds: tuple[str, ...]
    norm_OT: Array
    embedding_T: Array
    along_T: Array

    def arrays(self) -> Mapping[str, Named]:
        at = {"operation": np.array(self.names, dtype=np.str_)}
        return {
            "gradient_norm": Named(self.norm_OT, ("operation", "position"), at),
            "embedding": Named(self.embedding_T, ("position",)),
            "along_embedding": Named(self.along_T, ("position",)),
        }

    def as_rows(self) -> Mapping[str, list[dict[str, Any]]]:
        ids = self.subject.ids
        return {
            "tokens": [
                {
                    "position": at,
                    "id": ids[at],
                    "gradient_norm": float(self.embedding_T[at]),
                    "along": float(self.along_T[at]),
                }
                for at in range(len(self.embedding_T))
            ]
        }

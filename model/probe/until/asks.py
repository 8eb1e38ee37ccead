"""The question for the next operation at which something holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, TypeAlias

import numpy as np

from model.probe.question import Answer, Named, Question, TokenId

Condition: TypeAlias = Literal["weight", "token_changes", "token_is", "norm", "not_finite", "kind"]
"""What is waited for; see `Until`."""


@dataclass(frozen=True, slots=True)
class Until(Question):
    """The first operation behind another one at which a condition holds.

    The conditions:

    - ``weight``: a head's weight on a key is above a number;
    - ``token_changes``: the likeliest token of the logit lens is another than at the border before;
    - ``token_is``: it is a given one;
    - ``norm``: the residual stream's vector is longer than a number;
    - ``not_finite``: an operation writes NaN or infinity, at any position (what a mask makes −∞
      does not count; of logits this position's alone are looked at);
    - ``kind``: the operation is of a kind.

    Attributes:
        condition: weight, token_changes, token_is, norm, not_finite or kind.
        position: whose numbers are looked at (the query, for weights).
        after: activation that the operation writes behind which it begins; empty for the start.
        head: whose weight; -1 for any head.
        key: position that is read.
        above: what a weight, or a length, has to exceed.
        token: for token_is.
        kind: of an operation, for kind: pattern, mlp_act, add, ….
    """

    name: ClassVar[str] = "until"
    title: ClassVar[str] = "where a condition holds"
    condition: Condition
    position: int
    after: str = ""
    head: int = -1
    key: int = 0
    above: float = 0.5
    token: TokenId | None = None
    kind: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class UntilFound(Answer):
    """Where it holds first.

    Attributes:
        activation: that the operation writes; empty where it never holds.
        operation: its index among the network's operations; -1 where it never holds.
        label: of the operation.
        layer: its block; None outside the blocks.
        position: where: the question's, but of ``not_finite`` the first that is so.
        head: of a weight, whose it is.
        value: the weight or the length; NaN for other conditions.
        token: the likeliest, of conditions about it.
        probability: of that token at temperature 1; NaN for other conditions.
        before: the likeliest token at the border before, of conditions about tokens.
        n_looked: operations that were gone through.
    """

    activation: str = ""
    operation: int = -1
    label: str = ""
    layer: int | None = None
    position: int = 0
    head: int | None = None
    value: float = np.nan
    token: int | None = None
    probability: float = np.nan
    before: int | None = None
    n_looked: int = 0

    @property
    def holds(self) -> bool:
        """Whether it holds anywhere."""
        return self.operation >= 0

    def arrays(self) -> Mapping[str, Named]:
        return {
            "operation": Named(np.array([self.operation]), ("place",)),
            "position": Named(np.array([self.position]), ("place",)),
            "value": Named(np.array([self.value]), ("place",)),
            "probability": Named(np.array([self.probability]), ("place",)),
        }

    def as_rows(self) -> Mapping[str, list[dict[str, Any]]]:
        if not self.holds:
            return {"stop": []}
        row: dict[str, Any] = {
            "activation": self.activation,
            "operation": self.operation,
            "label": self.label,
            "layer": self.layer,
            "position": self.position,
        }
        if self.head is not None:
            row["head"] = self.head
        if not np.isnan(self.value):
            row["value"] = self.value
        if self.token is not None:
            row |= {"id": self.token, "probability": self.probability}
        return {"stop": [row]}

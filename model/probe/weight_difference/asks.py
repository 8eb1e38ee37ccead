"""The question for how far another model's weights are from one's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from model.probe.question import Answer, Array, Named, Question


@dataclass(frozen=True, slots=True)
class WeightDifference(Question):
    """How far every parameter tensor of another model (B) is from that of this one (A).

    Attributes:
        other: B's id.
        other_step: of a model that learns, after which step.
    """

    name: ClassVar[str] = "weight_difference"
    title: ClassVar[str] = "difference of the weights"
    of_text: ClassVar[bool] = False
    other: int
    other_step: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WeightDifferenceFound(Answer):
    """B − A of the tensors that both have in the same shape. Shape suffix: N tensors.

    Attributes:
        names: of the parameters, in the order in which the operations read them; of a coarse
            answer those that were compared.
        relative_N: ‖B − A‖ / ‖A‖ (Frobenius); infinite where A is all 0 and B is not.
        max_abs_N: the largest |b − a|.
        cosine_N: of both, as vectors of all their numbers; NaN where one is all 0.
        n_changed_N: how many numbers are not exactly the same.
        n_N: how many numbers there are.
        left_out: what can't be compared, a few words each.
    """

    names: tuple[str, ...]
    relative_N: Array
    max_abs_N: Array
    cosine_N: Array
    n_changed_N: Array
    n_N: Array
    left_out: tuple[str, ...] = ()

    def arrays(self) -> Mapping[str, Named]:
        at = {"tensor": np.array(self.names, dtype=np.str_)}
        columns = {
            "relative_norm": self.relative_N,
            "max_abs": self.max_abs_N,
            "cosine": self.cosine_N,
            "n_changed": self.n_changed_N,
            "n": self.n_N,
        }
        return {name: Named(values, ("tensor",), at) for name, values in columns.items()}

    def as_rows(self) -> Mapping[str, list[dict[str, Any]]]:
        return {
            "tensors": [
                {
                    "name": name,
                    "relative_norm": float(self.relative_N[at]),
                    "max_abs": float(self.max_abs_N[at]),
                    "cosine": float(self.cosine_N[at]),
                    "n_changed": int(self.n_changed_N[at]),
                    "n": int(self.n_N[at]),
                }
                for at, name in enumerate(self.names)
            ]
        }

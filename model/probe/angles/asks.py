"""The question how the angles between token vectors are distributed, and its answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from model.probe.question import Answer, Array, Named, Question

N_BINS = 1800
"""From 0 to 180 degrees; the same as `model.vectors.angles`, which is not free of torch."""


@dataclass(frozen=True, slots=True)
class TableAngles(Question):
    """How the angles between all token vectors are distributed, in bins of a tenth of a degree.

    Attributes:
        matrix: the embedding, or the unembedding.
    """

    name: ClassVar[str] = "angles"
    title: ClassVar[str] = "angles between token vectors"
    of_text: ClassVar[bool] = False
    matrix: Literal["W_E", "W_U"] = "W_E"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AnglesFound(Answer):
    """The distribution. Shape suffix: A bins.

    Attributes:
        counts_A: pairs in each bin, ``[1800]``.
        n, d: vectors and dimensions.
        largest_cosine: the largest absolute cosine of the pairs that were looked at.
        exact: whether all pairs were looked at, or those of some rows with all.
        n_left_out: vectors without a direction.
    """

    counts_A: Array
    n: int
    d: int
    largest_cosine: float
    exact: bool
    n_left_out: int

    def arrays(self) -> Mapping[str, Named]:
        at = {"degrees": np.arange(N_BINS) * 180 / N_BINS}
        return {"pairs": Named(self.counts_A, ("degrees",), at)}

    def as_rows(self) -> Mapping[str, list[dict[str, Any]]]:
        return {
            "table": [
                {
                    "vectors": self.n,
                    "dimensions": self.d,
                    "largest_cosine": self.largest_cosine,
                    "all_pairs": self.exact,
                    "left_out": self.n_left_out,
                }
            ]
        }

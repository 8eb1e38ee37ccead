"""How far each tensor of another model is from this one's, as the views of the weights draw it.

Knows an answer; no store, no widget.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from model.counting import counted
from model.probe.question import Named
from model.probe.weight_difference.asks import WeightDifferenceFound

LARGE = 1e4
"""Relative differences from here on are of what was all but 0: the colours end before them."""


@dataclass(frozen=True, slots=True)
class TensorApart:
    """B − A of one tensor; see `WeightDifferenceFound`.

    Attributes:
        relative: ‖B − A‖ / ‖A‖.
        max_abs: the largest |b − a|.
        cosine: of both.
        n_changed, n: how many numbers differ at all, of how many.
    """

    relative: float
    max_abs: float
    cosine: float
    n_changed: int
    n: int

    @property
    def words(self) -> str:
        """In a line, for a tooltip."""
        if not self.n_changed:
            return "B has exactly the same numbers"
        return (
            f"B − A: ‖B − A‖ / ‖A‖ = {self.relative:.4g}, largest {self.max_abs:.4g}, cosine "
            f"{self.cosine:.6f}; {self.n_changed / max(1, self.n):.1%} of the numbers differ"
        )


@dataclass(frozen=True, slots=True, eq=False)
class TwoModels:
    """All tensors that were compared.

    Attributes:
        found: the answer, perhaps still coarse.
        by_name: its rows.
    """

    found: WeightDifferenceFound
    by_name: Mapping[str, TensorApart]

    @classmethod
    def of(cls, found: WeightDifferenceFound) -> TwoModels:
        columns = (
            found.relative_N.tolist(),
            found.max_abs_N.tolist(),
            found.cosine_N.tolist(),
            found.n_changed_N.tolist(),
            found.n_N.tolist(),
        )
        rows = {name: TensorApart(*row) for name, *row in zip(found.names, *columns, strict=True)}
        return cls(found, rows)

    @property
    def limit(self) -> float:
        """Where the colours end: the largest relative difference that is one."""
        there = [
            one.relative
            for one in self.by_name.values()
            if math.isfinite(one.relative) and one.relative < LARGE
        ]
        return max(there, default=0.0) or 1.0

    def amount(self, name: str) -> float | None:
        """From 0 to 1 of the colours; None where a tensor isn't compared, or not yet."""
        one = self.by_name.get(name)
        return None if one is None else min(one.relative / self.limit, 1.0)

    @property
    def words(self) -> str:
        """What differs, in a sentence."""
        if not self.by_name:
            return "no tensor has the same shape in B"
        changed = [name for name, one in self.by_name.items() if one.n_changed]
        n = counted(len(self.by_name), "tensor")
        if not self.found.is_whole:
            return f"B − A: {n} so far"
        left = len(self.found.left_out)
        more = f", {left} not comparable" if left else ""
        if not changed:
            return f"B − A: all of {n} exactly the same{more}"
        most = max(changed, key=lambda name: self.by_name[name].relative)
        relative = self.by_name[most].relative
        return f"B − A: {len(changed)} of {n} differ{more}, most {most}, {relative:.2g} of its norm"

    def arrays(self, names: list[str]) -> dict[str, Named]:
        """For export: a number a tensor of the table, NaN where there is none."""
        at = {"tensor": np.array(names, dtype=np.str_)}
        rows = [self.by_name.get(name) for name in names]
        return {
            f"difference_{column}": Named(
                np.array([getattr(row, column, np.nan) for row in rows], np.float64),
                ("tensor",),
                at,
            )
            for column in ("relative", "max_abs", "cosine", "n_changed")
        }

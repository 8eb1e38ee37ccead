"""The question for what moved between two steps of a training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from model.probe.question import Answer, Array, Named, Question


@dataclass(frozen=True, slots=True)
class WeightsMoved(Question):
    """How far every weight tensor is from where it was at an earlier step.

    Attributes:
        since: the earlier step, one whose weights were kept; -1 for the kept one before, and of a
            model that learns for where it was looked at last.
        tensor: the one that is drawn, as ``blocks.0.attn.W_Q``; empty for the matrix that
            moved farthest.
        cells: of the picture's longer side, at most.
    """

    name: ClassVar[str] = "weights_moved"
    title: ClassVar[str] = "what a step moved"
    of_text: ClassVar[bool] = False
    later: ClassVar[bool] = True
    since: int = -1
    tensor: str = ""
    cells: int = 128


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WeightsMovedFound(Answer):
    """Now − then. Shape suffixes: N tensors, R, C cells of the picture.

    Attributes:
        since, step: the two steps; the second None where that is not known.
        names: of the tensors, in the order in which the operations read them.
        norm_N: ‖now − then‖ (Frobenius).
        relative_N: the same, by ‖then‖; infinite where that is 0 and something moved.
        max_abs_N: the largest |now − then|.
        n_N: how many numbers there are.
        n_moved_N: how many of them are not exactly the same.
        drawn: name of the tensor in the picture; empty where nothing can be drawn.
        shape: of it as a matrix.
        block: rows and columns to a cell.
        picture_RC: of each cell the difference farthest from 0 in its block.
    """

    since: int
    step: int | None
    names: tuple[str, ...]
    norm_N: Array
    relative_N: Array
    max_abs_N: Array
    n_N: Array
    n_moved_N: Array
    drawn: str
    shape: tuple[int, int]
    block: tuple[int, int]
    picture_RC: Array

    @property
    def norm(self) -> float:
        """Of all together: how far the weights went."""
        return float(np.sqrt((self.norm_N.astype(np.float64) ** 2).sum()))

    def arrays(self) -> Mapping[str, Named]:
        at = {"tensor": np.array(self.names, dtype=np.str_)}
        columns = {
            "norm": self.norm_N,
            "relative": self.relative_N,
            "max_abs": self.max_abs_N,
            "n": self.n_N,
            "n_moved": self.n_moved_N,
        }
        found = {name: Named(values, ("tensor",), at) for name, values in columns.items()}
        return {**found, "picture": Named(self.picture_RC, ("row", "column"))}

    def as_rows(self) -> Mapping[str, list[dict[str, Any]]]:
        return {
            "tensors": [
                {
                    "name": name,
                    "norm": float(self.norm_N[at]),
                    "relative": float(self.relative_N[at]),
                    "max_abs": float(self.max_abs_N[at]),
                    "n": int(self.n_N[at]),
                    "n_moved": int(self.n_moved_N[at]),
                }
                for at, name in enumerate(self.names)
            ]
        }

"""The question for lengths of vectors at every position: of the stream, or of what is added."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from model.probe.question import Answer, Array, Named, Question

Of = Literal["stream", "attention", "mlp"]


@dataclass(frozen=True, slots=True)
class Norms(Question):
    """How long vectors are, layer by position.

    Attributes:
        of: the residual stream at every border of a block, or what attention or the MLP of every
            block adds to it.
        positions: which; all if left out.
    """

    name: ClassVar[str] = "norms"
    title: ClassVar[str] = "lengths of the stream"
    of: Of = "stream"
    positions: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NormsFound(Answer):
    """The lengths. Shape suffixes: R rows (borders, or blocks), P positions.

    Attributes:
        names: of the activations.
        positions_P: which positions.
        norms_RP: ‖vector‖.
    """

    names: tuple[str, ...]
    positions_P: Array
    norms_RP: Array

    def arrays(self) -> Mapping[str, Named]:
        at = {"name": np.array(self.names), "position": self.positions_P}
        return {"norm": Named(self.norms_RP, ("name", "position"), at)}

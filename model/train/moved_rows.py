"""How far a tensor has come by a training, as a value. Knows no torch."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Moved:
    """How far a tensor has come.

    Attributes:
        name: in the network's state dict.
        norm: ‖after − before‖ (Frobenius).
        relative: that over ‖before‖; infinite where that is 0.
        effective_rank: of the change of a matrix: the exponential of the entropy of its singular
            values' shares (Roy and Vetterli 2007), 1 for one direction; NaN for vectors, for what
            has not moved, and for tables too large.
    """

    name: str
    norm: float
    relative: float
    effective_rank: float

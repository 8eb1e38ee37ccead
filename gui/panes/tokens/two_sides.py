"""Surprisal of both sides of a comparison, token by token.

Knows two answers and an alignment; no store, no widget.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gui.panes.tokens.chips import Look
from gui.session.comparing import Comparing
from gui.widgets import surprisal
from model.probe.surprisal.asks import SurprisalFound


@dataclass(frozen=True, slots=True, eq=False)
class TwoSides:
    """What is drawn instead of the surprisal of the side in view.

    Attributes:
        theirs_T: the other side's bits, at the tokens that belong to its own; NaN without one.
        apart_T: B − A in bits.
        name: what the difference is called.
        other: what the other side is called.
    """

    theirs_T: NDArray[np.float64]
    apart_T: NDArray[np.float64]
    name: str
    other: str

    @classmethod
    def of(
        cls, bits_T: NDArray[np.float64], found: SurprisalFound, comparing: Comparing
    ) -> TwoSides:
        """Of the bits in view and the other side's answer."""
        theirs_T = np.full(len(bits_T), np.nan)
        for at, its in comparing.alignment.pairs:
            theirs_T[at] = found.bits_T[its]
        apart_T = comparing.sides.minus(bits_T, theirs_T)
        return cls(theirs_T, apart_T, comparing.sides.difference, comparing.sides.other)

    @property
    def limit(self) -> float:
        """End of the colour scale: the largest difference, and not less than a bit."""
        there = np.abs(self.apart_T[np.isfinite(self.apart_T)])
        return max(1.0, float(np.max(there, initial=0.0)))

    @property
    def amounts_T(self) -> NDArray[np.float64]:
        """From -1 to 1 of the scale."""
        amounts: NDArray[np.float64] = self.apart_T / self.limit
        return amounts

    def look(self, index: int) -> Look:
        """How a token's chip looks."""
        apart = float(self.apart_T[index])
        if np.isnan(apart):
            return Look(surprisal.NOTHING, hatched=True)  # without another side
        return Look(surprisal.signed_figure(apart), surprisal.signed_color(apart / self.limit))

    def words(self, index: int) -> str:
        """Both sides of a token; empty for the first, which nothing predicts."""
        apart = float(self.apart_T[index])
        if np.isnan(apart):
            return f"no other side in {self.other}" if index else ""
        return f"{self.other} {self.theirs_T[index]:.3f}, {self.name} {apart:+.3f} bits"

    def columns(self) -> dict[str, NDArray[np.float64]]:
        """For export."""
        return {f"surprisal_bits_{self.other}": self.theirs_T, self.name: self.apart_T}

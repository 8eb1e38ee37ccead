"""What is said of distributions of angles and of how many vectors fit. Knows both; no widget."""

from __future__ import annotations

import math

from gui.panes.angles.angle_view import N_BINS, Shown
from model import messages as m
from model.probe.angles.asks import AnglesFound

HOW_FIT = (
    "Press Count: random vectors are drawn one after the other, and each is kept if it is nearly "
    "orthogonal to all that were kept before it."
)
HOW_TOY = (
    "Press Train: a small network must store features in fewer dimensions than there are, once "
    "for each of seven densities."
)


def within(shown: Shown, degrees: int) -> float:
    """The share of pairs that are so near to 90 degrees."""
    reach, middle = degrees * N_BINS // 180, N_BINS // 2
    inside = int(shown.counts[middle - reach : middle + reach].sum())
    return inside / max(1, int(shown.counts.sum()))


def of_table(found: AnglesFound, shown: Shown, degrees: int) -> str:
    """What the token vectors do."""
    looked = "all pairs" if found.exact else f"{int(found.counts_A.sum()):,} pairs"
    said = (
        f"{within(shown, degrees):.1%} of the pairs of {found.n:,} token vectors are within "
        f"{degrees}° of a right angle ({looked}, {found.d:,} dimensions)"
    )
    return f"{said}."


def of_spread(spread: m.VectorsSpread, shown: Shown, degrees: int) -> str:
    """What the vectors that were made do."""
    nearest = math.degrees(math.acos(min(1.0, spread.largest_cosine)))
    what = (
        f"pushed apart, step {spread.step:,} of {spread.steps:,}" if spread.steps else "at random"
    )
    said = (
        f"{spread.n:,} vectors {what}: {within(shown, degrees):.1%}, the nearest pair "
        f"{nearest:.1f}°"
    )
    if spread.bound > 0:
        best = math.degrees(math.acos(spread.bound))
        said += f"; for so many it can't be above {best:.1f}°"
    return f"{said}."


def of_packed(packed: m.VectorsPacked) -> str:
    """How fast it grows."""
    if not packed.fits:
        return ""
    last = packed.fits[-1]
    beyond = next((fit for fit in packed.fits if fit.n > fit.d), None)
    found = f"at least {last.n:,}" if last.more else f"{last.n:,}"
    said = (
        f"Within {packed.degrees:g}° of orthogonal, {found} vectors were found that fit into "
        f"{last.d:,} dimensions; exactly orthogonal are {last.d:,}."
    )
    if beyond is not None:
        return (
            f"{said} From {beyond.d:,} dimensions on there are more vectors than dimensions: each "
            "further dimension multiplies what fits."
        )
    if packed.done:
        said += " Random vectors waste room: allow a wider angle, or more dimensions."
    return said

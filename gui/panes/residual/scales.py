"""From numbers to colours: the share of a colour map that a number has, and what the ends mean.

Each quantity has one scale. Those of lengths and of differences end at round numbers (1, 2 or 5
times a power of ten), so that they rest while the numbers move. Knows NumPy and the theme; no
widget, no answer.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from gui import theme

Floats = NDArray[np.floating]
Map = Literal["lens", "sequential", "diverging"]


@dataclass(frozen=True, slots=True, eq=False)
class Scaled:
    """Numbers as shares of a colour map.

    Attributes:
        values: the numbers themselves.
        amounts: 0 to 1, or -1 to 1 on the diverging map; NaN is no number.
        map: which.
        low, high: what stands at the ends of its legend.
        titles: what the numbers are, longest wording first.
    """

    values: Floats
    amounts: Floats
    map: Map
    low: str
    high: str
    titles: tuple[str, ...]

    def colors(self, amounts: Floats) -> NDArray[np.uint8]:
        """``[…, 3]`` colours of some of the amounts."""
        return rgb(self.map, amounts)


def rgb(map: Map, amounts: Floats) -> NDArray[np.uint8]:
    """``[…, 3]`` colours of a map."""
    if map == "diverging":
        return theme.diverging_rgb(amounts, 1.0)
    return theme.lens_rgb(amounts) if map == "lens" else theme.sequential_rgb(amounts)


def table(map: Map) -> NDArray[np.uint8]:
    """The 256 colours of a map."""
    tables = {"lens": theme.lens_table, "diverging": theme.diverging_table}
    return tables.get(map, theme.sequential_table)()


def probability(values: Floats, titles: tuple[str, ...]) -> Scaled:
    """Of something that the lens reads."""
    return Scaled(values, np.asarray(values, float), "lens", "0", "1", titles)


def rank(values: Floats, n_ids: int, titles: tuple[str, ...]) -> Scaled:
    """Among all tokens, by its logarithm: 1 is the end of the map."""
    known = np.where(values > 0, values, np.nan)
    amounts = 1 - np.log(known) / math.log(max(n_ids, 2))
    return Scaled(values, amounts, "lens", f"{n_ids:,}", "1", titles)


def entropy(values: Floats, n_ids: int, titles: tuple[str, ...]) -> Scaled:
    """In bits; as many as there could be are the end of the map."""
    most = math.log2(max(n_ids, 2))
    return Scaled(values, values / most, "lens", "0", f"{most:.1f}", titles)


def length(values: Floats, titles: tuple[str, ...]) -> Scaled:
    """Of vectors, by its logarithm."""
    low, high = ends(values)
    with np.errstate(divide="ignore"):
        amounts = np.log(values / low) / math.log(high / low)
    return Scaled(values, amounts, "sequential", written(low), written(high), titles)


def difference(after: Floats, before: Floats, titles: tuple[str, ...], unit: str = "") -> Scaled:
    """After less before."""
    values = after - before
    most = round_up(_largest(values))
    low, high = f"−{most:g}{unit}", f"+{most:g}{unit}"
    return Scaled(values, values / most, "diverging", low, high, titles)


def ratio(after: Floats, before: Floats, titles: tuple[str, ...]) -> Scaled:
    """After over before, by its logarithm: as much to either side is as many times."""
    with np.errstate(divide="ignore", invalid="ignore"):
        values = after / before
        logs = np.where((after == 0) & (before == 0), 0.0, np.log(values))
    most = max(round_up(math.exp(_largest(logs))), 2.0)
    amounts = np.clip(logs / math.log(most), -1, 1)
    return Scaled(values, amounts, "diverging", f"÷ {most:g}", f"× {most:g}", titles)


def ends(values: Floats) -> tuple[float, float]:
    """Round numbers around some positive ones; 1 and 10 where there are none."""
    seen = values[np.isfinite(values) & (values > 0)]
    if not seen.size:
        return 1.0, 10.0
    low, high = round_down(float(seen.min())), round_up(float(seen.max()))
    return (low, high) if high > low else (low, low * 10)


def round_up(value: float) -> float:
    """The least of 1, 2, 5 times a power of ten that is as large; 1 for 0."""
    if value <= 0:
        return 1.0
    tens = 10.0 ** math.floor(math.log10(value))
    return next(step * tens for step in (1, 2, 5, 10) if step * tens >= value * (1 - 1e-9))


def round_down(value: float) -> float:
    """The largest of 1, 2, 5 times a power of ten that is no larger."""
    tens = 10.0 ** math.floor(math.log10(value))
    return next(step * tens for step in (5, 2, 1) if step * tens <= value * (1 + 1e-9))


def written(value: float) -> str:
    """The end of a scale."""
    return f"{value:,.0f}" if value >= 1000 else f"{value:g}".replace("-", "−")


def _largest(values: Floats) -> float:
    finite = np.abs(values[np.isfinite(values)])
    return float(finite.max()) if finite.size else 0.0

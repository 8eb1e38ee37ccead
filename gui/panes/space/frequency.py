"""Colours by how often texts have each token, and how much more often one has it than another.

Plain functions from counts to groups, which a legend names and filters. Knows the theme; no widget,
no store. Shapes: V rows.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from gui import theme
from gui.panes.space.colouring import Coloured, Group

Counts = NDArray[np.integer]
PRIOR = 0.5
"""Added to every count, so that what one text never has is a finite number of times rarer."""
TIMES = (2.0, 8.0)
"""From so many times on a token is called more frequent, and far more."""
N_TYPICAL = 4


def by_count(counts_V: Counts) -> Coloured:
    """By powers of ten: never, once, 2 to 9, 10 to 99 and so on."""
    edges = [0, 1, 2, 10, 100, 1_000, 10_000, 100_000, 1_000_000, np.iinfo(np.int64).max]
    names = ["never", "once"]
    names += [f"{a:,} to {b - 1:,} ×" for a, b in pairwise(edges[2:-1])]
    names.append(f"{edges[-2]:,} × or more")
    group_V = np.searchsorted(edges, counts_V, side="right") - 1
    filled = np.unique(group_V)
    shares = np.linspace(0.3, 1.0, max(2, len(filled)))[: len(filled)]
    tones = [(int(r), int(g), int(b)) for r, g, b in theme.sequential_rgb(shares)]
    if len(filled) and filled[0] == 0:
        tones[0] = _faint()
    place_V = np.searchsorted(filled, group_V)
    return _grouped(place_V, [names[at] for at in filled.tolist()], tones)


def log_ratios(x_V: Counts, y_V: Counts) -> NDArray[np.float64]:
    """How many times more frequent each is in X than in Y, as a logarithm to the base of 2.

    Frequencies are shares of all tokens of a text, so that texts of any length compare.
    """
    n = len(x_V)
    share_x = (x_V + PRIOR) / (x_V.sum() + PRIOR * n)
    share_y = (y_V + PRIOR) / (y_V.sum() + PRIOR * n)
    return np.asarray(np.log2(share_x / share_y))


def by_ratio(x_V: Counts, y_V: Counts, name_x: str, name_y: str) -> Coloured:
    """Far more frequent in X, more in X, alike, more in Y, far more in Y, in neither."""
    ratios_V = log_ratios(x_V, y_V)
    more, far = np.log2(TIMES)
    group_V = np.searchsorted([-far, -more, more, far], ratios_V, side="right")
    group_V = 4 - group_V  # X first
    group_V[(x_V == 0) & (y_V == 0)] = 5
    times = f"{TIMES[0]:g} to {TIMES[1]:g} ×", f"over {TIMES[1]:g} ×"
    names = [
        f"{times[1]} in {name_x}",
        f"{times[0]} in {name_x}",
        f"alike, within {TIMES[0]:g} ×",
        f"{times[0]} in {name_y}",
        f"{times[1]} in {name_y}",
        "in neither",
    ]
    ends = theme.diverging_rgb(np.array([1.0, 0.5, 0.0, -0.5, -1.0]), 1.0)
    tones = [(int(r), int(g), int(b)) for r, g, b in ends]
    dim = theme.current().color("dim")
    tones[2] = dim.red(), dim.green(), dim.blue()
    return _grouped(group_V, names, [*tones, _faint()])


def typical(x_V: Counts, y_V: Counts, k: int = N_TYPICAL) -> tuple[list[int], list[int]]:
    """The rows that are most surely more frequent in X, and in Y.

    By the logarithm of the ratio in units of its standard error (Monroe, Colaresi and Quinn 2008):
    what occurs once says little, however rare it is in the other text.
    """
    n = len(x_V)
    x, y = x_V + PRIOR, y_V + PRIOR
    odds_x = np.log(x / (x_V.sum() + PRIOR * n - x))
    odds_y = np.log(y / (y_V.sum() + PRIOR * n - y))
    surely_V = (odds_x - odds_y) / np.sqrt(1 / x + 1 / y)
    order = np.argsort(-surely_V, kind="stable")
    first = [row for row in order[:k].tolist() if surely_V[row] > 0]
    last = [row for row in order[::-1][:k].tolist() if surely_V[row] < 0]
    return first, last


def _grouped(
    group_V: NDArray[np.integer], names: list[str], tones: list[tuple[int, int, int]]
) -> Coloured:
    counts = np.bincount(group_V, minlength=len(names)).tolist()
    groups = tuple(Group(name, n, tone) for name, n, tone in zip(names, counts, tones))
    return Coloured(np.array(tones, np.uint8)[group_V], groups, group_V.astype(np.int64))


def _faint() -> tuple[int, int, int]:
    color = theme.current().color("faint")
    return color.red(), color.green(), color.blue()

"""Which points are lit, hidden or alone: by groups of the legend, a region, a search.

Plain state and arrays; knows no widget and no store.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QColor

from gui import theme
from gui.panes.space.colouring import Coloured

DIMMED = 0.8
"""How far what is not lit goes towards the ground."""


@dataclass(slots=True)
class Filtering:
    """What a person has chosen to see.

    Attributes:
        by: a key of `gui.panes.space.colouring.BY`.
        hidden: groups of the legend that are not drawn.
        selected: rows that were selected together, ascending.
        found: rows that a search found.
        alone: whether only what is lit is drawn.
    """

    by: str = "one"
    hidden: set[str] = field(default_factory=set)
    selected: NDArray[np.intp] = field(default_factory=lambda: np.empty(0, np.intp))
    found: NDArray[np.intp] = field(default_factory=lambda: np.empty(0, np.intp))
    alone: bool = False

    def forget(self) -> None:
        """Other rows come into view."""
        self.hidden.clear()
        self.selected = self.found = np.empty(0, np.intp)
        self.alone = False

    @property
    def lit(self) -> NDArray[np.intp]:
        """Rows that are lit: those that were selected, or else those that were found."""
        return self.selected if len(self.selected) else self.found

    def shown(self, coloured: Coloured, n: int) -> NDArray[np.bool_]:
        """``[n]``: which points are drawn."""
        shown = np.ones(n, np.bool_)
        if self.hidden and len(coloured.group_V) == n:
            gone = [at for at, group in enumerate(coloured.groups) if group.name in self.hidden]
            shown &= ~np.isin(coloured.group_V, gone)
        lit = self.lit[self.lit < n]
        if self.alone and len(lit):
            alone = np.zeros(n, np.bool_)
            alone[lit] = True
            shown &= alone
        return shown

    def rgb(self, coloured: Coloured) -> NDArray[np.uint8]:
        """The colours; where rows are lit, all others step back."""
        n = len(coloured.rgb_V3)
        lit = self.lit[self.lit < n]
        if not len(lit) or self.alone:
            return coloured.rgb_V3
        t = theme.current()
        ground = np.array(_rgb(t.color("background")), np.float32)
        rgb = coloured.rgb_V3 + (ground - coloured.rgb_V3) * np.float32(DIMMED)
        bright = coloured.rgb_V3[lit]
        rgb[lit] = bright if self.by != "one" else np.array(_rgb(QColor(t.accent)), np.float32)
        return rgb.astype(np.uint8)


def hide(points_V3: NDArray[np.float32], shown_V: NDArray[np.bool_]) -> NDArray[np.float32]:
    """The same points; those that aren't drawn are NaN, which is nowhere."""
    if shown_V.all():
        return points_V3
    return np.where(shown_V[:, None], points_V3, np.float32(np.nan))


def _rgb(color: QColor) -> tuple[int, int, int]:
    return color.red(), color.green(), color.blue()

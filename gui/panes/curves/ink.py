"""The colours of curves: layers from dark to light along one map, what lies outside them its own.

Knows the theme and lines; paints nothing.
"""

from __future__ import annotations

from PySide6.QtGui import QColor

from gui import theme
from gui.panes.curves.series import Line
from gui.theme.color_maps import sequential_color
from model.train.watches import HELD_OUT

_FIRST, _LAST = {"dark": 0.42, "light": 0.46}, {"dark": 1.0, "light": 1.0}


def layer_color(layer: int, n_layers: int) -> QColor:
    """The colour of a block's curves, from the first block to the last."""
    name = theme.current().name
    low, high = _FIRST[name], _LAST[name]
    share = layer / (n_layers - 1) if n_layers > 1 else 0.5
    return sequential_color(low + (high - low) * share)


def color_of(line: Line, n_layers: int) -> QColor:
    """The colour of a curve."""
    t = theme.current()
    if line.layer is not None:
        return layer_color(line.layer, n_layers)
    if line.place in ("validation", HELD_OUT):
        return t.color("text")
    if line.place == "train":
        return t.color("accent", 0.75)
    if line.place == "unembed" or line.place.startswith(("W_U", "b_U", "ln_final")):
        return QColor(t.series[2])
    return QColor(t.series[1])

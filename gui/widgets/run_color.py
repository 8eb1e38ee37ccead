"""The colour of a run among others: the same in every pane. Knows the theme."""

from __future__ import annotations

from PySide6.QtGui import QColor

from gui import theme


def run_color(place: int) -> QColor:
    """Of a run's curve.

    Args:
        place: 0 for the run that is shown, which has the accent; 1, 2, … for those drawn over it.
    """
    series = theme.current().series
    return QColor(series[0] if place == 0 else series[1 + (place - 1) % (len(series) - 1)])

"""Colours that can be read back."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QApplication

from gui import theme


@pytest.mark.parametrize("name", theme.THEMES)
@pytest.mark.parametrize("table", [theme.sequential_table, theme.diverging_table])
def test_every_entry_of_a_colour_map_differs_from_its_neighbours(
    qapp: QApplication, name: str, table
) -> None:
    colours = table(theme.THEMES[name]).astype(int)
    assert (np.abs(np.diff(colours, axis=0)).max(axis=1) > 0).all()


@pytest.mark.parametrize("name", theme.THEMES)
def test_zero_is_in_the_middle_of_the_diverging_map(qapp: QApplication, name: str) -> None:
    one = theme.THEMES[name]
    middle = QColor(one.diverging_stops[len(one.diverging_stops) // 2])
    colours = theme.diverging_table(one).astype(int)
    for entry in (127, 128):
        wanted = (middle.red(), middle.green(), middle.blue())
        assert np.abs(colours[entry] - wanted).max() <= 3


@pytest.mark.parametrize("name", theme.THEMES)
def test_text_can_be_read_on_what_it_stands_on(qapp: QApplication, name: str) -> None:
    one = theme.THEMES[name]
    for ground in (one.background, one.panel, one.raised, one.no_number, *one.chips):
        assert contrast(one.text, ground) >= 4.5
    for ground in (one.background, one.panel):
        assert contrast(one.dim, ground) >= 4.5
        assert contrast(one.accent, ground) >= 4.5


def contrast(a: str, b: str) -> float:
    """Contrast ratio by WCAG 2.1."""
    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def luminance(colour: str) -> float:
    c = QColor(colour)
    linear = [
        v / 12.92 if v <= 0.03928 else ((v + 0.055) / 1.055) ** 2.4
        for v in (c.redF(), c.greenF(), c.blueF())
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

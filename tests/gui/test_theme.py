"""Colours can be told apart and texts be read in both themes; the typefaces are the program's."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from PySide6.QtGui import QColor, QFont, QFontInfo, QFontMetricsF, QPalette
from PySide6.QtWidgets import QApplication

from gui import theme
from gui.widgets.surprisal import ramp
from gui.widgets.text import ink_on

READABLE = 4.5


@pytest.mark.parametrize("name", theme.THEMES)
@pytest.mark.parametrize("table", [theme.sequential_table, theme.diverging_table, theme.lens_table])
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
def test_every_text_can_be_read_on_every_ground(qapp: QApplication, name: str) -> None:
    one = theme.THEMES[name]
    pairs = [(tone, ground) for tone in theme.TEXT_TONES for ground in theme.GROUNDS]
    pairs += [(tone, "accent_soft") for tone in theme.TEXT_TONES if tone != "disabled"]
    pairs += [("on_accent", "accent"), ("text", "active"), ("text", "no_number")]
    poor = {
        f"{tone} on {ground}": ratio
        for tone, ground in pairs
        if (ratio := round(contrast(getattr(one, tone), getattr(one, ground)), 2)) < READABLE
    }
    assert not poor
    for curve in (*one.series, *one.parts):
        for ground in ("background", "panel"):
            assert contrast(curve, getattr(one, ground)) >= READABLE, f"{curve} on {ground}"
    for chip in one.chips:
        assert contrast(one.text, chip) >= READABLE, chip


@pytest.mark.parametrize("name", theme.THEMES)
def test_text_can_be_read_on_every_step_of_surprisal_and_of_a_map(
    qapp: QApplication, name: str
) -> None:
    try:
        one = theme.apply(qapp, name)
        for row in ramp():
            assert contrast(one.text, QColor(*map(int, row)).name()) >= READABLE
        for table in (theme.sequential_table(), theme.diverging_table(), theme.lens_table()):
            for row in table:
                fill = QColor(*map(int, row))
                assert contrast(ink_on(fill).name(), fill.name()) >= READABLE, fill.name()
    finally:
        theme.apply(qapp, "dark")


@pytest.mark.parametrize("name", theme.THEMES)
def test_what_qt_paints_by_itself_can_be_read_too(qapp: QApplication, name: str) -> None:
    colours = theme.palette(theme.THEMES[name])
    roles, groups = QPalette.ColorRole, QPalette.ColorGroup
    for group in (groups.Active, groups.Inactive, groups.Disabled):
        for tone, ground in (
            (roles.WindowText, roles.Window),
            (roles.Text, roles.Base),
            (roles.Text, roles.AlternateBase),
            (roles.ButtonText, roles.Button),
            (roles.ToolTipText, roles.ToolTipBase),
            (roles.PlaceholderText, roles.Base),
            (roles.HighlightedText, roles.Highlight),
            (roles.Link, roles.Base),
        ):
            written, under = colours.color(group, tone), colours.color(group, ground)
            assert contrast(written.name(), under.name()) >= READABLE, (group, tone, ground)


@pytest.mark.parametrize("name", theme.THEMES)
def test_keyboard_selection_and_activity_have_colours_of_their_own(
    qapp: QApplication, name: str
) -> None:
    one = theme.THEMES[name]
    three = [QColor(getattr(one, key)) for key in ("focus", "accent", "active")]
    for a, b in (*pairwise(three), (three[0], three[2])):
        apart = abs(a.red() - b.red()) + abs(a.green() - b.green()) + abs(a.blue() - b.blue())
        assert apart > 100
    for ground in theme.GROUNDS:
        assert contrast(one.focus, getattr(one, ground)) >= 3, "WCAG's least for a mark"


def test_the_typefaces_are_those_that_come_with_the_program(qapp: QApplication) -> None:
    assert theme.load() == ("Inter", "JetBrains Mono")
    assert QFontInfo(theme.sans()).family() == "Inter"
    assert QFontInfo(theme.mono()).family() == "JetBrains Mono"
    assert qapp.font().family() == "Inter"


def test_text_is_twelve_or_thirteen_pixels_and_never_less(qapp: QApplication) -> None:
    assert theme.sans().pixelSize() == theme.mono().pixelSize() == 13
    assert theme.sans(theme.SMALL_FONT_SIZE).pixelSize() == 12
    assert theme.mono(theme.SMALL_FONT_SIZE - 1.5).pixelSize() == 12


@pytest.mark.parametrize("font", [theme.sans, theme.mono])
@pytest.mark.parametrize("bold", [False, True])
def test_digits_have_one_width(qapp: QApplication, font, bold: bool) -> None:
    metrics = QFontMetricsF(font(bold=bold))
    assert len({metrics.horizontalAdvance(digit * 8) for digit in "0123456789"}) == 1


def test_bold_is_bolder(qapp: QApplication) -> None:
    plain, bold = (
        QFontMetricsF(theme.sans(bold=b)).horizontalAdvance("Wave") for b in (False, True)
    )
    assert bold > plain
    assert theme.mono(bold=True).weight() == QFont.Weight.DemiBold


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

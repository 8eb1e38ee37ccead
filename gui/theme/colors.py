"""The named colours of the two themes, and which theme is in force. Knows no widget."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from PySide6.QtGui import QColor


@lru_cache(maxsize=512)
def _color(name: str, alpha: float) -> QColor:
    """Parsed once: a frame of the window asks for hundreds."""
    color = QColor(name)
    color.setAlphaF(alpha)
    return color


@dataclass(frozen=True, slots=True)
class Theme:
    """Named colours, as ``#rrggbb``.

    Attributes:
        background: behind everything and of plots.
        panel: of a pane.
        raised: of a button, a chip, what is under the mouse.
        track, active: of a control with several parts, and of the part that is in force.
        line: borders and grid lines.
        text, dim: two weights of text.
        disabled: text of what can't be used now.
        faint: of thin marks and hatching; never of text, which could not be read.
        accent: the one colour of selection and of positive values.
        accent_soft: ground of what is selected in a list, and of an option that is on.
        focus: the ring around what has the keyboard, unlike any selection.
        negative: of negative values.
        good, warning, bad: of states.
        lens: of what is no output of the network, but read out of its middle.
        query, key, value: of what a position asks for, is found by and hands over.
        no_number: of a cell whose number is none (NaN): on neither colour map.
        chips: fills that tell parts of a network apart; text can be read on all.
        sequential_stops, diverging_stops, lens_stops: of the colour maps, from low to high.
        series: colours of several curves or groups, in order; the first is the accent.
        parts: of the parts of a whole, which are no sign, no change, no query, key or value.
    """

    name: str
    background: str
    panel: str
    raised: str
    track: str
    active: str
    line: str
    text: str
    dim: str
    disabled: str
    faint: str
    accent: str
    accent_soft: str
    on_accent: str
    focus: str
    negative: str
    good: str
    warning: str
    bad: str
    lens: str
    query: str
    key: str
    value: str
    no_number: str
    chips: tuple[str, ...]
    series: tuple[str, ...]
    parts: tuple[str, ...]
    sequential_stops: tuple[str, ...]
    diverging_stops: tuple[str, ...]
    lens_stops: tuple[str, ...]

    def color(self, name: str, alpha: float = 1.0) -> QColor:
        """A named colour, with an opacity of 0 to 1. It is shared: copy it before changing it."""
        return _color(getattr(self, name), alpha)


DARK = Theme(
    name="dark",
    background="#0d1015",
    panel="#141920",
    raised="#1a2029",
    track="#0d1015",
    active="#273140",
    line="#252d38",
    text="#dbe2ea",
    dim="#8894a5",
    disabled="#7f8b9c",
    faint="#566173",
    accent="#56b8ff",
    accent_soft="#162b3e",
    on_accent="#06121c",
    focus="#b48cff",
    negative="#ff9550",
    good="#5fd39a",
    warning="#f0c04f",
    bad="#ff6b6b",
    lens="#c79bff",
    query="#ff7fa8",
    key="#7fd6d6",
    value="#5fd39a",
    no_number="#8a3f86",
    chips=("#24425a", "#4a3a5e", "#3a4d33", "#5a4028", "#52303f", "#2f4a4c", "#474a2b", "#383d5c"),
    series=("#56b8ff", "#ff9550", "#5fd39a", "#c79bff", "#f0c04f", "#ff7fa8", "#7fd6d6", "#b0b8c4"),
    parts=("#c79bff", "#c5d94e", "#d6a67a", "#8c9eff"),
    # Background to accent to near white: more is brighter, as light on a dark stage.
    sequential_stops=("#10161e", "#16344e", "#1f6494", "#56b8ff", "#d9f0ff"),
    diverging_stops=("#ffc9a1", "#ff9550", "#7a4322", "#151a21", "#21557d", "#56b8ff", "#b8e0ff"),
    # As the sequential map, in the colour of the lens: amounts that are no output of the network.
    lens_stops=("#14151e", "#37285a", "#7149b0", "#c79bff", "#f2e8ff"),
)

LIGHT = Theme(
    name="light",
    background="#f3f5f8",
    panel="#ffffff",
    raised="#eaeef3",
    track="#e7ecf1",
    active="#ffffff",
    line="#d3dae3",
    text="#1a222c",
    dim="#525f6b",
    disabled="#5f6b78",
    faint="#8c98a6",
    accent="#0966b3",
    accent_soft="#deedfb",
    on_accent="#ffffff",
    focus="#7a3fc4",
    negative="#ad4b06",
    good="#127044",
    warning="#7d5800",
    bad="#b92a2a",
    lens="#7a46c0",
    query="#c02f68",
    key="#187375",
    value="#127044",
    no_number="#d497cf",
    chips=("#d3e6f6", "#e6dcf2", "#dcecd4", "#f5e3cf", "#f5d9e2", "#d3ebea", "#ecebc8", "#dcdff3"),
    series=("#0966b3", "#ad4b06", "#127044", "#7a46c0", "#7d5800", "#c02f68", "#187375", "#5b6672"),
    parts=("#7a46c0", "#5f7000", "#8a5a2b", "#4353c4"),
    # White to deep blue: more is darker, as ink on paper.
    sequential_stops=("#f7fafd", "#cfe4f6", "#7fb8e6", "#0966b3", "#063d6e"),
    diverging_stops=("#7a3203", "#c2570c", "#f3c6a0", "#fafbfc", "#a5cdee", "#0966b3", "#063d6e"),
    lens_stops=("#fdfbff", "#dccbf3", "#a77fdc", "#6f38b8", "#2c1058"),
)

TEXT_TONES = (
    "text",
    "dim",
    "disabled",
    "accent",
    "negative",
    "good",
    "warning",
    "bad",
    "lens",
    "query",
    "key",
    "value",
)
"""Colours in which something may be written."""
GROUNDS = ("background", "panel", "raised", "track")
"""Colours on which all of them may stand; what is selected stands on `accent_soft`."""

THEMES = {theme.name: theme for theme in (DARK, LIGHT)}

_current = DARK


def current() -> Theme:
    """The theme in force."""
    return _current


def set_current(name: str) -> Theme:
    """Choose a theme by name for everything that paints from now on."""
    global _current  # noqa: PLW0603 - one theme is in force in a process
    _current = THEMES[name]
    return _current

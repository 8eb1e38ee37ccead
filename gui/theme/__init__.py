"""Every colour, size and font of the window, once.

Two themes, dark and light, each designed and not the other inverted; one accent; one sequential
and one diverging colour map, both readable with colour-blind eyes. Knows Qt's palette and style
sheets, no pane.

Widgets ask `current()` when they paint, so that a change of theme needs a repaint and no more.
"""

from __future__ import annotations

from PySide6.QtWidgets import QApplication

from gui.theme import colors
from gui.theme.color_maps import (
    diverging_color,
    diverging_rgb,
    diverging_table,
    lens_rgb,
    lens_table,
    sequential_color,
    sequential_rgb,
    sequential_table,
)
from gui.theme.colors import (
    DARK,
    GROUNDS,
    LIGHT,
    TEXT_TONES,
    THEMES,
    Theme,
    current,
)
from gui.theme.fonts import load, mono, sans
from gui.theme.sizes import (
    CONTROL_HEIGHT,
    FOCUS_WIDTH,
    FONT_SIZE,
    HEADER_HEIGHT,
    LARGE_FONT_SIZE,
    LEAST_FONT_SIZE,
    RADIUS,
    ROW_HEIGHT,
    SMALL_FONT_SIZE,
    SPACE,
    TIGHT,
)
from gui.theme.style_sheet import palette, style_sheet

__all__ = [
    "CONTROL_HEIGHT",
    "DARK",
    "FOCUS_WIDTH",
    "FONT_SIZE",
    "GROUNDS",
    "HEADER_HEIGHT",
    "LARGE_FONT_SIZE",
    "LEAST_FONT_SIZE",
    "LIGHT",
    "RADIUS",
    "ROW_HEIGHT",
    "SMALL_FONT_SIZE",
    "SPACE",
    "TEXT_TONES",
    "THEMES",
    "TIGHT",
    "Theme",
    "apply",
    "current",
    "diverging_color",
    "diverging_rgb",
    "diverging_table",
    "lens_rgb",
    "lens_table",
    "load",
    "mono",
    "palette",
    "sans",
    "sequential_color",
    "sequential_rgb",
    "sequential_table",
    "set_current",
    "set_motion",
    "style_sheet",
]

MOTION_MS = 180
"""How long something moves; 0 where a person has turned motion off."""


_STYLED = "glassformer_styled"


def set_current(name: str) -> Theme:
    """Choose a theme by name for everything that paints from now on."""
    return colors.set_current(name)


def set_motion(on: bool) -> None:
    """Whether things may move."""
    global MOTION_MS  # noqa: PLW0603 - one switch for the process
    MOTION_MS = 180 if on else 0


def apply(app: QApplication, name: str) -> Theme:
    """Dress the whole application in a theme."""
    theme = set_current(name)
    # Once: every widget is measured anew for it, a tenth of a second in a full window.
    if not app.property(_STYLED):
        app.setStyle("Fusion")
        app.setProperty(_STYLED, True)
    app.setPalette(palette(theme))
    app.setFont(sans())
    app.setStyleSheet(style_sheet(theme))
    return theme

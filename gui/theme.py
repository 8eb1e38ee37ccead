"""Every colour, size and font of the window, once.

Two themes, dark and light, each designed and not the other inverted; one accent; one sequential
and one diverging colour map, both readable with colour-blind eyes. Knows Qt's palette and style
sheets, no pane.

Widgets ask `current()` when they paint, so that a change of theme needs a repaint and no more.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QColor, QFont, QFontDatabase, QPalette
from PySide6.QtWidgets import QApplication


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
        raised: of a button, a chip, a header.
        line: borders and grid lines.
        text, dim, faint: three weights of text.
        accent: the one colour of selection and of positive values.
        negative: of negative values.
        good, warning, bad: of states.
        no_number: of a cell whose number is none (NaN): on neither colour map.
        chips: backgrounds that tell kinds of parameters apart; text stays readable on all.
        series: colours of several curves or groups, in order; the first is the accent.
    """

    name: str
    background: str
    panel: str
    raised: str
    line: str
    text: str
    dim: str
    faint: str
    accent: str
    accent_soft: str
    on_accent: str
    negative: str
    good: str
    warning: str
    bad: str
    no_number: str
    chips: tuple[str, ...]
    series: tuple[str, ...]
    sequential_stops: tuple[str, ...]
    diverging_stops: tuple[str, ...]

    def color(self, name: str, alpha: float = 1.0) -> QColor:
        """A named colour, with an opacity of 0 to 1. It is shared: copy it before changing it."""
        return _color(getattr(self, name), alpha)


DARK = Theme(
    name="dark",
    background="#0d1015",
    panel="#141920",
    raised="#1a2029",
    line="#252d38",
    text="#dbe2ea",
    dim="#8894a5",
    faint="#566173",
    accent="#56b8ff",
    accent_soft="#1d3b55",
    on_accent="#06121c",
    negative="#ff9550",
    good="#5fd39a",
    warning="#f0c04f",
    bad="#ff6b6b",
    no_number="#8a3f86",
    chips=("#24425a", "#4a3a5e", "#3a4d33", "#5a4028", "#52303f", "#2f4a4c", "#474a2b", "#383d5c"),
    series=("#56b8ff", "#ff9550", "#5fd39a", "#c79bff", "#f0c04f", "#ff7fa8", "#7fd6d6", "#b0b8c4"),
    # Background to accent to near white: more is brighter, as light on a dark stage.
    sequential_stops=("#10161e", "#16344e", "#1f6494", "#56b8ff", "#d9f0ff"),
    diverging_stops=("#ffc9a1", "#ff9550", "#7a4322", "#151a21", "#21557d", "#56b8ff", "#b8e0ff"),
)

LIGHT = Theme(
    name="light",
    background="#f3f5f8",
    panel="#ffffff",
    raised="#eaeef3",
    line="#d3dae3",
    text="#1a222c",
    dim="#56636f",
    faint="#8c98a6",
    accent="#0b6fc2",
    accent_soft="#d4e8fa",
    on_accent="#ffffff",
    negative="#c2570c",
    good="#1a8a55",
    warning="#976b00",
    bad="#c62f2f",
    no_number="#d497cf",
    chips=("#d3e6f6", "#e6dcf2", "#dcecd4", "#f5e3cf", "#f5d9e2", "#d3ebea", "#ecebc8", "#dcdff3"),
    series=("#0b6fc2", "#c2570c", "#1a8a55", "#7a46c0", "#976b00", "#c02f68", "#1b7f80", "#5b6672"),
    # White to deep blue: more is darker, as ink on paper.
    sequential_stops=("#f7fafd", "#cfe4f6", "#7fb8e6", "#0b6fc2", "#063d6e"),
    diverging_stops=("#7a3203", "#c2570c", "#f3c6a0", "#fafbfc", "#a5cdee", "#0b6fc2", "#063d6e"),
)

THEMES = {theme.name: theme for theme in (DARK, LIGHT)}

# Sizes in logical pixels.
SPACE = 8
TIGHT = 4
RADIUS = 4
HEADER_HEIGHT = 28
ROW_HEIGHT = 22
FONT_SIZE = 10.0  # points
SMALL_FONT_SIZE = 8.5
LARGE_FONT_SIZE = 15.0
MOTION_MS = 180  # how long something moves; 0 where a person has turned motion off

_SANS = ("Inter", "SF Pro Text", "Segoe UI", "Noto Sans", "Cantarell", "DejaVu Sans")
_MONO = ("JetBrains Mono", "SF Mono", "Cascadia Mono", "Noto Sans Mono", "DejaVu Sans Mono")

_current = DARK


def current() -> Theme:
    """The theme in force."""
    return _current


def set_current(name: str) -> Theme:
    """Choose a theme by name for everything that paints from now on."""
    global _current  # noqa: PLW0603 - one theme is in force in a process
    _current = THEMES[name]
    return _current


def set_motion(on: bool) -> None:
    """Whether things may move."""
    global MOTION_MS  # noqa: PLW0603 - one switch for the process
    MOTION_MS = 180 if on else 0


@cache
def _families(wanted: tuple[str, ...]) -> list[str]:
    there = set(QFontDatabase.families())
    return [family for family in wanted if family in there] or [wanted[-1]]


def sans(size: float = FONT_SIZE, *, bold: bool = False) -> QFont:
    """The font of labels and text."""
    return QFont(_sans(size, bold))


@cache
def _sans(size: float, bold: bool) -> QFont:
    font = QFont(_families(_SANS))
    font.setPointSizeF(size)
    font.setWeight(QFont.Weight.DemiBold if bold else QFont.Weight.Normal)
    return font


def mono(size: float = FONT_SIZE, *, bold: bool = False) -> QFont:
    """The font of tokens and figures: digits of one width."""
    return QFont(_mono(size, bold))


@cache
def _mono(size: float, bold: bool) -> QFont:
    font = QFont(_families(_MONO))
    font.setStyleHint(QFont.StyleHint.Monospace)
    # No ligatures: "<|" and "->" must look like the characters that they are.
    for feature in ("calt", "liga"):
        font.setFeature(QFont.Tag(feature), 0)
    font.setPointSizeF(size)
    font.setWeight(QFont.Weight.DemiBold if bold else QFont.Weight.Normal)
    return font


def _channels(name: str) -> tuple[int, int, int]:
    color = QColor(name)
    return color.red(), color.green(), color.blue()


def _spaced(stops: tuple[str, ...]) -> NDArray[np.float64]:
    """Where the stops lie from 0 to 1, so that colours change evenly: no two entries are equal."""
    rgb = np.array([_channels(stop) for stop in stops], dtype=np.float64)
    steps = np.abs(np.diff(rgb, axis=0)).max(axis=1)
    return np.concatenate([[0.0], np.cumsum(steps) / steps.sum()])


@cache
def _table(stops: tuple[str, ...], *, diverging: bool = False) -> NDArray[np.uint8]:
    rgb = np.array([_channels(stop) for stop in stops], dtype=np.float64)
    if diverging:
        # Each side by itself: the middle stop is zero and stays in the middle.
        middle = len(stops) // 2
        low, high = _spaced(stops[: middle + 1]), _spaced(stops[middle:])
        at = np.concatenate([low / 2, 0.5 + high[1:] / 2])
    else:
        at = _spaced(stops)
    fine = np.linspace(0, 1, 256)
    blended = np.stack([np.interp(fine, at, rgb[:, channel]) for channel in range(3)], axis=1)
    table: NDArray[np.uint8] = blended.round().astype(np.uint8)
    table.flags.writeable = False
    return table


def sequential_table(theme: Theme | None = None) -> NDArray[np.uint8]:
    """``[256, 3]`` colours for amounts from 0 to 1. Every entry differs from its neighbours."""
    return _table((theme or _current).sequential_stops)


def diverging_table(theme: Theme | None = None) -> NDArray[np.uint8]:
    """``[256, 3]`` colours for signed values from -1 (entry 0) to 1 (entry 255)."""
    return _table((theme or _current).diverging_stops, diverging=True)


def sequential_color(amount: float) -> QColor:
    """The colour of an amount between 0 and 1; NaN has its own."""
    if np.isnan(amount):
        return _current.color("no_number")
    row = sequential_table()[round(255 * min(max(amount, 0.0), 1.0))]
    return QColor(int(row[0]), int(row[1]), int(row[2]))


def diverging_color(value: float) -> QColor:
    """The colour of a signed value between -1 and 1; NaN has its own."""
    if np.isnan(value):
        return _current.color("no_number")
    row = diverging_table()[round(127.5 * (min(max(value, -1.0), 1.0) + 1))]
    return QColor(int(row[0]), int(row[1]), int(row[2]))


def sequential_rgb(amounts: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Colours ``[..., 3]`` of amounts between 0 and 1; NaN has its own, ``no_number``."""
    return _rgb(amounts, sequential_table(), 255.0 * np.clip(amounts, 0, 1))


def diverging_rgb(values: NDArray[np.floating], limit: float) -> NDArray[np.uint8]:
    """Colours ``[..., 3]`` of signed values; ``±limit`` are the ends of the map.

    NaN has a colour of its own, ``no_number``.
    """
    scaled = np.clip(values / limit, -1, 1) if limit > 0 else np.zeros_like(values)
    return _rgb(values, diverging_table(), 127.5 * (scaled + 1))


def _rgb(
    values: NDArray[np.floating], table: NDArray[np.uint8], rows: NDArray[np.floating]
) -> NDArray[np.uint8]:
    missing = np.isnan(values)
    rgb = table[np.where(missing, 0, rows).round().astype(np.intp)]
    if missing.any():
        rgb[missing] = _channels(_current.no_number)
    return rgb


def palette(theme: Theme) -> QPalette:
    """A Qt palette; built here because setColorScheme does nothing on plain X11."""
    roles = QPalette.ColorRole
    colors = {
        roles.Window: theme.panel,
        roles.WindowText: theme.text,
        roles.Base: theme.background,
        roles.AlternateBase: theme.panel,
        roles.Text: theme.text,
        roles.Button: theme.raised,
        roles.ButtonText: theme.text,
        roles.BrightText: theme.bad,
        roles.Highlight: theme.accent,
        roles.HighlightedText: theme.on_accent,
        roles.ToolTipBase: theme.raised,
        roles.ToolTipText: theme.text,
        roles.PlaceholderText: theme.faint,
        roles.Link: theme.accent,
        roles.LinkVisited: theme.accent,
        roles.Light: theme.raised,
        roles.Midlight: theme.raised,
        roles.Mid: theme.line,
        roles.Dark: theme.line,
        roles.Shadow: theme.background,
    }
    result = QPalette()
    for role, value in colors.items():
        result.setColor(role, QColor(value))
    for role in (roles.WindowText, roles.Text, roles.ButtonText):
        result.setColor(QPalette.ColorGroup.Disabled, role, QColor(theme.faint))
    return result


def style_sheet(theme: Theme) -> str:
    """Rules that the palette can't say: flat controls, thin lines, one radius."""
    t = theme
    return f"""
    QMainWindow, QMainWindow::separator {{ background: {t.background}; }}
    QMainWindow::separator {{ width: 3px; height: 3px; }}
    QMainWindow::separator:hover {{ background: {t.accent}; }}
    QToolTip {{ background: {t.raised}; color: {t.text}; border: 1px solid {t.line};
        padding: 4px 6px; }}
    QDockWidget {{ color: {t.text}; }}
    QPushButton, QToolButton {{ background: {t.raised}; border: 1px solid {t.line};
        border-radius: {RADIUS}px; padding: 3px 10px; color: {t.text}; }}
    QPushButton:hover, QToolButton:hover {{ border-color: {t.accent}; }}
    QPushButton:pressed, QToolButton:pressed {{ background: {t.accent_soft}; }}
    QPushButton:checked, QToolButton:checked {{ background: {t.accent_soft};
        border-color: {t.accent}; }}
    QPushButton:disabled, QToolButton:disabled {{ color: {t.faint}; border-color: {t.line};
        background: {t.panel}; }}
    QPushButton:focus, QToolButton:focus, QLineEdit:focus, QPlainTextEdit:focus,
    QComboBox:focus, QAbstractSpinBox:focus {{ border-color: {t.accent}; }}
    QToolButton {{ padding: 3px 6px; }}
    QToolButton[flat="true"] {{ background: transparent; border-color: transparent; }}
    QToolButton[flat="true"]:hover {{ background: {t.raised}; border-color: {t.line}; }}
    QToolButton::menu-indicator {{ image: none; }}
    QLineEdit, QPlainTextEdit, QComboBox, QAbstractSpinBox {{ background: {t.background};
        border: 1px solid {t.line}; border-radius: {RADIUS}px; padding: 3px 6px;
        selection-background-color: {t.accent}; selection-color: {t.on_accent}; }}
    QAbstractSpinBox QLineEdit, QComboBox QLineEdit {{ border: none; padding: 0 6px;
        background: transparent; }}
    /* NoButtons under a style sheet leaves 1 pixel for the text (Qt 6.11): so buttons of none. */
    QAbstractSpinBox::up-button, QAbstractSpinBox::down-button {{ width: 0; border: none; }}
    QComboBox::drop-down {{ border: none; width: 16px; }}
    QComboBox QAbstractItemView {{ background: {t.raised}; border: 1px solid {t.line};
        selection-background-color: {t.accent_soft}; selection-color: {t.text}; }}
    QSlider::groove:horizontal {{ height: 3px; background: {t.line}; border-radius: 1px; }}
    QSlider::sub-page:horizontal {{ background: {t.accent}; border-radius: 1px; }}
    QSlider::handle:horizontal {{ width: 12px; height: 12px; margin: -5px 0;
        border-radius: 6px; background: {t.accent}; }}
    QSlider::handle:horizontal:disabled {{ background: {t.faint}; }}
    QSlider::sub-page:horizontal:disabled {{ background: {t.faint}; }}
    QCheckBox, QRadioButton {{ spacing: 6px; }}
    QRadioButton::indicator {{ width: 9px; height: 9px; border-radius: 5px;
        border: 1px solid {t.faint}; background: {t.background}; }}
    QRadioButton::indicator:hover, QRadioButton::indicator:focus {{ border-color: {t.accent}; }}
    QRadioButton::indicator:checked {{ border: 3px solid {t.accent}; width: 5px; height: 5px;
        background: {t.on_accent}; }}
    QRadioButton::indicator:disabled {{ border-color: {t.line}; }}
    QMenuBar {{ background: {t.background}; color: {t.text}; padding: 2px 4px; }}
    QMenuBar::item {{ padding: 4px 8px; border-radius: {RADIUS}px; background: transparent; }}
    QMenuBar::item:selected {{ background: {t.raised}; }}
    QMenu {{ background: {t.raised}; border: 1px solid {t.line}; padding: 4px; }}
    QMenu::item {{ padding: 4px 24px 4px 12px; border-radius: {RADIUS}px; }}
    QMenu::item:selected {{ background: {t.accent_soft}; }}
    QMenu::item:disabled {{ color: {t.faint}; }}
    QMenu::separator {{ height: 1px; background: {t.line}; margin: 4px 8px; }}
    QStatusBar {{ background: {t.background}; color: {t.dim}; }}
    QStatusBar::item {{ border: none; }}
    QTabBar::tab {{ background: {t.background}; color: {t.dim}; padding: 4px 12px;
        border: none; border-bottom: 2px solid transparent; }}
    QTabBar::tab:selected {{ color: {t.text}; border-bottom-color: {t.accent}; }}
    QScrollBar:vertical {{ width: 10px; background: transparent; margin: 0; }}
    QScrollBar:horizontal {{ height: 10px; background: transparent; margin: 0; }}
    QScrollBar::handle {{ background: {t.line}; border-radius: 4px; min-height: 24px;
        min-width: 24px; margin: 1px; }}
    QScrollBar::handle:hover {{ background: {t.faint}; }}
    QScrollBar::add-line, QScrollBar::sub-line, QScrollBar::add-page, QScrollBar::sub-page {{
        background: transparent; width: 0; height: 0; }}
    QProgressBar {{ background: {t.raised}; border: none; border-radius: 2px; max-height: 4px; }}
    QProgressBar::chunk {{ background: {t.accent}; border-radius: 2px; }}
    """


def apply(app: QApplication, name: str) -> Theme:
    """Dress the whole application in a theme."""
    theme = set_current(name)
    app.setStyle("Fusion")
    app.setPalette(palette(theme))
    app.setFont(sans())
    app.setStyleSheet(style_sheet(theme))
    return theme

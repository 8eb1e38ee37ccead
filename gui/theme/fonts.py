"""The two typefaces: Inter for words, JetBrains Mono for tokens and figures.

Both come with the program, as packages, so that it looks the same on every system; where a package
is missing, the system's own stand in. Digits have one width in both. Knows no widget.
"""

from __future__ import annotations

import logging
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from PySide6.QtGui import QFont, QFontDatabase

from gui.theme.sizes import FONT_SIZE, LEAST_FONT_SIZE

log = logging.getLogger(__name__)

PACKAGES = {"Inter": "fontpkg_inter", "JetBrains Mono": "fontpkg_jetbrains_mono"}
"""Family -> the package that brings it: variable fonts, upright and italic, in ``files/``."""

_SANS = ("Inter", "SF Pro Text", "Segoe UI", "Noto Sans", "Cantarell", "DejaVu Sans")
_MONO = ("JetBrains Mono", "SF Mono", "Cascadia Mono", "Noto Sans Mono", "DejaVu Sans Mono")
_REGULAR, _BOLD = QFont.Weight.Normal, QFont.Weight.DemiBold


def sans(size: float = FONT_SIZE, *, bold: bool = False) -> QFont:
    """The font of labels and text; a size in logical pixels."""
    return QFont(_sans(size, bold))


def mono(size: float = FONT_SIZE, *, bold: bool = False) -> QFont:
    """The font of tokens and figures: every character has one width; a size in logical pixels."""
    return QFont(_mono(size, bold))


@cache
def load() -> tuple[str, ...]:
    """Tell Qt of the typefaces that come with the program; needs a QApplication.

    Returns:
        The families that are there.
    """
    found: list[str] = []
    for family, package in PACKAGES.items():
        spec = find_spec(package)
        if spec is None or spec.origin is None:
            log.warning("%s is not installed: the system's font is used instead", package)
            continue
        for file in sorted((Path(spec.origin).parent / "files").glob("*.ttf")):
            handle = QFontDatabase.addApplicationFont(str(file))
            found.extend(QFontDatabase.applicationFontFamilies(handle) if handle >= 0 else ())
        if family not in found:
            log.warning("%s can't be read: the system's font is used instead", package)
    return tuple(dict.fromkeys(found))


@cache
def _families(wanted: tuple[str, ...]) -> list[str]:
    there = {*load(), *QFontDatabase.families()}
    return [family for family in wanted if family in there] or [wanted[-1]]


@cache
def _sans(size: float, bold: bool) -> QFont:
    font = _font(_SANS, size, bold)
    # Digits of one width: a figure that changes moves nothing beside it.
    font.setFeature(QFont.Tag("tnum"), 1)
    return font


@cache
def _mono(size: float, bold: bool) -> QFont:
    font = _font(_MONO, size, bold)
    font.setStyleHint(QFont.StyleHint.Monospace)
    # No ligatures: "<|" and "->" must look like the characters that they are.
    for feature in ("calt", "liga"):
        font.setFeature(QFont.Tag(feature), 0)
    return font


def _font(families: tuple[str, ...], size: float, bold: bool) -> QFont:
    font = QFont(_families(families))
    font.setPixelSize(int(max(size, LEAST_FONT_SIZE)))
    weight = _BOLD if bold else _REGULAR
    font.setWeight(weight)
    # Of a variable font that was added by the program Qt finds one weight only, by fontconfig
    # (Qt 6.11): the axis is set by hand.
    font.setVariableAxis(QFont.Tag("wght"), float(weight.value))
    return font

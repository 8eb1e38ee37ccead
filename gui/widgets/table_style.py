"""How tables of many rows look: flat, on the panel, the selected row on the accent's soft ground.

Knows the theme only.
"""

from __future__ import annotations

from gui import theme


def table_style() -> str:
    """A style sheet for a QTableView in the theme that is in force."""
    t = theme.current()
    return (
        f"QTableView {{ background: {t.panel}; border: none; outline: none;"
        f" selection-background-color: {t.accent_soft}; selection-color: {t.text}; }}"
        f"QTableView::item {{ padding: 0 4px; border: none; }}"
        f"QTableView::item:selected {{ background: {t.accent_soft}; }}"
        f"QHeaderView {{ background: {t.panel}; }}"
        f"QHeaderView::section {{ background: {t.panel}; color: {t.dim}; border: none;"
        f" border-bottom: 1px solid {t.line}; padding: 2px 4px;"
        f" font-size: {theme.SMALL_FONT_SIZE:.0f}px; }}"
        # In the middle: at the right it would lie on the title of a column of numbers.
        "QHeaderView::up-arrow, QHeaderView::down-arrow"
        " { subcontrol-origin: border; subcontrol-position: top center;"
        " width: 9px; height: 6px; }"
    )

"""Boxes to be ticked that are seen on a dark ground too. Knows the theme only."""

from __future__ import annotations

from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QWidget

from gui import theme


def show_boxes(widget: QWidget) -> None:
    """Have a check box, or a list or table with boxes, drawn with an outline that can be seen.

    Fusion (Qt 6.11) takes the window's colour for it, darkened by 1.4, which is nothing on a dark
    ground. To be called again when the theme changes.
    """
    palette = widget.palette()
    palette.setColor(QPalette.ColorRole.Window, theme.current().color("faint").lighter(140))
    widget.setPalette(palette)

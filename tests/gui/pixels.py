"""Reading drawn values back: from pixels through a colour map."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QWidget

from gui import theme


def pixels(widget: QWidget) -> NDArray[np.uint8]:
    """What a widget shows, ``[height, width, 3]``."""
    return image_pixels(widget.grab().toImage())


def image_pixels(image: QImage) -> NDArray[np.uint8]:
    """What an image holds, ``[height, width, 3]``."""
    image = image.convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return rows[:, : 3 * image.width()].reshape(image.height(), image.width(), 3).copy()


def color_named(name: str) -> tuple[int, int, int]:
    """A colour of the theme, as it stands in an image."""
    color = theme.current().color(name)
    return color.red(), color.green(), color.blue()


def amounts_of(rgb: NDArray[np.uint8], table: NDArray[np.uint8]) -> tuple[float, float]:
    """The least and the largest amount, 0 to 1, that a colour of a map can stand for."""
    entries = np.nonzero((table == rgb).all(axis=1))[0]
    assert len(entries), f"{rgb} is no colour of the map"
    # Each entry stands for the amounts that are rounded to it.
    return (entries[0] - 0.5) / 255 - 1e-6, (entries[-1] + 0.5) / 255 + 1e-6

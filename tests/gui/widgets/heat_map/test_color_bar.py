"""The legend under an image: its words are the longest that find room."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QImage, QPainter

from gui.widgets.heat_map.color_bar import paint_color_bar
from tests.gui.pixels import image_pixels

WORDINGS = ("numbers a cell: the farthest from 0 is drawn", "numbers a cell", "numbers")


def painted(width: int, title: str | Sequence[str]) -> NDArray[np.uint8]:
    image = QImage(width, 22, QImage.Format.Format_RGB32)
    image.fill(Qt.GlobalColor.black)
    painter = QPainter(image)
    paint_color_bar(painter, QRectF(0, 0, width, 22), "diverging", 1.0, title=title)
    painter.end()
    return image_pixels(image)


@pytest.mark.parametrize(("width", "shown"), [(700, 0), (300, 1), (160, 2)])
def test_of_several_wordings_the_first_that_finds_room_is_written(width: int, shown: int) -> None:
    picture = painted(width, WORDINGS)
    assert np.array_equal(picture, painted(width, WORDINGS[shown]))
    for other in {0, 1, 2} - {shown}:
        assert not np.array_equal(picture, painted(width, WORDINGS[other]))


def test_where_none_finds_room_the_shortest_is_cut_off() -> None:
    picture = painted(130, WORDINGS)
    assert np.array_equal(picture, painted(130, WORDINGS[-1]))
    assert not np.array_equal(picture, painted(130, ""))


def test_what_the_colours_mean_comes_before_what_hatching_means() -> None:
    def with_hatching(width: int) -> NDArray[np.uint8]:
        image = QImage(width, 22, QImage.Format.Format_RGB32)
        image.fill(Qt.GlobalColor.black)
        painter = QPainter(image)
        paint_color_bar(
            painter, QRectF(0, 0, width, 22), "diverging", 1.0, title=WORDINGS, hatched="masked"
        )
        painter.end()
        return image_pixels(image)

    assert np.array_equal(with_hatching(170), painted(170, WORDINGS))
    assert not np.array_equal(with_hatching(400), painted(400, WORDINGS))

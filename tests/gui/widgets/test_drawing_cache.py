"""Boxes are kept ready, and no more of them than their memory is worth."""

from __future__ import annotations

import pytest
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QApplication

from gui.widgets.drawing_cache import BOX_BYTES, DrawingCache


@pytest.mark.usefixtures("qapp")
def test_a_box_is_drawn_once() -> None:
    cache = DrawingCache()
    fill, border = QColor("#102030"), QColor("#405060")
    box = cache.box(40, 20, fill, border, 1.0)
    assert cache.box(40, 20, fill, border, 1.0) is box
    assert cache.box(40, 20, border, fill, 1.0) is not box
    assert cache.n_bytes == 2 * 40 * 20 * 4


def test_the_edge_of_a_pane_that_is_drawn_far_leaves_few_boxes(qapp: QApplication) -> None:
    cache = DrawingCache()
    fill, border = QColor("#102030"), QColor("#405060")
    drawn = 0
    for width in range(200, 700):
        drawn += cache.box(width, 26, fill, border, 2.0).sizeInBytes()
        assert cache.n_bytes <= BOX_BYTES
    assert drawn > 20 * BOX_BYTES
    assert cache.n_bytes == sum(box.sizeInBytes() for box in cache._boxes.values())

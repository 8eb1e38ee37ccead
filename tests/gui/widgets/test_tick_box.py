"""The outline of a box to be ticked is seen on its ground."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QApplication, QCheckBox, QStyle, QStyleOptionButton
from pytestqt.qtbot import QtBot

from gui import theme
from gui.widgets.tick_box import show_boxes


@pytest.mark.parametrize("name", theme.THEMES)
def test_the_outline_stands_out(qtbot: QtBot, name: str) -> None:
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    before, app_palette = theme.current().name, app.palette()
    theme.set_current(name)
    app.setPalette(theme.palette(theme.current()))
    try:
        box = QCheckBox("On")
        qtbot.addWidget(box)
        show_boxes(box)
        with qtbot.waitExposed(box):
            box.show()
        option = QStyleOptionButton()
        box.initStyleOption(option)
        part = QStyle.SubElement.SE_CheckBoxIndicator
        place = box.style().subElementRect(part, option, box)
        image = box.grab().toImage()
        middle = place.center().y()
        outline = max(
            abs(
                image.pixelColor(x, middle).lightness() - theme.current().color("panel").lightness()
            )
            for x in range(place.left(), place.left() + 3)
        )
        assert outline > 40
    finally:
        theme.set_current(before)
        app.setPalette(app_palette)

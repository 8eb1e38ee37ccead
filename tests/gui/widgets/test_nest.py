"""A layout in another one: nothing of its items outlives them."""

from __future__ import annotations

import gc
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QLayout,
    QSpacerItem,
    QVBoxLayout,
    QWidget,
    QWidgetItem,
)
from pytestqt.qtbot import QtBot
from shiboken6 import Shiboken

import gui
from gui.widgets.flow import FlowLayout
from gui.widgets.nest import nest


def known_items() -> list[object]:
    """What PySide takes for an item of a layout, under its address."""
    objects = gc.get_objects()
    return [one for one in objects if isinstance(one, QWidgetItem | QSpacerItem) and valid(one)]


def valid(item: QWidgetItem | QSpacerItem) -> bool:
    return bool(Shiboken.isValid(item))


def row() -> QLayout:
    inner = QHBoxLayout()
    for words in "abc":
        inner.addWidget(QLabel(words))
    inner.addStretch(1)
    return inner


def row_in_column() -> QLayout:
    column = QVBoxLayout()
    column.addLayout(row())
    column.addWidget(QLabel("d"))
    return column


@pytest.mark.parametrize("filled", [row, row_in_column])
def test_no_item_is_known_once_a_filled_layout_lies_in_another(
    filled: Callable[[], QLayout], qtbot: QtBot
) -> None:
    before = len(known_items())
    window = QWidget()
    qtbot.addWidget(window)
    nest(QVBoxLayout(window), filled())
    assert len(known_items()) == before
    window.show()
    labels = window.findChildren(QLabel)
    assert all(label.isVisible() and label.width() > 0 for label in labels)
    labels[0].deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    assert len(known_items()) == before
    assert len(window.findChildren(QLabel)) == len(labels) - 1


def test_a_row_that_wraps_goes_on_laying_out_what_it_holds(qtbot: QtBot) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    flow = FlowLayout()
    labels = [QLabel(words * 9) for words in "abc"]
    for label in labels:
        flow.addWidget(label)
    nest(QVBoxLayout(window), flow)
    window.resize(labels[0].sizeHint().width() + 30, 200)
    window.show()
    assert len({label.y() for label in labels}) == 3
    window.resize(1000, 200)
    qtbot.waitUntil(lambda: len({label.y() for label in labels}) == 1)


def test_nobody_adds_a_layout_otherwise() -> None:
    folder = Path(gui.__file__).parent
    adding = [p.name for p in folder.rglob("*.py") if ".addLayout(" in p.read_text("utf-8")]
    assert adding == ["nest.py"]

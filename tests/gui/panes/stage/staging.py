"""What the tests of the stage share: a pane on a real engine, and ways to it."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from gui.panes.stage.pane import StagePane
from gui.session.store import Store


def shown(qtbot: QtBot, store: Store, size: tuple[int, int] = (890, 420)) -> StagePane:
    """A stage of a size that has drawn its scene."""
    pane = StagePane(store)
    qtbot.addWidget(pane)
    pane.resize(*size)
    with qtbot.waitExposed(pane):
        pane.show()
    settle(pane)
    return pane


def settle(pane: StagePane) -> None:
    """Draw the scene, then what its number is made of."""
    for _ in range(3):
        pane.refresh_now()
    pane.view.finish()


def select(pane: StagePane, name: str) -> None:
    """Select the operation that writes an activation."""
    ops = pane.store.operations
    pane.store.select(operation=next(i for i, op in enumerate(ops) if op.output == name))
    settle(pane)


def here(pane: StagePane) -> str:
    """Name of what the selected operation writes."""
    return pane.store.operations[pane.store.selection.operation].output


def click(widget: QWidget, at: QPointF) -> None:
    """Press the left button at a point."""
    place = QPoint(round(at.x()), round(at.y()))
    QTest.mouseClick(widget, Qt.MouseButton.LeftButton, pos=place)

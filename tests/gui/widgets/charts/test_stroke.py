"""A curve drawn piece by piece looks as one drawn whole."""

from __future__ import annotations

import math

import numpy as np
import pytest
from PySide6.QtCore import QBuffer, QByteArray, QPointF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPen, QPolygonF
from PySide6.QtSvg import QSvgGenerator
from pytestqt.qtbot import QtBot

from gui.widgets.charts.stroke import stroke

POINTS = [QPointF(10 + 2 * at, 60 + 40 * math.sin(at / 5)) for at in range(90)]
DASH, SOLID = Qt.PenStyle.DashLine, Qt.PenStyle.SolidLine


def drawn(pen: QPen, *, whole: bool) -> np.ndarray:
    image = QImage(200, 120, QImage.Format.Format_RGB32)
    image.fill(QColor("black"))
    with QPainter(image) as painter:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(pen)
        if whole:
            painter.drawPolyline(QPolygonF(POINTS))
        else:
            stroke(painter, POINTS)
    return np.frombuffer(image.constBits(), np.uint8).reshape(120, 200, 4)[..., :3].astype(int)


@pytest.mark.parametrize(
    ("width", "style"), [(1.0, SOLID), (1.6, SOLID), (3.0, SOLID), (1.6, DASH)]
)
def test_it_looks_as_a_curve_that_is_drawn_whole(width: float, style: Qt.PenStyle) -> None:
    pen = QPen(QColor("white"), width, style)
    mine, whole = drawn(pen, whole=False), drawn(pen, whole=True)
    assert whole.max() > 200
    assert np.abs(mine - whole).mean() < 0.08 * whole.mean(), "but for the joins"
    assert abs(mine.sum() / whole.sum() - 1) < 0.08


def test_a_figure_of_curves_gets_it_whole(qtbot: QtBot) -> None:
    kept = QByteArray()
    buffer = QBuffer(kept)
    figure = QSvgGenerator()
    figure.setOutputDevice(buffer)
    with QPainter(figure) as painter:
        painter.setPen(QPen(QColor("white"), 1.6))
        stroke(painter, POINTS)
    text = bytes(kept.data()).decode()
    assert text.count("<polyline") + text.count("<path") == 1

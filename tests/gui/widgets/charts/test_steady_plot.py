"""Axes are kept as pictures, follow their range, and stay letters in an exported figure."""

from __future__ import annotations

import time

import numpy as np
import pytest
from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QPoint
from PySide6.QtGui import QPainter
from PySide6.QtSvg import QSvgGenerator
from pytestqt.qtbot import QtBot

from gui.pace import Turns
from gui.panes.training.loss_plot import LossPlot
from gui.widgets.charts.steady_plot import SteadyPlot, rounded


@pytest.fixture
def plot(qtbot: QtBot) -> LossPlot:
    plot = LossPlot()
    qtbot.addWidget(plot)
    plot.resize(500, 260)
    plot.show()
    draw(plot, 500)
    return plot


def draw(plot: LossPlot, n: int) -> np.ndarray:
    """The pixels of the plot with a curve of n points."""
    x = np.arange(float(n))
    plot.train.setData(x, np.exp(-x / 200) + 1)
    image = plot.plot.grab().toImage()
    return np.frombuffer(image.constBits(), np.uint32).reshape(image.height(), -1).copy()


def test_one_more_point_leaves_the_axes_where_they_are(plot: LossPlot) -> None:
    draw(plot, 480)
    axis = plot.plot.getPlotItem().getAxis("bottom")
    before = axis.picture
    draw(plot, 481)
    assert axis.picture is before


def test_another_range_is_numbered_anew(plot: LossPlot) -> None:
    below = slice(-18, None)
    assert not np.array_equal(draw(plot, 480)[below], draw(plot, 4_000)[below])


def test_an_exported_plot_keeps_its_numbers_as_letters(plot: LossPlot) -> None:
    raw = QByteArray()
    buffer = QBuffer(raw)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    generator = QSvgGenerator()
    generator.setOutputDevice(buffer)
    generator.setSize(plot.size())
    painter = QPainter(generator)
    plot.render(painter, QPoint())
    painter.end()
    assert bytes(raw.data()).count(b"<text") > 6


def test_a_plot_is_painted_a_while_after_the_one_before_it(
    plot: LossPlot, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In one turn of the event loop they keep other events waiting for the sum of both."""
    monkeypatch.setattr(SteadyPlot, "_turns", Turns(300))
    other = LossPlot()
    qtbot.addWidget(other)
    other.resize(500, 260)
    other.show()
    painted: list[tuple[LossPlot, float]] = []
    for one in (plot, other):
        monkeypatch.setattr(
            one.plot, "paintEvent", lambda event, one=one: painted.append((one, time.monotonic()))
        )
    qtbot.wait(700)
    painted.clear()
    for one in (plot, other):
        one.train.setData([0.0, 1.0], [1.0, 2.0])
    qtbot.waitUntil(lambda: {one for one, _ in painted} == {plot, other})
    first = {one: min(at for which, at in painted if which is one) for one in (plot, other)}
    assert first[other] - first[plot] >= 0.25


def test_sides_that_stay_leave_the_axes_where_they_are(plot: LossPlot) -> None:
    plot.set_sides(below=True)
    draw(plot, 480)
    axis = plot.plot.getPlotItem().getAxis("left")
    before = axis.picture
    plot.set_sides(below=True)
    assert before is not None
    assert axis.picture is before


def test_every_point_lies_within_the_rounded_range_and_its_padding() -> None:
    for low, high in ((0, 799), (1.19, 7.2), (-3, 803), (0.5, 0.50001)):
        start, end = rounded(low, high)
        spare = 0.03 * (end - start)
        assert start - spare <= low < high <= end + spare

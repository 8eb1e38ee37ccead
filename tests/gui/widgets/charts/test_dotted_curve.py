"""A curve with dots of which none is known takes no room."""

from __future__ import annotations

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from gui.widgets.charts.dotted_curve import DottedCurve
from gui.widgets.charts.steady_plot import SteadyPlot


@pytest.mark.parametrize("log", [False, True])
def test_beside_a_curve_without_any_number_another_one_is_seen_whole(qtbot: QtBot, log: bool):
    plot = SteadyPlot()
    qtbot.addWidget(plot)
    plot.getPlotItem().setLogMode(y=log)
    known, unknown = (DottedCurve(symbol="o", symbolSize=4) for _ in range(2))
    for curve in (known, unknown):
        plot.addItem(curve)
    with qtbot.waitExposed(plot):
        plot.show()
    known.setData([1.0, 5.0, 9.0], [10.0, np.nan, 1000.0])
    unknown.setData([3.0, 4.0], [np.nan, np.nan])  # numpy's warning would be an error here
    plot.getPlotItem().enableAutoRange()
    plot.grab()
    (left, right), (low, high) = plot.getPlotItem().getViewBox().viewRange()
    least, most = (1.0, 3.0) if log else (10.0, 1000.0)
    assert left < 1 < 9 < right < 10.5
    assert low < least < most < high < most + (most - least) / 4

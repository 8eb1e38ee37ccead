"""Where small charts stand, their axes, and which points are drawn."""

from __future__ import annotations

import numpy as np
import pytest

from gui.panes.curves.layout import GridLayout, thinned
from gui.panes.curves.scale import scale_of


@pytest.mark.parametrize("size", [(0, 0), (1, 600), (900, 1), (60, 60)])
def test_a_layout_without_room_is_one_all_the_same(size: tuple[int, int]) -> None:
    for n in (0, 1, 9):
        layout = GridLayout(*size, n)
        assert layout.columns >= 1
        assert all(layout.plot(index).width() > 0 for index in range(n))
        assert all(layout.plot(index).height() > 0 for index in range(n))


def test_charts_fill_the_room_and_stay_readable() -> None:
    for width, height, columns in ((550, 200, 3), (900, 700, 3), (1500, 400, 4), (300, 900, 1)):
        layout = GridLayout(width, height, 8)
        assert layout.columns == columns, (width, height)
        assert layout.plot(0).height() >= 45


@pytest.mark.parametrize("height", [150, 200, 208, 260, 330, 500])
def test_no_chart_is_cut_where_not_all_have_room(height: int) -> None:
    """Before anything is scrolled, a chart is seen whole or not at all."""
    layout = GridLayout(540, height, 8)
    bottoms = [layout.cell(index).bottom() for index in range(8)]
    tops = [layout.cell(index).top() for index in range(8)]
    assert not [(t, b) for t, b in zip(tops, bottoms, strict=True) if t < height - 5 < b - 5]


def test_axes_are_round_and_thinning_keeps_the_extremes() -> None:
    assert scale_of(0.9, 6.9, log=False).ticks() == (0.0, 4.0, 8.0)
    assert scale_of(0.003, 0.4, log=True).ticks() == (0.001, 0.1)
    low = scale_of(29.1, 29.4, log=False)
    assert low.low <= 29.1 < 29.4 <= low.high
    assert low.high - low.low < 1
    flat = scale_of(0.0, 0.0, log=False)
    assert flat.high > flat.low
    x = np.repeat(np.arange(10.0), 100) + np.tile(np.linspace(0, 0.9, 100), 10)
    y = np.zeros(1000)
    y[[123, 777]] = 5.0, -7.0
    _, drawn = thinned(x, y)
    assert len(drawn) == 40
    assert (drawn.max(), drawn.min()) == (5.0, -7.0)

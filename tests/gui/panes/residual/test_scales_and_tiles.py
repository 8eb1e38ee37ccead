"""Scales end at round numbers, tiles are those in view, cells have the sizes that fit."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QSize

from gui.panes.residual import scales, tiles
from gui.panes.residual.layout import Sizes, lay_out
from gui.panes.residual.tracks import Track
from model.probe.lens.asks import LensFound
from model.subject import Subject

T = ("title",)


@pytest.mark.parametrize(
    ("value", "up", "down"),
    [(1, 1, 1), (1.2, 2, 1), (49.9, 50, 20), (50, 50, 50), (51, 100, 50), (0.03, 0.05, 0.02)],
)
def test_ends_of_scales_are_round(value: float, up: float, down: float):
    assert scales.round_up(value) == pytest.approx(up)
    assert scales.round_down(value) == pytest.approx(down)


def test_ranks_and_lengths_are_by_their_logarithm():
    ranks = scales.rank(np.array([1, 10, 1000, -1]), 1000, T)
    assert ranks.amounts[:3] == pytest.approx([1, 2 / 3, 0])
    assert np.isnan(ranks.amounts[3])
    lengths = scales.length(np.array([1.0, 10, 100, 0]), T)
    assert lengths.amounts[:3] == pytest.approx([0, 0.5, 1])
    assert lengths.amounts[3] == -np.inf
    assert tuple(scales.rgb("sequential", lengths.amounts)[3]) == tuple(
        scales.table("sequential")[0]
    )


def test_a_difference_is_signed_and_zero_is_in_the_middle():
    part = scales.difference(np.array([0.5, 0.1, 0.3]), np.array([0.2, 0.4, 0.3]), T)
    assert (part.low, part.high) == ("−0.5", "+0.5")
    assert part.amounts == pytest.approx([0.6, -0.6, 0])
    times = scales.ratio(np.array([8.0, 1, 3, 0]), np.array([2.0, 4, 3, 0]), T)
    assert times.values[:3] == pytest.approx([4, 0.25, 1])
    assert times.amounts[0] == -times.amounts[1] > 0
    assert times.amounts[2:] == pytest.approx([0, 0])


def test_only_tiles_that_are_seen_are_asked_for():
    assert tiles.tiles_in(range(5), range(15)) == [(0, 0)]
    assert tiles.tiles_in(range(14, 18), range(31, 33)) == [(0, 1), (1, 1), (0, 2), (1, 2)]
    assert tiles.tiles_in(range(0), range(4)) == []
    asked = tiles.question((1, 2), 31, 40, None)
    assert asked.borders == tuple(range(16, 31))
    assert asked.positions == tuple(range(32, 40))
    assert asked.watch_final
    assert tiles.question((0, 0), 5, 9, 7).watched == 7
    assert not tiles.question((0, 0), 5, 9, 7).watch_final


def test_a_sheet_has_what_came_where_it_belongs_and_nothing_else():
    ids = np.array([[4, 5], [6, -1]])
    shape = np.array([[0.1, 0.2], [0.3, np.nan]])
    found = LensFound(
        subject=Subject(1, None, (1, 2, 3, 4)),
        question=tiles.question((0, 0), 3, 4, None),
        names=("a", "b"),
        borders_L=np.array([1, 2]),
        positions_P=np.array([3, 2]),
        ids_LP=ids,
        logits_LP=shape,
        probabilities_LP=shape,
        entropies_LP=shape,
        watched_logits_LP=shape,
        watched_probabilities_LP=shape,
        watched_ranks_LP=ids,
        watched_ids_P=np.array([8, 9]),
    )
    sheet = tiles.Sheet.of(3, 4, [found])
    assert np.argwhere(sheet.known_LP).tolist() == [[1, 3], [2, 3]]
    assert sheet.ids_LP[1:, 3].tolist() == [4, 6]
    assert sheet.watched_P.tolist() == [-1, -1, -1, 8]


def test_cells_fill_the_room_and_scroll_by_whole_cells():
    few = lay_out(QSize(700, 400), 10, (5, 7), Sizes(), (40, 60), 3)
    assert few.row * 5 <= few.window.height() + 0.5
    assert few.column * 7 <= few.window.width() + 0.5
    assert len(few.tracks) == 3
    many = lay_out(QSize(620, 330), 10, (31, 600), Sizes(), (40, 60), 3)
    assert many.row == Sizes().row
    assert many.window.width() % many.column == 0
    assert many.window.height() % many.row == 0
    assert many.tracks[0].left() > many.window.right()
    assert many.tracks[-1].right() <= 620
    rows, columns = many.seen(QPoint(int(many.column) * 3, int(many.row) * 2))
    assert (rows.start, columns.start) == (2, 3)
    assert len(columns) * many.column == many.window.width()
    fit = lay_out(QSize(620, 330), 10, (31, 15), Sizes(), (40, 60), 3, fit=True)
    assert fit.seen(QPoint(0, 0)) == (range(31), range(15))


def test_charts_give_way_where_there_is_no_room():
    wide = lay_out(QSize(900, 300), 10, (5, 20), Sizes(), (40, 60), 3)
    narrow = lay_out(QSize(260, 300), 10, (5, 20), Sizes(), (40, 60), 3)
    assert len(wide.tracks) == 3
    assert len(narrow.tracks) < 3
    assert narrow.window.width() >= 60


def test_an_axis_may_be_logarithmic_or_turned():
    rank = Track("rank", 1000.0, 1.0, (), log=True)
    assert [rank.share(v) for v in (1000, 10, 1)] == pytest.approx([0, 2 / 3, 1])
    signed = Track("cosine", -1.0, 1.0, ())
    assert [signed.share(v) for v in (-1, 0, 0.5, 7)] == pytest.approx([0, 0.5, 0.75, 1])
    assert signed.zero == 0.5
    assert np.isnan(signed.share(float("nan")))

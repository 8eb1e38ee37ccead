"""In the plane of a sum its words and its end lie at their true distances."""

from __future__ import annotations

import math

import pytest
import torch

from model.probe.geometry.compute import Projection, principal_axes
from model.probe.geometry.plane import distances_kept, plane_of
from tests.model.probe.test_geometry import a_table

KING, MAN, WOMAN, QUEEN = 3, 7, 11, 20
ANALOGY = ((1, KING), (-1, MAN), (1, WOMAN))


def in_plane(table: torch.Tensor, terms: tuple[tuple[int, int], ...] = ANALOGY) -> Projection:
    return principal_axes(table, 3, None, plane_of(table, terms))


def test_words_and_end_of_an_analogy_are_as_far_apart_as_they_are() -> None:
    table = a_table()
    found = in_plane(table)
    points = found.points_Vn.double()
    end = points[KING] - points[MAN] + points[WOMAN]
    true = {token: table[token].double() for token in (KING, MAN, WOMAN)}
    true_end = true[KING] - true[MAN] + true[WOMAN]
    for a, b in ((KING, MAN), (MAN, WOMAN), (KING, WOMAN)):
        assert (points[a] - points[b])[:2].norm() == pytest.approx(
            float((true[a] - true[b]).norm()), rel=1e-5
        )
    for token, vector in true.items():
        assert (points[token] - end)[:2].norm() == pytest.approx(
            float((vector - true_end).norm()), rel=1e-5
        )
    kept = distances_kept(table, ANALOGY, found.axes_nD)
    assert kept.own == pytest.approx(1, abs=1e-5)
    assert distances_kept(table, ANALOGY, principal_axes(table).axes_nD).own < 0.9


def test_the_step_goes_to_the_right_and_the_first_word_lies_above() -> None:
    points = in_plane(a_table()).points_Vn
    step = points[WOMAN] - points[MAN]
    assert step[0] > 0
    assert abs(float(step[1])) < 1e-4 * float(step[0])
    assert points[KING][1] > points[MAN][1]


def test_the_third_axis_is_the_longest_of_what_is_left() -> None:
    table = a_table()
    found = in_plane(table)
    assert torch.allclose(found.axes_nD @ found.axes_nD.T, torch.eye(3), atol=1e-5)
    centred = table.double() - table.double().mean(0)
    plane = found.axes_nD[:2].double()
    _, singular, axes = torch.linalg.svd(centred - centred @ plane.T @ plane, full_matrices=False)
    assert abs(float(axes[0] @ found.axes_nD[2].double())) == pytest.approx(1, abs=1e-5)
    share = singular[0] ** 2 / (centred**2).sum()
    assert float(found.variance_kept_n[2]) == pytest.approx(float(share), rel=1e-5)


def test_what_is_kept_of_the_way_to_the_nearest_word_is_measured() -> None:
    table = a_table()
    end = table[KING] - table[MAN] + table[WOMAN]
    aside = torch.zeros(table.shape[1])
    plane = plane_of(table, ANALOGY).float()
    aside[0] = 1
    aside = aside - plane.T @ (plane @ aside)
    aside = aside / aside.norm()
    table[QUEEN] = end + 0.03 * plane[0] + 0.04 * aside
    kept = distances_kept(table, ANALOGY, plane)
    assert kept.nearest == QUEEN
    assert kept.to_nearest == pytest.approx(0.6, abs=1e-3)


@pytest.mark.parametrize(
    "terms", [((1, 3), (1, 7)), ((1, 3), (-1, 7)), ((1, 3), (-1, 7), (1, 11), (-1, 20), (1, 30))]
)
def test_every_sum_has_a_plane(terms: tuple[tuple[int, int], ...]) -> None:
    table = a_table()
    plane = plane_of(table, terms)
    assert torch.allclose(plane @ plane.T, torch.eye(2, dtype=plane.dtype), atol=1e-9)
    own = distances_kept(table, terms, plane).own
    assert own == pytest.approx(1, abs=1e-6) if len(terms) == 2 else 0.4 < own < 1


def test_words_in_one_place_have_less_than_a_plane_and_all_axes_are_filled() -> None:
    table = a_table()
    table[MAN] = table[KING]
    assert len(plane_of(table, ((1, KING), (-1, MAN), (1, KING)))) == 0
    found = in_plane(table, ((1, KING), (-1, MAN), (1, WOMAN)))
    assert torch.allclose(found.axes_nD @ found.axes_nD.T, torch.eye(3), atol=1e-5)
    assert not math.isnan(float(found.variance_kept_n.sum()))


def test_a_plane_that_is_watched_while_it_trains_does_not_flip() -> None:
    table = a_table()
    first = in_plane(table)
    flipped = first._replace(
        axes_nD=first.axes_nD * torch.tensor([[1.0], [1.0], [-1.0]]),
        points_Vn=first.points_Vn * torch.tensor([1.0, 1.0, -1.0]),
    )
    moved = table + 0.01 * a_table(seed=1)
    again = principal_axes(moved, 3, flipped, plane_of(moved, ANALOGY))
    assert ((again.axes_nD * flipped.axes_nD).sum(1) > 0.9).all()

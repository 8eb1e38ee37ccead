"""All singular values, by every way that they are found, are LAPACK's."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest
import torch

from model.probe.singular_values import compute as sv
from model.slices import finish


def finished(work: Generator[float, None, Any]) -> tuple[Any, list[float]]:
    shares: list[float] = []
    return finish(work, shares.append), shares


def a_matrix(rows: int, columns: int, falling: float = 3.0) -> torch.Tensor:
    """Directions of very different strength, as in trained weights, and one that is lost."""
    generator = torch.Generator().manual_seed(rows)
    strength = torch.logspace(0, -falling, columns)
    strength[-1] = 0.0
    return torch.randn(rows, columns, generator=generator) * strength


@pytest.mark.parametrize("shape", [(40, 30), (30, 40), (1, 7), (7, 1), (1, 1)])
@pytest.mark.parametrize("way", ["lapack", "gram", "by hand"])
def test_they_are_lapacks(
    monkeypatch: pytest.MonkeyPatch, shape: tuple[int, int], way: str
) -> None:
    if way != "lapack":
        monkeypatch.setattr(sv, "DIRECT", 0.0)
    if way == "by hand":
        monkeypatch.setattr(sv, "DIRECT_GRAM", 0)
        monkeypatch.setattr(sv, "PANEL", 8)
    matrix = a_matrix(*shape)
    expected = torch.linalg.svdvals(matrix.double())
    found, _ = finished(sv.singular_values(matrix))
    assert found.shape == expected.shape
    assert float((found - expected).abs().max()) <= 1e-7 * float(expected[0]) + 1e-12


def test_a_matrix_too_large_for_one_go_is_done_in_slices_that_tell_how_far_they_are() -> None:
    matrix = a_matrix(1300, 900)
    found, shares = finished(sv.singular_values(matrix))
    expected = torch.linalg.svdvals(matrix.double())
    assert float((found - expected).abs().max()) <= 1e-7 * float(expected[0])
    assert len(shares) > 50
    assert shares == sorted(shares)
    assert 0 < shares[0] < shares[-1] <= 1


def test_weights_that_are_no_numbers_have_none() -> None:
    matrix = a_matrix(5, 5)
    matrix[2, 3] = float("nan")
    with pytest.raises(ValueError, match="NaN"):
        finished(sv.singular_values(matrix))


def test_the_effective_rank_counts_directions() -> None:
    assert sv.effective_rank(torch.ones(12)) == pytest.approx(12)
    assert sv.effective_rank(torch.tensor([3.0, 0.0, 0.0])) == pytest.approx(1)
    assert sv.effective_rank(torch.zeros(3)) == 0
    assert 1 < sv.effective_rank(torch.tensor([1.0, 0.5])) < 2

"""Principal axes, neighbours and sums of words, against plain linear algebra and facts."""

from __future__ import annotations

import math
import time

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from model.probe.geometry import compute as geometry


def a_table(rows: int = 300, width: int = 24, seed: int = 0) -> torch.Tensor:
    """A cloud that is long in some directions and off the origin, as embeddings are."""
    generator = torch.Generator().manual_seed(seed)
    stretch = torch.linspace(3, 0.2, width)
    turn, _ = torch.linalg.qr(torch.randn(width, width, generator=generator))
    return torch.randn(rows, width, generator=generator) * stretch @ turn + 0.7


def test_axes_are_those_of_a_singular_value_decomposition() -> None:
    table = a_table()
    found = geometry.principal_axes(table)
    centred = table.double() - table.double().mean(0)
    _, singular, axes = torch.linalg.svd(centred, full_matrices=False)
    cosines = (found.axes_nD.double() * axes[:3]).sum(1).abs()
    assert torch.allclose(cosines, torch.ones(3, dtype=torch.float64), atol=1e-6)
    share = singular[:3] ** 2 / (singular**2).sum()
    assert torch.allclose(found.variance_kept_n, share, atol=1e-6)
    assert torch.allclose(found.mean_D.double(), table.double().mean(0), atol=1e-6)


@pytest.mark.parametrize("width", [3, 256, 301])
def test_the_scatter_is_the_product_of_the_centred_table_with_itself(width: int) -> None:
    table = torch.randn(500, width, generator=torch.Generator().manual_seed(0)) + 0.3
    mean, found = geometry.scatter(table)
    centred = table.double() - table.double().mean(0)
    torch.testing.assert_close(mean.double(), table.double().mean(0), atol=1e-6, rtol=0)
    torch.testing.assert_close(found, centred.T @ centred, atol=2e-3, rtol=1e-5)
    assert torch.equal(found, found.T)


def test_points_are_the_centred_table_on_the_axes() -> None:
    table = a_table(rows=geometry.ROWS_AT_ONCE + 5, width=8)
    found = geometry.principal_axes(table)
    expected = (table - found.mean_D) @ found.axes_nD.T
    assert torch.allclose(found.points_Vn, expected, atol=1e-5)
    # And their variances are the shares that are claimed.
    variances = found.points_Vn.double().var(0, correction=0)
    total = table.double().var(0, correction=0).sum()
    assert torch.allclose(variances / total, found.variance_kept_n, atol=1e-6)


def test_axes_are_orthonormal_and_in_falling_order() -> None:
    found = geometry.principal_axes(a_table())
    assert torch.allclose(found.axes_nD @ found.axes_nD.T, torch.eye(3), atol=1e-5)
    assert found.variance_kept_n.tolist() == sorted(found.variance_kept_n.tolist(), reverse=True)


def test_signs_do_not_depend_on_chance() -> None:
    axes = geometry.principal_axes(a_table()).axes_nD
    assert (axes.gather(1, axes.abs().argmax(1, keepdim=True)) > 0).all()
    shuffled = a_table()[torch.randperm(300, generator=torch.Generator().manual_seed(5))]
    assert torch.allclose(geometry.principal_axes(shuffled).axes_nD, axes, atol=1e-4)


def turned(projection: geometry.Projection, turn: torch.Tensor) -> geometry.Projection:
    """The same picture, turned."""
    return projection._replace(
        points_Vn=projection.points_Vn @ turn.T, axes_nD=turn @ projection.axes_nD
    )


def test_a_cloud_that_trains_does_not_flip() -> None:
    table = a_table()
    flipped = turned(geometry.principal_axes(table), torch.diag(torch.tensor([-1.0, 1.0, -1.0])))
    moved = table + 0.01 * a_table(seed=1)
    again = geometry.principal_axes(moved, previous=flipped)
    assert ((again.axes_nD * flipped.axes_nD).sum(1) > 0.9).all()


def test_a_cloud_lies_as_near_to_the_picture_before_as_it_can() -> None:
    table = a_table()
    turn, _ = torch.linalg.qr(torch.randn(3, 3, generator=torch.Generator().manual_seed(3)))
    before = turned(geometry.principal_axes(table), turn)
    # The three longest axes are nearly as long as each other: which is first is up to chance.
    moved = table + 0.05 * a_table(seed=1)
    plain = geometry.principal_axes(moved)
    again = geometry.principal_axes(moved, previous=before)
    away = (again.points_Vn - before.points_Vn).norm()
    assert away < 0.2 * before.points_Vn.norm()
    for seed in range(20):  # no other turn brings it nearer
        other, _ = torch.linalg.qr(torch.randn(3, 3, generator=torch.Generator().manual_seed(seed)))
        assert (plain.points_Vn @ other.T - before.points_Vn).norm() >= away - 1e-4
    # It is the same space, and what is said of the axes holds of them as they are now.
    assert torch.allclose(again.axes_nD @ again.axes_nD.T, torch.eye(3), atol=1e-5)
    assert torch.allclose(
        again.axes_nD.T @ again.axes_nD, plain.axes_nD.T @ plain.axes_nD, atol=1e-5
    )
    assert again.variance_kept_n.sum() == pytest.approx(float(plain.variance_kept_n.sum()))
    variances = again.points_Vn.double().var(0, correction=0)
    total = moved.double().var(0, correction=0).sum()
    assert torch.allclose(variances / total, again.variance_kept_n, atol=1e-6)


def test_axes_that_change_places_keep_their_order() -> None:
    narrow = torch.diag(torch.tensor([3.0, 2.0, 1.0, 0.1]))
    table = torch.cat([narrow, -narrow])
    first = geometry.principal_axes(table)
    # Now the second axis is longer than the first.
    longer = table * torch.tensor([1.0, 2.0, 1.0, 1.0])
    later = geometry.principal_axes(longer, n=3)
    followed = geometry.principal_axes(longer, previous=first)
    assert torch.allclose(followed.axes_nD, first.axes_nD, atol=1e-6)
    assert not torch.allclose(later.axes_nD, first.axes_nD, atol=1e-1)
    assert followed.variance_kept_n[1] > followed.variance_kept_n[0]
    assert followed.variance_kept_n.sum() == pytest.approx(later.variance_kept_n.sum())


def test_a_picture_of_other_rows_is_no_guide() -> None:
    plain = geometry.principal_axes(a_table())
    guided = geometry.principal_axes(a_table(), previous=geometry.principal_axes(a_table(rows=50)))
    assert torch.equal(plain.axes_nD, guided.axes_nD)


def test_a_table_of_two_dimensions_has_two_axes() -> None:
    found = geometry.principal_axes(a_table(width=2))
    assert found.points_Vn.shape == (300, 3)
    assert found.points_Vn[:, 2].abs().max() == 0
    assert found.variance_kept_n.sum() == pytest.approx(1)


def test_equal_rows_have_no_variance() -> None:
    found = geometry.principal_axes(torch.ones(5, 4))
    assert found.variance_kept_n.tolist() == [0, 0, 0]
    assert found.points_Vn.abs().max() == 0


def test_broken_tables_are_refused() -> None:
    with pytest.raises(ValueError, match="NaN"):
        geometry.principal_axes(torch.tensor([[1.0, float("nan")]]))
    with pytest.raises(ValueError, match="table"):
        geometry.principal_axes(torch.ones(3))


def test_half_precision_is_read_as_it_is() -> None:
    table = a_table().bfloat16()
    exact = geometry.principal_axes(table.double().float())
    assert torch.equal(geometry.principal_axes(table).points_Vn, exact.points_Vn)


def test_a_vocabulary_of_gpt2_takes_about_a_second() -> None:
    table = torch.randn(50_257, 768)
    started = time.perf_counter()
    geometry.principal_axes(table)
    # 0.4 s on two free cores; much above this bound, the covariance is no longer what is used.
    assert time.perf_counter() - started < 10


def test_neighbours_are_those_of_a_plain_loop() -> None:
    table = a_table()
    ids, cosines = geometry.nearest(table, table[7], k=5)
    expected = sorted(
        range(300),
        key=lambda i: -torch.nn.functional.cosine_similarity(table[i], table[7], dim=0).item(),
    )
    assert ids.tolist() == expected[:5]
    assert ids[0] == 7
    assert cosines[0] == pytest.approx(1, abs=1e-6)
    assert cosines.tolist() == sorted(cosines.tolist(), reverse=True)


def test_of_equal_neighbours_the_lower_id_comes_first() -> None:
    table = torch.tensor([[0.0, 1.0], [2.0, 0.0], [1.0, 0.0]])
    ids, cosines = geometry.nearest(table, torch.tensor([1.0, 0.0]), k=9)
    assert ids.tolist() == [1, 2, 0]
    assert cosines.tolist() == [1, 1, 0]


def test_a_row_of_zeros_is_near_nothing() -> None:
    table = torch.tensor([[0.0, 0.0], [1.0, 1.0]])
    ids, cosines = geometry.nearest(table, torch.tensor([1.0, 0.0]), k=2)
    assert ids.tolist() == [1, 0]
    assert cosines.tolist() == pytest.approx([math.sqrt(0.5), 0])


def test_a_zero_vector_points_nowhere() -> None:
    table = a_table()
    zero = geometry.signed_sum(table, [(1, 3), (-1, 3)])
    with pytest.raises(ValueError, match="points nowhere"):
        geometry.nearest(table, zero, k=3)


def test_king_minus_man_plus_woman() -> None:
    # king = royal + male, man = male, woman = female, queen = royal + female, and a stranger.
    king, man, woman, queen, stranger = range(5)
    table = torch.tensor(
        [[2.0, 1, 0, 0], [0, 1, 0, 0.3], [0, 0, 1, 0.3], [2, 0, 1, 0], [0.3, 0, 0, 2]]
    )
    vector = geometry.signed_sum(table, [(1, king), (-1, man), (1, woman)])
    assert torch.equal(vector, table[king] - table[man] + table[woman])
    assert geometry.rank_of(table, vector, queen, excluded=(king, man, woman)) == 1
    assert geometry.rank_of(table, vector, stranger, excluded=(king, man, woman)) == 2
    ids, _ = geometry.nearest(table, vector, k=5)
    for token in range(5):
        assert geometry.rank_of(table, vector, token) == ids.tolist().index(token) + 1


def test_words_outside_the_table_are_refused() -> None:
    table = a_table()
    with pytest.raises(ValueError, match="no token 300"):
        geometry.signed_sum(table, [(1, 300)])
    with pytest.raises(ValueError, match="no token -1"):
        geometry.rank_of(table, table[0], -1)
    with pytest.raises(ValueError, match="at least one"):
        geometry.signed_sum(table, [])


@given(seed=st.integers(0, 1000), k=st.integers(1, 40), token=st.integers(0, 39))
def test_a_rank_is_a_place_among_the_neighbours(seed: int, k: int, token: int) -> None:
    table = a_table(rows=40, width=5, seed=seed)
    ids, _ = geometry.nearest(table, table[0], k=k)
    rank = geometry.rank_of(table, table[0], token)
    assert (rank <= k) == (token in ids.tolist())
    if rank <= k:
        assert ids[rank - 1] == token

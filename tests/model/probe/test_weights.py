"""Figures, histogram and picture of a tensor are those that NumPy finds."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from model.probe.weights import compute as weights
from model.probe.weights.matrix_layout import layout_of
from model.slices import finish


def a_tensor(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)) * 3 + 0.5


@pytest.mark.parametrize(
    "tensor",
    [
        a_tensor(7),
        a_tensor(40, 30).T,
        a_tensor(3, 5, 8).permute(2, 0, 1),
        a_tensor(40, 30).bfloat16(),
        a_tensor(1200, 700),
        torch.full((4, 5), 2.0),
        a_tensor(5).new_zeros(6, 2),
        torch.tensor(3.5),
    ],
    ids=str,
)
def test_figures_are_numpys(tensor: torch.Tensor) -> None:
    found = finish(weights.figures(tensor))
    expected = tensor.double().numpy()
    assert found.n == expected.size
    assert found.mean == pytest.approx(expected.mean(), abs=1e-12)
    assert found.std == pytest.approx(expected.std(), abs=1e-7)
    assert (found.low, found.high) == (expected.min(), expected.max())
    assert found.n_zeros == (expected == 0).sum()
    assert found.norm == pytest.approx(np.linalg.norm(expected))
    assert found.rms == pytest.approx(np.sqrt((expected**2).mean()))
    assert found.n_not_finite == 0


def test_what_is_not_finite_is_counted_and_left_out() -> None:
    tensor = torch.tensor([1.0, float("nan"), 3.0, float("inf"), 0.0])
    found = finish(weights.figures(tensor))
    assert (found.n, found.n_not_finite, found.n_zeros) == (5, 2, 1)
    assert (found.low, found.high) == (0.0, 3.0)
    assert found.mean == pytest.approx(4 / 3)
    nothing = finish(weights.figures(torch.full((3,), float("nan"))))
    assert nothing.n_not_finite == 3
    assert np.isnan([nothing.mean, nothing.low, nothing.norm]).all()


def test_a_small_deviation_around_a_large_mean_keeps_its_digits() -> None:
    tensor = 1.0 + 1e-4 * a_tensor(10_000)
    found = finish(weights.figures(tensor))
    assert found.std == pytest.approx(tensor.double().numpy().std(), rel=1e-6)


def test_every_number_is_in_one_slice_and_no_slice_is_large() -> None:
    tensor = torch.arange(3 * 1000 * 500).reshape(3, 1000, 500).transpose(0, 2)
    parts = list(weights.slices(tensor))
    assert len(parts) > 4
    assert max(part.numel() for part in parts) <= weights.SLICE
    assert torch.cat([part.flatten() for part in parts]).sort()[0].equal(torch.arange(1_500_000))


def test_the_histogram_counts_every_number_once() -> None:
    tensor = a_tensor(300, 200)
    low, high = float(tensor.min()), float(tensor.max())
    counts = finish(weights.histogram(tensor, low, high, 50))
    expected, _ = np.histogram(tensor.double().numpy(), 50, (low, high))
    assert counts.sum() == tensor.numel()
    # A number that lies on an edge up to rounding may fall on either side of it.
    assert np.abs(counts.numpy() - expected).sum() <= 2


@given(
    shape=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    most=st.tuples(st.integers(1, 12), st.integers(1, 12)),
    data=st.data(),
)
def test_a_picture_shows_the_number_farthest_from_0_of_each_block(
    shape: tuple[int, int], most: tuple[int, int], data: st.DataObject
) -> None:
    matrix = a_tensor(*shape, seed=shape[0])
    first = [data.draw(st.integers(0, size - 1)) for size in shape]
    last = [data.draw(st.integers(at + 1, size)) for at, size in zip(first, shape)]
    rows, columns = (first[0], last[0]), (first[1], last[1])
    found = finish(weights.picture(matrix, rows, columns, most))
    down, across = found.block
    assert found.values_RC.shape[0] <= most[0]
    assert found.values_RC.shape[1] <= most[1]
    assert torch.equal(matrix[found.rows_RC, found.columns_RC], found.values_RC)
    for r, row in enumerate(range(*rows, down)):
        for c, column in enumerate(range(*columns, across)):
            block = matrix[
                row : min(row + down, rows[1]), column : min(column + across, columns[1])
            ]
            assert abs(found.values_RC[r, c]) == block.abs().max()


def test_a_picture_does_not_hide_what_is_not_a_number() -> None:
    matrix = a_tensor(20, 20)
    matrix[13, 7] = float("nan")
    found = finish(weights.picture(matrix, (0, 20), (0, 20), (5, 5)))
    assert found.values_RC.isnan().sum() == 1
    assert (int(found.rows_RC[3, 1]), int(found.columns_RC[3, 1])) == (13, 7)


@pytest.mark.parametrize(
    ("name", "shape", "part"),
    [
        ("W_E", (11, 6), None),
        ("blocks.0.attn.W_Q", (4, 6, 3), None),
        ("blocks.0.attn.W_O", (4, 3, 6), None),
        ("blocks.0.attn.W_Q", (4, 6, 3), 2),
        ("blocks.0.attn.b_Q", (4, 3), None),
        ("ln_final.w", (6,), None),
    ],
)
def test_a_cell_of_the_matrix_is_the_tensors_element(
    name: str, shape: tuple[int, ...], part: int | None
) -> None:
    tensor = a_tensor(*shape)
    layout = layout_of(name, shape, part)
    matrix = weights.as_matrix(tensor, layout)
    assert matrix.shape == (layout.n_rows, layout.n_columns)
    for row in range(layout.n_rows):
        for column in range(layout.n_columns):
            index = layout.index(row, column)
            assert tensor[index] == matrix[row, column]
            assert layout.cell(index) == (row, column)


def test_the_matrix_of_all_heads_maps_the_residual_stream_to_all_queries() -> None:
    w_q = a_tensor(4, 6, 3)
    resid = a_tensor(2, 6)
    together = resid @ weights.as_matrix(w_q, layout_of("blocks.0.attn.W_Q", (4, 6, 3)))
    assert torch.allclose(together.view(2, 4, 3), torch.einsum("td,hdk->thk", resid, w_q))


def test_what_can_not_be_laid_out_is_refused() -> None:
    with pytest.raises(ValueError, match="part 4"):
        layout_of("blocks.0.attn.W_Q", (4, 6, 3), 4)
    with pytest.raises(ValueError, match="part 0"):
        layout_of("W_E", (4, 6), 0)
    assert layout_of("blocks.0.attn.W_Q", (4, 6, 3), 1).cell((2, 0, 0)) is None

"""A tensor as one number and as a picture: against NumPy, and cell by cell."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from model.train.picture import MOST_COLUMNS, MOST_ROWS, layout_of
from model.train.reductions import effective_rank, picture_of, reduced
from model.train.watches import REDUCTIONS, Watch

PATTERN = Watch("blocks.0.attn.hook_pattern", "activation", "entropy")


def test_reductions_are_numpys() -> None:
    x = torch.randn(3, 4, 5, generator=torch.Generator().manual_seed(0))
    a = x.double().numpy()
    p = x.softmax(-1)
    q = p.double().numpy()
    expected = {
        "norm": np.sqrt((a**2).sum()),
        "rms": np.sqrt((a**2).mean()),
        "max": np.abs(a).max(),
        "mean": a.mean(),
        "entropy": -(q * np.log(q)).sum(-1).mean(),
    }
    for name, value in expected.items():
        got = reduced(p if name == "entropy" else x, name)
        assert got == pytest.approx(value, rel=1e-5), name
    assert set(expected) | {"rank"} == set(REDUCTIONS)


def test_what_a_mask_sets_is_left_out() -> None:
    x = torch.tensor([[1.0, -math.inf], [2.0, 3.0]])
    assert reduced(x, "mean") == 2.0
    assert reduced(x, "max") == 3.0
    assert math.isnan(reduced(torch.full((2, 2), -math.inf), "norm"))


def test_the_effective_rank_counts_directions() -> None:
    assert effective_rank(torch.eye(6, 4)) == pytest.approx(4.0)
    assert effective_rank(torch.ones(6, 4)) == pytest.approx(1.0, rel=1e-3)
    assert math.isnan(effective_rank(torch.zeros(3, 3)))
    assert math.isnan(effective_rank(torch.full((3, 3), math.nan)))


def test_heads_of_a_pattern_stand_beside_one_another() -> None:
    x = torch.arange(2 * 3 * 4 * 4.0).reshape(2, 3, 4, 4)
    picture = picture_of(x, PATTERN, "BHQS", 7)
    assert picture.values_RC.shape == (4, 12)
    for head in range(3):
        np.testing.assert_array_equal(picture.values_RC[:, 4 * head : 4 * head + 4], x[0, head])
    assert picture.where(2, 9) == "query 2, head 2, key 1"
    assert picture.layout.words(picture.layout.columns) == "head × key"


@pytest.mark.parametrize(
    ("letters", "sizes", "shape"),
    [
        ("D", (5,), (1, 5)),
        ("VD", (9, 5), (9, 5)),
        ("HDK", (2, 5, 3), (5, 6)),
        ("HKD", (2, 3, 5), (6, 5)),
        ("THK", (4, 2, 3), (4, 6)),
        ("TD", (4, 5), (4, 5)),
    ],
)
def test_every_axis_has_its_place(
    letters: str, sizes: tuple[int, ...], shape: tuple[int, int]
) -> None:
    layout = layout_of(letters, sizes)
    assert (layout.n_rows, layout.n_columns) == shape
    x = torch.randn(sizes)
    picture = picture_of(x, PATTERN, letters, 0)
    # The words of a cell name the very element.
    word = {"D": "d_model", "V": "token", "H": "head", "K": "d_head", "T": "position"}
    row, column = shape[0] - 1, shape[1] // 2
    said = dict(part.rsplit(" ", 1) for part in picture.where(row, column).split(", "))
    at = tuple(int(said[word[letter]]) for letter in letters)
    assert picture.values_RC[row, column] == x[at]


def test_a_large_matrix_shows_the_largest_of_each_block() -> None:
    x = torch.zeros(2 * MOST_ROWS + 1, 3 * MOST_COLUMNS)
    x[1, 2] = -5.0
    x[-1, -1] = 2.0
    picture = picture_of(x, Watch("W_E", "parameter", "norm"), "VD", 0)
    assert (picture.by_row, picture.by_column) == (3, 3)
    assert picture.values_RC.shape == (-(-(2 * MOST_ROWS + 1) // 3), MOST_COLUMNS)
    assert picture.values_RC[0, 0] == -5.0
    assert picture.values_RC[-1, -1] == 2.0
    assert np.count_nonzero(picture.values_RC) == 2
    assert picture.where(0, 0) == "token 0 to token 2, d_model 0 to d_model 2"

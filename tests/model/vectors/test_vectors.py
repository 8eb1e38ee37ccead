"""Angles, bounds, pushing, packing and superposition, held to plain computations and known sets."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from model.vectors.angles import N_BINS, angles
from model.vectors.bounds import density, least_cosine, most_vectors, welch
from model.vectors.packing import packing
from model.vectors.pushing import pushing, random_vectors
from model.vectors.superposition import DENSITIES, training


def cosines(x: np.ndarray) -> np.ndarray:
    unit = x / np.linalg.norm(x, axis=1, keepdims=True)
    return (unit @ unit.T)[np.triu_indices(len(x), 1)]


def test_angles_are_those_of_all_pairs():
    x = torch.randn(60, 7, generator=torch.Generator().manual_seed(1))
    found = angles(x)
    expected = cosines(x.double().numpy())
    counts, _ = np.histogram(np.degrees(np.arccos(expected)), N_BINS, (0, 180))
    # In float32 a pair may fall into the bin beside its own.
    assert np.abs(np.cumsum(found.counts_A) - np.cumsum(counts)).max() <= 1
    assert found.exact
    assert found.n_pairs == 60 * 59 // 2
    assert found.largest_cosine == pytest.approx(np.abs(expected).max(), abs=1e-6)
    near = (np.abs(np.degrees(np.arccos(expected)) - 90) <= 20).mean()
    assert found.within(20) == pytest.approx(near, abs=2 / found.n_pairs)


def test_of_a_large_table_some_rows_are_looked_at_and_it_says_so():
    x = torch.randn(400, 16, generator=torch.Generator().manual_seed(2))
    whole, some = angles(x), angles(x, most_pairs=20_000)
    assert not some.exact
    assert some.n_pairs == 50 * 399
    assert some.spread == pytest.approx(whole.spread, rel=0.05)


def test_vectors_without_a_direction_are_left_out():
    x = torch.tensor([[1.0, 0.0], [0.0, 0.0], [0.0, 2.0], [math.nan, 1.0]])
    found = angles(x)
    assert (found.n, found.n_left_out, found.n_pairs) == (2, 2, 1)
    assert found.within(0.1) == 1.0


@pytest.mark.parametrize("d", [2, 3, 16, 400])
def test_chance_is_where_random_vectors_are(d: int):
    degrees = (np.arange(N_BINS) + 0.5) * 180 / N_BINS
    expected = density(degrees, d)
    assert expected.sum() * 180 / N_BINS == pytest.approx(1.0, abs=1e-3)
    found = angles(random_vectors(1500, d, seed=0))
    at = np.sqrt(np.average((degrees - 90) ** 2, weights=expected))
    assert found.spread == pytest.approx(at, rel=0.03)


def test_bounds_are_reached_by_the_sets_that_are_known():
    # A simplex: d + 1 vectors, all cosines -1/d. Equiangular lines: 6 in 3, 28 in 7 dimensions.
    for n, d, cosine in ((4, 3, 1 / 3), (6, 3, 1 / math.sqrt(5)), (28, 7, 1 / 3)):
        assert welch(n, d) == pytest.approx(cosine)
        assert least_cosine(n, d) == pytest.approx(cosine)
    assert least_cosine(5, 5) == 0.0
    # Far more vectors than dimensions: on a line of angles n vectors are 180 / n degrees apart.
    n = 40
    assert welch(n, 2) < least_cosine(n, 2) <= math.cos(math.pi / n)


def test_no_more_fit_than_the_bound_says():
    for degrees, d in ((5.0, 8), (10.0, 16), (30.0, 3)):
        most = most_vectors(degrees, d)
        cosine = math.sin(math.radians(degrees))
        assert least_cosine(math.floor(most), d) <= cosine + 1e-9
        assert least_cosine(math.floor(most) + 2, d) > cosine
    assert most_vectors(0.001, 10) == pytest.approx(10, abs=0.01)
    assert math.isinf(most_vectors(60.0, 512))


@pytest.mark.parametrize(("n", "d", "best"), [(6, 3, 1 / math.sqrt(5)), (4, 3, 1 / 3), (8, 8, 0.0)])
def test_vectors_are_pushed_as_far_apart_as_is_known(n: int, d: int, best: float):
    *_, last = pushing(random_vectors(n, d, seed=0))
    found = np.abs(cosines(last.x_ND.double().numpy())).max()
    assert found == pytest.approx(last.largest_cosine, abs=1e-6)
    assert found == pytest.approx(best, abs=2e-3)


def test_pushing_ends_with_the_best_that_it_saw():
    seen = [step.largest_cosine for step in pushing(random_vectors(30, 6, seed=3), steps=60)]
    assert len(seen) == 61
    assert seen[-1] == min(seen)
    assert seen[-1] < 0.8 * seen[0]


def test_what_is_packed_fits():
    *_, last = packing(30.0, 6, seed=1)
    assert last.d == 6
    assert last.n > 6
    assert not last.more
    again = list(packing(30.0, 6, seed=1))[-1]
    assert again == last


def test_rare_features_share_dimensions_and_frequent_ones_do_not():
    *_, toy = training(5, 2, steps=700, batch=128)
    assert toy.w_SDN.shape == (len(DENSITIES), 2, 5)
    stored = toy.stored_S.tolist()
    assert stored[0] <= 3
    assert stored[-1] == 5
    # What all have for themselves is what there is.
    assert float(toy.shared_SN[-1].sum()) == pytest.approx(2.0, abs=0.1)


def test_shares_of_dimensions_are_those_of_the_vectors():
    steps = list(training(4, 2, steps=20, seed=5))
    assert steps[-1].step == 20
    toy = steps[-1]
    length = np.linalg.norm(toy.w_SDN[2].numpy(), axis=0)
    overlap = (toy.w_SDN[2].numpy() / length).T @ toy.w_SDN[2].numpy()
    shared = length**2 / (overlap**2).sum(1)
    assert np.allclose(toy.shared_SN[2].numpy(), shared, atol=1e-4)

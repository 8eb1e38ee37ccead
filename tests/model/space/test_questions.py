"""Neighbours, suites and directions are those of float64 by NumPy."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from model.space.asking import answering, ask
from model.space.questions.asks import (
    METRICS,
    Along,
    AlongFound,
    Metric,
    Near,
    NearFound,
    Suite,
    SuiteFound,
)
from model.space.questions.near import BINS
from model.space.registry import SpaceError
from model.space.table import VectorTable

TERMS = ((1, 3), (-1, 7), (1, 11))


@pytest.fixture
def rows() -> NDArray[np.float64]:
    random = np.random.default_rng(7)
    rows = random.standard_normal((300, 20)) * random.uniform(0.5, 3, (300, 1))
    rows[40] = 0
    rows[51] = rows[50]  # of equals the lower row comes first
    return np.asarray(rows)


def near_by(
    rows: NDArray[np.float64], vector: NDArray[np.float64], metric: str
) -> NDArray[np.float64]:
    """Written apart from the program's own, which the test is about."""
    if metric == "dot":
        return np.asarray(rows @ vector)
    if metric == "euclidean":
        return np.asarray(np.linalg.norm(rows - vector, axis=1))
    lengths = np.linalg.norm(rows, axis=1)
    return np.asarray(rows @ vector / np.where(lengths > 0, lengths, 1) / np.linalg.norm(vector))


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_neighbours_are_the_nearest_by_each_metric(
    metric: Metric, dtype: torch.dtype, rows: NDArray[np.float64]
) -> None:
    stored = torch.tensor(rows).to(dtype)
    exact = stored.double().numpy()
    table = VectorTable(stored, "words")
    for terms in (((1, 50),), TERMS):
        vector = sum(sign * exact[row] for sign, row in terms)
        values = near_by(exact, np.asarray(vector), metric)
        order = np.argsort(values if metric == "euclidean" else -values, kind="stable")
        found = ask(Near(terms, 12, metric, expected=90), table)
        assert isinstance(found, NearFound)
        assert np.allclose(found.values, values[order[:12]], atol=2e-4)
        assert [row for row in found.ids if row not in (50, 51)] == [
            row for row in order[:12] if row not in (50, 51)
        ]
        own = {row for _, row in terms}
        assert found.own == tuple(row in own for row in found.ids)
        assert found.rank == 1 + list(order).index(90)
        assert found.rank_without == 1 + [row for row in order if row not in own].index(90)
        assert found.expected_value == pytest.approx(values[90], abs=2e-4)
        assert found.counts.sum() == len(rows)
        assert (found.mean, found.std) == pytest.approx((values.mean(), values.std()), abs=1e-3)
        expected = np.histogram(values, BINS, (found.low, found.high))[0]
        assert np.abs(found.counts - expected).sum() <= 4, "but for those on an edge"


def test_a_row_is_its_own_nearest_and_exactly_there(rows: NDArray[np.float64]) -> None:
    found = ask(Near(((1, 9),), 3, "euclidean"), VectorTable(torch.tensor(rows).float(), "words"))
    assert isinstance(found, NearFound)
    assert (found.ids[0], found.values[0]) == (9, 0.0)


def test_all_neighbours_of_a_small_table_are_listed(rows: NDArray[np.float64]) -> None:
    found = ask(Near(((1, 1),), 50), VectorTable(torch.tensor(rows[:5]).float(), "words"))
    assert isinstance(found, NearFound)
    assert sorted(found.ids) == list(range(5))


@pytest.mark.parametrize(
    ("question", "says"),
    [
        (Near(((1, 40),)), "points nowhere"),
        (Near(((1, 3), (-1, 3))), "points nowhere"),
        (Near(((1, 999),)), "There is no row 999; words has 300."),
        (Near(()), "at least one word"),
        (Near(((1, 3),), metric="angle"), "no metric 'angle'"),  # type: ignore[arg-type]
        (Near(((1, 60),)), "NaN or infinity"),
        (Suite(()), "no analogy to ask"),
        (Suite(((0, 1, 2, 999),)), "names a row that words does not have"),
        (Along(((1, 2),)), "two pairs or more"),
        (Along(((1, 2), (2, 1))), "differences cancel out"),
        (Along(((1, 2), (3, 999))), "names a row"),
    ],
)
def test_what_can_not_be_answered_is_said(
    question: Near, says: str, rows: NDArray[np.float64]
) -> None:
    rows[60] = np.nan
    with pytest.raises(SpaceError, match=says):
        ask(question, VectorTable(torch.tensor(rows).float(), "words"))


def test_rows_that_are_not_finite_are_last(rows: NDArray[np.float64]) -> None:
    rows[60] = np.inf
    found = ask(Near(((1, 3),), 300), VectorTable(torch.tensor(rows).float(), "words"))
    assert isinstance(found, NearFound)
    assert found.ids[-1] == 60
    assert np.isfinite([found.mean, found.std]).all()


def test_a_suite_ranks_every_expected_word(rows: NDArray[np.float64]) -> None:
    fours = (*permutations((3, 7, 11, 19), 4), (1, 1, 2, 2), (5, 6, 5, 5))
    groups = ("first",) * 10 + ("second",) * (len(fours) - 10)
    table = VectorTable(torch.tensor(rows).float(), "words")
    for metric in METRICS:
        found = ask(Suite(fours, groups, metric), table)
        assert isinstance(found, SuiteFound)
        for at, (a, b, c, d) in enumerate(fours):
            values = near_by(rows, rows[a] - rows[b] + rows[c], metric)
            order = np.argsort(values if metric == "euclidean" else -values, kind="stable").tolist()
            without = [row for row in order if row not in {a, b, c} or row == d]
            answer = next(row for row in order if row not in {a, b, c})
            assert found.ranks_Q2[at].tolist() == [1 + without.index(d), 1 + order.index(d)]
            assert found.answers_Q[at] == answer
        of_second = found.ranks_Q2[10:, 0]
        assert found.score(group="second") == pytest.approx((of_second == 1).mean())
        assert found.score(top=5, inputs=True) == pytest.approx((found.ranks_Q2[:, 1] <= 5).mean())


def test_a_long_suite_tells_what_it_has(
    rows: NDArray[np.float64], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("model.space.questions.suite.NUMBERS", 300 * 6)
    fours = tuple(permutations((3, 7, 11, 19), 4))
    steps = list(answering(Suite(fours), VectorTable(torch.tensor(rows).float(), "words")))
    shares = [step.share for step in steps if step is not None]
    assert shares == [0.25, 0.5, 0.75, 1.0]
    assert isinstance(steps[0], SuiteFound)
    assert len(steps[0].ranks_Q2) == 6


def test_each_pair_is_looked_at_along_the_direction_of_the_others(
    rows: NDArray[np.float64],
) -> None:
    pairs = ((0, 1), (2, 3), (4, 5), (6, 7))
    table = VectorTable(torch.tensor(rows), "words")
    found = ask(Along(pairs), table)
    assert isinstance(found, AlongFound)
    steps = np.stack([rows[a] - rows[b] for a, b in pairs])
    for at, (a, b) in enumerate(pairs):
        way = np.delete(steps, at, 0).sum(0)
        way /= np.linalg.norm(way)
        assert np.allclose(found.dots_P2[at], [rows[a] @ way, rows[b] @ way])
        assert found.cosines_P[at] == pytest.approx(steps[at] @ way / np.linalg.norm(steps[at]))
    assert found.ordered == (found.dots_P2[:, 0] > found.dots_P2[:, 1]).sum()


def test_held_out_pairs_and_words_lie_along_the_direction_of_all(
    rows: NDArray[np.float64],
) -> None:
    question = Along(((0, 1), (2, 3)), held_out=((8, 9),), singles=(12, 13))
    found = ask(question, VectorTable(torch.tensor(rows), "words"))
    assert isinstance(found, AlongFound)
    way = rows[0] - rows[1] + rows[2] - rows[3]
    way /= np.linalg.norm(way)
    assert np.allclose(found.direction_D, way)
    assert np.allclose(found.dots_P2, [[rows[8] @ way, rows[9] @ way]])
    assert np.allclose(found.singles_S, rows[[12, 13]] @ way)
    assert set(found.arrays()) == {"dot", "cosine", "single", "direction"}

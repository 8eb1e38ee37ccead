"""From logits to a distribution, and from that to a token."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from model.sampling import CUTS, Sampling, cut_by, draw, drawn, probabilities, surprisal_bits

LOGITS = np.array([1.0, 3.0, 2.0, 3.5, -4.0])

logits_arrays = hnp.arrays(np.float32, st.integers(1, 40), elements=st.floats(-1e4, 1e4, width=32))
settings = st.builds(
    Sampling,
    temperature=st.floats(0, 5),
    top_k=st.integers(0, 50),
    top_p=st.floats(0.001, 1),
    min_p=st.floats(0, 1),
)


@given(logits_arrays, settings)
def test_it_is_always_a_distribution(logits: np.ndarray, sampling: Sampling):
    probs = probabilities(logits, sampling)
    assert probs.sum() == pytest.approx(1, abs=1e-9)
    assert (probs >= 0).all()
    # The likeliest token is never cut; logits may differ by less than their exponentials do.
    assert probs[logits.argmax()] == probs.max()
    if sampling.top_k:
        assert np.count_nonzero(probs) <= sampling.top_k
    assert probs[draw(probs, np.random.default_rng(0))] > 0


def test_temperature_one_is_the_softmax():
    expected = torch.tensor(LOGITS).softmax(0).numpy()
    assert probabilities(LOGITS, Sampling()) == pytest.approx(expected, rel=1e-12)


def test_temperature_divides_the_logits():
    expected = torch.tensor(LOGITS / 0.7).softmax(0).numpy()
    assert probabilities(LOGITS, Sampling(temperature=0.7)) == pytest.approx(expected, rel=1e-12)


def test_temperature_zero_is_greedy_and_takes_the_lowest_of_tied_ids():
    assert probabilities(LOGITS, Sampling(temperature=0)).tolist() == [0, 0, 0, 1, 0]
    assert probabilities(np.array([2.0, 5, 5]), Sampling(temperature=0)).tolist() == [0, 1, 0]


@pytest.mark.parametrize("temperature", [1e-3, 1e-30, 1e-300, 5e-324])
def test_a_low_temperature_does_not_overflow(temperature: float):
    probs = probabilities(LOGITS, Sampling(temperature=temperature))
    assert probs == pytest.approx([0, 0, 0, 1, 0], abs=1e-9)


def test_top_k_keeps_exactly_k():
    probs = probabilities(LOGITS, Sampling(top_k=2))
    assert (probs > 0).tolist() == [False, True, False, True, False]
    assert probs[3] / probs[1] == pytest.approx(np.exp(0.5))
    assert (probabilities(np.zeros(6), Sampling(top_k=2)) > 0).tolist() == [True] * 2 + [False] * 4
    assert (probabilities(LOGITS, Sampling(top_k=99)) > 0).all()


def test_top_p_keeps_the_fewest_that_reach_p():
    logits = np.log([0.5, 0.3, 0.15, 0.05])
    for top_p, kept in ((0.4, 1), (0.6, 2), (0.79, 2), (0.81, 3), (0.99, 4), (1.0, 4)):
        probs = probabilities(logits, Sampling(top_p=top_p))
        assert np.count_nonzero(probs) == kept, top_p
        assert (probs[:kept] > 0).all()


def test_top_p_comes_after_top_k():
    logits = np.log([0.5, 0.3, 0.15, 0.05])
    # Of the two kept, 0.5 / 0.8 = 0.625 reaches 0.6 alone.
    probs = probabilities(logits, Sampling(top_k=2, top_p=0.6))
    assert probs.tolist() == [1, 0, 0, 0]


def test_min_p_keeps_what_is_a_share_as_likely_as_the_likeliest():
    logits = np.log([0.5, 0.3, 0.15, 0.05])
    for min_p, kept in ((0.0, 4), (0.09, 4), (0.11, 3), (0.31, 2), (0.61, 1), (1.0, 1)):
        probs = probabilities(logits, Sampling(min_p=min_p))
        assert np.count_nonzero(probs) == kept, min_p
    probs = probabilities(logits, Sampling(min_p=0.31))
    assert probs == pytest.approx([0.625, 0.375, 0, 0])
    # It asks for the distribution at the temperature that is set: flatter, more is left.
    assert np.count_nonzero(probabilities(logits, Sampling(temperature=5, min_p=0.31))) == 4
    # As likely as the likeliest: all that tie with it.
    assert np.count_nonzero(probabilities(np.zeros(6), Sampling(min_p=1.0))) == 6


def test_each_token_that_is_left_out_has_the_filter_that_did_it():
    logits = np.log([0.4, 0.3, 0.16, 0.08, 0.04, 0.02])
    # top-k leaves five; of these 0.95 / 0.98 > 0.9 are four; 0.08 < 0.3 * 0.4 goes by min-p.
    found = cut_by(logits, Sampling(top_k=5, top_p=0.9, min_p=0.3))
    assert [CUTS[i] for i in found] == ["", "", "", "min p", "top p", "top k"]
    assert [CUTS[i] for i in cut_by(logits, Sampling(temperature=0))] == [
        "",
        *["temperature 0"] * 5,
    ]
    assert not cut_by(logits, Sampling(temperature=2)).any()


@given(logits_arrays, settings)
def test_what_is_left_out_is_what_has_lost_its_probability(logits: np.ndarray, sampling: Sampling):
    own = probabilities(logits, Sampling(temperature=sampling.temperature or 1.0))
    lost = (own > 0) & (probabilities(logits, sampling) == 0)
    assert ((cut_by(logits, sampling) > 0) == lost).all()


def test_a_draw_falls_on_the_token_under_its_number():
    probs = probabilities(LOGITS, Sampling(top_k=3))
    ends = np.cumsum(probs)
    rng, again = np.random.default_rng(4), np.random.default_rng(4)
    for _ in range(200):
        how = drawn(probs, rng)
        assert how.u == again.random()
        assert how.token_id == np.searchsorted(ends, how.u, side="right")
        assert how.start <= how.u < how.stop
        assert (how.start, how.stop) == pytest.approx(
            (ends[how.token_id] - probs[how.token_id], ends[how.token_id])
        )
        assert how.probability == probs[how.token_id]
        assert sorted(how.ids) == [1, 2, 3], "what can't be drawn has no part"
        assert list(how.widths) == pytest.approx(sorted(probs[probs > 0])[::-1])
        assert how.starts == pytest.approx([ends[i] - probs[i] for i in how.ids])


def test_the_token_that_was_drawn_is_among_the_longest_parts_however_short_its_own_is():
    probs = probabilities(np.zeros(400), Sampling())
    how = drawn(probs, np.random.default_rng(0))
    assert how.token_id in how.ids
    assert len(how.ids) == len(set(how.ids)) == 12


def test_tokens_are_drawn_as_often_as_the_distribution_says():
    probs = probabilities(LOGITS, Sampling())
    rng = np.random.default_rng(1)
    n = 20_000
    counts = np.bincount([draw(probs, rng) for _ in range(n)], minlength=5)
    # Five standard deviations of a binomial.
    assert (np.abs(counts - n * probs) <= 5 * np.sqrt(n * probs * (1 - probs)) + 1).all()


def test_surprisal_is_minus_log2_of_the_probability():
    probs = probabilities(LOGITS, Sampling())
    for token_id in range(5):
        assert surprisal_bits(LOGITS, token_id) == pytest.approx(-np.log2(probs[token_id]))
    assert surprisal_bits(np.array([0.0, -1e4]), 1) == pytest.approx(1e4 / np.log(2))


@pytest.mark.parametrize(
    ("logits", "says"),
    [
        ([1.0, np.nan], "NaN as a logit"),
        ([-np.inf, -np.inf], "No logit is"),
        ([1.0, np.inf], "an infinite logit"),
    ],
)
def test_logits_that_give_no_distribution_are_refused(logits: list[float], says: str):
    with pytest.raises(ValueError, match=says):
        probabilities(np.array(logits), Sampling())


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"temperature": -0.1}, "temperature is -0.1"),
        ({"temperature": float("nan")}, "temperature is nan"),
        ({"temperature": 10.01}, r"temperature is 10.01; it must be from 0 \(greedy\) to 10"),
        ({"top_k": -1}, "top_k is -1"),
        ({"top_p": 0}, "top_p is 0"),
        ({"top_p": 1.1}, "top_p is 1.1"),
        ({"min_p": -0.1}, "min_p is -0.1"),
        ({"min_p": float("nan")}, "min_p is nan"),
    ],
)
def test_settings_out_of_range_are_refused(changes: dict[str, float], says: str):
    with pytest.raises(ValueError, match=says):
        Sampling(**changes)  # type: ignore[arg-type]

"""Edges of B − A are the two traces' patterns, subtracted, wherever both texts have the tokens."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from model.interventions import AblateHead, ScaleOutput
from model.parameters import parameter
from model.probe.routes_difference.asks import RoutesDifference, RoutesDifferenceFound, columns
from model.subject import Subject
from model.transformer import Transformer
from tests.model.networks import VARIANTS, network
from tests.model.probe.test_difference import (
    A_IDS,
    B_IDS,
    LONGER,
    PAIRS,
    another,
    ask,
    bench_of,
    trace_of,
)

A = Subject(1, None, A_IDS)


def patterns(one: Transformer, subject: Subject) -> np.ndarray:
    """``[L, H, Q, S]`` float64."""
    trace = trace_of(one, subject.ids, subject.interventions)
    layers = range(one.config.n_layers)
    names = [f"blocks.{layer}.attn.hook_pattern" for layer in layers]
    return np.array([trace[name][0].double().numpy() for name in names])


def edges_of(found: RoutesDifferenceFound) -> dict[tuple[int, ...], float]:
    places = zip(found.layer_E, found.head_E, found.query_E, found.key_E, strict=True)
    signed = found.other_E - found.own_E
    return {
        tuple(map(int, place)): float(value) for place, value in zip(places, signed, strict=True)
    }


@pytest.mark.parametrize("name", sorted(VARIANTS))
def test_an_edge_is_b_minus_a_of_the_head_that_changed_most(name: str) -> None:
    a, b = network(VARIANTS[name]), another(name)
    other = Subject(2, None, B_IDS)
    found = ask(RoutesDifference(position=None, threshold=0.02, other=other), A, bench_of(a, b))
    minus = patterns(b, other) - patterns(a, A)
    expected = {}
    for layer, query, key in np.ndindex(len(minus), len(A_IDS), len(A_IDS)):
        head = int(np.abs(minus[layer, :, query, key]).argmax())
        value = float(minus[layer, head, query, key])
        if abs(value) >= 0.02:
            expected[layer, head, query, key] = value
    assert edges_of(found) == pytest.approx(expected, abs=1e-5)
    assert found.largest == pytest.approx(float(np.abs(minus).max()), abs=1e-5)
    assert (np.diff(found.weight_E) <= 0).all()
    np.testing.assert_allclose(found.weight_E, np.abs(found.other_E - found.own_E))


def test_a_mean_is_the_difference_of_both_means() -> None:
    a, b = network(VARIANTS["learned"]), another("learned")
    question = RoutesDifference(
        position=None, over="mean", threshold=0.01, other=Subject(2, None, A_IDS)
    )
    found = ask(question, A, bench_of(a, b))
    minus = (patterns(b, A) - patterns(a, A)).mean(1)
    expected = {
        (layer, -1, query, key): float(minus[layer, query, key])
        for layer, query, key in np.argwhere(np.abs(minus) >= 0.01).tolist()
    }
    assert edges_of(found) == pytest.approx(expected, abs=1e-5)


def test_what_only_one_text_has_stands_in_a_column_of_its_own() -> None:
    a, b = network(VARIANTS["learned"]), another("learned")
    other = Subject(2, None, LONGER)
    question = RoutesDifference(
        position=None, over="heads", heads=((0, 1),), threshold=0.01, other=other, pairs=PAIRS
    )
    found = ask(question, A, bench_of(a, b))
    assert found.own_C.tolist() == [0, 1, -1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
    assert found.other_C.tolist() == list(range(12))
    own, its = patterns(a, A)[0, 1], patterns(b, other)[0, 1]
    seen = set()
    for at, (query, key) in enumerate(zip(found.query_E, found.key_E, strict=True)):
        alone = 2 in (query, key)
        seen.add(alone)
        assert found.shared_E[at] == (not alone)
        assert found.other_E[at] == pytest.approx(its[query, key], abs=1e-5)
        if alone:
            assert np.isnan(found.own_E[at])
            assert found.weight_E[at] == found.other_E[at]
        else:
            mine = own[found.own_C[query], found.own_C[key]]
            assert found.own_E[at] == pytest.approx(mine, abs=1e-5)
    assert seen == {True, False}
    shared = np.ix_(found.own_C >= 0, found.own_C >= 0)
    n_expected = int((np.abs(its[shared] - own) >= 0.01).sum())
    n_expected += int((its[2] >= 0.01).sum() + (its[3:, 2] >= 0.01).sum())
    assert len(found) == found.total == n_expected


def test_routes_are_followed_down_through_what_changed() -> None:
    one = network(VARIANTS["learned"])
    cut = Subject(1, None, A_IDS, (ScaleOutput(0, "block"),))
    question = RoutesDifference(position=9, threshold=0.03, other=cut)
    found = ask(question, A, bench_of(one, one))
    whole = ask(RoutesDifference(position=None, threshold=0.03, other=cut), A, bench_of(one, one))
    reached, expected = {9}, {}
    for layer in reversed(range(one.config.n_layers)):
        some = {e: v for e, v in edges_of(whole).items() if e[0] == layer and e[2] in reached}
        expected.update(some)
        reached |= {e[3] for e in some}
    assert edges_of(found) == pytest.approx(expected, abs=1e-6)
    assert len(found)
    assert len(found) < len(whole)


def test_a_cut_head_changes_no_weight_of_its_own_layer() -> None:
    one = network(VARIANTS["learned"])
    cut = Subject(1, None, A_IDS, (AblateHead(0, 1),))
    question = RoutesDifference(position=None, threshold=0.001, other=cut)
    found = ask(question, A, bench_of(one, one))
    assert len(found)
    assert set(found.layer_E.tolist()) == set(range(1, one.config.n_layers))


def test_what_weights_carry_is_subtracted_as_a_share_of_each_sides_stream() -> None:
    a, b = network(VARIANTS["learned"]), another("learned")
    other = Subject(2, None, A_IDS)
    question = RoutesDifference(
        position=None, over="heads", heads=((1, 0),), threshold=0.001, valued=True, other=other
    )
    found = ask(question, A, bench_of(a, b))
    assert len(found)
    for subject, one, weights in ((A, a, found.own_E), (other, b, found.other_E)):
        trace = trace_of(one, subject.ids)
        W_O = parameter(one, "blocks.1.attn.W_O")[0].double().numpy()
        written = trace["blocks.1.attn.hook_v"][0, :, 0].double().numpy() @ W_O
        length = np.linalg.norm(trace["blocks.1.hook_resid_pre"][0].double().numpy(), axis=-1)
        pattern = patterns(one, subject)[1, 0]
        carried = pattern * np.linalg.norm(written, axis=-1) / length[:, None]
        expected = carried[found.query_E, found.key_E]
        np.testing.assert_allclose(weights, expected, atol=1e-5)


def test_words_are_merged_on_both_sides() -> None:
    a, b = network(VARIANTS["learned"]), another("learned")
    other = Subject(2, None, LONGER)
    own_words, its_words = (0, 2, 5, 9), (0, 3, 6, 10)
    question = RoutesDifference(
        position=None,
        over="heads",
        heads=((0, 0),),
        threshold=0.0001,
        words=own_words,
        other=other,
        other_words=its_words,
    )
    found = ask(question, A, bench_of(a, b))

    def merged(pattern: np.ndarray, starts: tuple[int, ...]) -> np.ndarray:
        summed = np.add.reduceat(pattern, starts, axis=1)
        counts = np.diff([*starts, len(pattern)])
        return np.add.reduceat(summed, starts, axis=0) / counts[:, None]

    own, its = merged(patterns(a, A)[0, 0], own_words), merged(patterns(b, other)[0, 0], its_words)
    assert len(found.own_C) == 4
    at = found.query_E, found.key_E
    np.testing.assert_allclose(found.other_E - found.own_E, (its - own)[at], atol=1e-5)


def test_the_first_token_is_left_out_and_counted() -> None:
    a, b = network(VARIANTS["learned"]), another("learned")
    question = RoutesDifference(position=None, threshold=0.01, other=Subject(2, None, A_IDS))
    whole = ask(question, A, bench_of(a, b))
    hiding = RoutesDifference(
        position=None, threshold=0.01, hide_first=True, other=Subject(2, None, A_IDS)
    )
    found = ask(hiding, A, bench_of(a, b))
    to_first = int((whole.key_E == 0).sum())
    assert to_first
    assert (found.key_E > 0).all()
    assert found.hidden == to_first
    assert len(found) == len(whole) - to_first


@pytest.mark.parametrize(
    ("n_own", "n_other", "pairs", "own", "other"),
    [
        (2, 2, ((0, 0), (1, 1)), [0, 1], [0, 1]),
        (2, 3, ((0, 0), (1, 2)), [0, -1, 1], [0, 1, 2]),
        (3, 2, ((0, 0),), [0, 1, 2, -1], [0, -1, -1, 1]),
        (1, 2, (), [0, -1, -1], [-1, 0, 1]),
    ],
)
def test_columns_hold_every_token_of_both_once(
    n_own: int,
    n_other: int,
    pairs: tuple[tuple[int, int], ...],
    own: list[int],
    other: list[int],
) -> None:
    found = columns(n_own, n_other, pairs)
    assert [part.tolist() for part in found] == [own, other]


def test_texts_that_differ_in_length_need_pairs_and_networks_the_same_heads() -> None:
    a = network(VARIANTS["learned"])
    bench = bench_of(a, a)
    with pytest.raises(ValueError, match="which positions belong together"):
        ask(RoutesDifference(position=None, other=Subject(2, None, LONGER)), A, bench)


def test_a_number_that_is_none_is_counted_not_drawn() -> None:
    a, b = network(VARIANTS["learned"]), another("learned")
    with torch.no_grad():
        b.embed.weight[22] = float("nan")
    question = RoutesDifference(position=None, threshold=0.02, other=Subject(2, None, A_IDS))
    found = ask(question, A, bench_of(a, b))
    assert found.no_number
    assert np.isfinite(found.weight_E).all()

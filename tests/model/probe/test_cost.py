"""What context costs: the passes are the network's, the counts are torch's, the clock is fair."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, cast

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from model.config import TransformerConfig
from model.network.attention import KVCache
from model.network.span import Span
from model.probe.cost import compute, formulas
from model.probe.cost.asks import SERIES, Cost, CostFound
from model.probe.cost.fit import fitted
from model.probe.cost.passes import Explicit, fused
from model.probe.cost.peak import Peak
from model.probe.cost.words import duration
from model.probe.question import Answer
from model.transformer import Transformer
from tests.model.networks import BASE, BY_LENGTH, ENCODER, LLAMA, VARIANTS, network, some_ids
from tests.model.probe.asking import Asked

QUICK = Cost(repeats=1)


def run(steps: Iterator[object]) -> None:
    with torch.inference_mode():
        for _ in steps:
            pass


def asked(config: TransformerConfig) -> Asked:
    """A network of float32 that is measured."""
    one = Asked()
    one.network = Transformer(config).eval().requires_grad_(False)
    one.config = config
    cast("Any", one.bench)._held[1].lm.transformer = one.network
    return one


def measured(config: TransformerConfig, question: Cost = QUICK) -> CostFound:
    found = asked(config).ask(question)
    assert isinstance(found, CostFound)
    return found


# -------------------------------------------------------------------------------- passes


@pytest.mark.parametrize("name", VARIANTS)
def test_every_timed_pass_gives_the_scores_of_the_last_token(name: str):
    made = network(VARIANTS[name])
    ids_BT = some_ids(made.config, batch=1)
    n = ids_BT.shape[1]
    with torch.inference_mode():
        expected = made(ids_BT)[:, -1:]
    found: list[torch.Tensor] = []
    run(fused(made, ids_BT, keep=found.append))
    run(Explicit(made)(ids_BT, keep=found.append))
    if made.config.causal:
        cache = KVCache(made.config, 1, made.embed.weight, n)
        run(fused(made, ids_BT, cache, keep=found.append))
        if not made.config.length_changes_rotations(n - 1, n):
            cache.crop(n - 1)
            run(fused(made, ids_BT[:, n - 1 :], cache, keep=found.append))
    assert len(found) >= 2
    for scores in found:
        torch.testing.assert_close(scores, expected, rtol=1e-9, atol=1e-9)


def test_the_explicit_pass_writes_all_weights_out_and_the_fused_one_does_not():
    config = replace(BASE, n_ctx=512, d_model=16, n_heads=4, d_head=4, d_mlp=16)
    found = measured(config, Cost(repeats=1, patience=60))
    explicit, plain = found.fit_of("prefill_explicit_bytes"), found.fit_of("prefill_fused_bytes")
    assert explicit is not None
    assert plain is not None
    assert explicit.exponent == pytest.approx(2, abs=0.1)
    assert plain.exponent == pytest.approx(1, abs=0.05)
    assert found.peak_of("prefill_explicit")[-1] > 4 * 512 * 512 * 4
    assert found.peak_of("prefill_fused")[-1] < 4 * 512 * 512 * 4 / 4


# -------------------------------------------------------------------------------- counts


@pytest.mark.parametrize("name", VARIANTS)
def test_flops_are_those_that_torch_counts(name: str):
    """The explicit path computes hidden pairs too; which ones are hidden is held below."""
    made = network(VARIANTS[name])
    config = made.config
    ids_BT = some_ids(config, batch=1)
    n = ids_BT.shape[1]
    counter = FlopCounterMode(display=False)
    with counter:
        run(Explicit(made)(ids_BT))
    n_pairs = sum(formulas.pairs(config, layer, n) for layer in range(config.n_layers))
    hidden = config.n_layers * n * n - n_pairs
    a_pair = 4 * config.n_heads * config.d_head
    assert counter.get_total_flops() == formulas.read_flops(config, n) + a_pair * hidden
    alone = formulas.decode_flops(config, 1)
    assert alone == formulas.read_flops(config, 1)
    seen = sum(formulas.seen_at_once(config, layer, n) for layer in range(config.n_layers))
    assert formulas.decode_flops(config, n) - alone == a_pair * (seen - config.n_layers)


def test_a_query_sees_what_its_mask_lets_it_see():
    for config in (BASE, replace(BASE, window=5), VARIANTS["bidirectional windows"], ENCODER):
        made = network(config)
        for n in (1, 4, 11):
            span = Span(config, 0, n, made.embed.weight)
            mask_QS = span.mask(0)
            seen = torch.ones(n, n, dtype=torch.bool) if mask_QS is None else mask_QS
            if config.causal:
                seen = seen.tril()
            assert formulas.pairs(config, 0, n) == int(seen.sum())
            if config.causal:
                assert formulas.seen_at_once(config, 0, n) == int(seen[-1].sum())


@pytest.mark.parametrize("name", ["learned", "grouped-query", "multi-query", "like Llama"])
def test_the_cache_is_as_large_as_its_buffers(name: str):
    config = VARIANTS[name]
    cache = KVCache(config, 1, torch.zeros(1), capacity=17)
    held = sum(one.numel() for one in (*cache.k_LBGSK, *cache.v_LBGSK))
    assert formulas.cache_numbers(config, 17) == held == 17 * formulas.numbers_a_token(config)


def test_windows_bound_the_cache_and_encoders_have_none():
    bounded = replace(BASE, window=(5, None))
    one_layer = 2 * BASE.n_kv_heads * BASE.d_head
    assert formulas.cache_numbers(bounded, 20) == one_layer * (5 + 20)
    assert formulas.cache_numbers(bounded, 3) == one_layer * (3 + 3)
    assert formulas.cache_numbers(ENCODER, 20) == 0


# ------------------------------------------------------------------------------- exponents


def test_an_exponent_is_that_of_the_larger_half_with_its_standard_error():
    tokens = np.array([16, 32, 64, 128, 256, 512, 1024])
    wobble = np.exp(np.array([0.5, -0.4, 0.3, 0.02, -0.01, 0.03, -0.02]))
    fit = fitted("x", tokens, 3e-6 * tokens**1.9 * wobble)
    assert fit is not None
    assert (fit.since, fit.until) == (128, 1024)
    half = slice(3, None)
    x, y = np.log(tokens[half]), np.log(3e-6 * tokens**1.9 * wobble)[half]
    (slope, _), covariance = np.polyfit(x, y, 1, cov=True)
    assert fit.exponent == pytest.approx(slope)
    assert fit.error == pytest.approx(float(np.sqrt(covariance[0, 0])))
    assert fit.at(512) == pytest.approx(3e-6 * 512**1.9, rel=0.1)
    assert "where n ≥ 128" in fit.words


def test_two_points_have_no_exponent():
    assert fitted("x", np.array([16, 32, 64]), np.array([1.0, np.nan, 2.0])) is None


# --------------------------------------------------------------------------------- memory


def test_the_peak_is_of_tensors_that_live_at_once():
    weight = torch.zeros(1000)
    peak = Peak(iter((weight,)))
    with peak:
        a = weight.view(10, 100)  # the weight itself
        b = torch.zeros(500)  # 2,000 bytes
        c = b.view(5, 100) + 1  # 2,000 more
        del b
        d = c.reshape(-1)[:100]  # no more
        del c
        e = torch.zeros(100)  # what is left of c, and 400
    assert peak.n_bytes == 4000
    assert a.numel() + d.numel() + e.numel() == 1200


def test_weights_are_not_counted_and_the_cache_is():
    found = measured(replace(LLAMA, n_ctx=64))
    last = found.tokens_N.tolist().index(64)
    cache = int(found.cache_N[last])
    assert found.peak_of("decode_cached")[last] >= cache
    assert found.peak_of("decode_cached")[last] < cache + found.weights_bytes
    with_cache, without = found.peak_of("prefill_fused"), found.peak_of("decode_uncached")
    assert (with_cache - without)[last] == pytest.approx(cache, rel=0.35)


# -------------------------------------------------------------------------------- answers


def test_lengths_go_from_sixteen_to_the_limit():
    assert compute.lengths(replace(BASE, n_ctx=128), 0) == [16, 24, 32, 48, 64, 96, 128]
    assert compute.lengths(replace(BASE, n_ctx=100), 0) == [16, 24, 32, 48, 64, 96, 100]
    assert compute.lengths(replace(BASE, n_ctx=4096), 64)[-1] == 64
    assert compute.lengths(replace(BASE, n_ctx=12), 0) == [12]


def test_every_length_is_measured_and_told_as_it_comes():
    one = asked(replace(LLAMA, n_ctx=64))
    found = [answer for answer in one.answers(QUICK) if isinstance(answer, CostFound)]
    assert [answer.n_measured for answer in found] == [16, 24, 32, 48, 64, 64]
    assert [answer.share for answer in found] == sorted(answer.share for answer in found)
    assert found[-1].is_whole
    assert not found[-2].speedups
    last = found[-1]
    assert last.measured == SERIES
    assert np.isfinite(last.seconds_SNQ).all()
    low, high = last.seconds_SNQ[..., 1], last.seconds_SNQ[..., 2]
    assert ((low <= last.seconds_SNQ[..., 0]) & (last.seconds_SNQ[..., 0] <= high)).all()
    rows = last.as_rows()["lengths"]
    assert [row["tokens"] for row in rows] == [16, 24, 32, 48, 64]
    row = rows[-1]
    assert row["cache_bytes"] == 2 * 2 * 2 * 6 * 4 * 64
    for name in ("prefill_seconds_fused", "prefill_seconds_explicit"):
        assert row[name] == last.seconds_of(_series(name))[-1]
    for name in ("decode_seconds_cached", "decode_seconds_uncached"):
        assert row[name] == last.seconds_of(_series(name))[-1]
    kinds = {one.what: one.n for one in last.speedups}
    assert kinds == {"heads": 4, "tokens": 32, "texts": 32}
    assert {fit["series"] for fit in last.as_rows()["fits"]} >= set(SERIES)
    cached, again = row["decode_seconds_cached"], row["decode_seconds_uncached"]
    times = f"{again / cached:.2g}" if again / cached < 9.95 else f"{again / cached:,.0f}"
    if again / cached >= 1.05:
        assert last.sentence == (
            f"At 64 tokens a new token costs 1/{times} of reading the text again; "
            "the cache takes 12.3 kB."
        )


def _series(name: str) -> Any:
    kind, _, how = name.split("_")
    return f"{kind}_{how}"


def test_an_encoder_is_read_and_continues_nothing():
    found = measured(ENCODER)
    assert found.measured == ("prefill_fused", "prefill_explicit")
    assert found.as_rows()["lengths"][0]["cache_bytes"] == 0
    assert "decode_seconds_cached" not in found.as_rows()["lengths"][0]
    assert {one.what for one in found.speedups} == {"heads", "texts"}
    assert found.sentence.startswith("Reading 24 tokens takes ")
    assert found.sentence.endswith("Nothing can be kept for a longer text.")


def test_where_rotations_depend_on_the_length_a_cache_is_of_no_use():
    found = measured(BY_LENGTH["dynamic"])
    assert "decode_cached" not in found.measured
    assert "decode_uncached" in found.measured
    assert "the rotations of all positions depend on the length" in " ".join(found.stopped)


def test_what_would_take_too_long_is_left_out_and_said():
    found = measured(BASE, Cost(repeats=1, patience=1e-9))
    assert found.n_measured == 16
    assert len(found.stopped) == len(SERIES)
    assert found.stopped[0].startswith("Reading with fused attention ends before 24 tokens: a pass")
    assert "it ends where reading does, which fills the cache" in found.stopped[1]
    assert found.as_rows()["lengths"][1]["prefill_seconds_fused"] is None


def test_what_would_take_too_much_memory_is_left_out_and_said(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(compute, "free_bytes", lambda device: 1000)
    found = measured(BASE)
    assert found.n_measured == 16
    assert "and 1 kB are free" in found.stopped[0]


def test_where_memory_ends_a_series_ends(monkeypatch: pytest.MonkeyPatch):
    def refuse(*_: object) -> Iterator[object]:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory")

    monkeypatch.setattr(Explicit, "__call__", refuse)
    found = measured(BASE)
    assert "prefill_explicit" not in found.measured
    assert "Reading with explicit attention ends before 16 tokens: no memory is left." in (
        found.stopped
    )
    assert found.n_measured == 24


def test_another_error_is_not_taken_for_a_lack_of_memory(monkeypatch: pytest.MonkeyPatch):
    def fail(*_: object) -> Iterator[object]:
        raise RuntimeError("wrong shapes")

    monkeypatch.setattr(Explicit, "__call__", fail)
    with pytest.raises(RuntimeError, match="wrong shapes"):
        measured(BASE)


@pytest.mark.parametrize("question", [Cost(-1), Cost(repeats=0), Cost(patience=0)])
def test_nonsense_is_refused(question: Cost):
    with pytest.raises(ValueError, match="longest is 0 or more tokens"):
        asked(BASE).ask(question)


@pytest.mark.parametrize("name", ["alibi", "experts", "capped", "narrow embedding", "masked"])
def test_other_kinds_of_networks_are_measured(name: str):
    found = measured(VARIANTS[name], Cost(16, repeats=1))
    assert np.isfinite(found.seconds_of("prefill_explicit")).all()
    assert found.speedups


def test_durations_have_three_digits():
    assert [duration(s) for s in (4.12e-4, 0.0032, 0.9999, 12.42, 3e-7)] == [
        "412 µs",
        "3.20 ms",
        "1.00 s",
        "12.4 s",
        "0.30 µs",
    ]


def test_slices_end_within_a_block():
    """So that a pane's question waits for a block, not for a pass."""
    one = asked(replace(BASE, n_layers=6, d_model=192, d_head=48, d_mlp=768, n_ctx=128))
    steps = compute.answer(QUICK, one.subject, one.bench)
    longest, began = 0.0, time.thread_time()
    for step in steps:
        assert step is None or isinstance(step, Answer)
        longest = max(longest, time.thread_time() - began)
        began = time.thread_time()
    assert longest < 0.1

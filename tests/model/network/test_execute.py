"""Any activation is had from any other that leads to it, for all positions or a window of them."""

from __future__ import annotations

import weakref
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from model.config import TransformerConfig
from model.network import scores
from model.network.span import Span
from model.operations import (
    INPUT_IDS,
    PROBABILITIES,
    Operation,
    aliases,
    keys_and_values,
    needed,
    operations,
    output_name,
    streams,
)
from model.trace import Trace, record
from model.transformer import KVCache, Transformer
from tests.model.networks import BASE, VARIANTS, network, some_ids

every_variant = pytest.mark.parametrize("config", VARIANTS.values(), ids=list(VARIANTS))


def names_of(config: TransformerConfig, layer: int | None) -> list[str]:
    """What the operations of a layer write, and aliases for it."""
    names = [
        op.output for op in operations(config) if op.layer == layer and op.output != PROBABILITIES
    ]
    return names + [alias for alias, name in aliases(config).items() if name in names]


def same(ours: Tensor, theirs: Tensor) -> bool:
    return ours.shape == theirs.shape and torch.allclose(ours, theirs, rtol=1e-12, atol=1e-12)


@every_variant
def test_each_activation_of_a_block_follows_from_the_stream_that_it_reads(
    config: TransformerConfig,
):
    transformer, ids_BT = network(config), some_ids(config)
    trace = record(transformer, ids_BT)
    with torch.inference_mode():
        for layer in range(config.n_layers):
            stream = {f"blocks.{layer}.hook_resid_pre": trace[f"blocks.{layer}.hook_resid_pre"]}
            for name in names_of(config, layer):
                [(found, tensor)] = transformer.compute((name,), stream).items()
                assert found == name
                assert torch.equal(tensor, trace[name]), name


def windowed(config: TransformerConfig, name: str, tensor: Tensor, rows: slice) -> Tensor:
    """An activation at some positions only; scores and patterns with all of their keys."""
    name = aliases(config).get(name, name)
    shapes = {op.output: op.shape for op in operations(config)}
    return tensor[:, :, rows] if shapes[name] == "BHQS" else tensor[:, rows]


@every_variant
def test_a_window_of_positions_is_computed_by_itself_with_all_keys_and_values(
    config: TransformerConfig,
):
    transformer, ids_BT = network(config), some_ids(config)
    trace = record(transformer, ids_BT)
    for start, T in ((0, 13), (4, 3), (0, 5), (9, 4), (12, 1), (6, 1)):
        assert_windowed(transformer, trace, ids_BT, start, T)


def assert_windowed(
    transformer: Transformer, trace: Trace, ids_BT: Tensor, start: int, T: int
) -> None:
    """Every activation at T positions is had from streams, keys and values."""
    config, rows = transformer.config, slice(start, start + T)
    span = Span(config, start, T, transformer.embed.weight, n_keys=13)
    borders = streams(config)
    with torch.inference_mode():
        for layer, both in enumerate(keys_and_values(config)):
            have = {name: trace[name] for name in both}
            have[borders[layer]] = trace[borders[layer]][:, rows]
            for name in names_of(config, layer):
                tensor = transformer.compute((name,), have, span=span)[name]
                whole = trace[name]
                expected = whole if name in both else windowed(config, name, whole, rows)
                assert same(tensor, expected), (name, start, T)
        at_the_ends = {INPUT_IDS: ids_BT[:, rows], borders[-1]: trace[borders[-1]][:, rows]}
        for name in names_of(config, None):
            tensor = transformer.compute((name,), at_the_ends, span=span)[name]
            assert same(tensor, trace[name][:, rows]), (name, start, T)


@pytest.mark.parametrize("name", ["learned", "like Llama", "like Gemma 2", "alibi of Falcon"])
def test_a_cache_holds_the_keys_and_values_of_a_window(name: str):
    config = VARIANTS[name]
    transformer, ids_BT = network(config), some_ids(config)
    trace = record(transformer, ids_BT)
    cache = KVCache(config, batch=2, like=transformer.embed.weight)
    span = Span(config, 8, 5, transformer.embed.weight)
    with torch.inference_mode():
        transformer(ids_BT, cache)
        for layer, (keys, values) in enumerate(keys_and_values(config)):
            have = {
                keys: cache.k_LBGSK[layer][:, :, :13].transpose(1, 2),
                values: cache.v_LBGSK[layer][:, :, :13].transpose(1, 2),
                streams(config)[layer]: trace[streams(config)[layer]][:, 8:],
            }
            mlp_out = f"blocks.{layer}.hook_mlp_out"
            assert (
                transformer.compute((mlp_out,), have, span=span)[mlp_out] - trace[mlp_out][:, 8:]
            ).abs().max() < 1e-9


@every_variant
@pytest.mark.parametrize(("start", "T"), [(0, 13), (5, 2)])
def test_scores_of_some_heads_and_rows_are_those_of_the_trace(
    config: TransformerConfig, start: int, T: int
):
    trace = record(network(config), some_ids(config))
    layer, heads = 1, (config.n_heads - 1, 0)
    [op] = [op for op in operations(config) if op.kind == "dot" and op.layer == layer]
    q_BTHK, k_BTGK = trace[op.inputs[0]], trace[op.inputs[1]]
    span = Span(config, start, T, q_BTHK, n_keys=13)
    row = scores.dot(q_BTHK[:, start : start + T], k_BTGK, config, heads)
    assert row.shape == (2, 2, T, 13)
    row = scores.bias(scores.scale(row, config.score_scale(layer)), span, heads)
    if config.caps.scores is not None:
        row = scores.cap(row, config.caps.scores)
    row = scores.mask(row, span, layer)
    whole = trace[f"blocks.{layer}.attn.hook_attn_scores"]
    assert same(row, whole[:, list(heads), start : start + T])
    mask_QS = span.mask(layer)
    assert mask_QS is None or mask_QS.shape == (T, 13)  # never larger than the rows


def test_keys_of_the_window_alone_are_too_few():
    trace, transformer = record(network(BASE), some_ids(BASE)), network(BASE)
    stream = trace["blocks.1.hook_resid_pre"][:, 4:6]
    span = Span(BASE, 4, 2, stream, n_keys=13)
    with pytest.raises(ValueError, match="reads 2 queries and 2 keys where 2 of 13 positions"):
        transformer.compute(
            ("blocks.1.attn.hook_pattern",), {"blocks.1.hook_resid_pre": stream}, span=span
        )
    rotary = VARIANTS["rotary"]
    three = torch.zeros(1, 3, 4, 6, dtype=torch.float64)
    with pytest.raises(ValueError, match="3 positions can't be rotated where 2 of 13 are run"):
        network(rotary).compute(
            ("blocks.1.attn.hook_rot_k",),
            {"blocks.1.attn.hook_k": three},
            span=Span(rotary, 4, 2, stream, n_keys=13),
        )
    with pytest.raises(ValueError, match="Positions 4 to 6 are run, and there are 5 keys"):
        Span(BASE, 4, 3, stream, n_keys=5)


def test_what_can_not_be_computed_is_refused():
    transformer, trace = network(BASE), record(network(BASE), some_ids(BASE))
    q = {"blocks.0.attn.hook_q": trace["blocks.0.attn.hook_q"]}
    with pytest.raises(KeyError, match=r"No operation writes blocks\.2\.hook_resid_post"):
        transformer.compute(("blocks.2.hook_resid_post",), q)
    [q_op] = [op for op in transformer.operations if op.output == "blocks.0.attn.hook_q"]
    with pytest.raises(ValueError, match=r"hook_q reads blocks\.0\.ln1\.hook_normalized, which"):
        transformer.execute([q_op], q)
    with pytest.raises(KeyError, match=r"Nothing here writes blocks\.0\.attn\.hook_k"):
        transformer.execute([], q, ("blocks.0.attn.hook_k",))
    with pytest.raises(ValueError, match="no activation with positions is given"):
        transformer.execute([q_op], {})


def test_without_wanted_names_what_nobody_reads_is_given_back():
    transformer, ids_BT = network(BASE), some_ids(BASE)
    trace = record(transformer, ids_BT)
    block = [op for op in transformer.operations if op.layer == 1]
    stream = {"blocks.0.hook_resid_post": trace["blocks.0.hook_resid_post"]}
    with torch.inference_mode():
        [(name, tensor)] = transformer.execute(block, stream).items()
    assert name == "blocks.1.hook_resid_post"
    assert torch.equal(tensor, trace[name])


def test_activations_are_let_go_after_their_last_use():
    transformer, ids_BT = network(BASE), some_ids(BASE)
    written: list[tuple[str, weakref.ref[Tensor]]] = []
    alive_at_the_unembedding: list[str] = []

    def tap(name: str, tensor: Tensor) -> Tensor:
        if name == "logits":
            alive_at_the_unembedding.extend(n for n, ref in written if ref() is not None)
        written.append((name, weakref.ref(tensor)))
        return tensor

    with torch.inference_mode():
        transformer.traced(ids_BT, tap)
    # The ids are the caller's; the other two are one tensor, the unembedding's input.
    assert alive_at_the_unembedding == ["input_ids", "ln_final.hook_normalized", "unembed.hook_in"]


@every_variant
def test_scores_that_are_given_or_wanted_are_not_written_over(config: TransformerConfig):
    transformer, ids_BT = network(config), some_ids(config)
    trace = record(transformer, ids_BT)
    chain = [op for op in operations(config) if op.layer == 1 and op.shape == "BHQS"]
    names = [op.output for op in chain]
    with torch.inference_mode():
        for name in names[:-1]:
            given = trace[name].clone()
            found = transformer.compute((names[-1],), {name: given})
            assert torch.equal(given, trace[name])
            assert torch.equal(found[names[-1]], trace[names[-1]])
        stream = {"blocks.1.hook_resid_pre": trace["blocks.1.hook_resid_pre"]}
        for name, tensor in transformer.compute(names, stream).items():
            assert torch.equal(tensor, trace[name])


@every_variant
def test_gradients_of_both_paths_are_the_same(config: TransformerConfig):
    transformer, ids_BT = network(config), some_ids(config)
    name = output_name(config)
    transformer(ids_BT).square().mean().backward()
    fast = {n: p.grad for n, p in transformer.named_parameters()}
    transformer.zero_grad()
    transformer.compute((name,), {INPUT_IDS: ids_BT})[name].square().mean().backward()
    for n, p in transformer.named_parameters():
        ours, theirs = p.grad, fast[n]
        if theirs is None or ours is None:  # an expert that nobody asked
            assert not any(g is not None and g.any() for g in (ours, theirs))
            continue
        size = theirs.abs().max().clamp_min(1e-6)
        assert (ours - theirs).abs().max() / size < 1e-6, n


def run_replaced(transformer: Transformer, ids_BT: Tensor, where: str, how) -> Trace:
    ops = needed(transformer.operations, (output_name(transformer.config),), ())
    names = {op.output for op in ops}

    def replaced(op: Operation, inputs, run):
        return how(inputs, run) if op.output == where else None

    with torch.inference_mode():
        return Trace(transformer.execute(ops, {INPUT_IDS: ids_BT}, names, replace=replaced))


@every_variant
def test_a_replaced_operation_changes_what_reads_it_and_nothing_else(config: TransformerConfig):
    transformer, ids_BT = network(config), some_ids(config)
    where = "blocks.1.attn.hook_attn_scores"
    before = record(transformer, ids_BT)
    untouched = run_replaced(transformer, ids_BT, where, lambda inputs, run: run(inputs))
    half = run_replaced(
        transformer, ids_BT, where, lambda inputs, run: run((inputs[0] / 2, *inputs[1:]))
    )
    downstream = {where}
    for op in operations(config):
        if downstream & set(op.inputs):
            downstream.add(op.output)
    for name in half:
        assert torch.equal(untouched[name], before[name])
        if name not in downstream:
            assert torch.equal(half[name], before[name]), name
    seen = before[where].isfinite()
    assert not torch.allclose(half[where][seen], before[where][seen])
    assert torch.equal(half[where].isinf(), before[where].isinf())
    assert not torch.allclose(half[output_name(config)], before[output_name(config)])


def test_a_scale_that_is_no_power_of_two_keeps_the_digits_of_one_product():
    # d_head 6: the scale is √6⁻¹, of which ¼ is multiplied into the queries.
    power, rest = scores.power_of_two(6**-0.5)
    assert power * rest == 6**-0.5
    assert power == 0.25
    assert scores.power_of_two(64**-0.5) == (0.125, 1.0)
    assert scores.power_of_two(1.0) == (1.0, 1.0)
    # A dot product that half precision can't hold: the scores can.
    config = replace(BASE, d_head=64, causal=False)
    transformer = Transformer(config).half()
    q = torch.full((1, 2, 4, 64), 40.0, dtype=torch.float16)
    have = {"blocks.0.attn.hook_q": q, "blocks.0.attn.hook_k": q}
    with torch.inference_mode():
        found = transformer.compute(("blocks.0.attn.hook_pattern",), have)
    assert (found["blocks.0.attn.hook_pattern"] == 0.5).all()

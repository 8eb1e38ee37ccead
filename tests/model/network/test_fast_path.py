"""The fast path can be watched and stopped: what it hands over is what the trace records."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from model.config import TransformerConfig
from model.operations import operations, streams
from model.trace import record
from model.transformer import KVCache
from tests.model.networks import BASE, VARIANTS, network, some_ids

every_variant = pytest.mark.parametrize("config", VARIANTS.values(), ids=list(VARIANTS))

# What the fused path computes in one piece, or in another shape.
FUSED = {"norm_scale", "dot", "scale", "bias", "cap", "mask", "pattern"}
OF_EXPERTS = {"mlp_gate", "mlp_in", "mlp_act"}


@every_variant
def test_what_is_kept_of_the_fast_path_is_what_the_trace_records(config: TransformerConfig):
    transformer, ids_BT = network(config), some_ids(config)
    trace = record(transformer, ids_BT)
    kept: dict[str, Tensor] = {}
    with torch.inference_mode():
        *_, last = transformer.stream(ids_BT, keep=kept.__setitem__)
    for name, tensor in kept.items():
        assert tensor.dtype == trace[name].dtype
        assert tensor.shape == trace[name].shape, name
        assert torch.allclose(tensor, trace[name], rtol=1e-9, atol=1e-9), name
    hidden = FUSED | (OF_EXPERTS if config.experts is not None else set())
    expected = {op.output for op in operations(config) if op.layer is not None}
    at_hand = {op.output for op in operations(config) if op.kind in hidden}
    if config.caps.scores is not None:  # no kernel knows a cap, so these are there as well
        at_hand -= {name for name in at_hand if name.endswith(("hook_attn_scores", "hook_pattern"))}
    assert set(kept) == expected - at_hand
    assert kept[streams(config)[-1]] is last  # no copy


def test_what_is_kept_with_a_cache_is_of_the_new_positions():
    config = VARIANTS["like Llama"]
    transformer, ids_BT = network(config), some_ids(config)
    trace = record(transformer, ids_BT)
    cache = KVCache(config, batch=2, like=transformer.embed.weight)
    kept: dict[str, Tensor] = {}
    with torch.inference_mode():
        transformer(ids_BT[:, :8], cache)
        for _ in transformer.stream(ids_BT[:, 8:], cache, kept.__setitem__):
            pass
    for name in ("hook_q", "hook_k", "hook_v", "hook_rot_q", "hook_rot_k", "hook_z"):
        name = f"blocks.1.attn.{name}"
        assert kept[name].shape[1] == 5
        assert torch.allclose(kept[name], trace[name][:, 8:], rtol=1e-9, atol=1e-9)


@every_variant
def test_the_stream_is_given_before_and_after_every_block(config: TransformerConfig):
    transformer, ids_BT = network(config), some_ids(config)
    trace = record(transformer, ids_BT)
    with torch.inference_mode():
        given = list(transformer.stream(ids_BT))
        assert len(given) == config.n_layers + 1
        for name, resid_BTD in zip(streams(config), given, strict=True):
            assert torch.allclose(resid_BTD, trace[name], rtol=1e-9, atol=1e-9), name
        assert torch.equal(transformer.head(given[-1]), transformer(ids_BT))
        assert torch.allclose(
            transformer.head(given[-1][:, 4:6]), transformer(ids_BT)[:, 4:6], rtol=1e-9, atol=1e-9
        )


def test_a_stream_that_is_left_between_blocks_leaves_the_cache_as_it_was():
    transformer, ids_BT = network(BASE), some_ids(BASE)
    cache = KVCache(BASE, batch=2, like=transformer.embed.weight)
    ran: list[int] = []
    for layer, block in enumerate(transformer.blocks):
        block.register_forward_hook(lambda *_, layer=layer: ran.append(layer))
    with torch.inference_mode():
        transformer(ids_BT[:, :5], cache)
        ran.clear()
        left = transformer.stream(ids_BT[:, 5:], cache)
        next(left)
        assert ran == []
        next(left)
        left.close()
        assert ran == [0]
        assert cache.length == 5
        again = transformer(ids_BT[:, 5:], cache)
        assert cache.length == 13
        assert torch.allclose(again, transformer(ids_BT)[:, 5:], rtol=1e-9, atol=1e-9)
        # Whoever takes the last stream and no more has filled the cache.
        cache.crop(5)
        steps = transformer.stream(ids_BT[:, 5:], cache)
        for _ in range(BASE.n_layers + 1):
            next(steps)
        assert cache.length == 13


def test_a_stream_that_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="25 tokens are more than the model's context of 24"):
        next(network(BASE).stream(torch.zeros(1, 25, dtype=torch.long)))

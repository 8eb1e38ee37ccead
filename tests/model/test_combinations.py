"""Any combination of choices that a config accepts is one network on both paths."""

from __future__ import annotations

import random
from contextlib import suppress
from typing import Any, get_args

import pytest
import torch

from model.config import (
    Activation,
    Caps,
    ConfigError,
    Experts,
    MaskedHead,
    Norms,
    QKNorm,
    Scales,
    TransformerConfig,
)
from model.operations import PROBABILITIES, operations, output_name, parameter_names, shape_of
from model.parameters import parameter
from model.positions import Alibi, Rotary
from model.trace import record
from model.transformer import KVCache
from tests.model.networks import network, some_ids

CHOICES: dict[str, list[Any]] = {
    "n_kv_heads": [1, 2, 4],
    "d_embed": [0, 12],
    "norm": ["layer", "rms"],
    "norms": [
        Norms(placement, bias, offset, shared, first, final, embedding)
        for placement in ("pre", "post", "output", "sandwich", "stream")
        for bias in (True, False)
        for offset in (0.0, 1.0)
        for shared in (True, False)
        for first in (True, False)
        for final in (True, False)
        for embedding in (True, False)
    ],
    "positions": ["learned", "sinusoidal", "rotary", "alibi", "none"],
    "position_offset": [0, 2],
    "rotary": [None, None, Rotary(dim=4), Rotary(interleaved=True), (Rotary(9.0), None, Rotary())],
    "alibi": [None, None, Alibi(4.0, 0.5)],
    "window": [None, None, 5, (None, 3, 7)],
    "qk_norm": [None, QKNorm(), QKNorm("each head", True), QKNorm("all heads")],
    "activation": list(get_args(Activation)),
    "gated": [True, False],
    "experts": [None, None, Experts(3, 2), Experts(4, 3, normalized=False)],
    "parallel": [True, False],
    "qkv_bias": [True, False],
    "out_bias": [True, False],
    "mlp_bias": [True, False],
    "unembed_bias": [True, False],
    "scales": [Scales(), Scales(2.0, 0.7, 0.4, 0.5), Scales(by_layer=True)],
    "caps": [Caps(), Caps(2.0, 3.0, 1.5)],
    "tied_embeddings": [True, False],
    "causal": [True, True, False],
    "n_token_types": [0, 2],
    "head": ["lm", "lm", "mlm", "none"],
    "masked_head": [None, None, MaskedHead("relu", bias=False)],
}
N = 150


def accepted(n: int) -> list[TransformerConfig]:
    """Random configs that are not refused; nothing but a refusal is raised."""
    rng = random.Random(4)
    found: list[TransformerConfig] = []
    while len(found) < n:
        choices: dict[str, Any] = {name: rng.choice(values) for name, values in CHOICES.items()}
        sizes: dict[str, Any] = {
            "n_layers": 3,
            "n_heads": 4,
            "d_model": 20,
            "d_head": 6,
            "d_mlp": 28,
        }
        with suppress(ConfigError):
            found.append(TransformerConfig(**sizes, d_vocab=33, n_ctx=24, **choices))
    return found


@pytest.mark.parametrize("part", range(5))
def test_any_accepted_combination_is_one_network(part: int):
    for config in accepted(N)[part::5]:
        transformer, ids_BT = network(config), some_ids(config, batch=1, position=9)
        with torch.inference_mode():
            fast = transformer(ids_BT)
        trace = record(transformer, ids_BT)
        where = repr(config)
        assert torch.isfinite(fast).all(), where
        # Some combinations let numbers grow: the difference is taken relative to them.
        size = fast.abs().max().clamp_min(1)
        assert ((trace[output_name(config)] - fast).abs().max() / size) < 1e-11, where
        for op in operations(config):
            if op.output != PROBABILITIES:
                assert tuple(trace[op.output].shape) == shape_of(op, config, 1, 9), op.output
        assert sum(p.numel() for p in transformer.parameters()) == config.n_params, where
        for name in parameter_names(config):
            assert parameter(transformer, name).numel() > 0
        if config.causal:
            cache = KVCache(config, batch=1, like=transformer.embed.weight)
            with torch.inference_mode():
                parts = [transformer(piece, cache) for piece in ids_BT.split((4, 1, 1, 3), dim=1)]
            assert ((torch.cat(parts, dim=1) - fast).abs().max() / size) < 1e-11, where

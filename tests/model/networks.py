"""Random networks of every kind that a config can ask for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TypeVar

import torch

from model.config import (
    Caps,
    Experts,
    MaskedHead,
    Norms,
    QKNorm,
    Scales,
    TransformerConfig,
)
from model.positions import (
    Alibi,
    DynamicScaling,
    LinearScaling,
    Llama3Scaling,
    LongRopeScaling,
    Rotary,
    YarnScaling,
)
from model.transformer import Transformer

BASE = TransformerConfig(
    n_layers=2, n_heads=4, d_model=20, d_head=6, d_mlp=28, d_vocab=33, n_ctx=24
)
ROTARY = replace(BASE, positions="rotary")
NO_BIAS = replace(BASE, qkv_bias=False, out_bias=False, mlp_bias=False)
LLAMA = replace(
    NO_BIAS,
    positions="rotary",
    norm="rms",
    n_kv_heads=2,
    gated=True,
    activation="silu",
    tied_embeddings=False,
)
ENCODER = replace(
    BASE,
    causal=False,
    norms=Norms(placement="post", final=False, embedding=True),
    n_token_types=2,
    activation="gelu",
)


def stretched(scaling) -> TransformerConfig:
    return replace(BASE, positions="rotary", rotary=Rotary(base=300.0, scaling=scaling))


# Rotations that depend on the length of the sequence.
BY_LENGTH: dict[str, TransformerConfig] = {
    "dynamic": stretched(DynamicScaling(2.0, 9)),
    "longrope": stretched(LongRopeScaling((1.0, 1.5, 2.0), (2.0, 5.0, 9.0), 9, 1.2)),
}

VARIANTS: dict[str, TransformerConfig] = {
    "learned": BASE,
    "sinusoidal": replace(BASE, positions="sinusoidal"),
    "no positions": replace(BASE, positions="none"),
    "positions from row 2": replace(BASE, position_offset=2),
    "rotary": ROTARY,
    "partly rotary": replace(ROTARY, rotary=Rotary(base=500.0, dim=4)),
    "interleaved rotary": replace(ROTARY, rotary=Rotary(dim=4, interleaved=True)),
    "rotary per layer": replace(ROTARY, rotary=(Rotary(base=70.0), None)),
    "linear": stretched(LinearScaling(2.0)),
    "yarn": stretched(YarnScaling(4.0, 12, 1.1, beta_fast=2.0, beta_slow=0.5)),
    "llama3": stretched(Llama3Scaling(8.0, 1.0, 4.0, 12)),
    **BY_LENGTH,
    "alibi": replace(BASE, positions="alibi"),
    "alibi of Falcon": replace(
        BASE, positions="alibi", n_heads=6, n_kv_heads=3, alibi=Alibi(scale=0.4, bfloat16=True)
    ),
    "window": replace(BASE, window=5),
    "window per layer": replace(ROTARY, window=(3, None)),
    "alibi and window": replace(BASE, positions="alibi", window=(None, 4)),
    "rms": replace(BASE, norm="rms"),
    "norms without bias": replace(BASE, norms=Norms(bias=False)),
    "norms without weight": replace(
        BASE, norms=Norms(weight=False, bias=False, embedding=True), qk_norm=QKNorm("each head")
    ),
    "norms around one": replace(BASE, norm="rms", norms=Norms(offset=1.0)),
    "norms after": replace(BASE, norms=Norms(placement="post", final=False)),
    "norms of outputs": replace(BASE, norms=Norms(placement="output")),
    "sandwich": replace(BASE, norms=Norms(placement="sandwich")),
    "normed stream": replace(BASE, norms=Norms(placement="stream", embedding=True)),
    "normed embedding": replace(BASE, positions="alibi", norms=Norms(embedding=True)),
    "first norm left out": replace(BASE, norms=Norms(first=False, embedding=True)),
    "grouped-query": replace(BASE, n_kv_heads=2),
    "multi-query": replace(ROTARY, n_kv_heads=1),
    "qk norm of a head": replace(ROTARY, norm="rms", n_kv_heads=2, qk_norm=QKNorm()),
    "qk norm of each head": replace(ROTARY, n_kv_heads=2, qk_norm=QKNorm("each head")),
    "qk norm of all heads": replace(ROTARY, norm="rms", n_kv_heads=2, qk_norm=QKNorm("all heads")),
    "qk norm with bias": replace(BASE, qk_norm=QKNorm(bias=True)),
    "gated": replace(BASE, gated=True, activation="silu"),
    "experts": replace(LLAMA, experts=Experts(5, 2)),
    "plain experts": replace(BASE, experts=Experts(3, 1, normalized=False)),
    "parallel": replace(BASE, parallel=True),
    "parallel with two norms": replace(BASE, parallel=True, norms=Norms(shared=False)),
    "no biases": NO_BIAS,
    "bias of the output only": replace(BASE, qkv_bias=False),
    "untied": replace(BASE, tied_embeddings=False),
    "biased unembedding": replace(BASE, unembed_bias=True, tied_embeddings=False),
    "narrow embedding": replace(BASE, d_embed=12),
    "scaled": replace(BASE, scales=Scales(4.5, 0.6, 0.9, 0.25)),
    "capped": replace(BASE, caps=Caps(scores=1.5, logits=2.0, qkv=0.8), window=(3, None)),
    "scores by layer": replace(BASE, scales=Scales(by_layer=True)),
    "gelu": replace(BASE, activation="gelu"),
    "quick gelu": replace(BASE, activation="quick_gelu"),
    "sigmoid": replace(BASE, activation="sigmoid"),
    "relu": replace(BASE, activation="relu"),
    "relu2": replace(BASE, activation="relu2"),
    "bidirectional": replace(BASE, causal=False),
    "bidirectional windows": replace(ROTARY, causal=False, window=(6, None)),
    "encoder": replace(ENCODER, head="none"),
    "masked": replace(ENCODER, head="mlm", unembed_bias=True),
    "masked without biases": replace(
        ENCODER,
        head="mlm",
        positions="rotary",
        n_token_types=0,
        norms=Norms(bias=False, first=False, embedding=True),
        masked_head=MaskedHead("silu", bias=False),
    ),
    "like Llama": LLAMA,
    "like NeoX": replace(ROTARY, rotary=Rotary(dim=2), parallel=True, activation="gelu"),
    "like nanochat": replace(
        ROTARY,
        norm="rms",
        norms=Norms(weight=False, embedding=True),
        qk_norm=QKNorm(),
        n_kv_heads=2,
        activation="relu2",
        mlp_bias=False,
        tied_embeddings=False,
        caps=Caps(logits=3.0),
    ),
    "like Gemma 2": replace(
        LLAMA,
        tied_embeddings=True,
        activation="gelu_tanh",
        norms=Norms(placement="sandwich", offset=1.0),
        scales=Scales(embedding=20**0.5, scores=0.3),
        caps=Caps(scores=5.0, logits=3.0),
        window=(4, None),
    ),
}

UNLIKE = ("learned", "like Llama", "like Gemma 2", "alibi", "experts", "parallel", "masked")
"""Names of networks that are unlike each other."""

T = TypeVar("T")


def shared_out(name: str, rows: Iterable[T]) -> list[T]:
    """What a network tries of many things that all networks are to be tried with.

    Those of `UNLIKE` try all of it; each other one a third, and the next one the next third: every
    row so meets networks of every kind, and no pair is worth its time that has nothing in common.
    """
    number = list(VARIANTS).index(name)
    return [row for place, row in enumerate(rows) if name in UNLIKE or (number + place) % 3 == 0]


def network(config: TransformerConfig) -> Transformer:
    """Every parameter random, in float64: what differs then is wrong, and no rounding."""
    transformer = Transformer(config).double().eval()
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for name, parameter in transformer.named_parameters():
            # Norms near one keep attention from being flat, where errors would hide.
            parameter.normal_(float(name.endswith(".w")), 0.4, generator=generator)
    return transformer


def some_ids(config: TransformerConfig, batch: int = 2, position: int = 13) -> torch.Tensor:
    generator = torch.Generator().manual_seed(11)
    return torch.randint(0, config.d_vocab, (batch, position), generator=generator)


def overflowing(layer: int = 0) -> Transformer:
    """A network whose MLP in a block writes more than float16's 65,504; in float32 all is finite.

    Its weights themselves fit into float16.
    """
    made = Transformer(LLAMA)
    made.initialize(torch.Generator().manual_seed(3), std=0.3)
    with torch.no_grad():
        for name, parameter in made.named_parameters():
            if name.startswith(f"blocks.{layer}.mlp.down"):
                parameter.mul_(4e5 / parameter.abs().max()).clamp_(-6e4, 6e4)
    return made.eval()

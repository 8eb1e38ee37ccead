"""Random networks of every kind that a config can ask for."""

from __future__ import annotations

from dataclasses import replace

import torch

from model.config import TransformerConfig
from model.transformer import Transformer

BASE = TransformerConfig(
    n_layers=2, n_heads=4, d_model=20, d_head=6, d_mlp=28, d_vocab=33, n_ctx=24
)

VARIANTS: dict[str, TransformerConfig] = {
    "learned": BASE,
    "sinusoidal": replace(BASE, positions="sinusoidal"),
    "no positions": replace(BASE, positions="none"),
    "rotary": replace(BASE, positions="rotary"),
    "partly rotary": replace(BASE, positions="rotary", rotary_dim=4, rotary_base=500.0),
    "rms": replace(BASE, norm="rms"),
    "grouped-query": replace(BASE, n_kv_heads=2),
    "multi-query": replace(BASE, n_kv_heads=1, positions="rotary"),
    "gated": replace(BASE, gated=True, activation="silu"),
    "parallel": replace(BASE, parallel=True),
    "no biases": replace(BASE, attention_bias=False, mlp_bias=False),
    "untied": replace(BASE, tied_embeddings=False),
    "gelu": replace(BASE, activation="gelu"),
    "relu": replace(BASE, activation="relu"),
    "relu2": replace(BASE, activation="relu2"),
    "bidirectional": replace(BASE, causal=False),
    "like Llama": replace(
        BASE,
        positions="rotary",
        norm="rms",
        n_kv_heads=2,
        gated=True,
        activation="silu",
        attention_bias=False,
        mlp_bias=False,
        tied_embeddings=False,
    ),
    "like NeoX": replace(BASE, positions="rotary", rotary_dim=2, parallel=True, activation="gelu"),
}


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

"""BLOOM equals transformers; keys and names of all ages mean the same."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from transformers import BloomConfig, BloomForCausalLM

from model.checkpoint.families import FAMILIES
from tests.model.checkpoint.families.harness import check, make, modules_of, opens_under

SIZES: dict[str, Any] = {
    "vocab_size": 61,
    "hidden_size": 48,
    "n_layer": 3,
    "n_head": 6,
    "layer_norm_epsilon": 2e-5,
}


class Gelu(nn.Module):
    """GELU by tanh, with √(2/π) where BLOOM has its first eight digits."""

    def forward(self, x: Tensor) -> Tensor:
        return x * 0.5 * (1.0 + torch.tanh(math.sqrt(2 / math.pi) * x * (1 + 0.044715 * x * x)))


class Exact(BloomForCausalLM):
    """In float32 the eight digits are the whole number; in float64 it needs the others."""

    def double(self) -> Exact:
        super().double()
        for mlp in modules_of(self, "MLP"):
            mlp.gelu_impl = Gelu()
        return self


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"n_head": 16, "tie_word_embeddings": False},
        {"apply_residual_connection_post_layernorm": True},
    ],
    ids=["heads no power of two", "a power of two, untied", "added to the normed stream"],
)
def test_bloom_equals_transformers(changes: dict[str, Any], tmp_path: Path):
    check(BloomForCausalLM, BloomConfig(**SIZES | changes), tmp_path, exact=Exact)


def test_a_file_without_prefix_opens(tmp_path: Path):
    folder = make(BloomForCausalLM, BloomConfig(**SIZES), tmp_path / "theirs")
    opens_under(folder, lambda name: name.removeprefix("transformer."))


def test_keys_under_all_their_names_mean_the_same():
    read = FAMILIES["bloom"].config_from_hf
    published = {"vocab_size": 61, "n_embed": 48, "n_layer": 3, "num_attention_heads": 6}
    usual = {"vocab_size": 61, "hidden_size": 48, "num_hidden_layers": 3, "n_head": 6}
    assert read(published) == read(usual)
    assert (read(usual).d_model, read(usual).n_layers, read(usual).n_heads) == (48, 3, 6)

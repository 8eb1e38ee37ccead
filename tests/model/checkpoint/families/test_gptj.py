"""GPT-J equals transformers; its files of all ages open."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import GPTJConfig, GPTJForCausalLM

from tests.model.checkpoint.families.harness import check, make, opens_under

SIZES: dict[str, Any] = {
    "vocab_size": 61,
    "n_positions": 32,
    "n_embd": 48,
    "n_layer": 3,
    "n_head": 6,
    "n_inner": 52,
    "rotary_dim": 4,
    "layer_norm_epsilon": 2e-5,
    "bos_token_id": 1,
    "eos_token_id": 2,
}


class Exact(GPTJForCausalLM):
    """In float64 its table of angles, rounded to float32, is made anew from its frequencies."""

    def double(self) -> Exact:
        super().double()
        for module in self.modules():
            if hasattr(module, "embed_positions"):
                dim = module.pos_embd_dim
                frequency = 1.0 / (10000 ** (torch.arange(0, dim, 2, dtype=torch.int64) / dim))
                angle = torch.arange(module.max_positions)[:, None] * frequency.double()
                module.embed_positions = torch.cat((angle.sin(), angle.cos()), dim=1)
        return self


@pytest.mark.parametrize(
    "changes",
    [{}, {"rotary_dim": 8, "n_inner": None, "tie_word_embeddings": True}],
    ids=["half of a head turns", "all of it"],
)
def test_gptj_equals_transformers(changes: dict[str, Any], tmp_path: Path):
    check(GPTJForCausalLM, GPTJConfig(**SIZES | changes), tmp_path, exact=Exact)


def test_an_old_file_with_masks_and_without_prefix_opens(tmp_path: Path):
    folder = make(GPTJForCausalLM, GPTJConfig(**SIZES), tmp_path / "theirs")
    buffers = {
        "h.0.attn.bias": torch.ones(1, 1, 32, 32).tril(),
        "h.0.attn.masked_bias": torch.tensor(-1e9),
        "h.1.attn.embed_positions": torch.zeros(32, 4),
    }
    opens_under(folder, lambda name: name.removeprefix("transformer."), buffers)

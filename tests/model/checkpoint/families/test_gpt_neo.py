"""GPT-Neo equals transformers; its files of all ages open; a wrong list of layers is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import GPTNeoConfig, GPTNeoForCausalLM

from model.checkpoint import CheckpointError
from model.checkpoint.families import FAMILIES
from tests.model.checkpoint.families.harness import check, make, opens_under

SIZES: dict[str, Any] = {
    "vocab_size": 61,
    "max_position_embeddings": 32,
    "hidden_size": 48,
    "num_layers": 3,
    "num_heads": 6,
    "intermediate_size": 52,
    "attention_types": [[["global", "local"], 1], [["local"], 1]],
    "window_size": 5,
    "layer_norm_epsilon": 2e-5,
}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"attention_types": [[["global"], 3]], "tie_word_embeddings": False},
        {"attention_types": [[["local"], 3]], "intermediate_size": None},
    ],
    ids=["windows", "no windows", "windows only"],
)
def test_gpt_neo_equals_transformers(changes: dict[str, Any], tmp_path: Path):
    check(GPTNeoForCausalLM, GPTNeoConfig(**SIZES | changes), tmp_path)


def test_an_old_file_with_masks_and_without_prefix_opens(tmp_path: Path):
    folder = make(GPTNeoForCausalLM, GPTNeoConfig(**SIZES), tmp_path / "theirs")
    masks = {
        "h.0.attn.attention.bias": torch.ones(1, 1, 32, 32).tril(),
        "h.0.attn.attention.masked_bias": torch.tensor(-1e9),
    }
    opens_under(folder, lambda name: name.removeprefix("transformer."), masks)


@pytest.mark.parametrize(
    "types",
    [
        [[["global"], 2]],
        [[["global"], 4]],
        [[["near"], 3]],
        [[["global"], 10**12]],
        [[["global"], -1], [["global"], 4]],
        [["global", 3]],
        "global",
        7,
    ],
)
def test_a_list_that_does_not_fit_the_layers_is_refused(types: Any):
    with pytest.raises(CheckpointError, match="'attention_types' must list pairs"):
        FAMILIES["gpt_neo"].config_from_hf(SIZES | {"attention_types": types})

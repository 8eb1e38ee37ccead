"""OPT equals transformers: norms before, norms after and a narrow embedding, bare norms."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import OPTConfig, OPTForCausalLM

from model.checkpoint import CheckpointError, open_checkpoint
from model.checkpoint.families import FAMILIES
from tests.model.checkpoint.families.harness import check, make, opens_under

SIZES: dict[str, Any] = {
    "vocab_size": 61,
    "hidden_size": 48,
    "num_hidden_layers": 3,
    "num_attention_heads": 6,
    "ffn_dim": 52,
    "max_position_embeddings": 32,
}
OPT_350M = {"do_layer_norm_before": False, "word_embed_proj_dim": 20}
GALACTICA = {
    "activation_function": "gelu",
    "enable_bias": False,
    "layer_norm_elementwise_affine": False,
}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        OPT_350M,
        GALACTICA,
        {"do_layer_norm_before": False, "layer_norm_elementwise_affine": False},
        {"_remove_final_layer_norm": True, "tie_word_embeddings": False},
        {"word_embed_proj_dim": 20, "tie_word_embeddings": False},
    ],
    ids=["125m", "350m", "galactica", "post, no weights", "no final norm", "narrow, untied"],
)
def test_opt_equals_transformers(changes: dict[str, Any], tmp_path: Path):
    check(OPTForCausalLM, OPTConfig(**SIZES | changes), tmp_path)


def test_a_file_of_the_bare_decoder_opens(tmp_path: Path):
    folder = make(OPTForCausalLM, OPTConfig(**SIZES | OPT_350M), tmp_path / "theirs")
    version = {"decoder.version": torch.tensor([3.0])}
    opens_under(folder, lambda name: name.removeprefix("model."), version)


def test_norms_without_weights_that_got_weights_are_not_saved(tmp_path: Path):
    folder = make(OPTForCausalLM, OPTConfig(**SIZES | GALACTICA), tmp_path / "theirs")
    ours = open_checkpoint(folder, torch.float32).transformer
    state = {name: tensor.detach().clone() for name, tensor in ours.state_dict().items()}
    FAMILIES["opt"].state_to_hf(state, ours.config)
    state["blocks.1.ln2.w"][3] = 1.5
    with pytest.raises(CheckpointError, match=r"blocks\.1\.ln2 has a weight"):
        FAMILIES["opt"].state_to_hf(state, ours.config)

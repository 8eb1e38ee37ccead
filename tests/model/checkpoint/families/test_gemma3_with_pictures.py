"""The language model of a Gemma 3 that reads pictures, too, equals transformers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
import transformers as hf
from safetensors.torch import load_file, save_file

from model.checkpoint import CheckpointError, open_checkpoint
from tests.model.checkpoint.families.harness import difference, make, some_ids, verified
from tests.model.checkpoint.families.test_llama_like import GEMMA3_ROPE, WIDE


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    text = hf.Gemma3TextConfig(
        **WIDE,
        rope_parameters=GEMMA3_ROPE,
        sliding_window=6,
        query_pre_attn_scalar=11,
        layer_types=["sliding_attention", "sliding_attention", "full_attention"],
    )
    pictures = {"hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 1}
    pictures |= {"num_attention_heads": 2, "image_size": 28, "patch_size": 14}
    config = hf.Gemma3Config(
        text_config=text.to_dict(), vision_config=pictures, mm_tokens_per_image=4
    )
    return make(hf.Gemma3ForConditionalGeneration, config, tmp_path / "theirs")


def test_the_language_model_equals_transformers_and_is_saved_alone(folder: Path, tmp_path: Path):
    opened = open_checkpoint(folder, torch.float32)
    assert opened.family == "gemma3_text"
    [note] = opened.notes
    assert "left out is what turns pictures into vectors" in note
    ids_BT = some_ids(61)
    theirs = hf.Gemma3ForConditionalGeneration.from_pretrained(folder, dtype=torch.float32).eval()
    with torch.inference_mode():
        ours = opened.transformer(ids_BT)
        assert difference(ours, theirs(ids_BT).logits) < 1e-4
    found = verified(folder)
    assert found.equal
    assert found.notes == ()


def test_the_names_of_a_live_networks_state_are_known(folder: Path):
    """As `torch.save(network.state_dict())` has them; transformers itself writes others."""
    before = open_checkpoint(folder, torch.float32)
    theirs = hf.Gemma3ForConditionalGeneration.from_pretrained(folder, dtype=torch.float32)
    state = {name: tensor.clone() for name, tensor in theirs.state_dict().items()}
    written = set(load_file(folder / "model.safetensors"))
    assert "language_model.model.norm.weight" in written
    assert "model.language_model.norm.weight" in state
    assert "lm_head.weight" in state
    save_file(state, folder / "model.safetensors", {"format": "pt"})
    after = open_checkpoint(folder, torch.float32)
    assert after.notes == before.notes
    ours = after.transformer.state_dict()
    for name, tensor in before.transformer.state_dict().items():
        assert torch.equal(tensor, ours[name]), name


def test_a_config_without_the_language_models_is_refused(folder: Path):
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "text_config": None}))
    with pytest.raises(CheckpointError, match=r"config\.json has no 'text_config'"):
        open_checkpoint(folder)

"""Decoders that were saved without their head end with the hidden states of transformers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
import transformers as hf
from transformers import PreTrainedConfig, PreTrainedModel

from model.checkpoint import CheckpointError, open_checkpoint, save_checkpoint
from model.language_model import open_model
from tests.model.checkpoint.families.harness import (
    compare,
    difference,
    make,
    reference,
    some_ids,
    verified,
)
from tests.model.checkpoint.families.test_llama_like import PLAIN, SIZES, WIDE

NEOX = {
    "vocab_size": 61,
    "hidden_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 3,
    "intermediate_size": 40,
    "max_position_embeddings": 32,
}
CASES: dict[str, tuple[type[PreTrainedModel], PreTrainedConfig]] = {
    "mistral": (
        hf.MistralModel,
        hf.MistralConfig(**WIDE, rope_parameters=PLAIN, sliding_window=7),
    ),
    "olmo2": (hf.Olmo2Model, hf.Olmo2Config(**SIZES, rope_parameters=PLAIN)),
    "gpt_neox": (hf.GPTNeoXModel, hf.GPTNeoXConfig(**NEOX)),
    "gpt2": (
        hf.GPT2Model,
        hf.GPT2Config(
            vocab_size=61, n_embd=24, n_layer=2, n_head=3, n_positions=32, tie_word_embeddings=False
        ),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_decoder_without_a_head_equals_transformers_and_is_saved_so(name: str, tmp_path: Path):
    network_class, config = CASES[name]
    folder = make(network_class, config, tmp_path / "theirs")
    ours = compare(network_class, folder, torch.float32)
    compare(network_class, folder, torch.float64)
    opened = open_checkpoint(folder)
    assert not ours.config.has_logits
    assert "no language-model head" in opened.notes[-1]
    saved = save_checkpoint(tmp_path / "ours", opened.transformer, None, family=opened.family)
    assert open_checkpoint(saved).transformer.config == ours.config
    ids_BT = some_ids(61)
    before = reference(network_class, folder, torch.float32, ids_BT).last_hidden_state
    after = reference(network_class, saved, torch.float32, ids_BT).last_hidden_state
    assert difference(after, before) == 0


def test_it_is_verified_by_its_last_hidden_state_and_continues_no_text(tmp_path: Path):
    folder = make(*CASES["mistral"], tmp_path / "theirs")
    found = verified(folder)
    assert found.equal
    assert found.compared == "last hidden state"
    with pytest.raises(ValueError, match="gives vectors, no next token"):
        open_model(folder, "cpu").stream([1, 2, 3])


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("mistral", "MistralForCausalLM"),
        ("gpt2", "GPT2LMHeadModel"),  # ends in Model and has a head
        ("gpt2", "GPT2DoubleHeadsModel"),
    ],
)
def test_a_head_that_is_missing_from_a_whole_decoder_is_damage(
    name: str, kind: str, tmp_path: Path
):
    folder = make(*CASES[name], tmp_path / "theirs")
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"architectures": [kind]}))
    with pytest.raises(CheckpointError, match=r"lack 'lm_head\.weight'"):
        open_checkpoint(folder)

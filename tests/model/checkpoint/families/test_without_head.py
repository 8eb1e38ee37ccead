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
from model.probe.next_token.asks import NextToken
from model.probe.surprisal.asks import Surprisal
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
    # Their unembedding would have a bias.
    "phi": (
        hf.PhiModel,
        hf.PhiConfig(**SIZES | {"num_key_value_heads": 6}, partial_rotary_factor=0.7),
    ),
    "gptj": (
        hf.GPTJModel,
        hf.GPTJConfig(vocab_size=61, n_embd=24, n_layer=2, n_head=3, n_positions=32, rotary_dim=4),
    ),
}
HEADED: dict[str, tuple[type[PreTrainedModel], PreTrainedConfig, str]] = {
    "llama classifier": (
        hf.LlamaForSequenceClassification,
        hf.LlamaConfig(**SIZES),
        "a classifier (1 tensor)",
    ),
    "qwen2 token classifier": (
        hf.Qwen2ForTokenClassification,
        hf.Qwen2Config(**SIZES),
        "a classifier (2 tensors)",
    ),
    # Its body stands behind another name: transformer.
    "llama answers": (
        hf.LlamaForQuestionAnswering,
        hf.LlamaConfig(**SIZES),
        "a question-answering head (2 tensors)",
    ),
    "neox token classifier": (
        hf.GPTNeoXForTokenClassification,
        hf.GPTNeoXConfig(**NEOX),
        "a classifier (2 tensors)",
    ),
    "gptj classifier": (
        hf.GPTJForSequenceClassification,
        hf.GPTJConfig(
            vocab_size=61,
            n_embd=24,
            n_layer=2,
            n_head=3,
            n_positions=32,
            rotary_dim=4,
            pad_token_id=0,
        ),
        "a classifier (1 tensor)",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_decoder_without_a_head_equals_transformers_and_is_saved_so(name: str, tmp_path: Path):
    network_class, config = CASES[name]
    folder = make(network_class, config, tmp_path / "theirs")
    ours = compare(network_class, folder, torch.float32)
    if name != "gptj":  # whose table of angles stays float32
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
    for question in (NextToken(position=-1), Surprisal()):
        with pytest.raises(KeyError, match="has no language-model head: it gives vectors"):
            open_model(folder, "cpu").ask([1, 2, 3], question)


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


@pytest.mark.parametrize("name", HEADED)
def test_a_decoder_with_another_head_opens_without_it_and_names_it(name: str, tmp_path: Path):
    network_class, config, part = HEADED[name]
    folder = make(network_class, config, tmp_path / "theirs")
    opened = open_checkpoint(folder)
    assert not opened.transformer.config.has_logits
    assert opened.notes[0] == f"Left out, since they are for another task: {part}."
    assert "ends with a vector for each token" in opened.notes[1]
    headed = network_class.from_pretrained(folder, attn_implementation="eager").eval()
    ids_BT = some_ids(61)
    with torch.inference_mode():
        theirs = headed.base_model(ids_BT).last_hidden_state
        assert difference(opened.transformer(ids_BT), theirs) < 1e-4


def test_a_tied_decoder_with_another_head_scores_tokens_all_the_same(tmp_path: Path):
    config = hf.GPT2Config(vocab_size=61, n_embd=24, n_layer=2, n_head=3, n_positions=32)
    folder = make(hf.GPT2ForTokenClassification, config, tmp_path / "theirs")
    opened = open_checkpoint(folder)
    whole = hf.GPT2LMHeadModel.from_pretrained(folder, attn_implementation="eager").eval()
    ids_BT = some_ids(61)
    with torch.inference_mode():
        assert difference(opened.transformer(ids_BT), whole(ids_BT).logits) < 1e-4
    assert opened.notes == ("Left out, since they are for another task: a classifier (2 tensors).",)


def test_a_head_beside_a_body_says_what_the_config_does_not(tmp_path: Path):
    folder = make(*HEADED["llama classifier"][:2], tmp_path / "theirs")
    path = folder / "config.json"
    keys = json.loads(path.read_text())
    del keys["architectures"]
    path.write_text(json.dumps(keys))
    assert not open_checkpoint(folder).transformer.config.has_logits
    path.write_text(json.dumps(keys | {"architectures": ["LlamaForCausalLM"]}))
    with pytest.raises(CheckpointError, match=r"lack 'lm_head\.weight'"):
        open_checkpoint(folder)

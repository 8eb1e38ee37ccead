"""A matrix that is saved once and used twice opens under either of its names, in every family."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoModelForMaskedLM
from transformers.models.auto.configuration_auto import CONFIG_MAPPING
from transformers.utils import logging

from model.checkpoint import CheckpointError, open_checkpoint
from model.checkpoint.families import FAMILIES
from tests.model.checkpoint.families.harness import some_ids
from tests.model.checkpoint.families.test_as_transformers import GPT2, LLAMA, MODERN

NAMED_OTHERWISE = {
    "mpt": {"vocab_size": 61, "d_model": 24, "n_layers": 2, "n_heads": 2},
    "bloom": {"vocab_size": 61, "hidden_size": 24, "n_layer": 2, "n_head": 2},
    "gpt2": GPT2,
    "gptj": GPT2 | {"rotary_dim": 4},
    "gpt_neo": LLAMA | {"attention_types": [[["global", "local"], 1]]},
    "distilbert": {"vocab_size": 61, "dim": 24, "hidden_dim": 40, "n_layers": 2, "n_heads": 2},
    "modernbert": MODERN,
    "opt": LLAMA | {"ffn_dim": 40, "word_embed_proj_dim": 24},
}
FOR_MASKS = ("bert", "roberta", "distilbert", "modernbert")


@pytest.mark.parametrize("family", list(FAMILIES))
def test_what_is_tied_opens_under_either_name_and_what_is_not_stays_refused(
    family: str, tmp_path: Path
):
    keys: dict[str, Any] = {"rotary_pct": 0.5, "partial_rotary_factor": 0.5}
    keys |= NAMED_OTHERWISE.get(family, LLAMA)
    keys |= {"model_type": family, "tie_word_embeddings": True}
    network_class = AutoModelForMaskedLM if family in FOR_MASKS else AutoModelForCausalLM
    logging.disable_progress_bar()  # tqdm starts a thread that stays
    torch.manual_seed(0)
    network = network_class.from_config(CONFIG_MAPPING[family].from_dict(dict(keys)))
    network.save_pretrained(tmp_path)
    keys["architectures"] = [type(network).__name__]
    (tmp_path / "config.json").write_text(json.dumps(keys))
    ids_BT = some_ids(61, unused=6)
    with torch.inference_mode():
        expected = open_checkpoint(tmp_path).transformer(ids_BT)
    unembedding, embedding = FAMILIES[family].tied_names
    tensors = load_file(tmp_path / "model.safetensors")
    tensors[unembedding] = tensors.pop(embedding)
    save_file(tensors, tmp_path / "model.safetensors", {"format": "pt"})
    _, loading = network_class.from_pretrained(tmp_path, output_loading_info=True)
    assert not loading["missing_keys"]  # transformers makes nothing up
    with torch.inference_mode():
        assert torch.equal(open_checkpoint(tmp_path).transformer(ids_BT), expected)

    (tmp_path / "config.json").write_text(json.dumps(keys | {"tie_word_embeddings": False}))
    with pytest.raises(CheckpointError, match=rf"lack .*{embedding}"):
        open_checkpoint(tmp_path)

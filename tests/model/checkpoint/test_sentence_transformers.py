"""Folders that sentence-transformers wrote: the network is opened, the pooling is left out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from transformers import BertConfig, BertModel

from model.checkpoint import open_checkpoint
from tests.model.checkpoint.families.harness import make, some_ids
from tests.model.checkpoint.families.test_bert import SIZES


@pytest.mark.parametrize("inside", ["", "0_Transformer", "0_BERT"])
def test_the_network_is_found_and_the_pooling_is_said_to_be_left_out(inside: str, tmp_path: Path):
    make(BertModel, BertConfig(**SIZES), tmp_path / inside)
    modules = [
        {"idx": 0, "name": "0", "path": inside, "type": "sentence_transformers.models.Transformer"},
        {
            "idx": 1,
            "name": "1",
            "path": "1_Pooling",
            "type": "sentence_transformers.models.Pooling",
        },
    ]
    (tmp_path / "modules.json").write_text(json.dumps(modules))
    (tmp_path / "1_Pooling").mkdir()
    (tmp_path / "1_Pooling" / "config.json").write_text('{"pooling_mode_mean_tokens": true}')
    opened = open_checkpoint(tmp_path)
    theirs = BertModel.from_pretrained(tmp_path / inside, attn_implementation="eager").eval()
    ids_BT = some_ids(61)
    with torch.inference_mode():
        ours, expected = opened.transformer(ids_BT), theirs(ids_BT).last_hidden_state
    assert float((ours - expected).abs().max()) < 1e-4
    assert any("pooling" in note for note in opened.notes)
    assert any("the pooler (2 tensors)" in note for note in opened.notes)

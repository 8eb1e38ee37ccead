"""RoBERTa equals transformers, with the masked head and without; its positions have an offset."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import transformers
from transformers import RobertaConfig, RobertaForMaskedLM, RobertaForSequenceClassification

from model.checkpoint import CheckpointError, open_checkpoint
from model.checkpoint.families import FAMILIES
from tests.model.checkpoint.families.harness import BOTH, check, compare, make

SIZES: dict[str, Any] = {
    "vocab_size": 61,
    "hidden_size": 36,
    "intermediate_size": 52,
    "num_hidden_layers": 2,  # more make all positions alike
    "num_attention_heads": 6,
    "max_position_embeddings": 25,
    "type_vocab_size": 1,
    "layer_norm_eps": 1e-5,
}


class RobertaModel(transformers.RobertaModel):
    """Without the pooler, which is no part of the network here."""

    def __init__(self, config: RobertaConfig) -> None:
        super().__init__(config, add_pooling_layer=False)


@pytest.mark.parametrize("padding", [0, 1, 2])
def test_roberta_with_a_masked_head_equals_transformers(padding: int, tmp_path: Path):
    check(RobertaForMaskedLM, RobertaConfig(**SIZES, pad_token_id=padding), tmp_path)


def test_the_head_is_gelu_whatever_the_mlps_are(tmp_path: Path):
    config = RobertaConfig(**SIZES, hidden_act="relu", tie_word_embeddings=False)
    check(RobertaForMaskedLM, config, tmp_path)


def test_roberta_without_a_head_equals_transformers(tmp_path: Path):
    check(RobertaModel, RobertaConfig(**SIZES), tmp_path)


def test_the_context_is_what_is_left_of_the_table_of_positions(tmp_path: Path):
    folder = make(RobertaForMaskedLM, RobertaConfig(**SIZES), tmp_path / "theirs")
    config = open_checkpoint(folder).transformer.config
    assert (config.n_ctx, config.position_offset) == (23, 2)


def test_the_body_of_a_classifier_is_opened_without_a_head(tmp_path: Path):
    folder = make(RobertaForSequenceClassification, RobertaConfig(**SIZES), tmp_path / "theirs")
    opened = open_checkpoint(folder)
    assert opened.transformer.config.head == "none"
    assert "a classifier (4 tensors)" in opened.notes[0]


def test_a_pooler_is_left_out(tmp_path: Path):
    folder = make(transformers.RobertaModel, RobertaConfig(**SIZES), tmp_path / "theirs")
    for dtype in BOTH:
        compare(transformers.RobertaModel, folder, dtype)
    assert "the pooler (2 tensors)" in open_checkpoint(folder).notes[0]


def test_a_padding_id_beyond_the_positions_is_refused():
    hf = {"model_type": "roberta", "vocab_size": 61, "max_position_embeddings": 20}
    with pytest.raises(CheckpointError, match="pad_token_id"):
        FAMILIES["roberta"].config_from_hf(hf | {"pad_token_id": 19})

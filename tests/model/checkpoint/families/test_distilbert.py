"""DistilBERT equals transformers, with the masked head and without."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from transformers import (
    DistilBertConfig,
    DistilBertForMaskedLM,
    DistilBertForSequenceClassification,
    DistilBertModel,
)

from model.checkpoint import open_checkpoint
from tests.model.checkpoint.families.harness import check, make

SIZES: dict[str, Any] = {
    "vocab_size": 61,
    "dim": 36,
    "hidden_dim": 52,
    "n_layers": 2,  # more make all positions alike
    "n_heads": 6,
    "max_position_embeddings": 23,
}


@pytest.mark.parametrize("tied", [True, False])
def test_distilbert_with_a_masked_head_equals_transformers(tied: bool, tmp_path: Path):
    config = DistilBertConfig(
        **SIZES, tie_word_embeddings=tied, activation="gelu" if tied else "relu"
    )
    check(DistilBertForMaskedLM, config, tmp_path)


def test_distilbert_without_a_head_equals_transformers(tmp_path: Path):
    check(DistilBertModel, DistilBertConfig(**SIZES, sinusoidal_pos_embds=True), tmp_path)


def test_the_body_of_a_classifier_is_opened_without_a_head(tmp_path: Path):
    config = DistilBertConfig(**SIZES)
    folder = make(DistilBertForSequenceClassification, config, tmp_path / "theirs")
    opened = open_checkpoint(folder)
    assert opened.transformer.config.head == "none"
    assert "a classifier (4 tensors)" in opened.notes[0]

"""BERT equals transformers, with the masked head, with others and without any."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file
from transformers import (
    BertConfig,
    BertForMaskedLM,
    BertForPreTraining,
    BertForSequenceClassification,
    BertLMHeadModel,
    PreTrainedModel,
)

from model.checkpoint import CheckpointError, open_checkpoint
from tests.model.checkpoint.families.harness import BOTH, check, compare, difference, make, some_ids

SIZES: dict[str, Any] = {
    "vocab_size": 61,
    "hidden_size": 36,
    "intermediate_size": 52,
    "num_hidden_layers": 2,  # more make all positions alike
    "num_attention_heads": 6,
    "max_position_embeddings": 23,
    "type_vocab_size": 3,
    "layer_norm_eps": 2e-7,
}


class BertModel(transformers.BertModel):
    """Without the pooler, which is no part of the network here."""

    def __init__(self, config: BertConfig) -> None:
        super().__init__(config, add_pooling_layer=False)


def test_bert_with_a_masked_head_equals_transformers(tmp_path: Path):
    check(BertForMaskedLM, BertConfig(**SIZES), tmp_path)


def test_bert_with_an_untied_head_and_another_activation_equals_transformers(tmp_path: Path):
    config = BertConfig(**SIZES, tie_word_embeddings=False, hidden_act="gelu_pytorch_tanh")
    check(BertForMaskedLM, config, tmp_path)


def test_bert_without_a_head_equals_transformers(tmp_path: Path):
    check(BertModel, BertConfig(**SIZES), tmp_path)


def test_a_pooler_is_left_out_and_named(tmp_path: Path):
    folder = make(transformers.BertModel, BertConfig(**SIZES), tmp_path / "theirs")
    for dtype in BOTH:
        compare(transformers.BertModel, folder, dtype)
    (note,) = open_checkpoint(folder).notes
    assert note == "Left out, since they are for another task: the pooler (2 tensors)."


def test_bert_as_pretrained_keeps_its_masked_head_only(tmp_path: Path):
    folder = make(BertForPreTraining, BertConfig(**SIZES), tmp_path / "theirs")
    theirs = BertForPreTraining.from_pretrained(folder, attn_implementation="eager").eval()
    opened = open_checkpoint(folder)
    ids_BT = some_ids(61)
    with torch.inference_mode():
        expected = theirs(ids_BT).prediction_logits
        assert difference(opened.transformer(ids_BT), expected) < 1e-4
    assert "the pooler (2 tensors), the next-sentence head (2 tensors)" in opened.notes[0]


def test_the_body_of_a_classifier_is_opened_without_a_head(tmp_path: Path):
    folder = make(BertForSequenceClassification, BertConfig(**SIZES), tmp_path / "theirs")
    theirs = BertForSequenceClassification.from_pretrained(folder, attn_implementation="eager")
    opened = open_checkpoint(folder)
    ids_BT = some_ids(61)
    assert opened.transformer.config.head == "none"
    with torch.inference_mode():
        expected = theirs.eval().bert(ids_BT).last_hidden_state
        assert difference(opened.transformer(ids_BT), expected) < 1e-4
    assert "a classifier (2 tensors)" in opened.notes[0]


def rewritten(folder: Path, rename: dict[str, str], extra: dict[str, torch.Tensor]) -> None:
    """The same weights under other names, with more beside them."""
    tensors = load_file(folder / "model.safetensors")
    for old, new in rename.items():
        tensors = {name.replace(old, new): tensor for name, tensor in tensors.items()}
    save_file(tensors | extra, folder / "model.safetensors", {"format": "pt"})


def test_names_of_the_first_files_are_read(tmp_path: Path):
    folder = make(BertForMaskedLM, BertConfig(**SIZES), tmp_path / "theirs")
    before = open_checkpoint(folder).transformer.state_dict()
    rename = {"LayerNorm.weight": "LayerNorm.gamma", "LayerNorm.bias": "LayerNorm.beta"}
    tensors = load_file(folder / "model.safetensors")
    extra = {
        "bert.embeddings.position_ids": torch.arange(23)[None],
        "cls.predictions.decoder.bias": tensors["cls.predictions.bias"].clone(),
        "cls.predictions.decoder.weight": tensors["bert.embeddings.word_embeddings.weight"].clone(),
    }
    rewritten(folder, rename, extra)
    after = open_checkpoint(folder).transformer.state_dict()
    assert all(torch.equal(after[name], tensor) for name, tensor in before.items())


def test_without_architectures_the_weights_say_whether_there_is_a_head(tmp_path: Path):
    for network, head in ((BertForMaskedLM, "mlm"), (BertModel, "none")):
        folder = make(network, BertConfig(**SIZES), tmp_path / head)
        hf = json.loads((folder / "config.json").read_text())
        del hf["architectures"]
        (folder / "config.json").write_text(json.dumps(hf))
        assert open_checkpoint(folder).transformer.config.head == head


def test_a_head_that_config_json_does_not_name_is_left_out(tmp_path: Path):
    folder = make(BertForMaskedLM, BertConfig(**SIZES), tmp_path / "theirs")
    hf = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(hf | {"architectures": ["BertModel"]}))
    opened = open_checkpoint(folder)
    assert opened.transformer.config.head == "none"
    assert "the masked-language head (5 tensors)" in opened.notes[0]


@pytest.mark.parametrize("network", [BertForMaskedLM, BertLMHeadModel])
def test_a_bert_that_was_made_a_decoder_looks_back_only(
    network: type[PreTrainedModel], tmp_path: Path
):
    config = BertConfig(**SIZES, is_decoder=True)
    ours = compare(network, make(network, config, tmp_path / "theirs"), torch.float32)
    assert ours.config.causal
    assert ours.config.has_logits


def test_of_attention_to_another_text_no_notice_is_taken(tmp_path: Path):
    config = BertConfig(**SIZES, is_decoder=True, add_cross_attention=True)
    folder = make(BertLMHeadModel, config, tmp_path / "theirs")
    compare(BertLMHeadModel, folder, torch.float32)
    assert "attention to another network's text (" in open_checkpoint(folder).notes[0]


def test_positions_are_absolute_as_transformers_5_has_them(tmp_path: Path):
    folder = make(BertForMaskedLM, BertConfig(**SIZES), tmp_path / "theirs")
    path = folder / "config.json"
    hf = json.loads(path.read_text()) | {"position_embedding_type": "relative_key"}
    path.write_text(json.dumps(hf))
    compare(BertForMaskedLM, folder, torch.float32)
    # A network that was trained so has a table more, and is none of these.
    table = {"bert.encoder.layer.0.attention.self.distance_embedding.weight": torch.ones(45, 6)}
    rewritten(folder, {}, table)
    with pytest.raises(CheckpointError, match="distance_embedding"):
        open_checkpoint(folder)


def test_what_is_tied_opens_under_either_name(tmp_path: Path):
    folder = make(BertForMaskedLM, BertConfig(**SIZES), tmp_path / "theirs")
    before = open_checkpoint(folder).transformer.state_dict()
    names = {
        "bert.embeddings.word_embeddings.weight": "cls.predictions.decoder.weight",
        "cls.predictions.bias": "cls.predictions.decoder.bias",
    }
    rewritten(folder, names, {})
    compare(BertForMaskedLM, folder, torch.float32)
    after = open_checkpoint(folder).transformer.state_dict()
    assert all(torch.equal(after[name], tensor) for name, tensor in before.items())


def test_a_tensor_of_no_known_part_is_refused(tmp_path: Path):
    folder = make(BertForMaskedLM, BertConfig(**SIZES), tmp_path / "theirs")
    rewritten(folder, {}, {"bert.embeddings.colours.weight": torch.ones(2, 36)})
    with pytest.raises(CheckpointError, match=r"bert\.embeddings\.colours\.weight"):
        open_checkpoint(folder)

"""Every family that can be opened is saved so that transformers loads it to equal logits."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from model.checkpoint import CheckpointError, open_checkpoint, save_checkpoint
from model.checkpoint.families import FAMILIES
from model.config import TransformerConfig
from model.tokenizer.tokenizer import Tokenizer
from model.transformer import Transformer

SIZES: dict[str, Any] = {
    "vocab_size": 67,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "intermediate_size": 44,
    "ffn_dim": 44,
    "max_position_embeddings": 40,
    "pad_token_id": 1,
    "bos_token_id": 2,
    "eos_token_id": 2,
}

OWN: dict[str, dict[str, Any]] = {
    "gpt_neo": {"attention_types": [[["global", "local"], 1]], "window_size": 6},
    "gptj": {"rotary_dim": 4},
}
"""What a family's own defaults make too large for so small a network."""


def small(model_type: str) -> Any:
    """A small config of transformers, by the names that all families share."""
    from transformers import CONFIG_MAPPING

    config_class = CONFIG_MAPPING[model_type]
    known = vars(config_class())
    names = {ours: config_class.attribute_map.get(ours, ours) for ours in SIZES}
    sizes = {names[name]: value for name, value in SIZES.items() if names[name] in known}
    if model_type == "falcon":
        sizes.pop("num_kv_heads", None)
    return config_class(**sizes | OWN.get(model_type, {}))


def of_family(model_type: str, folder: Path) -> Path:
    """A random checkpoint of a family, as transformers saves it."""
    from transformers import AutoModelForCausalLM, AutoModelForMaskedLM
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES
    from transformers.utils import logging

    logging.disable_progress_bar()
    config = small(model_type)
    decoder = model_type in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES
    encoder = model_type in ("bert", "roberta", "distilbert", "modernbert")
    auto = AutoModelForCausalLM if decoder and not encoder else AutoModelForMaskedLM
    network = auto.from_config(config)
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for parameter in network.parameters():
            mean = float(parameter.mean()) if parameter.ndim == 1 else 0.0
            parameter.normal_(mean, 0.3, generator=generator)
    network.save_pretrained(folder)
    return folder


def logits_of(folder: Path, head: str, ids_BT: Tensor) -> Tensor:
    from transformers import AutoModelForCausalLM, AutoModelForMaskedLM

    auto = AutoModelForMaskedLM if head == "mlm" else AutoModelForCausalLM
    network, info = auto.from_pretrained(
        folder, dtype=torch.float32, attn_implementation="eager", output_loading_info=True
    )
    assert not any(info.values()), info
    with torch.no_grad():
        logits: Tensor = network.eval()(ids_BT, attention_mask=torch.ones_like(ids_BT)).logits
    return logits


@pytest.mark.parametrize("model_type", sorted(FAMILIES))
def test_a_saved_network_is_the_same_in_transformers(model_type: str, tmp_path: Path):
    theirs = of_family(model_type, tmp_path / "theirs")
    opened = open_checkpoint(theirs, torch.float32)
    ours = save_checkpoint(
        tmp_path / "ours", opened.transformer, None, family=opened.family, largest_file=12_000
    )
    assert (ours / "model.safetensors.index.json").exists()
    again = open_checkpoint(ours)
    assert again.transformer.config == opened.transformer.config
    state = again.transformer.state_dict()
    for name, tensor in opened.transformer.state_dict().items():
        assert torch.equal(tensor, state[name]), name
    ids_BT = torch.randint(3, 67, (2, 15), generator=torch.Generator().manual_seed(1))
    head = opened.transformer.config.head
    before = logits_of(theirs, head, ids_BT)
    assert before.std() > 0.1
    # Not to the bit: of two names for one activation transformers computes each its own way.
    assert (logits_of(ours, head, ids_BT) - before).abs().max() < 1e-5
    with torch.no_grad():
        assert (opened.transformer(ids_BT) - before).abs().max() < 1e-4


@pytest.mark.parametrize("model_type", ["bert", "roberta", "distilbert", "modernbert"])
def test_an_encoder_without_a_head_is_saved_without_one(model_type: str, tmp_path: Path):
    from transformers import AutoModel
    from transformers.utils import logging

    logging.disable_progress_bar()
    logging.set_verbosity_error()  # it would tell of the pooler
    torch.manual_seed(3)
    AutoModel.from_config(small(model_type)).save_pretrained(tmp_path / "theirs")
    opened = open_checkpoint(tmp_path / "theirs", torch.float32)
    assert opened.transformer.config.head == "none"
    ours = save_checkpoint(tmp_path / "ours", opened.transformer, None, family=opened.family)
    before = AutoModel.from_pretrained(tmp_path / "theirs", attn_implementation="eager").eval()
    after, info = AutoModel.from_pretrained(
        ours, attn_implementation="eager", output_loading_info=True
    )
    assert not [name for name in info["missing_keys"] if not name.startswith("pooler.")]
    assert not info["unexpected_keys"]
    ids_BT = torch.randint(3, 67, (2, 15), generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        expected = before(ids_BT).last_hidden_state
        assert torch.equal(after.eval()(ids_BT).last_hidden_state, expected)
        assert (opened.transformer(ids_BT) - expected).abs().max() < 1e-4


def tiny() -> Transformer:
    return Transformer(TransformerConfig(n_layers=2, n_heads=2, d_model=8, d_vocab=300, n_ctx=16))


def test_files_are_no_larger_than_asked_and_the_index_knows_them(tmp_path: Path):
    transformer = tiny()
    folder = save_checkpoint(tmp_path / "out", transformer, None, largest_file=10_000)
    index = json.loads((folder / "model.safetensors.index.json").read_text())
    files = sorted(set(index["weight_map"].values()))
    assert len(files) > 1
    assert files == [
        f"model-{i:05}-of-{len(files):05}.safetensors" for i in range(1, len(files) + 1)
    ]
    assert index["metadata"]["total_size"] == 4 * transformer.config.n_params
    header = 1_500
    assert all((folder / file).stat().st_size < 10_000 + header for file in files)


def test_the_dtype_can_be_chosen(tmp_path: Path):
    transformer = tiny()
    folder = save_checkpoint(tmp_path / "out", transformer, None, dtype=torch.bfloat16)
    config = json.loads((folder / "config.json").read_text())
    assert config["dtype"] == "bfloat16"
    again = open_checkpoint(folder)
    assert again.dtype is torch.bfloat16
    assert torch.equal(again.transformer.embed.weight, transformer.embed.weight.bfloat16())
    assert transformer.embed.weight.dtype is torch.float32


@pytest.mark.parametrize("sizes", [(10_000, 10**9), (10**9, 10_000), (10_000, 6_000)])
def test_no_weights_of_an_older_division_stay(sizes: tuple[int, int], tmp_path: Path):
    folder = tmp_path / "out"
    save_checkpoint(folder, tiny(), None, largest_file=sizes[0])
    (folder / "notes.txt").write_text("mine")
    newer = tiny()
    save_checkpoint(folder, newer, None, largest_file=sizes[1])
    weights = {file.name for file in folder.glob("model*")}
    fresh = save_checkpoint(tmp_path / "fresh", newer, None, largest_file=sizes[1])
    assert weights == {file.name for file in fresh.glob("model*")}
    assert (folder / "notes.txt").read_text() == "mine"
    state = open_checkpoint(folder).transformer.state_dict()
    assert torch.equal(
        state["blocks.1.mlp.up.weight"], newer.state_dict()["blocks.1.mlp.up.weight"]
    )


def test_special_ids_come_from_the_tokenizer(bpe: Tokenizer, tmp_path: Path):
    folder = save_checkpoint(tmp_path / "out", tiny(), bpe)
    config = json.loads((folder / "config.json").read_text())
    assert (config["bos_token_id"], config["eos_token_id"]) == (0, 0)
    bare = save_checkpoint(tmp_path / "bare", tiny(), None)
    assert json.loads((bare / "config.json").read_text())["eos_token_id"] is None


def test_a_family_that_is_not_known_is_refused(tmp_path: Path):
    with pytest.raises(
        CheckpointError, match=r"A 'mamba' can't be saved; known families are .*gpt2"
    ):
        save_checkpoint(tmp_path / "out", tiny(), None, family="mamba")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("there", [True, False])
def test_a_link_to_a_folder_stays_a_link(gpt2_folder: Path, tmp_path: Path, there: bool):
    checkpoint = open_checkpoint(gpt2_folder)
    larger_disk = tmp_path / "larger" / "disk"
    larger_disk.parent.mkdir()
    if there:
        larger_disk.mkdir()
    (tmp_path / "out").symlink_to(larger_disk)
    save_checkpoint(tmp_path / "out", checkpoint.transformer, checkpoint.tokenizer)
    assert (tmp_path / "out").is_symlink()
    assert (larger_disk / "config.json").is_file()
    assert [path.name for path in larger_disk.parent.iterdir()] == ["disk"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["larger", "out"]

"""MPT equals transformers, and MosaicML's own code where transformers leaves something out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import MptConfig, MptForCausalLM
from transformers.models.mpt.modeling_mpt import build_mpt_alibi_tensor

from model.checkpoint import CheckpointError, open_checkpoint
from model.checkpoint.families import FAMILIES
from tests.model.checkpoint.families.harness import (
    BOTH,
    check,
    compare,
    make,
    modules_of,
    opens_under,
    verified,
)

SIZES: dict[str, Any] = {
    "vocab_size": 61,
    "d_model": 48,
    "n_layers": 3,
    "n_heads": 6,
    "max_seq_len": 32,
    "layer_norm_epsilon": 2e-5,
}


@pytest.mark.parametrize(
    ("attention", "changes"),
    [
        ({}, {}),
        ({"clip_qkv": 1.5}, {"n_heads": 16}),
        ({"softmax_scale": 0.2, "clip_qkv": 0.0}, {"tie_word_embeddings": False}),
    ],
    ids=["7b", "clipped", "scaled"],
)
def test_mpt_equals_transformers(
    attention: dict[str, Any], changes: dict[str, Any], tmp_path: Path
):
    check(MptForCausalLM, MptConfig(**SIZES | changes, attn_config=attention), tmp_path)


class MosaicMl(MptForCausalLM):
    """transformers' MPT with what it leaves out of MosaicML's (llm-foundry 0.1 to 0.5)."""

    def __init__(self, config: MptConfig) -> None:
        super().__init__(config)
        network, settings = self.transformer, config.attn_config

        def alibi(n_heads: int, length: int, **_: Any) -> Tensor:
            bias = build_mpt_alibi_tensor(n_heads, length, settings.alibi_bias_max)
            return bias if settings.alibi else torch.zeros_like(bias)

        network.build_mpt_alibi_tensor = alibi
        if not settings.alibi and config.learned_pos_emb:
            network.wpe = nn.Embedding(config.max_seq_len, config.d_model)
            network.wte.register_forward_hook(self._with_positions)
        attention: Any
        for attention in modules_of(self, "Attention"):
            if settings.qk_ln:
                attention.q_ln = nn.LayerNorm(config.d_model)
                attention.k_ln = nn.LayerNorm(config.d_model)
                attention.Wqkv.register_forward_hook(_Normed(attention))
        for module in network.modules():
            if isinstance(module, nn.Linear | nn.LayerNorm):
                bias = torch.zeros(len(module.weight))
                module.register_parameter("bias", None if config.no_bias else nn.Parameter(bias))

    def _with_positions(self, _: nn.Module, ids: tuple[Tensor], embedded: Tensor) -> Tensor:
        return embedded + self.transformer.wpe.weight[: ids[0].shape[1]]


class _Normed:
    """Norms all heads' queries together, and keys, after they are clipped."""

    def __init__(self, attention: Any) -> None:
        self.attention, self.clip, attention.clip_qkv = attention, attention.clip_qkv, None

    def __call__(self, _: nn.Module, __: tuple[Tensor], joined: Tensor) -> Tensor:
        if self.clip:
            joined = joined.clamp(-self.clip, self.clip)
        q, k, v = joined.chunk(3, dim=2)
        return torch.cat((self.attention.q_ln(q), self.attention.k_ln(k), v), dim=2)


@pytest.mark.parametrize(
    ("attention", "changes", "unread"),
    [
        ({"clip_qkv": 1.5, "alibi_bias_max": 16}, {}, "alibi_bias_max"),
        ({"alibi": False}, {}, "alibi"),
        ({"alibi": False}, {"learned_pos_emb": False}, "alibi"),
        ({"qk_ln": True, "clip_qkv": 1.5}, {}, "qk_ln"),
        ({"qk_ln": True, "alibi": False}, {"no_bias": False}, "alibi, qk_ln, no_bias"),
    ],
    ids=["storywriter", "learned positions", "no positions", "norms of queries and keys", "biases"],
)
def test_mpt_equals_mosaicml_and_is_not_saved_for_transformers(
    attention: dict[str, Any], changes: dict[str, Any], unread: str, tmp_path: Path
):
    sizes = SIZES | {"layer_norm_epsilon": 1e-5}  # MosaicML's only one
    folder = make(MosaicMl, MptConfig(**sizes | changes, attn_config=attention), tmp_path / "it")
    for dtype in BOTH:
        ours = compare(MosaicMl, folder, dtype)
    with pytest.raises(CheckpointError, match=f"no notice of {unread} and"):
        FAMILIES["mpt"].config_to_hf(ours.config)
    state = {name: tensor.detach() for name, tensor in ours.state_dict().items()}
    again = FAMILIES["mpt"].state_from_hf(
        FAMILIES["mpt"].state_to_hf(state, ours.config), ours.config
    )
    assert all(torch.equal(tensor, state[name]) for name, tensor in again.items())


def test_what_transformers_takes_no_notice_of_is_said_where_it_differs(tmp_path: Path):
    config = MptConfig(**SIZES, attn_config={"alibi_bias_max": 16})
    found = verified(make(MptForCausalLM, config, tmp_path / "theirs"))
    assert not found.equal
    assert "takes no notice of alibi_bias_max" in found.notes[-1]


def test_a_file_without_prefix_opens(tmp_path: Path):
    folder = make(MptForCausalLM, MptConfig(**SIZES), tmp_path / "theirs")
    opens_under(folder, lambda name: name.removeprefix("transformer."))


@pytest.mark.parametrize(
    "changes",
    [
        {"expansion_ratio": 3},
        {"logit_scale": "inv_sqrt_d_model"},
        {"norm_type": "rmsnorm"},
        {"no_bias": False},
        {"attn_config": {"attn_type": "multiquery_attention"}},
        {"attn_config": {"prefix_lm": True}},
        {"attn_config": {"rope": True}},
        {"attn_config": {"qk_gn": True}},
        {"attn_config": {"qk_ln": True}},
        {"attn_config": {"alibi": False}},
        {"attn_config": {"sliding_window_size": 7}},
        {"attn_config": {"attn_uses_sequence_id": True}},
        {"ffn_config": {"ffn_type": "mptglu"}},
    ],
    ids=str,
)
def test_of_what_transformers_takes_no_notice_none_is_taken_where_the_tensors_fit(
    changes: dict[str, Any], tmp_path: Path
):
    folder = make(MptForCausalLM, MptConfig(**SIZES), tmp_path / "theirs")
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    compare(MptForCausalLM, folder, torch.float32)
    (key, value) = next(iter(changes.items()))
    inner = next(iter(value)) if isinstance(value, dict) else key
    shown = inner in ("no_bias", "qk_ln", "alibi")  # by the tensors, which say so themselves
    notes = open_checkpoint(folder).notes
    assert shown or (f"'{inner}', of which transformers takes no notice" in notes[0])


def test_an_mlp_of_another_width_is_opened_as_mosaicml_trained_it(tmp_path: Path):
    folder = make(MptForCausalLM, MptConfig(**SIZES), tmp_path / "theirs")
    tensors = load_file(folder / "model.safetensors")
    for layer in range(SIZES["n_layers"]):
        up, down = (f"transformer.blocks.{layer}.ffn.{name}_proj.weight" for name in ("up", "down"))
        tensors[up] = tensors[up][: 3 * 48].contiguous()
        tensors[down] = tensors[down][:, : 3 * 48].contiguous()
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(CheckpointError, match=r"ffn\.up_proj.* has shape \[144, 48\]"):
        open_checkpoint(folder)
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"expansion_ratio": 3}))
    opened = open_checkpoint(folder)
    assert opened.transformer.config.d_mlp == 144
    assert opened.notes == ()
    with pytest.raises(CheckpointError, match="can't be saved as a MPT: it has d_mlp 144"):
        FAMILIES["mpt"].config_to_hf(opened.transformer.config)


@pytest.mark.parametrize(
    ("key", "value"), [("attn_config", {"alibi_bias_max": 0}), ("attn_config", 7)]
)
def test_what_no_network_can_be_is_refused_by_name(key: str, value: Any):
    with pytest.raises(CheckpointError, match=repr(key)):
        FAMILIES["mpt"].config_from_hf(SIZES | {key: value})

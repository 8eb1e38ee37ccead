"""An adapter changes a network by α / r times B A, here, in NumPy and in PEFT alike."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from transformers import (
    AutoModelForCausalLM,
    GPT2Config,
    GPT2LMHeadModel,
    GPTNeoXConfig,
    GPTNeoXForCausalLM,
)

from model.checkpoint import CheckpointError, open_checkpoint
from model.checkpoint.families import FAMILIES, Family
from model.config import ConfigError
from model.lora.adapter import (
    CONV1D_FAMILIES,
    Adapter,
    AdapterError,
    Adapting,
    LoraConfig,
    adaptable,
    merge,
)
from model.lora.files import read_adapter, save_adapter
from model.train.measure import mean_loss
from model.transformer import Transformer
from tests.model.checkpoint.families.harness import make, some_ids
from tests.model.checkpoint.tiny import llama
from tests.model.networks import VARIANTS

D_VOCAB = 61
QKV = "blocks.1.attn.qkv.weight"


def gpt2(folder: Path) -> Path:
    config = GPT2Config(vocab_size=D_VOCAB, n_embd=16, n_layer=2, n_head=2, n_positions=32)
    make(GPT2LMHeadModel, config, folder)
    return folder


def neox(folder: Path) -> Path:
    """Its file keeps queries, keys and values head by head: rows stand in another order here."""
    config = GPTNeoXConfig(
        vocab_size=D_VOCAB,
        hidden_size=16,
        intermediate_size=24,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=32,
    )
    make(GPTNeoXForCausalLM, config, folder)
    return folder


NAMED = {
    "llama": "layers.0.self_attn.q_proj",
    "gpt2": "h.0.attn.c_attn",
    "gpt_neox": "layers.0.attention.query_key_value",
}
"""A map by a part of its name, whose rank and alpha are its own."""
MODELS = {"llama": llama, "gpt2": gpt2, "gpt_neox": neox}


def filled(adapter: Adapter, seed: int = 1) -> Adapter:
    """The adapter as after some training: B is no longer zero."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for _, _, b in adapter.factors():
            b.normal_(0, 0.3, generator=generator)
    return adapter


def opened(path: Path) -> tuple[Transformer, str]:
    checkpoint = open_checkpoint(path, torch.float32)
    return checkpoint.transformer, checkpoint.family


def logits_of(transformer: Transformer) -> np.ndarray[Any, Any]:
    with torch.inference_mode():
        return transformer(some_ids(D_VOCAB)).numpy()


def test_a_new_adapter_changes_nothing(tmp_path: Path) -> None:
    network, family = opened(llama(tmp_path / "base"))
    before = logits_of(network)
    merge(network, Adapter.new(family, network.config, LoraConfig(rank=4)))
    assert np.array_equal(logits_of(network), before)


def test_queries_keys_and_values_get_the_product_of_their_own_factors(tmp_path: Path) -> None:
    network, family = opened(llama(tmp_path / "base"))
    lora = LoraConfig(rank=3, alpha=6.0, targets=("q_proj", "v_proj"))
    adapter = filled(Adapter.new(family, network.config, lora))
    before = network.get_parameter(QKV).detach().numpy().astype(np.float64)
    merge(network, adapter)
    after = network.get_parameter(QKV).detach().numpy().astype(np.float64)
    factors = {n: (a.detach().numpy(), b.detach().numpy()) for n, a, b in adapter.factors()}
    place = "model.layers.1.self_attn."
    q, v = (
        2.0 * factors[place + n][1].astype(np.float64) @ factors[place + n][0].astype(np.float64)
        for n in ("q_proj", "v_proj")
    )
    k = np.zeros((8, 16))  # keys are left alone
    np.testing.assert_allclose(after - before, np.concatenate([q, k, v]), atol=1e-6)
    assert np.abs(q).max() > 0.1


# peft 0.21 asks transformers 5 for what it calls by another name now.
OLD_NAME = pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing")


@OLD_NAME
@pytest.mark.parametrize("kind", MODELS)
def test_peft_applies_what_is_written_here_to_equal_logits(kind: str, tmp_path: Path) -> None:
    peft = pytest.importorskip("peft")
    base = MODELS[kind](tmp_path / "base")
    network, family = opened(base)
    adapter = filled(Adapter.new(family, network.config, LoraConfig(rank=4, alpha=8.0)))
    save_adapter(tmp_path / "adapter", adapter, str(base))
    merge(network, adapter)
    theirs = peft.PeftModel.from_pretrained(
        AutoModelForCausalLM.from_pretrained(base), tmp_path / "adapter"
    ).eval()
    with torch.inference_mode():
        expected = theirs(some_ids(D_VOCAB)).logits.numpy()
    np.testing.assert_allclose(logits_of(network), expected, atol=2e-5)


@OLD_NAME
@pytest.mark.parametrize("kind", MODELS)
def test_what_peft_writes_is_applied_here_to_equal_logits(kind: str, tmp_path: Path) -> None:
    peft = pytest.importorskip("peft")
    base = MODELS[kind](tmp_path / "base")
    config = peft.LoraConfig(
        r=3,
        lora_alpha=5,
        target_modules="all-linear",
        use_rslora=True,
        init_lora_weights=False,
        rank_pattern={NAMED[kind]: 2},
        alpha_pattern={NAMED[kind]: 9},
        fan_in_fan_out=kind == "gpt2",
        task_type="CAUSAL_LM",
    )
    torch.manual_seed(0)
    theirs = peft.get_peft_model(AutoModelForCausalLM.from_pretrained(base), config).eval()
    theirs.save_pretrained(tmp_path / "adapter")
    with torch.inference_mode():
        expected = theirs(some_ids(D_VOCAB)).logits.numpy()
    network, family = opened(base)
    merge(network, read_adapter(tmp_path / "adapter", family, network.config))
    np.testing.assert_allclose(logits_of(network), expected, atol=2e-5)


@pytest.mark.parametrize("name", VARIANTS)
def test_in_every_familys_files_the_change_is_that_product_and_nothing_else(name: str) -> None:
    config = VARIANTS[name]
    if config.head != "lm":
        return  # no such network is tuned
    for family in FAMILIES.values():
        try:
            family.config_to_hf(config)
        except (CheckpointError, ConfigError):
            continue
        network = Transformer(config)
        before = {k: v.clone() for k, v in _file(family, network).items()}
        adapter = filled(Adapter.new(family.model_type, config, LoraConfig(rank=2, alpha=3.0)))
        merge(network, adapter)
        products = {
            f"{module}.weight": 1.5 * (b @ a).detach() for module, a, b in adapter.factors()
        }
        assert products
        for key, after in _file(family, network).items():
            change = products.get(key, torch.zeros(()))
            if family.model_type in CONV1D_FAMILIES:
                change = change.T if change.ndim else change
            torch.testing.assert_close(after, before[key] + change, msg=f"{family.title} {key}")


def _file(family: Family, network: Transformer) -> dict[str, torch.Tensor]:
    state = {name: tensor.detach() for name, tensor in network.state_dict().items()}
    return family.state_to_hf(state, network.config)


@pytest.mark.parametrize("kind", MODELS)
def test_the_files_have_pefts_names_and_shapes(kind: str, tmp_path: Path) -> None:
    """Facts of the layout, also where peft is not installed."""
    network, family = opened(MODELS[kind](tmp_path / "base"))
    adapter = Adapter.new(family, network.config, LoraConfig(rank=4))
    save_adapter(tmp_path / "adapter", adapter, "base")
    tensors = load_file(tmp_path / "adapter" / "adapter_model.safetensors")
    place, n_out, n_in = {
        "llama": ("model.layers.0.self_attn.k_proj", 8, 16),
        "gpt2": ("transformer.h.0.attn.c_attn", 48, 16),
        "gpt_neox": ("gpt_neox.layers.0.attention.query_key_value", 48, 16),
    }[kind]
    assert tensors[f"base_model.model.{place}.lora_A.weight"].shape == (4, n_in)
    assert tensors[f"base_model.model.{place}.lora_B.weight"].shape == (n_out, 4)
    assert not any("embed" in name or "wte" in name or "lm_head" in name for name in tensors)


def test_gradients_of_the_factors_are_those_of_the_loss(tmp_path: Path) -> None:
    network, family = opened(llama(tmp_path / "base"))
    network.double()
    adapter = filled(Adapter.new(family, network.config, LoraConfig(rank=2))).double()
    adapting = Adapting(network, adapter)
    adapting.write()
    windows = some_ids(D_VOCAB)
    mean_loss(network, windows).backward()
    adapting.pull_back()
    assert all(p.grad is None for p in network.parameters())
    generator = torch.Generator().manual_seed(3)
    for name, *pair in list(adapter.factors())[::3]:
        for factor in pair:
            at = torch.randint(factor.numel(), (), generator=generator)
            assert factor.grad is not None
            grad = factor.grad.flatten()[at].item()
            ends = []
            for way in (1e-5, -1e-5):
                with torch.no_grad():
                    factor.view(-1)[at] += way
                    adapting.write()
                    ends.append(mean_loss(network, windows).item())
                    factor.view(-1)[at] -= way
            assert grad == pytest.approx((ends[0] - ends[1]) / 2e-5, rel=1e-4, abs=1e-8), name


def test_a_name_of_no_map_is_refused_with_those_there_are(tmp_path: Path) -> None:
    network, family = opened(llama(tmp_path / "base"))
    assert len(adaptable(family, network.config)) == 14
    with pytest.raises(AdapterError, match=r"'c_attn'.*down_proj, gate_proj, k_proj"):
        Adapter.new(family, network.config, LoraConfig(targets=("c_attn",)))


def test_an_adapter_of_another_model_is_refused(tmp_path: Path) -> None:
    network, family = opened(llama(tmp_path / "base"))
    save_adapter(tmp_path / "adapter", Adapter.new(family, network.config, LoraConfig()), "base-7b")
    wide, _ = opened(llama(tmp_path / "wide", hidden_size=32))
    with pytest.raises(CheckpointError, match="adapter of another model"):
        read_adapter(tmp_path / "adapter", family, wide.config)
    other, kind = opened(gpt2(tmp_path / "gpt2"))
    with pytest.raises(CheckpointError, match=r"adapter of another one \(base-7b\)"):
        read_adapter(tmp_path / "adapter", kind, other.config)

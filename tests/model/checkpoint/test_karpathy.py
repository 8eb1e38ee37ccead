"""nanoGPT's and minGPT's checkpoints: the same logits as their own networks."""

from __future__ import annotations

import json
import math
import pickle
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from transformers import GPT2LMHeadModel
from transformers.utils import logging

from model.checkpoint import CheckpointError, open_checkpoint, preview, save_checkpoint

logging.disable_progress_bar()  # tqdm starts a thread that stays

SIZES = {"n_layer": 3, "n_head": 3, "n_embd": 24, "block_size": 20, "vocab_size": 65}
TEXT = "\n !$&',-.3:;?ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def weights(bias: bool, sizes: dict[str, int] = SIZES) -> dict[str, Tensor]:
    """Random weights under nanoGPT's names, linear maps ``[out, in]``; none is square but one."""
    generator = torch.Generator().manual_seed(5)

    def random(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator, dtype=torch.float64) * 0.3

    D = sizes["n_embd"]
    state = {
        "transformer.wte.weight": random(sizes["vocab_size"], D),
        "transformer.wpe.weight": random(sizes["block_size"], D),
        "transformer.ln_f.weight": 1 + random(D),
    }
    for layer in range(sizes["n_layer"]):
        h = f"transformer.h.{layer}."
        state |= {
            f"{h}ln_1.weight": 1 + random(D),
            f"{h}attn.c_attn.weight": random(3 * D, D),
            f"{h}attn.c_proj.weight": random(D, D),
            f"{h}ln_2.weight": 1 + random(D),
            f"{h}mlp.c_fc.weight": random(4 * D, D),
            f"{h}mlp.c_proj.weight": random(D, 4 * D),
        }
    if bias:
        for name in [name for name in state if ".w" not in name.removesuffix(".weight")]:
            state[name.removesuffix("weight") + "bias"] = random(state[name].shape[0])
    state["lm_head.weight"] = state["transformer.wte.weight"]
    return {name: tensor.float() for name, tensor in state.items()}


def logits(state: dict[str, Tensor], ids_T: Tensor, n_head: int, gelu: str) -> Tensor:
    """nanoGPT's forward pass, written down anew from its state dict, in float64."""
    state = {name: tensor.double() for name, tensor in state.items()}

    def norm(x_TD: Tensor, name: str) -> Tensor:
        return F.layer_norm(
            x_TD, x_TD.shape[-1:], state[f"{name}.weight"], state.get(f"{name}.bias"), 1e-5
        )

    def linear(x_TD: Tensor, name: str) -> Tensor:
        return F.linear(x_TD, state[f"{name}.weight"], state.get(f"{name}.bias"))

    T = len(ids_T)
    x_TD = state["transformer.wte.weight"][ids_T] + state["transformer.wpe.weight"][:T]
    n_layer = len({name.split(".")[2] for name in state if ".h." in name})
    for layer in range(n_layer):
        h = f"transformer.h.{layer}."
        qkv = linear(norm(x_TD, f"{h}ln_1"), f"{h}attn.c_attn")
        q, k, v = (
            part.unflatten(-1, (n_head, -1)).transpose(0, 1) for part in qkv.chunk(3, dim=-1)
        )
        scores = q @ k.transpose(1, 2) / math.sqrt(q.shape[-1])
        scores = scores.masked_fill(torch.ones(T, T).tril() == 0, -torch.inf)
        z = (scores.softmax(-1) @ v).transpose(0, 1).flatten(1)
        x_TD = x_TD + linear(z, f"{h}attn.c_proj")
        hidden = F.gelu(linear(norm(x_TD, f"{h}ln_2"), f"{h}mlp.c_fc"), approximate=gelu)
        x_TD = x_TD + linear(hidden, f"{h}mlp.c_proj")
    return norm(x_TD, "transformer.ln_f") @ state["lm_head.weight"].T


def write_nanogpt(
    folder: Path, *, bias: bool, dataset: str = "shakespeare_char", **changes: Any
) -> Path:
    """ckpt.pt as nanoGPT's train.py saves it after torch.compile, its optimiser included."""
    folder.mkdir(parents=True, exist_ok=True)
    sizes = SIZES | changes
    state = {f"_orig_mod.{name}": tensor for name, tensor in weights(bias, sizes).items()}
    checkpoint = {
        "model": state,
        "optimizer": {"state": {0: {"step": torch.tensor(3.0), "exp_avg": torch.zeros(4)}}},
        "model_args": {**sizes, "bias": bias, "dropout": 0.0},
        "iter_num": 2000,
        "best_val_loss": torch.tensor(1.88),
        "config": {"dataset": dataset, "learning_rate": 1e-3, "compile": True},
    }
    torch.save(checkpoint, folder / "ckpt.pt")
    return folder / "ckpt.pt"


def write_meta(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    stoi = {character: i for i, character in enumerate(sorted(TEXT))}
    meta = {"vocab_size": len(stoi), "itos": {i: c for c, i in stoi.items()}, "stoi": stoi}
    path.write_bytes(pickle.dumps(meta))


@pytest.fixture
def ids_T() -> Tensor:
    return torch.randint(0, 60, (17,), generator=torch.Generator().manual_seed(2))


def difference(path: Path, state: dict[str, Tensor], ids_T: Tensor, gelu: str = "none") -> float:
    ours = open_checkpoint(path, torch.float64).transformer
    theirs = logits(state, ids_T, ours.config.n_heads, gelu)
    with torch.inference_mode():
        return float((ours(ids_T[None])[0] - theirs).abs().max())


@pytest.mark.parametrize("bias", [True, False])
def test_nanogpt_opens_to_its_own_logits(bias: bool, tmp_path: Path, ids_T: Tensor):
    path = write_nanogpt(tmp_path / "out", bias=bias)
    assert difference(path, weights(bias), ids_T) < 1e-9
    assert difference(path.parent, weights(bias), ids_T) < 1e-9
    checkpoint = open_checkpoint(path)
    assert (checkpoint.format, checkpoint.path) == ("nanoGPT", path)
    assert checkpoint.transformer.config.tied_embeddings
    stored = sum(t.numel() for n, t in weights(bias).items() if n != "lm_head.weight")
    assert checkpoint.transformer.config.n_params == stored
    assert sum(p.numel() for p in checkpoint.transformer.parameters()) == stored
    assert "GELU is computed exactly" in checkpoint.notes[0]


def test_a_nanogpt_without_biases_is_saved_with_zeros_for_transformers(
    tmp_path: Path, ids_T: Tensor
):
    opened = open_checkpoint(write_nanogpt(tmp_path / "out", bias=False))
    saved = save_checkpoint(tmp_path / "saved", opened.transformer, None)
    theirs = GPT2LMHeadModel.from_pretrained(saved).eval()
    with torch.inference_mode():
        expected = opened.transformer(ids_T[None])
        assert (theirs(ids_T[None]).logits - expected).abs().max() < 1e-4
        assert (open_checkpoint(saved).transformer(ids_T[None]) - expected).abs().max() < 1e-5


def test_gpt2s_bpe_is_taken_from_beside_the_file_or_from_the_hubs_cache(
    shared_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    cache = tmp_path / "cache"
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(cache))
    path = write_nanogpt(tmp_path / "out", bias=False, vocab_size=50257, n_embd=6)
    small = write_nanogpt(tmp_path / "small", bias=False)
    assert preview(path).tokenizer.startswith("none: type token ids (GPT-2's vocab.json")
    assert open_checkpoint(path).tokenizer is None
    repo = cache / "models--openai-community--gpt2"
    (repo / "refs").mkdir(parents=True)
    (repo / "refs" / "main").write_text("0123456789abcdef")
    fetched, beside = repo / "snapshots" / "0123456789abcdef", path.parent
    for place in (fetched, beside):
        place.mkdir(parents=True, exist_ok=True)
        shutil.copy(shared_data / "gpt2-vocab.json", place / "vocab.json")
        shutil.copy(shared_data / "gpt2-merges.txt", place / "merges.txt")
        assert preview(path).tokenizer == "byte-level BPE"
        tokenizer = open_checkpoint(path).tokenizer
        assert tokenizer is not None
        assert tokenizer.encode("The king lost his").ids == [464, 5822, 2626, 465]
        shutil.rmtree(cache, ignore_errors=True)  # the second time only the files beside it
    # A small vocabulary is that of no BPE of GPT-2's.
    assert open_checkpoint(small).tokenizer is None


def test_a_padded_vocabulary_is_noted(tmp_path: Path):
    path = write_nanogpt(tmp_path / "out", bias=False, vocab_size=50304, n_embd=6)
    found = preview(path)
    assert found.problem is None
    assert found.d_vocab == 50304
    assert "the last 47 only fill up the table" in found.notes[-1]


@pytest.mark.parametrize(
    "place",
    ["out/meta.pkl", "out/data/shakespeare_char/meta.pkl", "data/shakespeare_char/meta.pkl"],
)
def test_nanogpts_characters_are_found(place: str, tmp_path: Path):
    path = write_nanogpt(tmp_path / "out", bias=False)
    assert preview(path).tokenizer.startswith("none: type token ids (nanoGPT's meta.pkl")
    assert open_checkpoint(path).tokenizer is None
    write_meta(tmp_path / place)
    assert preview(path).tokenizer == "characters"
    tokenizer = open_checkpoint(path).tokenizer
    assert tokenizer is not None
    ids = tokenizer.encode("To be, or not").ids
    assert ids == [sorted(TEXT).index(character) for character in "To be, or not"]
    assert tokenizer.decode(ids) == "To be, or not"


@pytest.mark.parametrize("dataset", ["../../secret", "/etc", "..", "a/b", ""])
def test_a_dataset_that_leads_elsewhere_is_not_followed(dataset: str, tmp_path: Path):
    path = write_nanogpt(tmp_path / "repo" / "out", bias=False, dataset=dataset)
    for place in (tmp_path / "secret", tmp_path, tmp_path / "repo" / "data" / "a" / "b"):
        write_meta(place / "meta.pkl")
    assert open_checkpoint(path).tokenizer is None


def test_a_dataset_name_with_dots_is_a_name(tmp_path: Path):
    path = write_nanogpt(tmp_path / "out", bias=False, dataset="my.data-v2")
    write_meta(tmp_path / "data" / "my.data-v2" / "meta.pkl")
    assert open_checkpoint(path).tokenizer is not None


def test_gpt2s_files_beside_a_nanogpt_are_its_tokenizer(gpt2_folder: Path, tmp_path: Path):
    path = write_nanogpt(tmp_path / "out", bias=False, vocab_size=311)
    shutil.copy(gpt2_folder / "tokenizer.json", path.parent)
    assert open_checkpoint(path).tokenizer is not None


def test_meta_with_too_many_characters_is_refused(tmp_path: Path):
    path = write_nanogpt(tmp_path / "out", bias=False, vocab_size=20)
    write_meta(path.parent / "meta.pkl")
    with pytest.raises(CheckpointError, match=r"has 65 tokens, but the network embeds 20"):
        open_checkpoint(path)


def test_model_args_without_a_size_are_refused(tmp_path: Path):
    path = write_nanogpt(tmp_path / "out", bias=False)
    whole = torch.load(path, weights_only=True)
    del whole["model_args"]["n_head"]
    torch.save(whole, path)
    with pytest.raises(CheckpointError, match="model_args have no usable 'n_head'"):
        open_checkpoint(path)


# minGPT


def write_mingpt(folder: Path, config: dict[str, Any] | None) -> tuple[Path, dict[str, Tensor]]:
    folder.mkdir(parents=True, exist_ok=True)
    state = weights(True)
    state["lm_head.weight"] = state["lm_head.weight"].flip(0).contiguous()  # it is not tied
    for layer in range(SIZES["n_layer"]):
        state[f"transformer.h.{layer}.attn.bias"] = torch.ones(20, 20).tril().view(1, 1, 20, 20)
    torch.save(state, folder / "model.pt")
    if config is not None:
        (folder / "config.json").write_text(json.dumps({"system": {"seed": 1}, "model": config}))
    return folder / "model.pt", state


def test_mingpt_opens_to_its_own_logits(tmp_path: Path, ids_T: Tensor):
    path, state = write_mingpt(tmp_path / "out", {"n_head": 3, "model_type": None})
    plain = {name: tensor for name, tensor in state.items() if not name.endswith(".attn.bias")}
    for place in (path, path.parent):
        assert difference(place, plain, ids_T, gelu="tanh") < 1e-9
    checkpoint = open_checkpoint(path)
    assert checkpoint.format == "minGPT"
    assert not checkpoint.transformer.config.tied_embeddings


def test_mingpts_heads_come_from_its_named_sizes_or_are_asked_for(tmp_path: Path):
    path, _ = write_mingpt(tmp_path / "unknown", None)
    with pytest.raises(CheckpointError, match=r"does not say how many heads .* Put a config\.json"):
        open_checkpoint(path)
    nano = {"n_layer": 3, "n_head": 3, "n_embd": 48, "block_size": 20, "vocab_size": 65}
    (tmp_path / "nano").mkdir()
    torch.save(weights(True, nano), tmp_path / "nano" / "model.pt")
    assert open_checkpoint(tmp_path / "nano").transformer.config.n_heads == 3


def test_tensors_of_something_else_without_a_config_are_refused(tmp_path: Path):
    torch.save({"fc.weight": torch.zeros(3, 4)}, tmp_path / "model.pt")
    with pytest.raises(CheckpointError, match="no checkpoint of nanoGPT or minGPT"):
        open_checkpoint(tmp_path / "model.pt")

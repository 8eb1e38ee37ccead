"""Small whole checkpoints in every format, to be damaged: made in a moment."""

from __future__ import annotations

import json
import pickle
import shutil
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from model.tokenizer.tokenizer import Tokenizer
from tests.model.checkpoint.gguf_writing import write_gguf


def make_bases(place: Path) -> dict[str, list[str]]:
    """Small whole checkpoints; of each, the files that are damaged."""
    tokenizer = Tokenizer.train_bpe("the king and the queen and the man and the woman " * 9, 300)
    state, config = _gpt2()
    bases: dict[str, list[str]] = {}

    def folder(name: str, *files: str) -> Path:
        bases[name] = list(files)
        made = place / name
        made.mkdir(parents=True)
        return made

    def hugging_face(name: str, *files: str) -> Path:
        made = folder(name, *files)
        (made / "config.json").write_text(json.dumps(config))
        tokenizer.save(made)
        return made

    whole = hugging_face("safetensors", "model.safetensors", "config.json", "tokenizer.json")
    save_file(state, whole / "model.safetensors", {"format": "pt"})
    names = sorted(state)
    halves = {"a.part": names[::2], "b.part": names[1::2]}
    index = "model.safetensors.index.json"
    shards = hugging_face("shards", index, "a.safetensors", "b.safetensors")
    for half, of in halves.items():
        save_file({n: state[n] for n in of}, shards / half.replace("part", "safetensors"))
    _write_index(shards / index, halves, "safetensors")

    for name, zipped in (("zip", True), ("old", False)):
        made = hugging_face(name, "pytorch_model.bin")
        torch.save(state, made / "pytorch_model.bin", _use_new_zipfile_serialization=zipped)
    index = "pytorch_model.bin.index.json"
    shards = hugging_face("bin shards", index, "a.bin")
    for half, of in halves.items():
        torch.save({n: state[n] for n in of}, shards / half.replace("part", "bin"))
    _write_index(shards / index, halves, "bin")

    nano = folder("nanogpt", "ckpt.pt", "meta.pkl")
    flipped = {n: t.T.contiguous() if _is_linear(n) else t for n, t in state.items()}
    arguments = {"n_layer": 2, "n_head": 2, "n_embd": 8, "block_size": 16, "vocab_size": 320}
    saved = {"model": flipped, "model_args": {**arguments, "bias": True}, "config": {}}
    torch.save(saved, nano / "ckpt.pt")
    stoi = {character: i for i, character in enumerate("\n abcdefgh")}
    (nano / "meta.pkl").write_bytes(pickle.dumps({"stoi": stoi, "vocab_size": len(stoi)}))
    mini = folder("mingpt", "model.pt", "config.json")
    torch.save(flipped, mini / "model.pt")
    (mini / "config.json").write_text(json.dumps({"model": {"n_head": 2}}))

    run = folder("run", "snapshots/step-000001/model.safetensors", "tokenizer.json")
    tokenizer.save(run)
    shutil.copytree(whole, run / "snapshots" / "step-000001")

    # The 256 bytes as GPT-2 writes them, then others.
    known = json.loads((whole / "tokenizer.json").read_text())["model"]["vocab"]
    symbols = [symbol for symbol in known if len(symbol) == 1]
    tokenizer_names = [*symbols, *(f"<{i}>" for i in range(320))]
    tokens = {
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": "gpt-2",
        "tokenizer.ggml.tokens": [*tokenizer_names[:318], "ab", "abc"],
        "tokenizer.ggml.merges": ["a b", "ab c"],
    }
    made = folder("gguf", "model.gguf")
    write_gguf(whole, made / "model.gguf", keys=tokens)
    return bases


def _gpt2() -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """A random GPT-2 of two layers as transformers saves it, without transformers."""
    generator = torch.Generator().manual_seed(1)

    def random_(*shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=generator) * 0.3

    state = {"wte.weight": random_(320, 8), "wpe.weight": random_(16, 8)}
    norms = ["ln_f"]
    for layer in range(2):
        h = f"h.{layer}."
        norms += [f"{h}ln_1", f"{h}ln_2"]
        for name, n_in, n_out in (
            ("attn.c_attn", 8, 24),
            ("attn.c_proj", 8, 8),
            ("mlp.c_fc", 8, 32),
            ("mlp.c_proj", 32, 8),
        ):
            state |= {f"{h}{name}.weight": random_(n_in, n_out), f"{h}{name}.bias": random_(n_out)}
    for norm in norms:
        state |= {f"{norm}.weight": 1 + random_(8), f"{norm}.bias": random_(8)}
    config = {
        "model_type": "gpt2",
        "vocab_size": 320,
        "n_positions": 16,
        "n_embd": 8,
        "n_layer": 2,
        "n_head": 2,
        "n_inner": 32,
        "activation_function": "gelu_new",
        "layer_norm_epsilon": 1e-5,
    }
    return {f"transformer.{name}": tensor for name, tensor in state.items()}, config


def _is_linear(name: str) -> bool:
    return ".c_" in name and name.endswith("weight")


def _write_index(path: Path, halves: dict[str, list[str]], suffix: str) -> None:
    files = {n: half.replace("part", suffix) for half, of in halves.items() for n in of}
    path.write_text(json.dumps({"metadata": {"total_size": 1}, "weight_map": files}))

"""A small Llama of transformers', and ways to write it as other programs would."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import LlamaConfig, LlamaForCausalLM

from model.checkpoint import CheckpointError, open_checkpoint
from tests.model.checkpoint.families.harness import make, some_ids

WEIGHTS = "model.safetensors"
SIZES: dict[str, Any] = {
    "vocab_size": 61,
    "hidden_size": 16,
    "intermediate_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "max_position_embeddings": 32,
    "bos_token_id": None,
    "eos_token_id": None,
}


def llama(folder: Path, seed: int = 0, **changes: Any) -> Path:
    """A whole one, whose numbers follow from the seed."""
    make(LlamaForCausalLM, LlamaConfig(**SIZES | changes), folder)
    if seed:
        tensors = {name: t * (1 + seed / 10) for name, t in load_file(folder / WEIGHTS).items()}
        save_file(tensors, folder / WEIGHTS, {"format": "pt"})
    return folder


def taken(folder: Path) -> dict[str, Tensor]:
    """The weights, taken out of the folder."""
    tensors = load_file(folder / WEIGHTS)
    (folder / WEIGHTS).unlink()
    return tensors


def logits(path: Path) -> Tensor:
    with torch.inference_mode():
        return open_checkpoint(path, torch.float32).transformer(some_ids(61))


def refusal(path: Path) -> str:
    """The sentence with which a path is refused."""
    with pytest.raises(CheckpointError) as caught:
        open_checkpoint(path)
    said = str(caught.value)
    assert said.endswith(".")
    assert "\n" not in said
    return said


def edit_config(folder: Path, **changes: Any) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def copied(folder: Path, place: Path) -> Path:
    return Path(shutil.copytree(folder, place))

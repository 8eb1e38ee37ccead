"""The name in the file that stands beside a parameter holds that parameter's numbers."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import transformers
from safetensors.torch import load_file

from model.checkpoint.file_names import file_names
from model.language_model import open_model
from model.operations import parameter_names
from tests.conftest import ROOT
from tests.model.checkpoint.families.harness import make
from tests.small_models import (
    small_bert,
    small_bloom,
    small_gemma,
    small_mixtral,
    small_modernbert,
)


def small_llama(folder: Path) -> Path:
    """Grouped heads: queries, keys and values are one tensor of ours and three of the file."""
    config = transformers.LlamaConfig(
        vocab_size=61,
        hidden_size=36,
        intermediate_size=52,
        num_hidden_layers=2,
        num_attention_heads=6,
        num_key_value_heads=2,
        attention_bias=True,
        max_position_embeddings=32,
    )
    make(transformers.LlamaForCausalLM, config, folder)
    return folder


def small_falcon(folder: Path) -> Path:
    """Queries, keys and values of each group lie side by side in one tensor of the file."""
    config = transformers.FalconConfig(
        vocab_size=61,
        hidden_size=36,
        num_hidden_layers=2,
        num_attention_heads=6,
        num_kv_heads=2,
        new_decoder_architecture=True,
        bias=True,
    )
    make(transformers.FalconForCausalLM, config, folder)
    return folder


MODELS: dict[str, Callable[[Path], Path]] = {
    "llama": small_llama,
    "falcon": small_falcon,
    "bert": small_bert,
    "modernbert": small_modernbert,
    "mixtral": small_mixtral,
    "bloom": small_bloom,
    "gemma": small_gemma,
}


@pytest.mark.parametrize("family", MODELS)
def test_the_named_tensors_hold_the_parameters_numbers(family: str, tmp_path: Path) -> None:
    folder = MODELS[family](tmp_path / family)
    lm = open_model(folder, "cpu")
    found = file_names(lm.family, lm.transformer)
    stored = load_file(folder / "model.safetensors")
    assert set(found) == set(parameter_names(lm.config))
    for name, names in found.items():
        values = lm.parameter(name).flatten()
        own = torch.cat([stored[one].flatten() for one in names.split(", ")])
        assert torch.isin(values, own).all(), (name, names)
        assert len(names.split(", ")) == 1, (name, names)


def test_a_family_that_is_not_known_has_no_names(tmp_path: Path) -> None:
    lm = open_model(small_llama(tmp_path / "llama"), "cpu")
    assert file_names("nobody's", lm.transformer) == {}


def test_finding_names_does_not_import_torchs_compiler(tmp_path: Path) -> None:
    """Which takes seconds, in the middle of a person's work."""
    folders = [str(MODELS[family](tmp_path / family)) for family in MODELS]
    code = f"""
import sys
from model.checkpoint.file_names import file_names
from model.language_model import open_model
for folder in {folders!r}:
    lm = open_model(folder, "cpu")
    before = set(sys.modules)
    assert file_names(lm.family, lm.transformer)
    new = set(sys.modules) - before
    assert not any(name.startswith("torch._dynamo") for name in new), (folder, len(new))
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)

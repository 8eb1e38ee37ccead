"""`model.compare` and `python -m model compare`: a model and its rounded self, two texts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import model
from model.checkpoint import save_checkpoint
from model.interventions import AblateHead
from model.language_model import LanguageModel
from tests.model.cli.commands import CliRunner, make_app
from tests.model.conftest import PROMPT, make_gpt2


@pytest.fixture(scope="module")
def lm(gpt2_folder: Path) -> LanguageModel:
    return model.open(gpt2_folder, device="cpu")


@pytest.fixture(scope="module")
def rounded(gpt2_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same model, its MLPs' weights rounded to bfloat16 as a quantised file has them."""
    other = model.open(gpt2_folder, device="cpu")
    with torch.no_grad():
        for block in other.transformer.blocks:
            for weight in block.get_submodule("mlp").parameters():
                weight.copy_(weight.bfloat16().float())
    folder = tmp_path_factory.mktemp("rounded") / "model"
    save_checkpoint(folder, other.transformer, other.tokenizer)
    return folder


def run(*arguments: object) -> dict[str, Any]:
    result = CliRunner().invoke(make_app(), ["compare", *map(str, arguments), "--json"])
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout.splitlines()[-1])
    return found


def refusal(*arguments: object) -> str:
    result = CliRunner().invoke(make_app(), ["compare", *map(str, arguments)])
    assert result.exit_code == 2, result.output
    return result.stderr


def test_a_rounded_model_differs_where_it_was_rounded(gpt2_folder: Path, rounded: Path):
    found = run(gpt2_folder, rounded, "--text", PROMPT)
    assert found["architecture"] == "A and B have the same architecture."
    changed = {row["name"] for row in found["tensors"] if row["relative_norm"]}
    assert changed
    assert all(".mlp.W_" in name or ".mlp.b_" in name for name in changed)
    assert all(row["relative_norm"] < 0.01 for row in found["tensors"])
    activations = {row["name"]: row for row in found["activations"]}
    assert activations["blocks.0.attn.hook_z"]["relative_norm"] < 1e-6
    assert 1e-5 < activations["blocks.0.hook_mlp_out"]["relative_norm"] < 0.01
    assert activations["blocks.0.hook_mlp_out"]["cosine"] > 0.999
    assert found["top_token_agreement"] > 0.8
    bits = [row["kl_bits"] for row in found["positions"]]
    assert found["mean_kl_bits"] == pytest.approx(np.mean(bits))
    assert len(bits) == len(found["tokens_a"])


def test_two_texts_are_compared_where_they_are_aligned(lm: LanguageModel):
    ids_a = [3, 17, 8, 1, 30]
    found = model.compare(lm, lm, [ids_a], [[3, 17, 9, 8, 1, 30]])
    assert found.weights is None
    assert found.activations is not None
    assert found.activations.b_P.tolist() == [0, 1, 3, 4, 5]
    assert found.activations.kl_bits_P[:2] == pytest.approx(0, abs=1e-6)
    assert found.activations.kl_bits_P[2] > 0


def test_before_and_after_a_cut_from_the_command_line(gpt2_folder: Path, lm: LanguageModel):
    found = run(
        gpt2_folder, gpt2_folder, "--text", PROMPT, "--intervene", "ablate_head layer=0 head=1"
    )
    same = model.compare(lm, lm, PROMPT, interventions=(AblateHead(0, 1),))
    assert same.activations is not None
    relative = {row["name"]: row["relative_norm"] for row in found["activations"]}
    for name, value in zip(same.activations.names, same.activations.relative_N, strict=True):
        assert relative[name] == pytest.approx(float(value), abs=1e-6)
    assert relative["blocks.0.attn.hook_z"] > 0.1


def test_edges_of_attention_that_differ_are_listed(gpt2_folder: Path, lm: LanguageModel):
    arguments = (gpt2_folder, gpt2_folder, "--text", PROMPT, "--text-b", f"A {PROMPT}")
    found = run(*arguments, "--routes", "0.01")
    assert "routes" not in run(*arguments)
    ids = lm.ids(PROMPT)[0].tolist(), lm.ids(f"A {PROMPT}")[0].tolist()
    traces = [lm.trace(one) for one in ids]
    alone = 0
    for row in found["routes"]:
        weights: list[float] = []
        for side, trace in zip("ab", traces, strict=True):
            pattern = trace[f"blocks.{row['layer']}.attn.hook_pattern"][0, row["head"]]
            query, key = row[f"query_{side}"], row[f"key_{side}"]
            there = min(query, key) >= 0
            assert (row[side] is not None) == there
            if there:
                weights.append(float(pattern[query, key]))
                assert row[side] == pytest.approx(weights[-1], abs=1e-5)
        alone += len(weights) < 2
        if len(weights) == 2:
            assert row["difference"] == pytest.approx(weights[1] - weights[0], abs=1e-5)
            assert abs(row["difference"]) >= 0.01
        else:
            assert row["difference"] is None
    assert 0 < alone < len(found["routes"]) <= found["routes_above"]


def test_another_architecture_is_said_and_the_rest_compared(gpt2_folder: Path, tmp_path: Path):
    found = run(gpt2_folder, make_gpt2(tmp_path / "other", None, n_layer=1), "--ids", "3,17,8")
    assert "1 layers instead of" in found["architecture"]
    assert "What has the same name and shape in both is compared." in found["architecture"]
    assert any("only A has it" in words for words in found["tensors_left_out"])
    assert found["activations"]


def test_what_people_read_says_what_differs_most(gpt2_folder: Path, rounded: Path):
    result = CliRunner().invoke(
        make_app(), ["compare", str(gpt2_folder), str(rounded), "--text", PROMPT]
    )
    assert result.exit_code == 0, result.output
    said = " ".join(result.stdout.split())
    assert "what differs most in the weights" in said
    assert "The likeliest next token is the same after" in said


def test_a_model_is_not_compared_with_itself(gpt2_folder: Path):
    assert "give --text-b for two texts" in refusal(gpt2_folder, gpt2_folder, "--text", PROMPT)
    assert "Give --text too" in refusal(gpt2_folder, gpt2_folder, "--text-b", PROMPT)

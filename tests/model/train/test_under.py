"""A network that learns without residual connections, a mask or norms, and branches into it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from model.checkpoint import open_checkpoint
from model.slices import finish
from model.trace import record
from model.train.batches import Batches, validation_of
from model.train.branching.making import making_branch
from model.train.branching.record import Departure, changed
from model.train.data import prepare
from model.train.events import Measured, Sampled, StepDone
from model.train.exporting import exporting_model
from model.train.loop import Training, train
from model.train.measuring import POSITIONS, WINDOWS
from model.train.recipe import Recipe, RecipeError
from model.train.reductions import reduced
from model.train.run_folder import read_metrics, read_recipe, snapshots
from model.transformer import Transformer
from tests.model.train.test_stopped_runs import assert_same


@pytest.fixture
def recipe(recipe: Recipe) -> Recipe:
    return replace(recipe, n_layers=2, steps=6, eval_every=3, sample_every=6, snapshot_every=2)


def by_hand(
    network: Transformer, ids_BT: torch.Tensor, *, residual: bool = True, norms: bool = True
) -> torch.Tensor:
    """GPT-2 by hand in float64; without residual connections each part writes over the stream."""
    w = {name: value.double() for name, value in network.state_dict().items()}
    c = network.config

    def norm(x: torch.Tensor, at: str) -> torch.Tensor:
        if not norms:
            return x
        x = (x - x.mean(-1, keepdim=True)) / (x.var(-1, correction=0, keepdim=True) + 1e-5).sqrt()
        return x * w[f"{at}.w"] + w[f"{at}.b"]

    def linear(x: torch.Tensor, at: str) -> torch.Tensor:
        return x @ w[f"{at}.weight"].T + w[f"{at}.bias"]

    n, (batch, length) = c.n_heads, ids_BT.shape
    x = w["embed.weight"][ids_BT] + w["pos_embed.weight"][:length]
    seen = torch.ones(length, length, dtype=torch.bool).tril()
    for layer in range(c.n_layers):
        at = f"blocks.{layer}"
        qkv = linear(norm(x, f"{at}.ln1"), f"{at}.attn.qkv").chunk(3, -1)
        q, k, v = (part.view(batch, length, n, -1).transpose(1, 2) for part in qkv)
        scores = (q @ k.transpose(-1, -2) / c.d_head**0.5).masked_fill(~seen, -torch.inf)
        z = (scores.softmax(-1) @ v).transpose(1, 2).reshape(batch, length, -1)
        x = linear(z, f"{at}.attn.out") + x * residual
        hidden = F.gelu(linear(norm(x, f"{at}.ln2"), f"{at}.mlp.up"), approximate="tanh")
        x = linear(hidden, f"{at}.mlp.down") + x * residual
    return norm(x, "ln_final") @ w["embed.weight"].T


def test_without_residual_connections_the_loss_is_that_of_such_a_network(
    recipe: Recipe, tmp_path: Path
) -> None:
    recipe = replace(recipe, residual=False)
    losses = {
        e.step: e.train_loss for e in train(recipe, tmp_path / "run") if isinstance(e, StepDone)
    }
    (data,) = [finish(prepare(recipe))]
    batch = torch.from_numpy(
        Batches(data.train_ids, recipe.batch_size, recipe.n_ctx, recipe.seed).at(3)
    )
    network = open_checkpoint(dict(snapshots(tmp_path / "run"))[2], dtype=torch.float32).transformer
    logits = by_hand(network, batch[:, :-1], residual=False)
    expected = F.cross_entropy(logits.flatten(0, 1), batch[:, 1:].flatten())
    config = json.loads((dict(snapshots(tmp_path / "run"))[2] / "config.json").read_text("utf-8"))
    assert "no residual connection around the MLP of layer 1" in config["trained_without"]
    assert losses[3] == pytest.approx(expected.item(), rel=1e-5)


def test_killed_and_resumed_it_is_the_same_run(recipe: Recipe, tmp_path: Path) -> None:
    recipe = replace(recipe, residual=False, mask=False, norms=False)
    list(train(recipe, tmp_path / "whole"))
    for event in Training(recipe, tmp_path / "run").events():
        if isinstance(event, StepDone) and event.step == 3:
            break
    list(train(None, tmp_path / "run", resume=True))
    assert_same(tmp_path / "run", tmp_path / "whole")


def test_a_branch_without_a_mask_sees_what_it_is_to_foretell(
    recipe: Recipe, tmp_path: Path
) -> None:
    recipe = replace(recipe, steps=60, lr=0.02, snapshot_every=20, eval_every=20, sample_every=0)
    parent, branch = tmp_path / "parent", tmp_path / "branch"
    list(train(recipe, parent))
    note = finish(
        making_branch(
            Departure(str(parent), 20), changed(read_recipe(parent), ["mask=false"]), branch
        )
    )
    assert note == "", "all weights and the optimiser are the parent's"
    list(train(None, branch, resume=True))
    mine, its = read_metrics(branch), read_metrics(parent)
    assert np.array_equal(mine["train_loss"][1:21], its["train_loss"][1:21])
    assert mine["train_loss"][21] != its["train_loss"][21]
    assert mine["val_loss"][20] != its["val_loss"][20], "measured anew where it departs"


def test_its_samples_are_written_by_the_network_as_it_learned(
    recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = replace(recipe, residual=False)
    asked: list[int] = []
    from model.train import under

    forward = under.Under.forward

    def counted(self: under.Under, ids_BT: torch.Tensor) -> torch.Tensor:
        asked.append(ids_BT.shape[0])
        return forward(self, ids_BT)

    monkeypatch.setattr(under.Under, "forward", counted)
    events = list(train(recipe, tmp_path / "run"))
    assert any(isinstance(event, Sampled) for event in events)
    assert asked.count(1) >= recipe.sample_tokens


def test_dropout_goes_with_neither(recipe: Recipe) -> None:
    with pytest.raises(RecipeError, match="no dropout"):
        replace(recipe, mask=False, dropout=0.1).validate()


def test_without_norms_all_that_is_measured_is_of_such_a_network(
    recipe: Recipe, tmp_path: Path
) -> None:
    recipe = replace(recipe, norms=False, curves_every=2, lr=0.03)
    events = list(train(recipe, tmp_path / "run"))
    losses = {e.step: e.train_loss for e in events if isinstance(e, StepDone)}
    network, data = opened(tmp_path / "run", 4), finish(prepare(recipe))
    batch = torch.from_numpy(
        Batches(data.train_ids, recipe.batch_size, recipe.n_ctx, recipe.seed).at(5)
    )
    logits = by_hand(network, batch[:, :-1], norms=False)
    expected = F.cross_entropy(logits.flatten(0, 1), batch[:, 1:].flatten())
    assert losses[5] == pytest.approx(expected.item(), rel=1e-5)
    # Norms have not learned: nothing flows through them, and nothing decays them.
    weights = network.state_dict()
    assert all((weights[f"{norm}.w"] == 1).all() for norm in ("ln_final", "blocks.0.ln1"))
    # The curves are those of this network, not of one with norms.
    entropies = {
        (e.step, place): value
        for e in events
        if isinstance(e, Measured)
        for place, name, value in e.values
        if name == "entropy"
    }
    windows = torch.from_numpy(validation_of(data, recipe)[0][:WINDOWS, : POSITIONS + 1])
    with_norms, without = (
        record(network, windows[:, :-1], interventions=under)["blocks.0.attn.hook_pattern"]
        for under in ((), recipe.interventions())
    )
    found = entropies[4, "blocks.0.attn"]
    assert found == pytest.approx(reduced(without, "entropy"), rel=1e-5)
    assert abs(found - reduced(with_norms, "entropy")) > 1e-4


def test_a_branch_without_norms_goes_on_from_the_weights_of_its_parent(
    recipe: Recipe, tmp_path: Path
) -> None:
    parent, branch = tmp_path / "parent", tmp_path / "branch"
    list(train(recipe, parent))
    without = changed(read_recipe(parent), ["norm=none"])
    assert without == replace(read_recipe(parent), norms=False), "as people type it"
    assert finish(making_branch(Departure(str(parent), 2), without, branch)) == ""
    list(train(None, branch, resume=True))
    mine, its = read_metrics(branch), read_metrics(parent)
    assert np.array_equal(mine["train_loss"][1:3], its["train_loss"][1:3])
    data = finish(prepare(recipe))
    batch = torch.from_numpy(
        Batches(data.train_ids, recipe.batch_size, recipe.n_ctx, recipe.seed).at(3)
    )
    logits = by_hand(opened(parent, 2), batch[:, :-1], norms=False)
    expected = F.cross_entropy(logits.flatten(0, 1), batch[:, 1:].flatten())
    assert mine["train_loss"][3] == pytest.approx(expected.item(), rel=1e-5)


def test_whoever_opens_or_exports_it_is_told_what_it_learned_without(
    recipe: Recipe, tmp_path: Path
) -> None:
    run, out = tmp_path / "run", tmp_path / "out"
    list(train(replace(recipe, norms=False), run))
    said = "It learned with no norms."
    assert finish(exporting_model(run, 6, out)).startswith(said)
    for folder in (dict(snapshots(run))[6], out):
        assert [note[: len(said)] for note in open_checkpoint(folder).notes] == [said]
    list(train(recipe, tmp_path / "usual"))
    assert not open_checkpoint(dict(snapshots(tmp_path / "usual"))[6]).notes


def opened(run: Path, step: int) -> Transformer:
    return open_checkpoint(dict(snapshots(run))[step], dtype=torch.float32).transformer

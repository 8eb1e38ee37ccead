"""A model is tuned: all of it or an adapter, watched for what it forgets, resumed to the bit."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from model.checkpoint import open_checkpoint
from model.checkpoint.opening import Checkpoint
from model.lora.adapter import merge
from model.lora.files import read_adapter
from model.slices import finish
from model.train import events as e
from model.train.branching.making import making_branch
from model.train.branching.record import Departure, changed
from model.train.exporting import exporting_model
from model.train.loop import Training, train
from model.train.moved import moving
from model.train.recipe import Recipe, RecipeError, Tuning
from model.train.run_folder import read_metrics, read_recipe

OLD = "the king and the queen live in the old castle by the sea . " * 60
NEW = "one two three four five six seven eight nine ten eleven twelve . " * 60


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The last snapshot of a model that has learned the older text."""
    folder = tmp_path_factory.mktemp("base")
    (folder / "old.txt").write_text(OLD + NEW)  # characters of both
    recipe = Recipe(
        data=str(folder / "old.txt"),
        tokenizer="char",
        n_layers=2,
        n_heads=2,
        d_model=16,
        n_ctx=16,
        batch_size=8,
        steps=60,
        lr=1e-2,
        warmup_steps=5,
        eval_every=0,
        eval_batches=2,
        sample_every=0,
        snapshot_every=0,
    )
    (folder / "old.txt").write_text(OLD + "onetwhrfuivxgl" * 8)
    list(train(recipe, folder / "run"))
    (folder / "old.txt").write_text(OLD)
    (folder / "new.txt").write_text(NEW)
    return folder / "run" / "snapshots" / "step-000060"


@pytest.fixture
def tuning(base: Path) -> Recipe:
    above = base.parents[2]
    return Recipe(
        data=str(above / "new.txt"),
        old_data=str(above / "old.txt"),
        tokenizer=str(base),
        weights=str(base),
        tuning="lora",
        lora_rank=2,
        n_ctx=16,
        batch_size=4,
        steps=12,
        lr=3e-2,
        min_lr=3e-2,
        warmup_steps=0,
        weight_decay=0.0,
        eval_every=6,
        eval_batches=2,
        sample_every=0,
        snapshot_every=6,
    )


def evaluations(run: Path, recipe: Recipe) -> list[e.Evaluated]:
    return [event for event in train(recipe, run) if isinstance(event, e.Evaluated)]


def opened(path: Path) -> Checkpoint:
    return open_checkpoint(path, torch.float32)


@pytest.mark.parametrize("kind", ["full", "lora"])
def test_the_new_text_is_learned_and_the_older_forgotten(
    kind: Tuning, tuning: Recipe, tmp_path: Path
) -> None:
    recipe = replace(tuning, tuning=kind, lora_rank=8, lr=2e-2, min_lr=2e-2, steps=30)
    first, *_, last = evaluations(tmp_path / "run", recipe)
    assert first.old_loss is not None
    assert last.old_loss is not None
    assert first.val_loss - last.val_loss > 0.3
    assert last.old_loss - first.old_loss > 0.2
    table = read_metrics(tmp_path / "run")["old_loss"]
    assert table[~np.isnan(table)].tolist() == pytest.approx([first.old_loss, *table[6::6]])


def test_a_run_begins_with_the_very_model_and_its_family(
    base: Path, tuning: Recipe, tmp_path: Path
) -> None:
    list(train(replace(tuning, steps=1), tmp_path / "run"))
    first = opened(tmp_path / "run" / "snapshots" / "step-000000")
    for name, weight in opened(base).transformer.state_dict().items():
        assert torch.equal(first.transformer.state_dict()[name], weight), name


def test_an_adapter_leaves_the_embedding_and_adds_up_to_the_snapshot(
    base: Path, tuning: Recipe, tmp_path: Path
) -> None:
    list(train(tuning, tmp_path / "run"))
    network, family = opened(base).transformer, opened(base).family
    before = network.embed.weight.clone()
    adapter = read_adapter(tmp_path / "run" / "adapters" / "step-000012", family, network.config)
    merge(network, adapter)
    last = opened(tmp_path / "run").transformer
    assert torch.equal(last.embed.weight, before)
    for name, weight in last.state_dict().items():
        torch.testing.assert_close(weight, network.state_dict()[name], msg=name)
    name = "blocks.0.attn.qkv.weight"
    begun = opened(base).transformer.get_parameter(name)
    assert not torch.equal(last.get_parameter(name), begun)


def test_a_run_goes_on_although_the_model_that_it_tunes_is_gone(
    base: Path, tuning: Recipe, tmp_path: Path
) -> None:
    copy = shutil.copytree(base, tmp_path / "model")
    shutil.copy(base.parents[1] / "tokenizer.json", copy)
    recipe = replace(tuning, weights=str(copy), tokenizer=str(copy), snapshot_every=4)
    for event in Training(recipe, tmp_path / "run").events():
        if isinstance(event, e.StepDone) and event.step == 5:
            break
    shutil.rmtree(copy)
    *_, last = Training(None, tmp_path / "run", resume=True).events()
    assert isinstance(last, e.Finished)
    assert last.step == recipe.steps
    # And its adapter opens on the run's first snapshot, which is that model.
    opened(tmp_path / "run" / "adapters" / "step-000012")


@pytest.mark.parametrize("kind", ["full", "lora"])
def test_a_run_that_was_stopped_goes_on_to_the_same_bits(
    kind: Tuning, tuning: Recipe, tmp_path: Path
) -> None:
    recipe = replace(tuning, tuning=kind, steps=9, snapshot_every=4)
    whole = [ev for ev in train(recipe, tmp_path / "a") if isinstance(ev, e.StepDone)]
    training = Training(recipe, tmp_path / "b")
    for event in training.events():
        if isinstance(event, e.StepDone) and event.step == 5:
            break  # as one that is killed: the state is that of step 4
    rest = list(Training(None, tmp_path / "b", resume=True).events())
    steps = [ev for ev in rest if isinstance(ev, e.StepDone)]
    assert [(s.step, s.train_loss) for s in steps] == [(s.step, s.train_loss) for s in whole[4:]]
    one, other = opened(tmp_path / "a").transformer, opened(tmp_path / "b").transformer
    for name, weight in one.state_dict().items():
        assert torch.equal(weight, other.state_dict()[name]), name


@pytest.mark.parametrize("kind", ["full", "lora"])
@pytest.mark.parametrize(("step", "had"), [(6, "kept"), (8, "repeated")])
def test_a_branch_with_nothing_changed_is_the_same_run(
    kind: Tuning, step: int, had: str, tuning: Recipe, tmp_path: Path
) -> None:
    recipe = replace(tuning, tuning=kind, snapshot_states=True)
    list(train(recipe, tmp_path / "run"))
    departure = Departure(str(tmp_path / "run"), step)
    made = making_branch(departure, read_recipe(tmp_path / "run"), tmp_path / "branch")
    said = finish(made)
    assert ("were repeated" in said) == (had == "repeated")
    list(train(None, tmp_path / "branch", resume=True))
    for name in ("train_loss", "val_loss", "old_loss"):
        found, expected = (read_metrics(tmp_path / run)[name] for run in ("branch", "run"))
        assert np.array_equal(found, expected, equal_nan=True), name
    one, other = (opened(tmp_path / run).transformer.state_dict() for run in ("branch", "run"))
    assert all(torch.equal(weight, other[name]) for name, weight in one.items())
    if kind == "lora":
        adapters = [tmp_path / run / "adapters" / "step-000012" for run in ("branch", "run")]
        first, second = (opened(adapter).transformer.state_dict() for adapter in adapters)
        assert all(torch.equal(weight, second[name]) for name, weight in first.items())


def test_a_branch_of_it_learns_otherwise_from_the_same_place_and_needs_no_parent(
    base: Path, tuning: Recipe, tmp_path: Path
) -> None:
    run, branch = tmp_path / "run", tmp_path / "branch"
    list(train(replace(tuning, old_data=""), run))
    above = base.parents[2]
    recipe = changed(read_recipe(run), ["lr=0.1", "min_lr=0.1", f"old_data={above / 'old.txt'}"])
    said = finish(making_branch(Departure(str(run), 6, fresh_optimiser=True), recipe, branch))
    assert said == "The optimiser begins anew, as was asked for."
    shutil.rmtree(run)
    list(train(None, branch, resume=True))
    found = read_metrics(branch)
    assert found["lr"][6:8].tolist() == pytest.approx([3e-2, 0.1])
    assert np.isfinite(found["old_loss"][12]), "a column that the parent's table had not"
    # Its adapter still is one of the first model.
    opened(branch / "adapters" / "step-000012")
    moved = finish(
        moving(*(opened(branch / f"snapshots/step-{at:06d}").transformer for at in (0, 12)))
    )
    assert any(one.relative > 0 for one in moved)


def test_a_branch_tunes_the_same_model_in_the_same_way(tuning: Recipe, tmp_path: Path) -> None:
    run = tmp_path / "run"
    list(train(replace(tuning, steps=2), run))
    for setting, said in (
        ("tuning=full", "has tuning = 'lora', and a branch of it can't have 'full'"),
        ("lora_rank=4", "python -m model finetune"),
        ("tokenizer=char", "has tokenizer"),
    ):
        recipe = changed(read_recipe(run), [setting])
        with pytest.raises(RecipeError, match=said):
            finish(making_branch(Departure(str(run), 1), recipe, tmp_path / "branch"))
        assert not (tmp_path / "branch").exists()


def test_its_network_is_exported_at_any_step(base: Path, tuning: Recipe, tmp_path: Path) -> None:
    list(train(replace(tuning, snapshot_states=True), tmp_path / "run"))
    note = finish(exporting_model(tmp_path / "run", 6, tmp_path / "six"))
    finish(exporting_model(tmp_path / "run", 12, tmp_path / "twelve"))
    assert note == ""
    six, snapshot, twelve = (
        opened(tmp_path / name).transformer.state_dict()
        for name in ("six", "run/snapshots/step-000006", "twelve")
    )
    assert all(torch.equal(weight, snapshot[name]) for name, weight in six.items())
    assert any(not torch.equal(weight, twelve[name]) for name, weight in six.items())
    assert opened(tmp_path / "six").family == opened(base).family


def test_what_can_not_be_tuned_is_said_before_anything_is_written(
    tuning: Recipe, tmp_path: Path
) -> None:
    for changes, said in (
        ({"n_ctx": 99}, "the model reads at most 16 tokens"),
        ({"lora_targets": "q_proj"}, "no linear map 'q_proj'"),
        ({"weights": ""}, "needs a model"),
        ({"lora_rank": 0}, "must be at least 1"),
    ):
        with pytest.raises(RecipeError, match=said):
            list(train(replace(tuning, **changes), tmp_path / "run"))
        assert not (tmp_path / "run" / "run.toml").exists()

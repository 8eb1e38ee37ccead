"""A branch goes on where its parent was: the same numbers, or those of other settings."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from model.train.branching.making import making_branch
from model.train.branching.record import Departure, branch_of, changed, differences
from model.train.kept_states import kept_states
from model.train.loop import train
from model.train.recipe import Recipe, RecipeError
from model.train.run_folder import RunError, read_metrics, read_recipe, read_run
from model.train.state import load_state, load_state_file
from tests.model.train.test_stopped_runs import assert_same

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def recipe(recipe: Recipe) -> Recipe:
    return replace(recipe, steps=12, eval_every=3, sample_every=6, snapshot_every=4)


@pytest.fixture
def parent(recipe: Recipe, tmp_path: Path) -> Path:
    list(train(recipe, tmp_path / "parent"))
    return tmp_path / "parent"


def make(parent: Path, step: int, out: Path, *settings: str, fresh: bool = False) -> str:
    recipe = replace(changed(read_recipe(parent), settings), name=out.name)
    making = making_branch(Departure(str(parent), step, fresh), recipe, out)
    while True:
        try:
            next(making)
        except StopIteration as stop:
            note: str = stop.value
            return note


def go_on(run: Path) -> None:
    list(train(None, run, resume=True))


def test_with_nothing_changed_a_branch_is_its_parent_to_the_bit(
    parent: Path, tmp_path: Path
) -> None:
    assert list(kept_states(parent)) == [0, 4, 8, 12]
    for step in (0, 4, 8):
        branch = tmp_path / f"branch-{step}"
        assert make(parent, step, branch) == ""
        go_on(branch)
        assert_same(branch, parent)


def test_between_two_kept_states_the_steps_are_repeated(parent: Path, tmp_path: Path) -> None:
    branch = tmp_path / "branch"
    note = make(parent, 7, branch)
    assert "3 steps" in note
    go_on(branch)
    assert_same(branch, parent)
    found = branch_of(read_run(branch), branch)
    assert found is not None
    assert found.optimiser == "repeated"


def test_a_branch_that_is_killed_goes_on_as_if_it_never_was(parent: Path, tmp_path: Path) -> None:
    branch = tmp_path / "branch"
    make(parent, 4, branch)
    code = (
        "import os, signal\nfrom pathlib import Path\nfrom model.train.events import StepDone\n"
        "from model.train.loop import train\n"
        f"for event in train(None, Path({str(branch)!r}), resume=True):\n"
        "    if isinstance(event, StepDone) and event.step == 7:\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False)
    assert ended.returncode == -signal.SIGKILL
    go_on(branch)
    assert_same(branch, parent)


def test_another_rate_is_taken_from_the_step_of_departure_on(parent: Path, tmp_path: Path) -> None:
    branch = tmp_path / "branch"
    make(parent, 4, branch, "learning_rate=0.01", "weight_decay=0.3")
    go_on(branch)
    mine, its = read_metrics(branch), read_metrics(parent)
    # The loss of the fifth step is of before its update.
    assert (mine["train_loss"][1:6] == its["train_loss"][1:6]).all()
    assert (mine["train_loss"][6:] != its["train_loss"][6:]).all()
    assert mine["lr"][5] == read_recipe(branch).learning_rate(5) > its["lr"][5]
    groups = load_state(branch, "cpu").optimiser["param_groups"]
    assert {group["weight_decay"] for group in groups} == {0.3, 0.0}
    tables = read_run(branch)
    assert tables["changed_from"] == {"lr": 0.003, "weight_decay": 0.1}
    assert tables["changed_to"] == {"lr": 0.01, "weight_decay": 0.3}


def test_without_a_state_the_optimiser_begins_anew_and_it_is_said(
    parent: Path, tmp_path: Path
) -> None:
    shutil.rmtree(parent / "state")
    branch = tmp_path / "branch"
    assert "optimiser begins anew" in make(parent, 8, branch)
    state = load_state(branch, "cpu")
    assert state.step == 8
    assert state.optimiser["state"] == {}
    go_on(branch)
    mine, its = read_metrics(branch), read_metrics(parent)
    assert mine["train_loss"][9] == its["train_loss"][9]  # the same weights and batch
    assert mine["train_loss"][10] != its["train_loss"][10]  # another update


def test_another_number_of_heads_has_the_same_weights(parent: Path, tmp_path: Path) -> None:
    branch = tmp_path / "branch"
    assert make(parent, 8, branch, "n_heads=1") == ""
    mine = load_state(branch, "cpu")
    its = load_state_file(kept_states(parent)[8], "cpu")
    assert all(
        torch.equal(mine.transformer[name], value) for name, value in its.transformer.items()
    )
    assert mine.optimiser["state"].keys() == its.optimiser["state"].keys()
    go_on(branch)
    # What the change does at once is measured at the step of departure, though 8 is no third step.
    losses = dict(zip(*(read_metrics(branch)[name] for name in ("step", "val_loss")), strict=True))
    assert losses[8] == losses[8]
    assert losses[6] == read_metrics(parent)["val_loss"][6]


def test_what_has_no_place_in_another_network_is_named(parent: Path, tmp_path: Path) -> None:
    branch = tmp_path / "branch"
    note = make(parent, 8, branch, "n_layers=2", "n_ctx=8")
    assert "blocks 1" in note
    assert "first 8 rows of pos_embed.weight" in note
    mine = load_state(branch, "cpu")
    its = load_state_file(kept_states(parent)[8], "cpu")
    name = "blocks.0.mlp.up.weight"
    assert torch.equal(mine.transformer[name], its.transformer[name])
    assert torch.equal(
        mine.transformer["pos_embed.weight"], its.transformer["pos_embed.weight"][:8]
    )
    go_on(branch)
    assert read_metrics(branch)["step"][-1] == 12


def test_another_text_is_learned_from_with_the_same_weights(parent: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.txt"
    text = Path(read_recipe(parent).data).read_text(encoding="utf-8")
    other.write_text(text[::-1], encoding="utf-8")
    branch = tmp_path / "branch"
    note = make(parent, 8, branch, f"data={other}")
    assert "tokenizer" not in note  # the parent's is kept
    go_on(branch)
    assert read_run(branch)["data"]["sha256"] != read_run(parent)["data"]["sha256"]
    mine, its = read_metrics(branch), read_metrics(parent)
    assert (mine["train_loss"][1:9] == its["train_loss"][1:9]).all()
    assert mine["train_loss"][9] != its["train_loss"][9]


def test_a_branch_can_be_branched_from_also_where_both_were_moved(
    parent: Path, tmp_path: Path
) -> None:
    make(parent, 4, tmp_path / "first", "lr=0.01")
    go_on(tmp_path / "first")
    make(tmp_path / "first", 8, tmp_path / "second", "lr=0.02")
    moved = tmp_path / "moved"
    moved.mkdir()
    for name in ("parent", "first", "second"):
        (tmp_path / name).rename(moved / name)
    record = branch_of(read_run(moved / "second"), moved / "second")
    assert record is not None
    assert (record.found, record.step) == (moved / "first", 8)
    assert differences(read_recipe(moved / "first"), read_recipe(moved / "second")) == {
        "lr": (0.01, 0.02)
    }


@pytest.mark.parametrize(
    ("step", "setting", "said"),
    [
        (12, "lr=0.01", "give it more steps"),
        (5, "rate=1", "The nearest are"),
        (5, "lr", "NAME=VALUE"),
        (5, "lr=quick", "no number"),
        (5, "d_model=15", "does not divide"),
    ],
)
def test_what_cannot_branch_is_said(
    parent: Path, tmp_path: Path, step: int, setting: str, said: str
) -> None:
    with pytest.raises(RecipeError, match=said):
        make(parent, step, tmp_path / "branch", setting)
    assert not (tmp_path / "branch").exists()


def test_a_network_without_biases_has_none_after_its_snapshot(
    recipe: Recipe, tmp_path: Path
) -> None:
    parent, branch = tmp_path / "parent", tmp_path / "branch"
    list(train(replace(recipe, attention_bias=False, mlp_bias=False), parent))
    note = make(parent, 7, branch)
    assert "other numbers" not in note, "GPT-2's zero biases are no weights of this network"
    go_on(branch)
    assert_same(branch, parent)
    shutil.rmtree(parent / "state")
    assert "new are" not in make(parent, 8, tmp_path / "other")


@pytest.mark.parametrize(
    ("setting", "said"), [("max_seconds=1e-9", "raise it"), ("target_val_loss=9", "lower target")]
)
def test_a_branch_that_would_end_where_it_begins_is_refused(
    parent: Path, tmp_path: Path, setting: str, said: str
) -> None:
    with pytest.raises(RecipeError, match=said):
        make(parent, 8, tmp_path / "branch", setting)


def test_a_step_that_nothing_is_kept_of_has_the_nearest_named(parent: Path, tmp_path: Path) -> None:
    shutil.rmtree(parent / "state")
    with pytest.raises(RunError, match="nearest that are kept: 0, 4, 8"):
        make(parent, 6, tmp_path / "branch")


def test_a_beginning_that_is_given_up_leaves_nothing(parent: Path, tmp_path: Path) -> None:
    making = making_branch(Departure(str(parent), 7), read_recipe(parent), tmp_path / "branch")
    for event in making:
        if event.what.startswith("Repeating"):
            break
    making.close()
    assert sorted(entry.name for entry in tmp_path.iterdir() if entry.is_dir()) == ["parent"]


def test_a_run_that_keeps_no_states_takes_no_room_for_them(recipe: Recipe, tmp_path: Path) -> None:
    list(train(replace(recipe, snapshot_states=False), tmp_path / "run"))
    assert kept_states(tmp_path / "run") == {}

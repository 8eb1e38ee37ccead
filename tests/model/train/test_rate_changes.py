"""A learning rate that is changed while a run goes is the run's own from then on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from model.train.branching.making import making_branch
from model.train.branching.record import Departure
from model.train.events import StepDone
from model.train.loop import Training, train
from model.train.rate_changes import factor_at, with_change
from model.train.recipe import Recipe, RecipeError
from model.train.run_folder import read_metrics, read_recipe
from tests.model.train.test_stopped_runs import assert_same


def changed_at(recipe: Recipe, run: Path, step: int, lr: float) -> None:
    training = Training(recipe, run)
    for event in training.events():
        if isinstance(event, StepDone) and event.step == step:
            training.change_rate(lr)


@pytest.fixture
def recipe(recipe: Recipe) -> Recipe:
    return replace(recipe, steps=10, eval_every=3, sample_every=0, snapshot_every=4)


def test_the_next_step_has_it_and_the_schedule_goes_on_in_proportion(
    recipe: Recipe, tmp_path: Path
) -> None:
    changed_at(recipe, tmp_path / "run", 3, 1e-4)
    list(train(recipe, tmp_path / "as it was"))
    mine, its = read_metrics(tmp_path / "run")["lr"], read_metrics(tmp_path / "as it was")["lr"]
    assert (mine[1:4] == its[1:4]).all()
    assert mine[4] == pytest.approx(1e-4)
    assert mine[5:] / its[5:] == pytest.approx(mine[4] / its[4])


def test_a_run_that_is_resumed_from_before_the_change_makes_it_again(
    recipe: Recipe, tmp_path: Path
) -> None:
    changed_at(recipe, tmp_path / "whole", 5, 1e-4)
    run = tmp_path / "killed"
    training = Training(recipe, run)
    for event in training.events():
        if isinstance(event, StepDone) and event.step == 5:
            training.change_rate(1e-4)
            break  # its last saved state is that of step 4
    del training
    list(train(None, run, resume=True))
    assert_same(run, tmp_path / "whole")


def test_what_is_repeated_for_a_branch_has_the_rates_that_were(
    recipe: Recipe, tmp_path: Path
) -> None:
    run, branch = tmp_path / "run", tmp_path / "branch"
    changed_at(recipe, run, 5, 1e-4)
    list(making_branch(Departure(str(run), 7), read_recipe(run), branch))
    list(train(None, branch, resume=True))
    assert_same(branch, run)


def test_changes_are_read_as_they_are_written() -> None:
    text = with_change(with_change("", 10, 0.5), 30, 0.25)
    assert text == "10:0.5 30:0.25"
    assert [factor_at(text, step) for step in (9, 10, 29, 30)] == [1.0, 0.5, 0.5, 0.25]
    assert with_change(text, 20, 2.0) == "10:0.5 20:2.0"  # what was to come is forgotten
    assert with_change(text, 30, 0.5) == "10:0.5"


@pytest.mark.parametrize("text", ["10", "10:0", "10:fast", "10:1 5:2", "ten:1"])
def test_a_recipe_with_changes_that_mean_nothing_is_refused(text: str) -> None:
    with pytest.raises(RecipeError, match="lr_changes"):
        Recipe(lr_changes=text).validate()


def test_no_rate_is_refused(recipe: Recipe, tmp_path: Path) -> None:
    training = Training(recipe, tmp_path / "run")
    for event in training.events():
        if isinstance(event, StepDone) and event.step == 2:
            with pytest.raises(RecipeError, match="above 0"):
                training.change_rate(0.0)
    assert read_recipe(tmp_path / "run").lr_changes == ""

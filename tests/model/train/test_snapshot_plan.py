"""Which steps of a run are kept: dense early, sparse late, within a budget of disk and time."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import pytest

from model.train.events import Event, SnapshotSaved, StepDone
from model.train.loop import Training, train
from model.train.presets import preset
from model.train.recipe import Recipe
from model.train.run_folder import snapshots
from model.train.snapshot_plan import SHARE, Thrift, plan_of, snapshot_plan


def test_without_early_ones_only_the_regular_steps_are_kept() -> None:
    plan = snapshot_plan(100, 25, 1000, early=False)
    assert plan.steps == (0, 25, 50, 75, 100)
    assert plan.total_bytes == 5000
    assert 50 in plan
    assert 51 not in plan


def test_early_snapshots_are_dense_and_the_gaps_grow_to_the_regular_one() -> None:
    plan = snapshot_plan(800, 50, 1, early=True)
    assert plan.steps[:10] == (0, 1, 2, 3, 4, 5, 6, 7, 8, 9)
    assert {*range(0, 801, 50)} <= {*plan.steps}
    own = [step for step in plan.steps if step % 50]
    gaps = [after - before for before, after in itertools.pairwise(own) if after < 400]
    assert max(gaps) <= 50
    assert all(
        after - before <= max(50, before) for before, after in itertools.pairwise(plan.steps)
    )
    assert not [step for step in plan.steps if step > 450 and step % 50]
    assert len(plan.steps) < 70


def test_no_snapshot_lies_beyond_the_run_and_its_ends_are_kept() -> None:
    for steps, every in itertools.product((1, 2, 7, 100), (0, 1, 3, 1000)):
        plan = snapshot_plan(steps, every, 1, early=True)
        assert (plan.steps[0], plan.steps[-1]) == (0, steps)
        assert len(set(plan.steps)) == len(plan.steps)


@pytest.mark.parametrize("budget", [10_000, 12_000, 1, 199])
def test_a_budget_thins_the_plan_and_is_kept(budget: int) -> None:
    plan = snapshot_plan(10_000, 100, 100, early=True, budget_bytes=budget)
    assert plan.total_bytes <= budget or plan.steps == (0, 10_000)
    assert plan.thinned > 1
    early = [step for step in plan.steps if 0 < step <= 100]
    late = [step for step in plan.steps if 9_000 < step < 10_000]
    assert not late or len(early) > len(late), "it is still denser early"


def test_what_fits_is_not_thinned() -> None:
    plan = snapshot_plan(1000, 100, 10, early=True, budget_bytes=10**9)
    assert plan.thinned == 1


def test_an_early_snapshot_waits_until_its_share_of_the_time_allows_it() -> None:
    thrift = Thrift()
    assert thrift.allows(1, 100, 0.1), "the first one tells what one costs"
    thrift.cost(0.15)
    # A run of 100 steps of 0.1 s is 10 s long: 0.2 s are allowed, and 0.15 are spent.
    assert SHARE == 0.02
    assert not thrift.allows(1, 100, 0.1)
    assert thrift.allows(1, 200, 0.1)
    assert not thrift.allows(1, 200, 0.1, most_seconds=5.0)


@pytest.mark.parametrize("name", ["minute", "story-world"])
def test_a_preset_keeps_enough_steps_to_travel_within_its_budget(name: str) -> None:
    recipe = preset(name)
    n_params = recipe.config(recipe.bpe_size or 0).n_params
    plan = plan_of(recipe, n_params)
    assert plan.thinned == 1
    assert len(plan.steps) >= 40
    assert plan.total_bytes <= recipe.snapshot_mb * 2**20


def _unhindered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let early snapshots cost nothing, as they do beside steps of an ordinary size."""
    monkeypatch.setattr(Thrift, "allows", lambda *_: True)


def test_a_run_keeps_what_the_plan_says(
    recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _unhindered(monkeypatch)
    early = replace(recipe, steps=20, snapshot_every=10, snapshot_early=True)
    saved = [e.step for e in train(early, tmp_path / "run") if isinstance(e, SnapshotSaved)]
    assert saved == [*range(17), 18, 20]
    assert [step for step, _ in snapshots(tmp_path / "run")] == saved


def test_a_run_that_was_interrupted_between_early_snapshots_ends_as_if_it_had_not(
    recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _unhindered(monkeypatch)
    early = replace(recipe, steps=20, snapshot_every=10, snapshot_early=True)
    list(train(early, tmp_path / "whole"))
    half = Training(early, tmp_path / "half").events()
    for event in half:
        if _is_saved(event, 13):
            break
    half.close()  # as when the process dies: no state of step 13 was written
    list(train(None, tmp_path / "half", resume=True))
    for (step, one), (other_step, other) in zip(
        snapshots(tmp_path / "whole"), snapshots(tmp_path / "half"), strict=True
    ):
        assert step == other_step
        assert (one / "model.safetensors").read_bytes() == (
            other / "model.safetensors"
        ).read_bytes(), step


def test_a_budget_leaves_out_snapshots_and_the_run_still_goes_on_from_its_state(
    recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "model.train.snapshot_plan.MEBIBYTE", 1
    )  # so that a tiny run needs a budget
    tight = replace(recipe, steps=20, snapshot_every=2, snapshot_mb=1)
    run = Training(tight, tmp_path / "run").events()
    for event in run:
        if getattr(event, "step", 0) == 9:
            break
    run.close()
    assert [step for step, _ in snapshots(tmp_path / "run")] == [0]
    events = list(train(None, tmp_path / "run", resume=True))
    resumed = min(e.step for e in events if isinstance(e, StepDone))
    assert resumed == 9, "the state of step 8 was there"
    assert [step for step, _ in snapshots(tmp_path / "run")] == [0, 20]


def _is_saved(event: Event, step: int) -> bool:
    return isinstance(event, SnapshotSaved) and event.step == step

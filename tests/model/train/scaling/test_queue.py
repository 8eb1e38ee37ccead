"""A queue that is stopped, killed and taken up ends as one that never was."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from model.folder_lock import FolderLock
from model.slices import finish
from model.train.events import Evaluated, Finished, StepDone
from model.train.measure import mean_loss
from model.train.run_folder import read_metrics
from model.train.scaling.expected import expected_seconds, measuring
from model.train.scaling.folder import (
    QueueRecord,
    ScalingError,
    begin,
    rates_found,
    read_expected,
    reading_queue,
    write_expected,
)
from model.train.scaling.plan import ScalingPlan
from model.train.scaling.queue import Queue, SizeBegins, SizeEvent
from model.transformer import Transformer

ROOT = Path(__file__).resolve().parents[4]


def read(folder: Path) -> QueueRecord:
    return finish(reading_queue(folder))


def losses(folder: Path) -> list[list[float]]:
    """Every training and validation loss of every run, as it is written."""
    found = []
    for size in read(folder).sizes:
        table = read_metrics(Path(size.run_dir))
        found.append([*table["train_loss"][1:], *table["val_loss"][~np.isnan(table["val_loss"])]])
    return found


def test_every_size_is_trained_on_its_tokens(whole: Path, plan: ScalingPlan) -> None:
    record = read(whole)
    assert record.is_done
    assert [size.width for size in record.sizes] == [4, 8, 12, 16, 20]
    for size, run in zip(record.sizes, plan.runs()):
        assert size.state == "done"
        assert size.step == size.steps == run.recipe.steps
        table = read_metrics(Path(size.run_dir))
        assert table["tokens"][-1] == size.tokens == run.tokens
        assert size.val_loss == table["val_loss"][-1]
        assert np.array_equal(size.train_loss_C, table["train_loss"][1:])
        assert size.parameters("all") == size.config.n_params > (size.parameters("blocks") or 0)
    assert not list(Queue(whole).events()), "nothing is left"


def test_a_queue_that_is_stopped_goes_on_where_it_was(
    whole: Path, plan: ScalingPlan, tmp_path: Path
) -> None:
    folder = tmp_path / "stopped"
    begin(folder, plan)
    done, rounds = [0], 0
    while not read(folder).is_done:
        rounds += 1
        queue, steps = Queue(folder), 0
        for event in queue.events():
            if isinstance(event, SizeEvent) and isinstance(event.event, StepDone):
                steps += 1
                if steps == 37:
                    queue.stop()
        done.append(sum(size.step for size in read(folder).sizes))
        assert done[-1] > done[-2]
        assert rounds < 9
    assert rounds == 4
    assert losses(folder) == losses(whole)


def test_a_queue_that_was_killed_goes_on_where_it_was(
    whole: Path, plan: ScalingPlan, tmp_path: Path
) -> None:
    folder = tmp_path / "killed"
    begin(folder, plan)
    script = (
        "import sys; from pathlib import Path; from model.train.scaling.queue import Queue\n"
        "n = 0\n"
        "for event in Queue(Path(sys.argv[1])).events():\n"
        "    n += type(getattr(event, 'event', None)).__name__ == 'StepDone'\n"
        "    if n == 60:\n"
        "        print('here', flush=True); import time; time.sleep(60)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [sys.executable, "-c", script, str(folder)],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "here\n"
        assert read(folder).writer == f"process {process.pid} on {platform.node()}"
        assert [size.state for size in read(folder).sizes][:3] == ["done", "done", "training"]
        with pytest.raises(ScalingError, match=f"trained by process {process.pid}"):
            next(Queue(folder).events())
        process.kill()
        process.wait()
    assert read(folder).writer == ""
    begun = [event for event in Queue(folder).events() if isinstance(event, SizeBegins)]
    assert [(one.run.width, one.resumed) for one in begun] == [(12, True), (16, False), (20, False)]
    assert losses(folder) == losses(whole)


def test_a_run_that_lacks_its_last_validation_is_not_done(
    whole: Path, plan: ScalingPlan, tmp_path: Path
) -> None:
    """Killed after the last row, before what comes at the end."""
    folder = tmp_path / "late"
    begin(folder, plan)
    *others, last = plan.runs()
    for run in others:
        shutil.copytree(whole / run.name, folder / run.name)
    events = Queue(folder).events()
    for event in events:
        done = event.event if isinstance(event, SizeEvent) else None
        if isinstance(done, StepDone) and done.step == last.recipe.steps and event.run == last:
            events.close()
    assert [size.state for size in read(folder).sizes] == [*["done"] * 4, "stopped"]
    assert read(folder).sizes[-1].step == last.recipe.steps
    list(Queue(folder).events())
    assert read(folder).is_done
    assert losses(folder) == losses(whole)


def test_a_sweep_takes_the_best_rate_of_each_width(plan: ScalingPlan, tmp_path: Path) -> None:
    sweep = replace(plan, lr_rule="sweep", base_width=8)
    folder = tmp_path / "sweep"
    begin(folder, sweep)
    assert all(size.lr is None for size in read(folder).sizes)
    ended: dict[str, float] = {}
    queue = Queue(folder)
    for event in queue.events():
        if isinstance(event, SizeEvent) and event.is_trial and isinstance(event.event, Evaluated):
            ended[event.run.name] = event.event.val_loss
        if isinstance(event, SizeBegins) and event.run.width == 12:
            queue.stop()
    assert len(ended) == 6
    first, second, third, *_ = read(folder).sizes
    for size in (first, second):
        best = min(sweep.trials(size.width), key=lambda trial: ended[trial.name])
        assert size.state == "done"
        assert size.lr == best.recipe.lr
    assert third.lr is None, "its short runs were stopped"
    assert rates_found(folder, sweep) == {4: first.lr, 8: second.lr}
    begun = next(event for event in Queue(folder).events() if isinstance(event, SizeBegins))
    assert (begun.run.width, begun.is_trial) == (12, True)


def test_a_size_that_diverges_is_passed_over(
    plan: ScalingPlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def loss(network: Transformer, windows_BT: torch.Tensor, answer_at: int = 0) -> torch.Tensor:
        whole = mean_loss(network, windows_BT, answer_at)
        return whole * (np.nan if network.config.d_model == 12 else 1)

    monkeypatch.setattr("model.train.updates.mean_loss", loss)
    begin(tmp_path / "one", plan)
    events = list(Queue(tmp_path / "one").events())
    inner = [event.event for event in events if isinstance(event, SizeEvent)]
    ends = [event.reason for event in inner if isinstance(event, Finished)]
    assert ends == ["steps", "steps", "diverged", "steps", "steps"]
    record = read(tmp_path / "one")
    assert [size.state for size in record.sizes] == ["done", "done", "diverged", "done", "done"]
    assert record.is_done
    assert len(record.done) == 4


def test_a_plan_that_was_changed_is_not_mixed_with_what_it_began(
    whole: Path, plan: ScalingPlan, tmp_path: Path
) -> None:
    other = replace(plan, recipe=replace(plan.recipe, lr=0.5))
    with pytest.raises(ScalingError, match="has another plan already"):
        begin(whole, other)
    changed = Path(shutil.copytree(whole, tmp_path / "changed"))
    (changed / "plan.toml").write_text(other.to_toml())
    with pytest.raises(ScalingError, match=r"was begun with lr = .*not be on equal terms"):
        list(Queue(changed).events())


def test_only_a_folder_that_is_free_is_taken(plan: ScalingPlan, tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("mine")
    with pytest.raises(ScalingError, match="is not empty"):
        begin(tmp_path, plan)
    with pytest.raises(ScalingError, match="no queue of sizes"):
        Queue(tmp_path)
    begin(tmp_path / "new", plan)
    lock = FolderLock.take(tmp_path / "new")
    assert lock is not None
    with pytest.raises(ScalingError, match="trained by this process already"):
        next(Queue(tmp_path / "new").events())
    lock.release()


def test_the_probe_times_real_steps_of_each_size(
    plan: ScalingPlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("model.train.scaling.expected.PROBE_SECONDS", 0.02)
    expected = finish(measuring(plan))
    assert set(expected.seconds) == {run.name for run in plan.runs()}
    assert all(0 < seconds < 600 for seconds in expected.seconds.values())
    write_expected(tmp_path, expected)
    again = read_expected(tmp_path)
    assert again is not None
    assert (again.seconds, again.threads) == (expected.seconds, expected.threads)


def test_the_expected_time_is_of_steps_validations_and_sweeps(plan: ScalingPlan) -> None:
    run = plan.runs()[2]
    checks = 21 * run.recipe.eval_batches / 3
    assert expected_seconds(run, plan, 0.5) == 0.5 * (run.recipe.steps + checks)
    sweep = replace(plan, lr_rule="sweep")
    trials = sum(trial.recipe.steps for trial in sweep.trials(run.width))
    assert trials
    assert expected_seconds(run, sweep, 0.5) == 0.5 * (run.recipe.steps + checks + trials)


def test_a_plan_that_was_killed_as_it_was_written_can_be_written(
    plan: ScalingPlan, tmp_path: Path
) -> None:
    folder = tmp_path / "half"
    folder.mkdir()
    (folder / ".plan.toml.0123abcd.part").write_text("half")
    begin(folder, plan)
    assert [path.name for path in folder.iterdir()] == ["plan.toml"]
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "notes").write_text("mine")
    with pytest.raises(ScalingError, match="is not empty"):
        begin(tmp_path / "other", plan)

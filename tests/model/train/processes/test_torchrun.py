"""torchrun that is asked to end, loses a process, or starts the processes anew: no run is lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from model.train.loop import train
from model.train.recipe import Recipe
from model.train.run_folder import read_metrics, snapshots
from model.train.state import load_state
from tests.model.train.processes.launching import (
    RECIPE,
    ROOT,
    TOLERANCE,
    assert_same,
    environment,
    finished,
    torchrun,
)


@pytest.fixture
def long_recipe(tmp_path: Path) -> Path:
    recipe = replace(RECIPE, steps=100_000, eval_every=20, sample_every=0, snapshot_every=20)
    path = tmp_path / "recipe.toml"
    path.write_text(recipe.to_toml())
    return path


@pytest.fixture
def started(long_recipe: Path, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Two processes that train until they are stopped."""
    verb = ("-m", "model", "train", "--recipe", long_recipe, "--out", tmp_path / "run")
    process = subprocess.Popen(
        torchrun(2, *verb, "--device", "cpu", "--threads", "1"),
        env=environment(),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    until = time.monotonic() + 120
    while not (tmp_path / "run/snapshots/step-000020").exists():
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < until
        time.sleep(0.05)
    yield process
    if process.poll() is None:
        process.terminate()
    process.communicate()


def trainers(launcher: subprocess.Popen[str]) -> list[int]:
    """The processes that a launcher has started, by rank."""
    path = Path(f"/proc/{launcher.pid}/task/{launcher.pid}/children")
    ranks: dict[int, int] = {}
    for pid in map(int, path.read_text().split()):
        values = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        rank = next((value for value in values if value.startswith(b"RANK=")), None)
        if rank is not None:
            ranks[int(rank.partition(b"=")[2])] = pid
    return [ranks[rank] for rank in sorted(ranks)]


def short_run(run: Path, recipe: Recipe) -> Path:
    """The same run by one process."""
    list(train(recipe, run))
    return run


def assert_same_beginning(run: Path, tmp_path: Path) -> None:
    losses = read_metrics(run)["train_loss"]
    # Of as many steps, as the schedule spans them.
    recipe = Recipe.from_file(tmp_path / "recipe.toml")
    source = train(recipe, tmp_path / "whole")
    while getattr(next(source), "step", 0) <= 40:
        pass
    source.close()  # type: ignore[attr-defined]
    whole = read_metrics(tmp_path / "whole")["train_loss"]
    n = min(len(losses), len(whole))
    assert n > 20
    np.testing.assert_allclose(losses[:n], whole[:n], rtol=TOLERANCE)


needs_proc = pytest.mark.skipif(not Path("/proc").is_dir(), reason="finds processes in /proc")


@needs_proc
def test_torchrun_that_is_asked_to_end_saves_the_run(
    started: subprocess.Popen[str], tmp_path: Path
) -> None:
    started.send_signal(signal.SIGTERM)
    said, _ = started.communicate(timeout=60)
    assert said.count("all is saved") == 1, said
    state = load_state(tmp_path / "run", "cpu")
    assert state.step == read_metrics(tmp_path / "run")["step"][-1] >= 20
    assert snapshots(tmp_path / "run")[-1][0] == state.step
    assert_same_beginning(tmp_path / "run", tmp_path)


@needs_proc
@pytest.mark.parametrize("rank", [0, 1])
def test_a_process_that_is_killed_ends_all_with_a_sentence_and_one_goes_on(
    started: subprocess.Popen[str], tmp_path: Path, rank: int
) -> None:
    os.kill(trainers(started)[rank], signal.SIGKILL)
    said, _ = started.communicate(timeout=60)
    assert started.returncode != 0
    # The second one says it where the first may be gone.
    assert said.count("Another process of the run has ended") == 1, said
    assert "go on with --resume" in said
    kept = load_state(tmp_path / "run", "cpu").step
    for event in train(None, tmp_path / "run", resume=True):
        if getattr(event, "step", 0) > kept + 25:
            break
    assert read_metrics(tmp_path / "run")["step"][-1] > kept + 20
    assert_same_beginning(tmp_path / "run", tmp_path)


@needs_proc
def test_torchrun_that_starts_the_processes_anew_goes_on_with_the_run(
    long_recipe: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    recipe = replace(Recipe.from_file(long_recipe), steps=120)
    long_recipe.write_text(recipe.to_toml())
    # A process that dies of itself, once, well after the first state was saved.
    dying = tmp_path / "dying.py"
    dying.write_text(
        "import os, signal\n"
        "from model.cli.app import main\n"
        "from model.train.updates import Updates\n"
        "advance = Updates.advance\n"
        "def mortal(self):\n"
        "    first = os.environ['TORCHELASTIC_RESTART_COUNT'] == '0'\n"
        "    if first and os.environ['RANK'] == '1' and self.step == 50:\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "    return advance(self)\n"
        "Updates.advance = mortal\n"
        "main()\n"
    )
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    verb = ["train", "--recipe", str(long_recipe), "--out", str(run), "--device", "cpu"]
    said = finished([*launcher, "--nproc-per-node", "2", "--max-restarts", "1", str(dying), *verb])
    assert "All 120 steps are done" in said
    assert_same(run, short_run(tmp_path / "whole", recipe))

"""A run that is stopped, killed and resumed at any moment is the one that never was."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from model.train import events as e
from model.train.loop import Training, train
from model.train.recipe import Recipe
from model.train.run_folder import snapshots
from model.train.samples import read_samples
from model.train.state import load_state

ROOT = Path(__file__).resolve().parents[3]
TIMES = ("seconds", "tokens_per_second")


def curve(run: Path) -> list[list[str]]:
    """metrics.csv as it is written, but for what is a time."""
    header, *lines = (run / "metrics.csv").read_text(encoding="utf-8").splitlines()
    names = header.split(",")
    kept = [i for i, name in enumerate(names) if name not in TIMES]
    rows = [line.split(",") for line in lines]
    assert all(len(row) == len(names) for row in rows)
    return [[row[i] for i in kept] for row in (names, *rows)]


def last_weights(run: Path) -> bytes:
    return (snapshots(run)[-1][1] / "model.safetensors").read_bytes()


def assert_same(run: Path, whole: Path) -> None:
    assert curve(run) == curve(whole)
    assert read_samples(run, 999) == read_samples(whole, 999)
    assert last_weights(run) == last_weights(whole)
    state, expected = load_state(run, "cpu"), load_state(whole, "cpu")
    assert (state.step, state.val_loss) == (expected.step, expected.val_loss)
    assert all(torch.equal(state.transformer[k], v) for k, v in expected.transformer.items())


@pytest.fixture
def short(recipe: Recipe) -> Recipe:
    return replace(recipe, steps=7, eval_every=2, sample_every=3, snapshot_every=4)


@pytest.fixture
def whole(short: Recipe, tmp_path: Path) -> Path:
    list(train(short, tmp_path / "whole"))
    return tmp_path / "whole"


def n_events(recipe: Recipe, run: Path) -> int:
    return len(list(train(recipe, run)))


def until(training: Training, n: int) -> bool:
    """Go through some events, and stop after them; whether the run has ended by itself."""
    for number, event in enumerate(training.events(), 1):
        if number == n:
            training.stop()
        if isinstance(event, e.Finished):
            return event.reason != "stopped"
    raise AssertionError("no last event")


def test_a_stop_after_any_event_changes_nothing(short: Recipe, whole: Path, tmp_path: Path) -> None:
    # Each event is a place where a stop can come: in a validation and a sample as well.
    for n in range(3, n_events(short, tmp_path / "counted") + 1):
        run = tmp_path / f"run-{n}"
        if not until(Training(short, run), n) and run.exists():
            list(train(None, run, resume=True))
        else:
            list(train(None if run.exists() else short, run, resume=run.exists()))
        assert_same(run, whole)


def test_a_caller_that_goes_away_after_any_event_changes_nothing(
    short: Recipe, whole: Path, tmp_path: Path
) -> None:
    for n in range(1, n_events(short, tmp_path / "counted") + 1):
        run = tmp_path / f"run-{n}"
        source = Training(short, run).events()
        for _ in range(n):
            next(source)
        source.close()
        resume = (run / "run.toml").exists()
        assert resume or not run.exists()  # before it has begun nothing is left
        list(train(None if resume else short, run, resume=resume))
        assert_same(run, whole)


def test_a_run_that_is_stopped_at_every_step_is_the_whole_one(
    short: Recipe, whole: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    ended, resume = False, False
    while not ended:
        training = Training(None if resume else short, run, resume=resume)
        for event in training.events():
            if isinstance(event, e.StepDone):
                training.stop()
            ended = isinstance(event, e.Finished) and event.reason == "steps"
        resume = True
    assert_same(run, whole)


def test_a_finished_run_that_is_resumed_again_stays_as_it_is(whole: Path, tmp_path: Path) -> None:
    before = {path: path.read_bytes() for path in whole.rglob("*") if path.is_file()}
    events = list(train(None, whole, resume=True))
    assert [type(event) for event in events if not isinstance(event, e.Prepared)] == [
        e.Started,
        e.Finished,
    ]
    assert {path: path.read_bytes() for path in whole.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("change", [{"eval_every": 0}, {"snapshot_every": 0, "sample_every": 0}])
def test_what_is_not_asked_for_is_not_done_on_resuming(
    short: Recipe, tmp_path: Path, change: dict[str, int]
) -> None:
    recipe = replace(short, **change)  # type: ignore[arg-type]
    list(train(recipe, tmp_path / "whole"))
    events = list(train(recipe, tmp_path / "counted"))
    begun = next(n for n, event in enumerate(events, 1) if isinstance(event, e.Started))
    for n in range(begun + 1, len(events), 3):
        if not until(Training(recipe, tmp_path / f"run-{n}"), n):
            list(train(None, tmp_path / f"run-{n}", resume=True))
        assert curve(tmp_path / f"run-{n}") == curve(tmp_path / "whole")


# Killed

KILLED = """
import os, signal, sys
from pathlib import Path

import torch

from model.train.loop import train
from model.train.recipe import Recipe

recipe, folder = Recipe.from_file(Path(sys.argv[1])), Path(sys.argv[2])
stride = int(sys.argv[3])
torch.set_num_threads(1)
for _ in train(recipe, folder / "first"):  # what is imported once, is not by every child
    pass
WATCHED = {"open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.truncate"}
OUTCOMES = []


def life(run, fatal):
    # A process of its own, which is killed before the nth time that it changes what is on disk.
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    seen = 0

    def count(event, arguments):
        nonlocal seen
        if event in WATCHED and str(folder) in str(arguments):
            seen += 1
            if seen == fatal:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(count)
    try:
        resume = (run / "run.toml").exists()
        for _ in train(None if resume else recipe, run, resume=resume):
            pass
    except BaseException:
        import traceback

        traceback.print_exc()
        os._exit(3)
    os._exit(0)


for fatal in range(1, 999, stride):
    run = folder / f"run-{fatal}"
    code = life(run, fatal)
    if code == 0:
        break  # it has fewer
    if code != -signal.SIGKILL:
        sys.exit(f"run {fatal} failed")
    # Killed once more as it is taken up again, then left alone.
    if life(run, 7) not in (0, -signal.SIGKILL) or life(run, 0) != 0:
        sys.exit(f"run {fatal} can't be taken up")
    print(run, flush=True)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="only POSIX forks and kills so")
def test_a_kill_at_any_change_on_disk_changes_nothing(
    short: Recipe, whole: Path, tmp_path: Path
) -> None:
    (tmp_path / "recipe.toml").write_text(short.to_toml(), encoding="utf-8")
    (tmp_path / "killed").mkdir()
    done = subprocess.run(
        [sys.executable, "-c", KILLED, tmp_path / "recipe.toml", tmp_path / "killed", "3"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    runs = [Path(line) for line in done.stdout.splitlines()]
    assert len(runs) > 10
    for run in runs:
        assert_same(run, whole)
        left = list(run.rglob(".*"))
        assert not left, f"{run.name} keeps {left}"

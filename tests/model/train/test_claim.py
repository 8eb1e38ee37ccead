"""One writer a run: who is refused, in which words, and what a dead process leaves behind."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from model.folder_lock import FolderLock
from model.train import events as e
from model.train.claim import Claim
from model.train.loop import Training, train
from model.train.recipe import Recipe
from model.train.run_files import copy_run
from model.train.run_folder import RunError, is_run, read_metrics, read_recipe, who_trains

ROOT = Path(__file__).resolve().parents[3]

HOLD = """
import sys
from pathlib import Path
from model.folder_lock import FolderLock

lock = FolderLock.take(Path(sys.argv[1]))
print("held" if lock else "refused", flush=True)
{then}
sys.stdin.read()
"""


@contextmanager
def another_process(folder: Path, then: str = "") -> Iterator[subprocess.Popen[str]]:
    """One that has locked a folder, until it is told to end."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD.format(then=then), folder],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
    finally:
        process.kill()
        process.communicate()


def until_started(training: Training) -> Iterator[e.Event]:
    source = training.events()
    for event in source:
        if isinstance(event, e.Started):
            return source
    raise AssertionError("it never started")


@pytest.fixture
def done(recipe: Recipe, tmp_path: Path) -> Path:
    """A run of a few steps, that can go on."""
    list(train(replace(recipe, steps=3), tmp_path / "run"))
    return tmp_path / "run"


# Who is refused


def test_a_run_that_another_process_trains_is_refused_at_once_and_left_alone(done: Path) -> None:
    with another_process(done) as other:
        before = {path: path.read_bytes() for path in done.rglob("*") if path.is_file()}
        with pytest.raises(RunError, match=rf"Another process \(process {other.pid} on .*trains"):
            next(Training(None, done, resume=True).events())
        after = {path: path.read_bytes() for path in done.rglob("*") if path.is_file()}
        assert after == before
        assert who_trains(done) is not None


def test_a_new_run_where_another_process_trains_names_that_one(recipe: Recipe, done: Path) -> None:
    with another_process(done), pytest.raises(RunError, match=r"Another process .* trains"):
        Training(recipe, done)


def test_of_two_new_runs_in_one_folder_one_is_refused_before_it_reads_its_text(
    recipe: Recipe, tmp_path: Path
) -> None:
    first = Training(recipe, tmp_path / "run")
    second = Training(recipe, tmp_path / "run")
    source = first.events()
    assert isinstance(next(source), e.Prepared)  # getting ready: nothing of a run is there yet
    assert not is_run(tmp_path / "run")
    with pytest.raises(RunError, match=r"This program trains the run .* already"):
        next(second.events())
    *_, end = source
    assert isinstance(end, e.Finished)
    assert read_metrics(tmp_path / "run")["step"].tolist() == list(range(21))


def test_a_run_is_free_again_once_it_has_ended(recipe: Recipe, tmp_path: Path) -> None:
    training = Training(recipe, tmp_path / "run")
    source = until_started(training)
    assert who_trains(tmp_path / "run") == "this process"
    with pytest.raises(RunError, match="This program trains"):
        next(Training(None, tmp_path / "run", resume=True).events())
    training.stop()
    list(source)
    assert who_trains(tmp_path / "run") is None
    assert not (tmp_path / "run" / ".lock").exists()
    *_, end = train(None, tmp_path / "run", resume=True)
    assert isinstance(end, e.Finished)


def test_who_asks_and_who_is_refused_does_not_end_the_lock(done: Path) -> None:
    # A record lock ends with any file of its name that its process closes.
    claim = Claim.of_run(done)
    assert who_trains(done) == "this process"
    with pytest.raises(RunError):
        Claim.of_run(done)
    asked = subprocess.run(
        [sys.executable, "-c", HOLD.format(then=""), done],
        cwd=ROOT,
        input="",
        capture_output=True,
        text=True,
        check=True,
    )
    assert asked.stdout == "refused\n"
    claim.release()
    assert who_trains(done) is None


# What is left behind


def test_the_lock_of_a_killed_process_hinders_nobody(done: Path) -> None:
    with another_process(done) as other:
        other.kill()
        other.wait()
        assert (done / ".lock").exists()
        assert who_trains(done) is None
        *_, end = train(None, done, resume=True)
        assert isinstance(end, e.Finished)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="only POSIX forks")
def test_a_child_that_outlives_its_killed_process_keeps_no_lock(done: Path) -> None:
    fork = "import os, time; child = os.fork(); child or (time.sleep(60), os._exit(0)); "
    with another_process(done, then=fork + "print(child, flush=True)") as other:
        assert other.stdout is not None
        child = int(other.stdout.readline())
        try:
            other.kill()
            other.wait()
            lock = FolderLock.take(done)
            assert lock is not None
            lock.release()
        finally:
            os.kill(child, signal.SIGKILL)


def test_a_lock_that_is_removed_as_another_waits_is_held_by_one(tmp_path: Path) -> None:
    lock = FolderLock.take(tmp_path)
    assert lock is not None
    (tmp_path / ".lock").unlink()
    assert not lock.is_whole
    other = FolderLock.take(tmp_path)
    assert other is not None
    lock.release()  # of the file that was removed: the other one stays
    assert other.is_whole
    assert FolderLock.take(tmp_path) is None
    other.release()


def test_a_drive_that_knows_no_locks_can_be_trained_on(
    recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fcntl = pytest.importorskip("fcntl", reason="only POSIX has it")

    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "lockf", refuse)
    *_, end = train(replace(recipe, steps=2), tmp_path / "run")
    assert isinstance(end, e.Finished)


# A folder that changes under a run


def test_a_run_never_writes_into_the_run_that_took_its_folders_place(
    recipe: Recipe, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    first = Training(replace(recipe, snapshot_every=0), run)
    source = until_started(first)
    for event in source:
        if isinstance(event, e.StepDone):
            break
    shutil.rmtree(run)
    other = replace(recipe, seed=1, steps=3)
    list(train(other, run))
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    with pytest.raises(RunError, match=r"Another run lies in .* now"):
        list(source)
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before
    assert read_recipe(run).seed == 1


def test_a_folder_that_is_removed_while_it_trains_is_made_and_locked_again(
    recipe: Recipe, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    source = until_started(Training(recipe, run))
    for event in source:
        if isinstance(event, e.StepDone) and event.step == 7:
            shutil.rmtree(run)
        if isinstance(event, e.SnapshotSaved) and event.step == 10:
            assert who_trains(run) == "this process"
    assert read_metrics(run)["step"].tolist() == list(range(21))


# Beginnings and ends that were cut short


def test_what_a_run_that_was_killed_as_it_began_left_can_be_begun_in(
    recipe: Recipe, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    (run / "snapshots").mkdir(parents=True)
    for name in (".lock", "tokenizer.json", "metrics.csv", ".run.toml.part"):
        (run / name).write_text("half", encoding="utf-8")
    *_, end = train(replace(recipe, steps=2), run)
    assert isinstance(end, e.Finished)
    assert not list(run.glob(".*"))


@pytest.mark.parametrize("own", ["notes.txt", "tokenizer.json"])
def test_what_a_person_keeps_is_no_beginning_of_a_run(
    recipe: Recipe, tmp_path: Path, own: str
) -> None:
    run = tmp_path / "run"
    run.mkdir()
    (run / own).write_text("mine", encoding="utf-8")
    if own == "notes.txt":
        (run / ".lock").touch()
    with pytest.raises(RunError, match="exists and is not empty"):
        Training(recipe, run)
    assert (run / own).read_text(encoding="utf-8") == "mine"


def test_a_run_that_ended_before_its_first_state_is_resumed_from_its_beginning(
    recipe: Recipe, tmp_path: Path
) -> None:
    list(train(recipe, tmp_path / "whole"))
    run = tmp_path / "run"
    source = until_started(Training(recipe, run))
    source.close()  # type: ignore[attr-defined]
    assert not (run / "state").exists()
    with pytest.raises(RunError, match="Resume it, or choose another name"):
        Training(recipe, run)
    events = list(train(None, run, resume=True))  # as the sentence says
    assert next(event for event in events if isinstance(event, e.Started)).step == 0
    assert read_metrics(run)["step"].tolist() == list(range(21))
    assert read_metrics(run)["val_loss"][20] == read_metrics(tmp_path / "whole")["val_loss"][20]


def test_a_run_whose_state_is_lost_is_never_begun_again_over_its_curve(done: Path) -> None:
    shutil.rmtree(done / "state")
    before = (done / "metrics.csv").read_bytes()
    with pytest.raises(RunError, match="no saved state"):
        list(train(None, done, resume=True))
    assert (done / "metrics.csv").read_bytes() == before
    assert who_trains(done) is None


def test_half_written_folders_of_a_killed_run_are_cleared_away(done: Path) -> None:
    left = [
        done / ".run.toml.part",
        done / "snapshots" / ".step-000010.1a2b3c4d.part",
        done / "state" / ".training.pt.part",
        done / "adapters" / ".step-000010.1a2b3c4d.part",
    ]
    for folder in (left[1], left[3]):
        folder.mkdir(parents=True)
        (folder / "model.safetensors").write_bytes(b"half")
    for path in (left[0], left[2]):
        path.write_bytes(b"half")
    list(train(None, done, resume=True))
    assert not [path for path in left if path.exists()]


def test_what_a_killed_copy_left_is_no_hindrance_to_the_next(done: Path, tmp_path: Path) -> None:
    left, other = tmp_path / ".copy.1a2b3c4d.part", tmp_path / ".copy.of.1a2b3c4d.part"
    left.mkdir()
    other.mkdir()
    copy_run(done, tmp_path / "copy")
    assert read_recipe(tmp_path / "copy") == read_recipe(done)
    assert not left.exists()
    assert other.exists(), "of a copy to another place, which may be going on"


def test_folders_that_were_made_for_a_run_that_never_began_are_gone(
    recipe: Recipe, tmp_path: Path
) -> None:
    Path(recipe.data).write_bytes(b"\0")
    with pytest.raises(ValueError, match="zero byte"):
        list(train(recipe, tmp_path / "runs" / "today" / "run"))
    assert not (tmp_path / "runs").exists()


def test_a_lock_waits_a_little_for_who_only_asks(tmp_path: Path) -> None:
    began = time.monotonic()
    with another_process(tmp_path):
        assert FolderLock.take(tmp_path) is None
    assert time.monotonic() - began > 0.2

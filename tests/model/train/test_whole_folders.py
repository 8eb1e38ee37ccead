"""Folders that a run gives: whole or not there; what a killed process left goes with the next."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from model.folder_lock import FolderLock
from model.slices import finish
from model.train.branching.making import making_branch
from model.train.branching.record import Departure
from model.train.exporting import exporting_model, writing_events
from model.train.loop import train
from model.train.recipe import Recipe
from model.train.run_files import copy_run
from model.train.run_folder import read_recipe
from model.whole_folder import whole_folder


def branch(run: Path, out: Path) -> None:
    finish(making_branch(Departure(str(run), 4), read_recipe(run), out))


def events(run: Path, out: Path) -> None:
    pytest.importorskip("tensorboardX")
    finish(writing_events(run, out))


def network(run: Path, out: Path) -> None:
    finish(exporting_model(run, 4, out))


WAYS = [branch, events, network, copy_run]


@pytest.fixture
def run(recipe: Recipe, tmp_path: Path) -> Path:
    list(train(replace(recipe, steps=8, eval_every=4, snapshot_every=4), tmp_path / "run"))
    return tmp_path / "run"


@pytest.mark.parametrize("write", WAYS)
def test_a_link_to_an_empty_folder_stays_one_and_the_folder_is_filled(
    run: Path, tmp_path: Path, write: Callable[[Path, Path], None]
) -> None:
    (tmp_path / "larger disk").mkdir()
    link = tmp_path / "link"
    link.symlink_to("larger disk")
    write(run, link)
    assert link.is_symlink()
    assert list((tmp_path / "larger disk").iterdir())
    assert not (link / ".lock").exists()


@pytest.mark.parametrize("write", WAYS)
def test_what_a_killed_process_left_half_goes_and_what_is_being_written_stays(
    run: Path, tmp_path: Path, write: Callable[[Path, Path], None]
) -> None:
    left, going = tmp_path / ".out.0123abcd.part", tmp_path / ".out.4567cdef.part"
    for half in (left, going):
        half.mkdir()
        (half / "model.safetensors").write_bytes(b"half")
    (left / ".lock").touch()
    lock = FolderLock.take(going)
    assert lock is not None
    write(run, tmp_path / "out")
    lock.release()
    assert not left.exists()
    assert (going / "model.safetensors").read_bytes() == b"half"
    assert [path for path in tmp_path.iterdir() if path.name.endswith(".part")] == [going]


def test_a_block_that_fails_leaves_nothing_and_what_lies_in_the_place_stays(tmp_path: Path) -> None:
    with suppress(RuntimeError), whole_folder(tmp_path / "out") as half:
        (half / "a").touch()
        raise RuntimeError
    assert not list(tmp_path.iterdir())
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").touch()
    with pytest.raises(OSError, match="not empty"), whole_folder(tmp_path / "out"):
        pass
    assert [path.name for path in tmp_path.rglob("*")] == ["out", "mine"]

"""The run folder: names that are taken, whole files, and what a reader gets back."""

from __future__ import annotations

import math
import shutil
from dataclasses import replace
from io import BufferedWriter, FileIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from model.tokenizer.tokenizer import Tokenizer
from model.train.events import Evaluated, Sampled, StepDone
from model.train.loop import train
from model.train.metrics import columns
from model.train.recipe import Recipe
from model.train.run_files import copy_run
from model.train.run_folder import (
    RunError,
    read_metrics,
    read_recipe,
    read_run,
    snapshots,
    unique_run_dir,
)
from model.train.run_writing import RunFolder
from model.train.samples import read_samples
from model.train.state import TrainingState, load_state, save_state
from model.whole_file import write_whole
from tests.full_disk import FULL, room_for


def a_step(step: int, tokens: int, seconds: float) -> StepDone:
    return StepDone(step, tokens, seconds, 4.0, 1e-3, 1.0, 100.0)


@pytest.fixture
def folder(recipe: Recipe, tmp_path: Path) -> RunFolder:
    tokenizer = Tokenizer.train_char("abc")
    return RunFolder.create(tmp_path / "run", recipe, tokenizer, {"data": {"sha256": "12ab"}})


def test_run_toml_gives_back_the_recipe_and_the_facts(folder: RunFolder, recipe: Recipe) -> None:
    folder.close()
    assert read_recipe(folder.path) == recipe
    tables = read_run(folder.path)
    assert tables["data"] == {"sha256": "12ab"}
    assert tables["versions"]["torch"] == torch.__version__


def test_rows_come_back_as_they_were_recorded(folder: RunFolder) -> None:
    folder.record(Evaluated(0, 0, 0.5, 4.25, 1.5))
    folder.record(StepDone(1, 64, 0.75, 4.1, 1e-05, 1 / 3, 85.0))
    folder.record(StepDone(2, 128, 1.0, 3.9, 2e-05, 0.1, 86.0))
    folder.record(Evaluated(2, 128, 1.25, 3.875, 1.25))
    folder.close()
    assert (folder.path / "metrics.csv").read_text() == (
        "step,tokens,seconds,train_loss,val_loss,lr,grad_norm,tokens_per_second\n"
        "0,0,0.5,,4.25,,,\n"
        "1,64,0.75,4.1,,1e-05,0.3333333333333333,85.0\n"
        "2,128,1.0,3.9,3.875,2e-05,0.1,86.0\n"
    )
    metrics = read_metrics(folder.path)
    assert tuple(metrics) == columns()
    assert metrics["step"].tolist() == [0, 1, 2]
    assert metrics["step"].dtype == np.int64
    np.testing.assert_equal(metrics["train_loss"], [math.nan, 4.1, 3.9])
    np.testing.assert_equal(metrics["val_loss"], [4.25, math.nan, 3.875])
    np.testing.assert_equal(metrics["grad_norm"], [math.nan, 1 / 3, 0.1])


def test_rows_are_on_disk_within_a_second(
    folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr("model.train.run_writing.time.monotonic", lambda: now[0])
    folder.record(a_step(1, 1, 0.1))
    folder.record(a_step(2, 2, 0.2))
    now[0] += 1e6
    folder.record(a_step(3, 3, 0.3))
    # The third waits: its validation may come.
    assert read_metrics(folder.path)["step"].tolist() == [1, 2]
    folder.close()
    assert read_metrics(folder.path)["step"].tolist() == [1, 2, 3]


def test_a_run_that_was_begun_with_other_columns_keeps_them(
    folder: RunFolder, bpe: Tokenizer
) -> None:
    folder.close()
    header = "step,tokens,seconds,val_loss,surprise"
    (folder.path / "metrics.csv").write_text(f"{header}\n1,64,0.5,,7.5\n")
    resumed = RunFolder.resume(folder.path, 1, bpe)
    resumed.record(a_step(2, 128, 0.75))
    resumed.close()
    assert (folder.path / "metrics.csv").read_text().splitlines() == [
        header,
        "1,64,0.5,,7.5",
        "2,128,0.75,,",
    ]


def test_a_row_that_is_on_disk_can_still_get_its_validation(
    folder: RunFolder, bpe: Tokenizer
) -> None:
    for step in (1, 2):
        folder.record(a_step(step, 64 * step, 0.5 * step))
    folder.close()
    resumed = RunFolder.resume(folder.path, 2, bpe)
    resumed.record(Evaluated(2, 128, 7.5, 3.875, 1.25))
    resumed.record(a_step(3, 192, 8.0))
    resumed.close()
    assert (folder.path / "metrics.csv").read_text().splitlines()[1:] == [
        "1,64,0.5,4.0,,0.001,1.0,100.0",
        "2,128,1.0,4.0,3.875,0.001,1.0,100.0",
        "3,192,8.0,4.0,,0.001,1.0,100.0",
    ]


def test_a_curve_that_another_program_saved_anew_loses_no_row(folder: RunFolder) -> None:
    folder.record(a_step(1, 64, 0.5))
    folder.flush()
    content = (folder.path / "metrics.csv").read_bytes()
    write_whole(folder.path / "metrics.csv", content)  # as an editor does it
    folder.record(a_step(2, 128, 1.0))
    folder.close()
    assert read_metrics(folder.path)["step"].tolist() == [1, 2]


def test_samples_come_back_once_whatever_is_in_them(folder: RunFolder, bpe: Tokenizer) -> None:
    texts = ['a "b"\n', "\u2028 \x85 \x1c é \U0001f600", ""]
    for step, text in enumerate(texts):
        folder.record(Sampled(step, text))
    folder.close()
    samples = tuple(Sampled(step, text) for step, text in enumerate(texts))
    assert read_samples(folder.path, 2) == samples
    resumed = RunFolder.resume(folder.path, 1, bpe)
    resumed.record(Sampled(1, texts[1]))  # done again: the run was stopped in it
    resumed.record(Sampled(2, texts[2]))
    resumed.close()
    assert read_samples(folder.path, 2) == samples


def test_a_run_that_goes_on_by_another_recipe_says_so(
    folder: RunFolder, recipe: Recipe, bpe: Tokenizer
) -> None:
    folder.close()
    longer = replace(recipe, steps=50)
    RunFolder.resume(folder.path, 0, bpe, longer).close()
    assert read_recipe(folder.path) == longer
    assert read_run(folder.path)["data"]["sha256"] == "12ab"


def test_a_line_that_is_still_being_written_is_left_out(folder: RunFolder) -> None:
    folder.record(a_step(1, 1, 0.1))
    folder.close()
    with (folder.path / "metrics.csv").open("a") as file:
        file.write("2,2,0.")
    assert read_metrics(folder.path)["step"].tolist() == [1]


def test_damaged_metrics_say_so(folder: RunFolder) -> None:
    folder.close()
    for content in ("", "step,tokens\n1\n", "step,tokens\none,two\n"):
        (folder.path / "metrics.csv").write_text(content)
        with pytest.raises(RunError, match=r"metrics\.csv is damaged"):
            read_metrics(folder.path)
    (folder.path / "metrics.csv").unlink()
    with pytest.raises(RunError, match="no readable"):
        read_metrics(folder.path)


def test_nothing_is_ever_overwritten(folder: RunFolder, recipe: Recipe, tmp_path: Path) -> None:
    folder.close()
    tokenizer = Tokenizer.train_char("abc")
    with pytest.raises(RunError, match="holds a run already"):
        RunFolder.create(folder.path, recipe, tokenizer, {})
    other = tmp_path / "letters"
    other.mkdir()
    (other / "dear.txt").write_text("Dear")
    for taken in (other, other / "dear.txt"):
        with pytest.raises(RunError, match="exists and is not empty"):
            RunFolder.create(taken, recipe, tokenizer, {})
    assert (other / "dear.txt").read_text() == "Dear"


def test_a_taken_name_gets_a_number(tmp_path: Path) -> None:
    assert unique_run_dir(tmp_path, "minute") == tmp_path / "minute"
    (tmp_path / "minute").mkdir()
    (tmp_path / "minute-2").mkdir()
    assert unique_run_dir(tmp_path, "minute") == tmp_path / "minute-3"


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("a/b", "a-b"),
        ("../up", "up"),
        ("", "run"),
        ("...", "run"),
        ('q: "x"?', "q- -x"),
        ("two\nlines\0", "two-lines"),
        ("half \ud83d", "half"),
        ("ends. ", "ends"),
        ("CON", "run-CON"),
        ("nul.txt", "run-nul.txt"),
        ("com1", "run-com1"),
        ("console", "console"),
        ("x" * 4000, "x" * 120),
        ("ü" * 4000, "ü" * 60),
    ],
)
def test_a_name_that_a_file_system_may_refuse_becomes_one_that_it_takes(
    tmp_path: Path, name: str, safe: str
) -> None:
    assert unique_run_dir(tmp_path, name) == tmp_path / safe
    (tmp_path / safe).mkdir()
    again = unique_run_dir(tmp_path, name)
    assert again == tmp_path / f"{safe}-2"
    again.with_name(f".{again.name}.0123abcd.part").mkdir()


@pytest.mark.parametrize("place", ["a file", "too long", "a file's child", "zero"])
def test_a_place_that_cannot_hold_a_run_is_said_to_be_so(
    recipe: Recipe, tmp_path: Path, place: str
) -> None:
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    base = {
        "a file": tmp_path / "file",
        "too long": tmp_path / ("x" * 400),
        "a file's child": tmp_path / "file" / "runs",
        "zero": tmp_path / "a\0b",
    }[place]
    run = unique_run_dir(base, "mine")
    with pytest.raises(RunError, match=r"can't be made: .*\. Choose another place for it"):
        list(train(recipe, run))
    assert (tmp_path / "file").read_text(encoding="utf-8") == "mine"
    with pytest.raises(RunError):
        read_run(run)
    assert snapshots(run) == []


def test_snapshots_are_in_order_of_steps(tmp_path: Path) -> None:
    for name in ("step-000020", "step-000003", "step-1000000", ".step-000030.part", "notes"):
        (tmp_path / "snapshots" / name).mkdir(parents=True)
    assert [step for step, _ in snapshots(tmp_path)] == [3, 20, 1000000]
    assert snapshots(tmp_path / "nothing") == []


def test_a_folder_that_is_no_run_says_so(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"holds no run: it has no run\.toml"):
        read_recipe(tmp_path)
    (tmp_path / "run.toml").write_text("[recipe\n")
    with pytest.raises(RunError, match="can't be read"):
        read_recipe(tmp_path)
    (tmp_path / "run.toml").write_text("[recipe]\nlayers = 3\n")
    with pytest.raises(RunError, match="no usable recipe: A recipe has no 'layers'"):
        read_recipe(tmp_path)


def test_a_copy_is_a_run_of_its_own(folder: RunFolder, recipe: Recipe, tmp_path: Path) -> None:
    folder.close()
    target = tmp_path / "kept" / "copy"
    copy_run(folder.path, target)
    assert read_recipe(target) == recipe
    assert [path.name for path in target.parent.iterdir()] == ["copy"]
    with pytest.raises(RunError, match="holds a run already"):
        copy_run(folder.path, target)


ON_LINUX = pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a full device")


class Full(FileIO):
    """A disk without room."""

    def write(self, content: Any) -> int:
        raise OSError(28, "No space left on device")


def test_a_disk_that_is_full_for_a_while_costs_no_row(
    folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("model.train.run_writing.FLUSH_SECONDS", 0.0)
    with Full(folder.path / "metrics.csv", "a+") as full:
        on_disk, folder._rows._file = folder._rows._file, full
        for step in range(1, 4):
            folder.record(a_step(step, 64 * step, 0.1 * step))
        with pytest.raises(RunError, match=r"curve in .* can't be written: No space left"):
            folder.flush()
        folder._rows._file = on_disk
    folder.record(a_step(4, 256, 0.4))
    folder.close()
    assert read_metrics(folder.path)["step"].tolist() == [1, 2, 3, 4]


class Narrow(FileIO):
    """Takes ten bytes at a time, as a disk does that has room for no more."""

    def write(self, content: Any) -> int:
        return super().write(bytes(content)[:10])


def test_a_row_that_is_written_in_parts_is_whole(folder: RunFolder) -> None:
    folder._rows._file.close()
    folder._rows._file = Narrow(folder.path / "metrics.csv", "a+")
    for step in range(1, 4):
        folder.record(a_step(step, 64 * step, 0.1 * step))
    folder.close()
    assert read_metrics(folder.path)["step"].tolist() == [1, 2, 3]


def test_a_folder_that_is_removed_while_it_trains_is_made_again(
    folder: RunFolder, recipe: Recipe
) -> None:
    folder.record(a_step(1, 64, 0.1))
    folder.flush()
    shutil.rmtree(folder.path)
    folder.record(a_step(2, 128, 0.2))
    folder.close()
    assert read_metrics(folder.path)["step"].tolist() == [1, 2]
    assert read_recipe(folder.path) == recipe
    assert Tokenizer.from_folder(folder.path).encode("abc").ids == [1, 2, 3]


@pytest.mark.parametrize("there", [False, True])
def test_a_folder_that_cannot_be_filled_is_left_as_it_was(
    there: bool, recipe: Recipe, tmp_path: Path
) -> None:
    if there:
        (tmp_path / "run").mkdir()
    with room_for(64), pytest.raises(RunError, match=rf"{FULL}\. Choose another place"):
        RunFolder.create(tmp_path / "run", recipe, Tokenizer.train_char("abc"), {})
    assert (tmp_path / "run").exists() == there
    assert not list((tmp_path / "run").glob("*"))


def state(step: int, size: int = 3) -> TrainingState:
    return TrainingState(step, 1.5, None, {"w": torch.full((size,), float(step))}, {"state": {}})


def test_a_state_comes_back(tmp_path: Path) -> None:
    save_state(tmp_path, state(7))
    loaded = load_state(tmp_path, "cpu")
    assert (loaded.step, loaded.seconds, loaded.val_loss) == (7, 1.5, None)
    assert loaded.transformer["w"].tolist() == [7.0] * 3


@ON_LINUX
@pytest.mark.parametrize("size", [3, 1_000_000])
def test_a_state_that_cannot_be_written_leaves_the_older_one_and_says_why(
    tmp_path: Path, size: int
) -> None:
    save_state(tmp_path, state(1))
    (tmp_path / "state" / ".training.pt.part").symlink_to("/dev/full")
    with pytest.raises(RunError, match="can't be written: No space left on device"):
        save_state(tmp_path, state(2, size))
    assert load_state(tmp_path, "cpu").step == 1
    assert [path.name for path in (tmp_path / "state").iterdir()] == ["training.pt"]


class FullOnce(FileIO):
    """A disk that has room again after it had none for one write."""

    full = True

    def write(self, content: Any) -> int:
        if self.full and self.tell() + len(content) > 1000:
            self.full = False
            raise OSError(28, "No space left on device")
        return super().write(content)


def test_a_disk_that_was_full_for_one_write_is_the_reason_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_state(tmp_path, state(1))
    monkeypatch.setattr(Path, "open", lambda path, mode: BufferedWriter(FullOnce(path, mode)))
    with pytest.raises(RunError, match="can't be written: No space left on device"):
        save_state(tmp_path, state(2, 1_000_000))
    monkeypatch.undo()
    assert load_state(tmp_path, "cpu").step == 1


def test_a_damaged_or_missing_state_says_so(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no saved state"):
        load_state(tmp_path, "cpu")
    (tmp_path / "state").mkdir()
    for content in (b"", b"not a state", b"PK\x03\x04 half a zip"):
        (tmp_path / "state" / "training.pt").write_bytes(content)
        with pytest.raises(RunError, match=r"is damaged, .* snapshots can be opened"):
            load_state(tmp_path, "cpu")


def test_a_state_never_runs_code(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    torch.save({"step": Path("/tmp")}, tmp_path / "state" / "training.pt")
    with pytest.raises(RunError, match="is damaged"):
        load_state(tmp_path, "cpu")


def test_a_copy_that_finds_no_room_says_so_and_leaves_nothing(
    folder: RunFolder, tmp_path: Path
) -> None:
    folder.close()
    (folder.path / "large.bin").write_bytes(b"x" * 10_000)
    target = tmp_path / "kept" / "copy"
    with room_for(4096), pytest.raises(RunError) as refused:
        copy_run(folder.path, target)
    assert str(refused.value) == f"{target} can't be written: {FULL}."
    assert list(target.parent.iterdir()) == []


def test_a_copy_into_a_linked_folder_leaves_the_link(folder: RunFolder, tmp_path: Path) -> None:
    folder.close()
    (tmp_path / "larger").mkdir()
    (tmp_path / "copy").symlink_to("larger")
    copy_run(folder.path, tmp_path / "copy")
    assert (tmp_path / "copy").is_symlink()
    assert (tmp_path / "larger" / "run.toml").is_file()

"""What a run folder tells of its run, whatever has become of it."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from model.slices import finish
from model.train.events import Sampled, StepDone
from model.train.loop import train
from model.train.recipe import Recipe
from model.train.record import RunRecord, reading_record, run_dir_of
from model.train.run_folder import METRICS_FILE, RunError
from model.train.samples import SAMPLES_FILE, read_samples, sample_line


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {}


@pytest.fixture
def run(
    recipe: Recipe, made: dict[str, Path], tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
) -> Path:
    """A copy of a finished run."""
    if "run" not in made:
        made["run"] = tmp_path_factory.mktemp("runs") / "run"
        for _ in train(recipe, made["run"]):
            pass
    return Path(shutil.copytree(made["run"], tmp_path / "run"))


def record_of(run: Path) -> RunRecord:
    return finish(reading_record(run))


def rewrite(run: Path, lines: Iterable[str]) -> None:
    (run / METRICS_FILE).write_text("".join(f"{line}\n" for line in lines))


def rows(run: Path) -> list[str]:
    return (run / METRICS_FILE).read_text().splitlines()


def test_a_run_is_found_from_all_that_lies_in_it(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshot = run / "snapshots" / "step-000010"
    inside = (run, run / "run.toml", run / "snapshots", snapshot, snapshot / "model.safetensors")
    for path in inside:
        assert run_dir_of(path) == run, path
    assert run_dir_of(run / "saved" / "model") is None
    assert run_dir_of(run.parent) is None
    monkeypatch.chdir(run.parent)
    assert run_dir_of(Path("run")) == run


def test_of_a_row_that_is_being_written_the_ones_before_are_there(run: Path) -> None:
    with (run / METRICS_FILE).open("a") as file:
        file.write("21,1")
    assert record_of(run).step == 20


@pytest.mark.parametrize("bad", ["7,8", "x,1,1,1,1,1,1,1", "inf,1,1,1,1,1,1,1", "\0"])
def test_a_damaged_curve_is_shown_up_to_there(run: Path, bad: str) -> None:
    header, *lines = rows(run)
    good = [line for line in lines if int(line.partition(",")[0]) <= 7]
    rewrite(run, [header, *good, bad])
    record = record_of(run)
    assert record.step == 7
    assert "damaged" in record.problem
    assert record.recipe.steps == 20


@pytest.mark.parametrize("content", [None, "", "\xff"])
def test_without_a_curve_there_is_still_a_recipe(run: Path, content: str | None) -> None:
    (run / METRICS_FILE).unlink()
    if content is not None:
        (run / METRICS_FILE).write_bytes(content.encode("latin-1"))
    record = record_of(run)
    assert record.steps == ()
    assert record.recipe.n_layers == 1
    assert record.problem


def test_a_column_that_an_older_version_did_not_keep_is_no_number(run: Path) -> None:
    header, *lines = rows(run)
    at = header.split(",").index("grad_norm")
    without = [",".join(v for i, v in enumerate(line.split(",")) if i != at) for line in lines]
    rewrite(run, [header.replace(",grad_norm", ""), *without])
    step = record_of(run).steps[-1]
    assert math.isnan(step.grad_norm)
    assert step.step == 20


def test_bits_per_byte_of_an_older_run_are_not_known(run: Path) -> None:
    toml = run / "run.toml"
    lines = [li for li in toml.read_text().splitlines() if "val_tokens_per_byte" not in li]
    toml.write_text("\n".join(lines))
    assert math.isnan(record_of(run).evaluations[-1].bits_per_byte)


def test_a_recipe_that_is_none_is_a_sentence(run: Path) -> None:
    (run / "run.toml").write_text("[recipe]\nlayers = 3\n")
    with pytest.raises(RunError, match="layers"):
        record_of(run)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"steps": 20}, "All 20 steps are done."),
        ({"steps": 30, "max_seconds": 1e-6}, "seconds are over"),
        ({"steps": 30, "target_val_loss": 90.0}, "is reached"),
    ],
)
def test_a_run_that_has_nothing_left_to_do_says_so(
    run: Path, changes: dict[str, float], says: str
) -> None:
    toml = run / "run.toml"
    recipe = replace(record_of(run).recipe, **changes)  # type: ignore[arg-type]
    toml.write_text(f"[recipe]\n{recipe.to_toml()}\n")
    record = record_of(run)
    assert says in record.ending
    assert not record.can_resume


def test_a_run_with_steps_left_and_a_state_can_go_on(run: Path) -> None:
    toml = run / "run.toml"
    recipe = replace(record_of(run).recipe, steps=30)
    toml.write_text(f"[recipe]\n{recipe.to_toml()}\n")
    assert record_of(run).can_resume
    assert record_of(run).ending == "Ended at step 20 of 30."
    shutil.rmtree(run / "state")
    assert not record_of(run).can_resume


# ------------------------------------------------------------------------------------- samples


def keep_sample(run_dir: Path, sample: Sampled) -> None:
    with (run_dir / SAMPLES_FILE).open("a", encoding="ascii") as file:
        file.write(f"{sample_line(sample)}\n")


def test_samples_come_back_letter_by_letter(tmp_path: Path) -> None:
    texts = ("The king\n“said”", "\ud800 \x00 שלום", "")
    for n, text in enumerate(texts, start=1):
        keep_sample(tmp_path, Sampled(n, text))
    assert [sample.text for sample in read_samples(tmp_path, 3)] == list(texts)


def test_what_a_kill_has_undone_is_no_sample_and_what_is_written_again_counts_once(
    tmp_path: Path,
) -> None:
    for step, text in ((10, "a"), (20, "b"), (10, "c")):
        keep_sample(tmp_path, Sampled(step, text))
    assert read_samples(tmp_path, 15) == (Sampled(10, "c"),)


def test_lines_that_are_no_samples_are_passed_over(tmp_path: Path) -> None:
    bad = [b"", b"{", b"[1]", b'{"step": "x", "text": 1}', b"\xff", b'{"step": true}', b"[" * 9999]
    good = json.dumps({"step": 1, "text": "x"}).encode()
    (tmp_path / SAMPLES_FILE).write_bytes(b"\n".join([*bad, good, b'{"step": 2, "te']))
    assert read_samples(tmp_path, 9) == (Sampled(1, "x"),)


def test_where_there_is_no_file_there_are_no_samples(tmp_path: Path) -> None:
    assert read_samples(tmp_path / "gone", 9) == ()
    (tmp_path / SAMPLES_FILE).mkdir()
    assert read_samples(tmp_path, 9) == ()


def test_a_long_curve_is_read_in_slices(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("model.train.record.ROWS_PER_SLICE", 5)
    assert len(list(reading_record(run))) == 4
    assert all(isinstance(step, StepDone) for step in record_of(run).steps)

"""What comes to a run folder that somebody else writes, however much of it has arrived."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from model.slices import finish
from model.train.growing import Mark, RunNews, news_of
from model.train.loop import train
from model.train.recipe import Recipe
from model.train.record import reading_record
from model.train.run_folder import METRICS_FILE
from model.train.samples import SAMPLES_FILE
from model.train.whole_snapshot import is_whole


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {}


@pytest.fixture
def whole(recipe: Recipe, made: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of 20 steps."""
    if "run" not in made:
        made["run"] = tmp_path_factory.mktemp("runs") / "run"
        list(train(recipe, made["run"]))
    return made["run"]


@pytest.fixture
def copy(whole: Path, tmp_path: Path) -> Path:
    """A folder to which that run is synchronised: as yet it has no rows."""
    copy = tmp_path / "copy"
    copy.mkdir()
    shutil.copy(whole / "run.toml", copy)
    return copy


def arrives(whole: Path, copy: Path, n_bytes: int) -> None:
    """So much of the curve is there now."""
    (copy / METRICS_FILE).write_bytes((whole / METRICS_FILE).read_bytes()[:n_bytes])


class Reader:
    """Looks again and again, and keeps all that came."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.mark = Mark()
        self.events: dict[str, list[object]] = {
            kind: [] for kind in ("steps", "evaluations", "samples", "snapshots")
        }

    def look(self) -> RunNews:
        news = news_of(self.path, self.mark)
        self.mark = news.mark
        for kind, events in self.events.items():
            events += getattr(news, kind)
        return news


def test_byte_by_byte_every_row_comes_once_and_none_is_lost(whole: Path, copy: Path) -> None:
    record = finish(reading_record(whole))
    reader = Reader(copy)
    size = (whole / METRICS_FILE).stat().st_size
    for n in (*range(0, size, 7), size):
        arrives(whole, copy, n)
        news = reader.look()
        assert not news.anew, n
        assert not news.problem, n
    assert reader.events["steps"] == list(record.steps)
    assert reader.events["evaluations"] == list(record.evaluations)
    assert news.done == "All 20 steps are done."


def test_a_row_that_is_completed_by_its_validation_tells_of_that_only(
    whole: Path, copy: Path
) -> None:
    header, *rows = (whole / METRICS_FILE).read_text().splitlines()
    at = header.split(",").index("val_loss")
    row = next(row for row in rows if row.startswith("5,"))
    cells = row.split(",")
    assert cells[at]
    bare = ",".join("" if i == at else cell for i, cell in enumerate(cells))
    reader = Reader(copy)
    for content in ([*rows[:5], bare], [*rows[:5], row], [*rows[:6], rows[6]]):
        (copy / METRICS_FILE).write_text("".join(f"{line}\n" for line in (header, *content)))
        news = reader.look()
        assert not news.anew
    record = finish(reading_record(whole)).until(6)
    assert reader.events["steps"] == list(record.steps)
    assert reader.events["evaluations"] == list(record.evaluations)


def test_only_new_bytes_are_read(whole: Path, copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = Reader(copy)
    arrives(whole, copy, 900)
    reader.look()
    known = reader.mark.offset - len(reader.mark.before)
    assert 900 - 2 * 150 < reader.mark.offset < 900
    raw = bytearray((whole / METRICS_FILE).read_bytes())
    raw[:known] = b"x" * known  # what nobody reads again
    (copy / METRICS_FILE).write_bytes(raw)
    news = reader.look()
    assert not news.anew
    assert news.steps[-1].step == 20


def test_a_curve_longer_than_one_look_comes_in_several(
    whole: Path, copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("model.train.growing.MOST_BYTES", 400)
    arrives(whole, copy, 1 << 20)
    reader = Reader(copy)
    looks = 1
    while reader.look().more:
        looks += 1
    assert looks > 3
    assert [getattr(step, "step", 0) for step in reader.events["steps"]] == [*range(1, 21)]


def test_a_run_that_was_taken_up_from_an_earlier_step_is_another_curve(
    whole: Path, copy: Path
) -> None:
    lines = (whole / METRICS_FILE).read_text().splitlines(keepends=True)
    reader = Reader(copy)
    (copy / METRICS_FILE).write_text("".join(lines))
    reader.look()
    for shorter in (lines[:8], lines[:8] + [line.replace(".", ".1") for line in lines[8:]], []):
        (copy / METRICS_FILE).write_text("".join(shorter))
        news = reader.look()
        assert news.anew, "it says so as long as nobody reads it again"
        assert not news.is_something


def test_what_is_not_there_yet_is_waited_for(whole: Path, copy: Path) -> None:
    reader = Reader(copy)
    assert METRICS_FILE in reader.look().problem or "can't be read" in reader.look().problem
    raw = (whole / METRICS_FILE).read_bytes()
    third = raw.index(b"\n3,") + 1
    fifth = raw.index(b"\n5,") + 1
    # As a file system gives a file whose middle has not come: zeros.
    (copy / METRICS_FILE).write_bytes(raw[:third] + bytes(fifth - third - 1) + b"\n" + raw[fifth:])
    news = reader.look()
    assert "can't be read yet" in news.problem
    assert [step.step for step in news.steps] == [1, 2]
    (copy / METRICS_FILE).write_bytes(raw)
    news = reader.look()
    assert not news.problem
    assert news.steps[0].step == 3
    shutil.move(copy, copy.with_name("away"))
    assert reader.look().problem


def test_a_snapshot_counts_once_it_is_whole(whole: Path, copy: Path) -> None:
    arrives(whole, copy, 1 << 20)
    reader = Reader(copy)
    source = whole / "snapshots/step-000010"
    target = copy / "snapshots/step-000010"
    target.mkdir(parents=True)
    weights = (source / "model.safetensors").read_bytes()
    for part in (b"", weights[:7], weights[:3000], weights[:-1]):
        (target / "model.safetensors").write_bytes(part)
        assert not reader.look().snapshots
        assert not finish(reading_record(copy)).snapshots
    (target / "model.safetensors").write_bytes(weights)
    assert not reader.look().snapshots, "without its config"
    shutil.copy(source / "config.json", target)
    assert [snapshot.step for snapshot in reader.look().snapshots] == [10]
    assert not reader.look().snapshots
    assert is_whole(source)


def test_samples_come_with_the_steps_at_which_they_were_written(whole: Path, copy: Path) -> None:
    reader = Reader(copy)
    shutil.copy(whole / SAMPLES_FILE, copy)
    arrives(whole, copy, (whole / METRICS_FILE).read_bytes().index(b"\n13,") + 1)
    assert [sample.step for sample in reader.look().samples] == [10]
    arrives(whole, copy, 1 << 20)
    assert [sample.step for sample in reader.look().samples] == [20]


def test_a_run_that_ends_by_its_loss_says_so(whole: Path, copy: Path, recipe: Recipe) -> None:
    ends = replace(recipe, steps=99, target_val_loss=90.0)
    (copy / "run.toml").write_text(f"[recipe]\n{ends.to_toml()}")
    arrives(whole, copy, 1 << 20)
    assert "is reached" in Reader(copy).look().done

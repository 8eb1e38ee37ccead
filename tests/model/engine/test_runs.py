"""A run beside the opened model; a run folder read back, gone on with, and begun anew from."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from model import messages as m
from model.engine import Engine
from model.train import PRESETS, Recipe, read_metrics
from model.train.events import Evaluated, Sampled, StepDone
from resources import STORY_WORLD

TINY = replace(
    PRESETS["tiny"],
    steps=20,
    eval_every=5,
    eval_batches=2,
    sample_every=10,
    sample_tokens=8,
    snapshot_every=10,
    data_tokens=4_000,
)


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    monkeypatch.setattr("model.engine.opening.AT_ONCE_SECONDS", 600.0)
    engine = Engine("cpu", threads=1)
    list(engine.start())
    ask(engine, m.OpenModel(path=str(STORY_WORLD)))
    yield engine
    list(engine.close())


def drive(engine: Engine) -> list[m.Result]:
    results: list[m.Result] = []
    while engine.busy:
        results += engine.advance()
    return results


def ask(engine: Engine, request: m.Request) -> list[m.Result]:
    return [*engine.handle(request), *drive(engine)]


def trained(engine: Engine, folder: Path, recipe: Recipe = TINY) -> list[m.Result]:
    results = ask(engine, m.StartTraining(recipe=recipe, run_dir=str(folder)))
    assert not [r for r in results if isinstance(r, m.Failed)]
    return results


def stopped(engine: Engine, folder: Path, at: int, recipe: Recipe = TINY) -> list[m.Result]:
    """A run that is stopped once it has done so many steps."""
    results = list(engine.handle(m.StartTraining(recipe=recipe, run_dir=str(folder))))
    while engine.place.run is None or engine.place.run.training.step < at:
        results += engine.advance()
    return [*results, *ask(engine, m.ControlTraining(action="stop"))]


def events(results: list[m.Result]) -> list[object]:
    return [e for r in results if isinstance(r, m.TrainingProgressed) for e in r.events]


def only(results: list[m.Result], kind: type[m.Result]) -> m.Result:
    (found,) = [result for result in results if isinstance(result, kind)]
    return found


# ----------------------------------------------------------------------------- two models


def test_a_run_takes_no_models_place_and_one_request_changes_between_both(
    engine: Engine, tmp_path: Path
) -> None:
    opened = engine.place.info
    network = engine.place.lm.transformer
    results = trained(engine, tmp_path / "run")
    ended = only(results, m.TrainingEnded)
    assert isinstance(ended, m.TrainingEnded)
    assert engine.place.info == ended.info, "who starts a run sees it"
    shutil.rmtree(tmp_path / "run")
    for follow, info in ((False, opened), (True, ended.info), (False, opened)):
        shown = only(ask(engine, m.FollowTraining(follow=follow)), m.ModelOpened)
        assert isinstance(shown, m.ModelOpened)
        assert shown.info == engine.place.info == info
    assert engine.place.lm.transformer is network, "not read again"


def test_a_model_that_is_opened_stands_beside_the_last_run(engine: Engine, tmp_path: Path) -> None:
    trained(engine, tmp_path / "run")
    run = engine.place.info
    ask(engine, m.OpenModel(path=str(STORY_WORLD)))
    assert engine.place.info.name == "story-world"
    ask(engine, m.FollowTraining(follow=True))
    assert engine.place.info == run
    assert len(engine.place.models) == 2


def test_the_next_run_takes_the_place_of_the_last(engine: Engine, tmp_path: Path) -> None:
    trained(engine, tmp_path / "a")
    first = engine.place.model_id
    trained(engine, tmp_path / "b")
    assert first not in engine.place.models
    assert len(engine.place.models) == 2
    results = ask(engine, m.StartTraining(recipe=TINY, run_dir=str(tmp_path / "c"), follow=False))
    shown = only(results, m.ModelOpened)
    assert isinstance(shown, m.ModelOpened)
    assert shown.info.name == "story-world", "what was in view is gone"


def test_a_run_that_is_paused_is_seen_where_it_stands(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(engine, m.ReadPrompt(text="the king"))
    monkeypatch.setattr("model.engine.training.LIVE_SECONDS", 600.0)
    list(engine.handle(m.StartTraining(recipe=TINY, run_dir=str(tmp_path / "run"))))
    while engine.place.run is None or engine.place.run.training.step < 7:
        list(engine.advance())
    results = list(engine.handle(m.ControlTraining(action="pause")))
    while not engine.place.run.paused:
        results += engine.advance()
    results += drive(engine)
    read = [result for result in results if isinstance(result, m.PromptRead)]
    assert [one.subject.step for one in read] == [engine.place.run.training.step]
    list(engine.handle(m.ControlTraining(action="stop")))
    drive(engine)


def test_a_run_that_gets_ready_leaves_the_last_ones_model_out_of_view(
    engine: Engine, tmp_path: Path
) -> None:
    trained(engine, tmp_path / "a")
    ask(engine, m.FollowTraining(follow=False))
    list(engine.handle(m.StartTraining(recipe=TINY, run_dir=str(tmp_path / "b"))))
    assert engine.place.info.name == "story-world"
    drive(engine)
    assert engine.place.info.path == str(tmp_path / "b")


def test_what_a_person_opens_while_a_run_gets_ready_stays_in_view(
    engine: Engine, tmp_path: Path
) -> None:
    list(engine.handle(m.StartTraining(recipe=TINY, run_dir=str(tmp_path / "a"))))
    list(engine.handle(m.OpenModel(path=str(STORY_WORLD))))
    started = only(drive(engine), m.TrainingStarted)
    assert isinstance(started, m.TrainingStarted)
    assert not started.follow
    assert engine.place.info.name == "story-world"


# -------------------------------------------------------------------------- whole paths, and gone


def test_a_relative_path_is_remembered_as_a_whole_one(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    results = trained(engine, Path("runs/minute"))
    started = only(results, m.TrainingStarted)
    assert isinstance(started, m.TrainingStarted)
    assert started.run_dir == started.info.place == str(tmp_path / "runs/minute")
    opened = only(ask(engine, m.OpenModel(path="runs/minute")), m.ModelOpened)
    assert isinstance(opened, m.ModelOpened)
    assert opened.info.place == opened.info.run_dir == str(tmp_path / "runs/minute")
    assert Path(opened.info.path).is_absolute()


def test_a_remembered_path_that_is_gone_says_so_and_nothing_is_fetched(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fetching(name: str) -> None:
        raise AssertionError(f"{name} was asked for")

    monkeypatch.setattr("model.hub.fetching", fetching)
    gone = str(tmp_path / "runs" / "minute")
    failed = only(ask(engine, m.OpenModel(path=gone, remembered=True)), m.Failed)
    assert isinstance(failed, m.Failed)
    assert failed.message.startswith(f"{gone} is no longer there.")
    looked = only(ask(engine, m.PreviewModel(path=gone, remembered=True)), m.ModelPreviewed)
    assert isinstance(looked, m.ModelPreviewed)
    assert looked.preview.problem is not None
    assert "no longer there" in looked.preview.problem


# ------------------------------------------------------------------------- what a folder tells


def test_a_run_folder_tells_what_the_run_told(engine: Engine, tmp_path: Path) -> None:
    told = events(trained(engine, tmp_path / "run"))
    read = only(ask(engine, m.ReadRun(path=str(tmp_path / "run"))), m.RunRead)
    assert isinstance(read, m.RunRead)
    record = read.record
    assert record is not None
    assert record.recipe == TINY
    assert list(record.steps) == [e for e in told if isinstance(e, StepDone)]
    assert list(record.samples) == [e for e in told if isinstance(e, Sampled)]
    assert [s.step for s in record.snapshots] == [0, 10, 20]
    evaluated = [e for e in told if isinstance(e, Evaluated)]
    assert [e.step for e in record.evaluations] == [e.step for e in evaluated]
    for mine, its in zip(record.evaluations, evaluated):
        assert mine.val_loss == its.val_loss
        assert mine.bits_per_byte == pytest.approx(its.bits_per_byte)
    assert not record.can_resume
    assert record.ending == "All 20 steps are done."


def test_what_is_no_run_says_so(engine: Engine, tmp_path: Path) -> None:
    read = only(ask(engine, m.ReadRun(path=str(tmp_path))), m.RunRead)
    assert isinstance(read, m.RunRead)
    assert read.record is None
    assert "no run" in read.problem


# --------------------------------------------------------------------- going on, beginning anew


def test_a_run_goes_on_with_its_curve_and_ends_as_one_that_was_not_stopped(
    engine: Engine, tmp_path: Path
) -> None:
    trained(engine, tmp_path / "whole")
    stopped(engine, tmp_path / "run", at=7)
    results = ask(engine, m.StartTraining(recipe=TINY, run_dir=str(tmp_path / "run"), resume=True))
    started = only(results, m.TrainingStarted)
    assert isinstance(started, m.TrainingStarted)
    assert started.before is not None
    n = started.before.step
    assert n >= 7
    assert [e.step for e in events(results) if isinstance(e, StepDone)] == [*range(n + 1, 21)]
    losses = [read_metrics(tmp_path / name)["train_loss"] for name in ("whole", "run")]
    assert [x for x in losses[0] if x == x] == [x for x in losses[1] if x == x]


def test_a_run_that_can_not_go_on_says_why_and_the_opened_model_stays(
    engine: Engine, tmp_path: Path
) -> None:
    stopped(engine, tmp_path / "run", at=3)
    ask(engine, m.FollowTraining(follow=False))
    shutil.rmtree(tmp_path / "run" / "state")
    request = m.StartTraining(recipe=TINY, run_dir=str(tmp_path / "run"), resume=True)
    failed = only(ask(engine, request), m.Failed)
    assert isinstance(failed, m.Failed)
    assert "state" in failed.message
    assert engine.place.info.name == "story-world"
    assert engine.place.run is None


def test_a_new_run_begins_with_the_weights_of_a_snapshot(engine: Engine, tmp_path: Path) -> None:
    trained(engine, tmp_path / "run")
    learned = engine.place.lm.transformer.embed.weight.clone()
    recipe = replace(
        TINY,
        weights=str(tmp_path / "run/snapshots/step-000020"),
        tokenizer=str(tmp_path / "run"),
        lr=1e-9,
        min_lr=0.0,
        weight_decay=0.0,
    )
    results = trained(engine, tmp_path / "again", recipe)
    torch.testing.assert_close(engine.place.lm.transformer.embed.weight, learned)
    first = next(e for e in events(results) if isinstance(e, Evaluated))
    old = read_metrics(tmp_path / "run")["val_loss"]
    assert first.val_loss == pytest.approx(old[~(old != old)][-1], rel=1e-5)
    assert 'weights = "' in (tmp_path / "again" / "run.toml").read_text(), "it says so"


def test_weights_of_another_network_are_refused_in_a_sentence(
    engine: Engine, tmp_path: Path
) -> None:
    recipe = replace(TINY, weights=str(STORY_WORLD))
    request = m.StartTraining(recipe=recipe, run_dir=str(tmp_path / "run"))
    failed = only(ask(engine, request), m.Failed)
    assert isinstance(failed, m.Failed)
    assert "sizes and vocabulary" in failed.message
    assert not (tmp_path / "run").exists()

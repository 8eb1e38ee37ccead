"""A queue of sizes in the worker: beside questions, never beside a run, steered within a step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import pytest

from model import messages as m
from model.engine import Engine
from model.slices import finish
from model.train import PRESETS
from model.train.scaling.fit import fit_law
from model.train.scaling.folder import begin, reading_queue
from model.train.scaling.plan import ScalingPlan

R = TypeVar("R", bound=m.Result)


@pytest.fixture
def plan(text_file: Path) -> ScalingPlan:
    shared = replace(
        ScalingPlan().recipe, data=str(text_file), n_ctx=8, batch_size=2, eval_batches=2
    )
    return ScalingPlan(widths=(4, 8, 12, 16, 20), d_head=4, tokens=(16 * 24,), recipe=shared)


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    monkeypatch.setattr("model.engine.scaling.TELL_SECONDS", 0.0)
    monkeypatch.setattr("model.engine.scaling.TELL_SHARE", 1e9)
    engine = Engine("cpu", threads=1)
    list(engine.start())
    yield engine
    list(engine.close())


def all_of(engine: Engine) -> list[m.Result]:
    results: list[m.Result] = []
    while engine.busy:
        results += engine.advance()
    return results


def only(results: list[m.Result], kind: type[R]) -> list[R]:
    return [result for result in results if isinstance(result, kind)]


def until_step(engine: Engine, width: int, step: int) -> m.QueueProgressed:
    while True:
        for result in engine.advance():
            size = result.size if isinstance(result, m.QueueProgressed) else None
            if size is not None and (size.width, size.step) == (width, step):
                assert isinstance(result, m.QueueProgressed)
                return result


def test_a_queue_is_trained_and_told_as_its_folder_has_it(
    engine: Engine, plan: ScalingPlan, tmp_path: Path
) -> None:
    request = m.TrainQueue(folder=str(tmp_path / "queue"), plan=plan)
    results = [*engine.handle(request), *all_of(engine)]
    first, last = only(results, m.QueueRead)
    assert [size.state for size in first.record.sizes] == ["waiting"] * 5
    assert last.record.is_done
    told = [one.size for one in only(results, m.QueueProgressed) if one.size is not None]
    for size in last.record.sizes:
        steps = [one.step for one in told if one.width == size.width]
        assert set(steps) >= set(range(1, size.steps + 1)), "every step was told"
        newest = [one for one in told if one.width == size.width][-1]
        assert newest.train_loss_C == pytest.approx(size.train_loss_C)
        assert newest.val_loss == size.val_loss
    (ended,) = only(results, m.QueueEnded)
    assert not ended.stopped
    assert engine.place.queue is None
    assert not only(results, m.ModelOpened), "what is in view stays"


def test_one_training_at_a_time(engine: Engine, plan: ScalingPlan, tmp_path: Path) -> None:
    queue = m.TrainQueue(folder=str(tmp_path / "queue"), plan=plan)
    list(engine.handle(queue))
    recipe = replace(PRESETS["tiny"], steps=5, data_tokens=4_000)
    run = m.StartTraining(recipe=recipe, run_dir=str(tmp_path / "run"))
    (refused,) = only(list(engine.handle(run)), m.Failed)
    assert "A queue of sizes is trained" in refused.message
    (again,) = only(list(engine.handle(replace(queue, id=10**9))), m.Failed)
    assert "trained already" in again.message
    (timed,) = only(list(engine.handle(m.TimeQueue(plan=plan))), m.Failed)
    assert "would be timed too" in timed.message
    list(engine.handle(m.ControlQueue(action="stop")))
    assert only(all_of(engine), m.QueueEnded)[0].stopped
    list(engine.handle(replace(run, id=10**9 + 1)))
    (refused,) = only(list(engine.handle(m.TrainQueue(folder=queue.folder))), m.Failed)
    assert "One training at a time" in refused.message


def test_it_pauses_goes_on_and_stops_within_a_step(
    engine: Engine, plan: ScalingPlan, tmp_path: Path
) -> None:
    list(engine.handle(m.TrainQueue(folder=str(tmp_path / "queue"), plan=plan)))
    until_step(engine, 8, 5)
    (told,) = only(list(engine.handle(m.ControlQueue(action="pause"))), m.QueueProgressed)
    assert told.paused
    assert not engine.busy
    list(engine.handle(m.ControlQueue(action="resume")))
    assert until_step(engine, 8, 6).doing == "Width 8: step 6 of 24"
    list(engine.handle(m.ControlQueue(action="stop")))
    results = all_of(engine)
    (record,) = (one.record for one in only(results, m.QueueRead))
    assert [size.state for size in record.sizes[:3]] == ["done", "stopped", "waiting"]
    assert record.sizes[1].step <= 7
    list(engine.handle(m.TrainQueue(folder=str(tmp_path / "queue"))))
    resumed = until_step(engine, 8, record.sizes[1].step + 1)
    assert resumed.size is not None
    assert len(resumed.size.train_loss_C) == record.sizes[1].step + 1, "its curve is whole"


def test_closing_saves_a_paused_queue(engine: Engine, plan: ScalingPlan, tmp_path: Path) -> None:
    list(engine.handle(m.TrainQueue(folder=str(tmp_path / "queue"), plan=plan)))
    until_step(engine, 4, 7)
    list(engine.handle(m.ControlQueue(action="pause")))
    list(engine.close())
    record = finish(reading_queue(tmp_path / "queue"))
    assert record.writer == ""
    assert (record.sizes[0].state, record.sizes[0].step) == ("stopped", 7)


def test_a_folder_without_a_plan_is_refused(engine: Engine, tmp_path: Path) -> None:
    for request in (m.TrainQueue(folder=str(tmp_path)), m.ReadQueue(folder=str(tmp_path))):
        (refused,) = only(list(engine.handle(request)), m.Failed)
        assert "holds no queue of sizes" in refused.message
    assert engine.place.queue is None


def test_a_law_is_fitted_and_a_plan_timed(
    engine: Engine, plan: ScalingPlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("model.train.scaling.expected.PROBE_SECONDS", 0.0)
    N, D = (1e3, 3e3, 1e4, 3e4, 1e5), (1e6,) * 5
    loss = tuple(1 + 20 / n**0.3 for n in N)
    results = [*engine.handle(m.FitLaw(N=N, D=D, loss=loss)), *all_of(engine)]
    (fitted,) = only(results, m.LawFitted)
    again = finish(fit_law(N, D, loss))
    assert fitted.fit.alpha.value == again.alpha.value == pytest.approx(0.3, rel=1e-4)
    results = [*engine.handle(m.TimeQueue(plan=plan)), *all_of(engine)]
    (timed,) = only(results, m.QueueTimed)
    assert len(timed.expected.seconds) == 5
    assert len(only(results, m.Progress)) > 10


def test_reading_tells_of_a_queue_that_is_there(
    engine: Engine, plan: ScalingPlan, tmp_path: Path
) -> None:
    begin(tmp_path / "queue", plan)
    request = m.ReadQueue(folder=str(tmp_path / "queue"))
    (read,) = only([*engine.handle(request), *all_of(engine)], m.QueueRead)
    assert read.record.plan.widths == plan.widths
    assert read.record.folder == str(tmp_path / "queue")

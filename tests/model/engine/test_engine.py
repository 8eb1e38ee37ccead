"""The scheduler: slices by turns, cancelling, replacing, failing, ending. And what it shares."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from model import messages as m
from model.engine import Engine
from model.engine.handlers import HANDLERS
from model.engine.job import Job
from model.engine.workplace import Workplace
from model.probe.next_token.asks import NextToken
from model.subject import Subject
from model.train import PRESETS
from model.train.claim import Claim
from model.train.events import Finished
from resources import STORY_WORLD
from tests.samples.counting_job import (
    Count,
    CountAnew,
    Counted,
    CountToTheEnd,
    count,
    open_counts,
)


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """One that counts, too; it opens a model at once, on a machine that is busy as well."""
    monkeypatch.setattr("model.engine.opening.AT_ONCE_SECONDS", 600.0)
    for kind in (Count, CountAnew, CountToTheEnd):
        monkeypatch.setitem(HANDLERS, kind, count)
    engine = Engine("cpu", threads=1)
    list(engine.start())
    yield engine
    list(engine.close())
    assert not open_counts


def numbers(results: list[m.Result] | Iterator[m.Result]) -> list[tuple[int, int]]:
    """(id of the request, number) of everything that was counted."""
    return [(r.request_id, r.n) for r in results if isinstance(r, Counted)]


def drive(engine: Engine) -> list[m.Result]:
    results: list[m.Result] = []
    while engine.busy:
        results += engine.advance()
    return results


# ------------------------------------------------------------------------------- slices


def test_the_first_slice_is_done_at_once_and_then_all_take_turns(engine: Engine) -> None:
    one, two = Count(to=3), Count(to=2)
    assert numbers(engine.handle(one)) == [(one.id, 1)]
    assert numbers(engine.handle(two)) == [(two.id, 1)]
    assert numbers(engine.advance()) == [(one.id, 2), (two.id, 2)]
    assert numbers(engine.advance()) == [(one.id, 3)]
    assert engine.busy
    assert list(engine.advance()) == []
    assert not engine.busy


def test_a_small_request_is_answered_between_two_slices(engine: Engine) -> None:
    list(engine.handle(m.OpenModel(path=str(STORY_WORLD))))
    counting = Count(to=3)
    list(engine.handle(counting))
    (traced,) = engine.handle(m.ReadPrompt(text="The king"))
    assert isinstance(traced, m.PromptRead)
    assert numbers(drive(engine)) == [(counting.id, 2), (counting.id, 3)]


def test_a_run_that_another_trains_is_refused_and_the_next_one_begins(
    engine: Engine, tmp_path: Path
) -> None:
    claim = Claim.new(tmp_path / "run")
    recipe = replace(PRESETS["tiny"], steps=1)
    refused = m.StartTraining(recipe=recipe, run_dir=str(tmp_path / "run"))
    (failed,) = [r for r in [*engine.handle(refused), *drive(engine)] if isinstance(r, m.Failed)]
    assert failed.message.startswith("This program trains the run")
    claim.release()
    results = [
        *engine.handle(m.StartTraining(recipe=recipe, run_dir=str(tmp_path / "run"))),
        *drive(engine),
    ]
    events = [e for r in results if isinstance(r, m.TrainingProgressed) for e in r.events]
    assert isinstance(events[-1], Finished)


def test_what_fails_ends_alone(engine: Engine) -> None:
    good, bad = Count(to=3), Count(to=3, breaks_at=2)
    list(engine.handle(bad))
    list(engine.handle(good))
    failed, counted = engine.advance()
    assert isinstance(failed, m.Failed)
    assert (failed.request, failed.message) == (bad, "2 is too much.")
    assert "OSError" in failed.details
    assert numbers([counted]) == [(good.id, 2)]
    assert open_counts == {good.id}
    assert numbers(drive(engine)) == [(good.id, 3)]


def test_a_request_that_nobody_answers_is_a_failure(engine: Engine) -> None:
    class Unheard(m.Request):
        pass

    (failed,) = engine.handle(Unheard())
    assert isinstance(failed, m.Failed)
    assert "does not know Unheard" in failed.message
    assert not engine.busy


# ------------------------------------------------------------------ cancelling, replacing


def test_cancel_ends_one_and_lets_go_of_what_it_held(engine: Engine) -> None:
    one, two = Count(to=9), Count(to=3)
    list(engine.handle(one))
    list(engine.handle(two))
    assert list(engine.handle(m.Cancel(target=one.id))) == [m.Cancelled(request_id=one.id)]
    assert open_counts == {two.id}
    assert numbers(drive(engine)) == [(two.id, 2), (two.id, 3)]


def test_a_newer_one_cancels_the_older_where_its_class_says_so(engine: Engine) -> None:
    stays, old, new = Count(to=2), CountAnew(to=9), CountAnew(to=2)
    for request in (stays, old):
        list(engine.handle(request))
    first, *then = engine.handle(new)
    assert first == m.Cancelled(request_id=old.id)
    assert numbers(then) == [(new.id, 1)]
    assert numbers(drive(engine)) == [(stays.id, 2), (new.id, 2)]


def test_of_prompts_the_newest_is_read_and_a_question_replaces_none() -> None:
    newer = m.ReadPrompt(text="a")
    ask = m.Ask(subject=Subject(1, None, (1,)), question=NextToken(position=0))
    again = m.Ask(subject=ask.subject, question=ask.question)
    assert newer.replaces(m.ReadPrompt(text="older"))
    assert not newer.replaces(ask)
    assert not ask.replaces(newer)
    assert not again.replaces(ask)  # who gives a question up cancels it


def test_commands_that_change_something_are_never_replaced() -> None:
    for request in (
        m.SaveModel(path="a"),
        m.StartTraining(recipe=PRESETS["tiny"], run_dir="a"),
        m.ControlTraining(action="pause"),
        m.FollowTraining(follow=True),
        m.SetThreads(n=1),
        m.PreviewModel(path="a"),
    ):
        assert not request.replaces(replace(request))


def test_who_opens_another_model_ends_what_goes_on_with_the_one_before(
    engine: Engine, gpt2_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("model.engine.weights.SLICE_SECONDS", 0.0)
    list(engine.handle(m.OpenModel(path=str(STORY_WORLD))))
    generating = m.Generate(text="The king", max_new_tokens=200, seed=1)
    describing = m.DescribeWeights(names=("W_E", "W_U", "W_pos") * 50)
    for request in (generating, describing):
        list(engine.handle(request))
        list(engine.advance())
    list(engine.handle(m.OpenModel(path=str(gpt2_folder))))
    results = drive(engine)
    (ended,) = [r for r in results if isinstance(r, m.GenerationFinished)]
    assert (ended.request_id, ended.reason) == (generating.id, "cancelled")
    assert ended.n_tokens > 0
    assert m.Cancelled(request_id=describing.id) in results
    assert not any(isinstance(r, m.TokenGenerated | m.WeightsDescribed) for r in results)


def test_only_what_can_be_seen_is_held(engine: Engine, gpt2_folder: Path) -> None:
    for path in (STORY_WORLD, gpt2_folder, STORY_WORLD):
        list(engine.handle(m.OpenModel(path=str(path))))
    assert list(engine.place.models) == list(engine.place.infos) == [3]


# ------------------------------------------------------------------------------- ending


def test_closing_drops_what_may_be_dropped_and_finishes_the_rest(engine: Engine) -> None:
    dropped, finished = Count(to=9), CountToTheEnd(to=4)
    list(engine.handle(dropped))
    list(engine.handle(finished))
    assert numbers(engine.close()) == [(finished.id, n) for n in (2, 3, 4)]
    assert not open_counts
    assert not engine.busy


def test_what_breaks_while_it_is_dropped_keeps_nothing_else_from_its_end(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(request: Count, place: Workplace) -> Job:
        try:
            yield None
        finally:
            raise OSError("The disk is gone.")

    monkeypatch.setitem(HANDLERS, Count, breaks)
    broken, finished = Count(to=9), CountToTheEnd(to=2)
    list(engine.handle(broken))
    list(engine.handle(finished))
    failed, counted = engine.close()
    assert isinstance(failed, m.Failed)
    assert failed.message == "The disk is gone."
    assert numbers([counted]) == [(finished.id, 2)]


@pytest.fixture
def run_dir(engine: Engine, tmp_path: Path) -> Path:
    """Of a run that is going, and has done a step."""
    folder = tmp_path / "run"
    recipe = replace(PRESETS["tiny"], steps=10_000, max_seconds=600.0)
    list(engine.handle(m.StartTraining(recipe=recipe, run_dir=str(folder))))
    while engine.place.run is not None and engine.place.run.training.step < 2:
        list(engine.advance())
    return folder


def the_end(results: list[m.Result], run_dir: Path) -> Finished:
    """How a run ended, of which all must be saved."""
    events = [e for r in results if isinstance(r, m.TrainingProgressed) for e in r.events]
    (finished,) = [event for event in events if isinstance(event, Finished)]
    assert finished is events[-1]
    snapshots = sorted((run_dir / "snapshots").iterdir())
    assert snapshots[-1].name == f"step-{finished.step:06d}"
    return finished


@pytest.mark.parametrize("paused", [False, True])
def test_closing_saves_a_run_also_one_that_waits(
    engine: Engine, run_dir: Path, paused: bool
) -> None:
    if paused:
        list(engine.handle(m.ControlTraining(action="pause")))
        assert not engine.busy
    step = engine.place.step
    finished = the_end(list(engine.close()), run_dir)
    assert finished.reason == "stopped"
    assert finished.step == step  # not one step more
    assert not engine.busy


@pytest.mark.parametrize("paused", [False, True])
def test_a_run_that_is_cancelled_is_saved_and_its_model_stays(
    engine: Engine, run_dir: Path, paused: bool
) -> None:
    assert engine.place.run is not None
    request = engine.place.run.request
    if paused:
        list(engine.handle(m.ControlTraining(action="pause")))
    results = [*engine.handle(m.Cancel(target=request.id)), *drive(engine)]
    assert the_end(results, run_dir).reason == "stopped"
    (ended,) = [r for r in results if isinstance(r, m.TrainingEnded)]
    assert ended.info is not None
    assert (ended.info.path, ended.info.training) == (str(run_dir), False)
    assert engine.place.info == ended.info, "in view as before"
    list(engine.handle(m.StartTraining(recipe=PRESETS["tiny"], run_dir=str(run_dir) + "-2")))
    assert engine.place.run is not None  # another one can begin


def test_a_run_that_waits_keeps_nothing_else_waiting(engine: Engine, run_dir: Path) -> None:
    list(engine.handle(m.ControlTraining(action="pause")))
    step = engine.place.step
    counting = Count(to=3)
    list(engine.handle(counting))
    assert numbers(drive(engine)) == [(counting.id, 2), (counting.id, 3)]
    assert engine.place.step == step


def test_a_job_knows_whether_it_may_wait(
    engine: Engine, run_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a comparison does, which sleeps a little where nothing else is to be done."""
    alone: list[bool] = []

    def look(request: Count, place: Workplace) -> Job:
        for _ in range(request.to):
            yield None
            alone.append(place.alone)

    monkeypatch.setitem(HANDLERS, Count, look)
    list(engine.handle(Count(to=5)))
    list(engine.advance())
    list(engine.handle(m.ControlTraining(action="pause")))
    list(engine.advance())
    list(engine.handle(m.ControlTraining(action="resume")))
    list(engine.advance())
    assert alone == [False, True, False]


# ---------------------------------------------------------------------------- the worker


def test_threads_can_be_set_and_stay_set(engine: Engine) -> None:
    before = torch.get_num_threads()
    try:
        (ready,) = engine.handle(m.SetThreads(n=2))
        assert isinstance(ready, m.EngineReady)
        assert ready.threads == torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_every_request_that_there_is_is_answered() -> None:
    requests = {
        kind
        for kind in vars(m).values()
        if isinstance(kind, type) and issubclass(kind, m.Request) and kind is not m.Request
    }
    about_others: set[type[m.Request]] = {m.Cancel, m.Painted}
    assert requests - set(HANDLERS) == about_others


def test_a_device_that_cannot_be_used_is_said_and_another_taken(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    engine = Engine("cuda", threads=1)
    (ready,) = engine.start()
    assert isinstance(ready, m.EngineReady)
    assert ready.device == "cpu"
    assert "no CUDA GPU that this torch can see" in ready.device_problem
    opened = list(engine.handle(m.OpenModel(path=str(STORY_WORLD))))
    while engine.busy:
        opened += engine.advance()
    assert any(isinstance(result, m.ModelOpened) for result in opened)
    (usual,) = Engine("cpu", threads=1).start()
    assert isinstance(usual, m.EngineReady)
    assert usual.device_problem == ""

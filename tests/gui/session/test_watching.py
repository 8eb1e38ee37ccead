"""A run that another process writes, as the window follows it."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from gui.session import watching as module
from gui.session.conditions import can_take_up
from gui.session.training_run import Run
from gui.session.watching import Watching
from model import messages as m
from model.train import PRESETS
from model.train.events import Evaluated, Event, Sampled, SnapshotSaved, StepDone
from model.train.growing import Mark, RunNews
from model.train.record import RunRecord
from tests.gui.session.unanswered import Unanswered, comes_into_view

TINY = PRESETS["tiny"]
FOLDER = "/runs/a"


def step(n: int) -> StepDone:
    return StepDone(n, 8 * n, 0.5 * n, 3.0, 1e-3, 1.0, 100.0)


def snapshot(n: int) -> SnapshotSaved:
    return SnapshotSaved(n, Path(f"{FOLDER}/snapshots/step-{n:06d}"))


def reads(store: Unanswered, *events: Event, is_done: bool = False) -> Run:
    """The run of the opened model is read from its folder."""
    record = RunRecord(
        run_dir=FOLDER,
        recipe=TINY,
        steps=tuple(e for e in events if isinstance(e, StepDone)),
        snapshots=tuple(e for e in events if isinstance(e, SnapshotSaved)),
        is_done=is_done,
        can_resume=not is_done,
        ending="Ended.",
    )
    request = store.last(m.ReadRun)
    store.receive(m.RunRead(request_id=request.id, path=FOLDER, record=record))
    assert store.run.recorded is not None
    return store.run.recorded


def comes(store: Unanswered, *events: Event, **facts: object) -> None:
    """The last look finds this."""
    request = store.last(m.LookAtRun)
    kinds = {"steps": StepDone, "evaluations": Evaluated, "samples": Sampled}
    found = {
        name: tuple(e for e in events if isinstance(e, kind))
        for name, kind in (kinds | {"snapshots": SnapshotSaved}).items()
    }
    news = RunNews(mark=request.mark, **found, **facts)  # type: ignore[arg-type]
    store.receive(m.RunLookedAt(request_id=request.id, path=FOLDER, news=news))


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Unanswered:
    monkeypatch.setattr(module, "LOOK_MS", 1)
    store = Unanswered()
    store.watching._timer.setInterval(1)
    comes_into_view(store, 1, path=str(snapshot(1).path), run_dir=FOLDER)
    return store


@pytest.fixture
def watching(store: Unanswered) -> Watching:
    return store.watching


def looks(store: Unanswered) -> int:
    return sum(isinstance(request, m.LookAtRun) for request in store.sent)


def test_a_run_with_steps_left_is_looked_at_and_a_done_one_is_not(store: Unanswered) -> None:
    reads(store, step(1), snapshot(1))
    assert store.last(m.LookAtRun).mark == Mark(step=1, snapshots=frozenset({1}))
    other = Unanswered()
    comes_into_view(other, 1, run_dir=FOLDER)
    reads(other, step(1), is_done=True)
    assert looks(other) == 0


def test_what_comes_is_added_and_it_is_written_elsewhere(
    store: Unanswered, watching: Watching, qtbot: QtBot
) -> None:
    run = reads(store, step(1), snapshot(1))
    comes(store, age=400.0)
    assert not watching.grows
    assert can_take_up(store) is (store.engine is not None)
    assert 400 <= watching.age < 402
    qtbot.waitUntil(lambda: looks(store) == 2)
    comes(store, step(2), Evaluated(2, 16, 1.0, 2.9, 4.0), Sampled(2, "x"), snapshot(2))
    assert watching.grows
    assert run.elsewhere
    assert run.finished is None
    assert not can_take_up(store), "it has its writer"
    assert not store.run.running, "no button of this window steers it"
    assert [event.step for event in run.steps] == [1, 2]
    assert (len(run.evaluations), len(run.samples), len(run.snapshots)) == (1, 1, 2)
    assert watching.age < 2


def test_a_writer_that_is_seen_and_goes_ends_it_and_one_that_is_not_seen_may_be_silent(
    store: Unanswered, watching: Watching, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = reads(store, step(1), snapshot(1))
    comes(store, writer="process 7 on far")
    assert watching.grows
    assert watching.writer == "process 7 on far"
    qtbot.waitUntil(lambda: looks(store) == 2)
    comes(store)
    assert not watching.grows
    assert run.finished is not None
    assert run.finished.message == "Ended at step 1 of 100."
    assert run.can_resume
    # Whoever takes it up is seen again.
    qtbot.waitUntil(lambda: looks(store) == 3)
    comes(store, step(2))
    assert watching.grows


def test_a_silent_run_without_a_writer_counts_as_ended_after_minutes(
    store: Unanswered, watching: Watching, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads(store, step(1))
    comes(store)
    qtbot.waitUntil(lambda: looks(store) == 2)
    comes(store, step(2))
    qtbot.waitUntil(lambda: looks(store) == 3)
    comes(store)
    assert watching.grows
    monkeypatch.setattr(module, "SILENT_SECONDS", 0.0)
    qtbot.waitUntil(lambda: looks(store) == 4)
    comes(store)
    assert not watching.grows


def test_a_run_that_is_done_is_looked_at_until_its_last_snapshot_is_there(
    store: Unanswered, watching: Watching, qtbot: QtBot
) -> None:
    run = reads(store, step(99), snapshot(1))
    comes(store)
    qtbot.waitUntil(lambda: looks(store) == 2)
    comes(store, step(100), done="All 100 steps are done.")
    assert watching.run is run
    qtbot.waitUntil(lambda: looks(store) == 3)
    comes(store, Evaluated(100, 800, 50.0, 2.0, 3.0), snapshot(100))
    assert watching.run is None
    assert run.finished is not None
    assert run.finished.reason == "steps"
    assert run.finished.message == "All 100 steps are done."
    assert run.finished.val_loss == 2.0
    assert not run.can_resume
    n = looks(store)
    qtbot.wait(20)
    assert looks(store) == n


def test_another_curve_is_read_again_only_where_it_stays_another(
    store: Unanswered, qtbot: QtBot
) -> None:
    reads(store, step(9))
    comes(store, anew=True)
    reading = [request for request in store.sent if isinstance(request, m.ReadRun)]
    assert len(reading) == 1, "it may be in the middle of being copied"
    qtbot.waitUntil(lambda: looks(store) == 2)
    comes(store, anew=True)
    again = reads(store, step(5))
    assert store.run.recorded is again
    assert again.step == 5
    assert store.last(m.LookAtRun).mark.step == 5


def test_following_opens_each_new_snapshot_and_the_curve_stays(
    store: Unanswered, watching: Watching, qtbot: QtBot
) -> None:
    run = reads(store, step(1), snapshot(1))
    comes(store, writer="process 7 on far")
    watching.follow(True)
    assert not [r for r in store.sent if isinstance(r, m.OpenModel)], "the newest is in view"
    qtbot.waitUntil(lambda: looks(store) == 2)
    comes(store, step(2), snapshot(2), writer="process 7 on far")
    asked = store.last(m.OpenModel)
    assert asked.path == str(snapshot(2).path)
    n = len([r for r in store.sent if isinstance(r, m.ReadRun)])
    comes_into_view(store, 2, path=str(snapshot(2).path), run_dir=FOLDER)
    assert store.run.recorded is run
    assert run.weights_step == 2
    assert watching.newest is None
    assert len([r for r in store.sent if isinstance(r, m.ReadRun)]) == n


def test_another_model_ends_it(store: Unanswered, watching: Watching, qtbot: QtBot) -> None:
    reads(store, step(1))
    comes(store, writer="process 7 on far")
    comes_into_view(store, 5)
    assert watching.run is None
    n = looks(store)
    qtbot.wait(20)
    assert looks(store) == n


def test_what_can_not_be_read_is_said_and_tried_again(
    store: Unanswered, watching: Watching, qtbot: QtBot
) -> None:
    reads(store, step(1))
    store.fail(store.last(m.LookAtRun), "The disk is away.")
    assert watching.problem == "The disk is away."
    qtbot.waitUntil(lambda: looks(store) == 2)
    comes(store)
    assert watching.problem == ""

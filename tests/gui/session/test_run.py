"""The run that is going, or was the last."""

from __future__ import annotations

import pytest

from gui.session.run import CurrentRun, Run
from model import messages as m
from model.train import PRESETS
from model.train.events import Evaluated, Event, Finished, StepDone
from tests.gui.session.unanswered import Unanswered, comes_into_view, info

TINY = PRESETS["tiny"]


@pytest.fixture
def store() -> Unanswered:
    store = Unanswered()
    comes_into_view(store, 1)
    return store


@pytest.fixture
def run(store: Unanswered) -> CurrentRun:
    return store.run


def begun(store: Unanswered, *, follow: bool = True) -> Run:
    """A run that was asked for and has begun."""
    store.run.start(TINY, "/runs/a", follow=follow)
    store.receive(
        m.TrainingStarted(
            request_id=store.last(m.StartTraining).id,
            info=info(2, path="/runs/a", training=True),
            recipe=TINY,
            run_dir="/runs/a",
            follow=follow,
        )
    )
    assert store.run.current is not None
    return store.run.current


def step(n: int) -> StepDone:
    return StepDone(n, 8 * n, 0.5 * n, 3.0, 1e-3, 1.0, 100.0)


def tell(store: Unanswered, run: Run, *events: Event) -> None:
    store.receive(
        m.TrainingProgressed(request_id=run.started.request_id, events=events, paused=False)
    )


def test_a_run_is_asked_for_as_it_was_chosen_and_gets_ready(
    store: Unanswered, run: CurrentRun
) -> None:
    run.start(TINY, "/runs/a", follow=False, begin_paused=True)
    asked = store.last(m.StartTraining)
    assert (asked.recipe, asked.run_dir) == (TINY, "/runs/a")
    assert asked.begin_paused
    assert not asked.follow
    assert not run.following
    assert run.going
    assert not run.running


def test_how_far_the_run_is_that_gets_ready_is_its_own_progress(
    store: Unanswered, run: CurrentRun
) -> None:
    store.verifying.start()
    run.start(TINY, "/runs/a")
    store.receive(m.Progress(request_id=store.last(m.VerifyModel).id, what="comparing"))
    assert run.preparing is None
    request = store.last(m.StartTraining)
    store.receive(m.Progress(request_id=request.id, what="cutting", done=3, total=10))
    assert run.preparing is not None
    assert run.preparing.what == "cutting"


@pytest.mark.parametrize("follow", [True, False])
def test_a_run_that_begins_comes_into_view_where_it_is_followed(
    store: Unanswered, run: CurrentRun, follow: bool
) -> None:
    told: list[object] = []
    store.model_changed.connect(lambda: told.append(run.current))
    current = begun(store, follow=follow)
    assert run.running
    assert run.starting is None
    assert run.following is follow
    assert store.model is not None
    assert store.model.training is follow
    assert told == ([current] if follow else []), "who hears of the model finds its run"


def test_every_point_of_the_curves_is_kept_in_order(store: Unanswered, run: CurrentRun) -> None:
    current = begun(store)
    tell(store, current, step(1), step(2), Evaluated(2, 128, 0.5, 2.9, 4.0))
    tell(store, current, step(3))
    assert [event.step for event in current.steps] == [1, 2, 3]
    assert [event.val_loss for event in current.evaluations] == [2.9]
    assert current.step == 3
    tell(store, current, Finished("steps", 3, 1.5, 2.9, "Done."))
    assert not run.running
    assert current.step == 3


def test_what_is_told_of_an_older_run_is_dropped(store: Unanswered, run: CurrentRun) -> None:
    older = begun(store)
    tell(store, older, step(1), Finished("steps", 1, 0.5, None, "Done."))
    newer = begun(store)
    measured = m.AnalogyMeasured(
        request_id=older.started.request_id,
        step=1,
        expression="king - man + woman = queen",
        rank=1,
        rank_all_words=2,
        share=0.5,
        n=8,
    )
    assert run.take(measured)
    tell(store, older, step(2))
    assert newer.steps == []
    assert newer.analogies == []
    assert len(older.steps) == 1


def test_a_run_that_could_not_begin_says_why_and_another_can(
    store: Unanswered, run: CurrentRun
) -> None:
    run.start(TINY, "/runs/a")
    told: list[bool] = []
    store.notice_posted.connect(lambda _: told.append(run.going))
    store.fail(store.last(m.StartTraining), "The folder exists.")
    assert [notice.message for notice in store.notices] == ["The folder exists."]
    assert told == [False], "who hears why finds that nothing gets ready"
    assert run.current is None


def test_a_run_that_breaks_ends_where_it_is(store: Unanswered, run: CurrentRun) -> None:
    current = begun(store)
    tell(store, current, Evaluated(0, 0, 0.1, 5.0, 7.0), step(1), step(2))
    store.fail(store.last(m.StartTraining), "No space left on device.")
    assert not run.running
    assert current.finished == Finished("stopped", 2, 1.0, 5.0, "No space left on device.")
    assert len(current.steps) == 2


def test_a_second_run_that_is_refused_leaves_the_first_one_going(
    store: Unanswered, run: CurrentRun
) -> None:
    current = begun(store)
    run.start(TINY, "/runs/b")
    store.fail(store.last(m.StartTraining), "A run is going already.")
    assert run.current is current
    assert run.running
    assert run.starting is None


def test_a_run_that_is_stopped_while_it_gets_ready_leaves_no_curve(
    store: Unanswered, run: CurrentRun
) -> None:
    run.start(TINY, "/runs/a")
    run.stop()
    assert store.last(m.ControlTraining).action == "stop"
    store.receive(
        m.TrainingProgressed(
            request_id=store.last(m.StartTraining).id,
            events=(Finished("stopped", 0, 0.0, None, "Stopped before the first step."),),
            paused=False,
        )
    )
    assert not run.going
    assert run.current is None
    assert [notice.message for notice in store.notices] == ["Stopped before the first step."]


def test_pause_and_its_like_reach_the_worker(store: Unanswered, run: CurrentRun) -> None:
    begun(store)
    for control in (run.pause, run.resume, run.step, run.stop):
        control()
    sent = [r.action for r in store.sent if isinstance(r, m.ControlTraining)]
    assert sent == ["pause", "resume", "step", "stop"]


def test_who_opens_another_model_follows_the_run_no_more_until_asked(
    store: Unanswered, run: CurrentRun
) -> None:
    begun(store)
    comes_into_view(store, 3)
    assert run.running
    assert not run.following
    run.follow(True)
    assert store.last(m.FollowTraining).follow
    comes_into_view(store, 2, path="/runs/a", training=True)
    assert run.following


def test_what_comes_of_a_run_is_heard_as_live(store: Unanswered) -> None:
    """Panes spread their drawing then: see `gui.panes.base`."""
    current = begun(store)
    live: list[bool] = []
    store.run.changed.connect(lambda: live.append(store.hearing_live))
    tell(store, current, step(1))
    assert live == [True]
    assert not store.hearing_live
    store.run.follow(False)
    assert live == [True, False]

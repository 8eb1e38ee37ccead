"""The run that is going, or was the last."""

from __future__ import annotations

from pathlib import Path

import pytest

from gui.session.run import CurrentRun
from gui.session.training_run import Run
from model import messages as m
from model.train import PRESETS
from model.train.events import (
    Evaluated,
    Event,
    Finished,
    Sampled,
    SnapshotSaved,
    StepDone,
)
from model.train.record import RunRecord
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
    assert not asked.resume
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


def test_a_run_learns_from_its_beginning_to_its_end_while_it_is_not_held(
    store: Unanswered, run: CurrentRun
) -> None:
    """Panes spread their drawing then: see `gui.panes.base`."""
    assert not run.learns
    current = begun(store)
    assert run.learns
    current.paused = True
    assert not run.learns
    current.paused = False
    tell(store, current, Finished("steps", 3, 1.0, None, "Done."))
    assert not run.learns


def test_losses_of_a_run_grow_with_its_steps(store: Unanswered) -> None:
    current = begun(store)
    assert len(current.losses) == 0
    for n in (1, 2, 3):
        tell(store, current, step(n))
        assert current.losses["step"].tolist() == list(range(1, n + 1))
    assert current.losses["train_loss"].tolist() == [one.train_loss for one in current.steps]


# ------------------------------------------------------- a model beside the one that was opened


def ended(store: Unanswered, run: Run, info_of_it: m.ModelInfo | None) -> None:
    tell(store, run, Finished("stopped", run.step, 1.0, None, "Stopped; saved."))
    store.receive(m.TrainingEnded(request_id=run.started.request_id, info=info_of_it))


def test_the_opened_model_stays_beside_that_of_a_run(store: Unanswered, run: CurrentRun) -> None:
    current = begun(store)
    assert store.opened == info(1)
    assert run.model == store.model == current.started.info
    assert run.shown is current
    assert run.in_view(current)
    tell(store, current, step(1))
    after = info(4, path="/runs/a")
    ended(store, current, after)
    assert store.model == run.model == after, "in view as before, and learning no more"
    assert store.opened == info(1)
    run.follow(False)
    assert not store.last(m.FollowTraining).follow
    store.receive(m.ModelOpened(request_id=store.sent[-1].id, info=info(1), seconds=0.0))
    assert store.model == info(1)
    assert run.model == after, "one click away"
    assert run.shown is current
    assert not run.in_view(current), "so it must be said whose curve it is"


def test_a_run_that_ends_out_of_view_leaves_the_view_alone(
    store: Unanswered, run: CurrentRun
) -> None:
    current = begun(store, follow=False)
    ended(store, current, info(4, path="/runs/a"))
    assert store.model == info(1)
    assert run.model == info(4, path="/runs/a")


def test_a_model_that_is_no_numbers_is_beside_nothing(store: Unanswered, run: CurrentRun) -> None:
    current = begun(store)
    ended(store, current, None)
    comes_into_view(store, 1)
    assert run.model is None
    assert not run.following
    assert run.shown is current, "its curve says where it went wrong"


# --------------------------------------------------------------------- a run read from its folder

RECORD = RunRecord(
    run_dir="/runs/b",
    recipe=TINY,
    steps=(step(1), step(2)),
    evaluations=(Evaluated(2, 128, 0.5, 2.9, 4.0),),
    samples=(Sampled(2, "The king"),),
    snapshots=(SnapshotSaved(2, Path("/runs/b/snapshots/step-000002")),),
    can_resume=True,
    ending="Ended at step 2 of 300.",
)


def reopened(store: Unanswered, model_id: int = 5, record: RunRecord = RECORD) -> m.ModelInfo:
    model = comes_into_view(
        store,
        model_id,
        path=f"{record.run_dir}/snapshots/step-000002",
        run_dir=record.run_dir,
    )
    asked = store.last(m.ReadRun)
    assert asked.path == record.run_dir
    store.receive(m.RunRead(request_id=asked.id, path=asked.path, record=record))
    return model


def test_a_run_folder_that_is_opened_brings_its_curve_and_samples(
    store: Unanswered, run: CurrentRun
) -> None:
    model = reopened(store)
    shown = run.shown
    assert shown is not None
    assert (shown.recipe, shown.run_dir, shown.name) == (TINY, "/runs/b", "b")
    assert [event.step for event in shown.steps] == [1, 2]
    assert [sample.text for sample in shown.samples] == ["The king"]
    assert not shown.running
    assert shown.finished is not None
    assert shown.finished.message == "Ended at step 2 of 300."
    assert shown.can_resume
    assert shown.weights == model.path
    assert run.in_view(shown)
    assert run.current is None, "no run of this session"
    assert not run.going


def test_a_model_of_no_run_has_none(store: Unanswered, run: CurrentRun) -> None:
    reopened(store)
    comes_into_view(store, 6)
    assert run.shown is None


def test_a_curve_that_comes_late_is_not_that_of_another_model(
    store: Unanswered, run: CurrentRun
) -> None:
    comes_into_view(store, 5, path="/runs/b/snapshots/step-000002", run_dir="/runs/b")
    asked = store.last(m.ReadRun)
    comes_into_view(store, 6)
    store.receive(m.RunRead(request_id=asked.id, path=asked.path, record=RECORD))
    assert run.shown is None


def test_a_folder_that_says_nothing_says_why(store: Unanswered, run: CurrentRun) -> None:
    comes_into_view(store, 5, path="/runs/b/snapshots/step-000002", run_dir="/runs/b")
    asked = store.last(m.ReadRun)
    store.receive(
        m.RunRead(request_id=asked.id, path=asked.path, record=None, problem="It is damaged.")
    )
    assert run.problem == "It is damaged."
    comes_into_view(store, 6)
    assert run.problem == ""


def test_beside_a_run_that_goes_on_the_curve_is_that_of_the_model_in_view(
    store: Unanswered, run: CurrentRun
) -> None:
    current = begun(store)
    reopened(store)
    assert run.shown is run.recorded
    assert run.running, "it goes on"
    comes_into_view(store, 2, path="/runs/a", training=True)
    assert run.shown is current
    n_asked = len([r for r in store.sent if isinstance(r, m.ReadRun)])
    comes_into_view(store, 5, path="/runs/b/snapshots/step-000002", run_dir="/runs/b")
    assert run.shown is run.recorded, "and is not read again"
    assert len([r for r in store.sent if isinstance(r, m.ReadRun)]) == n_asked


def test_a_snapshot_of_the_run_of_this_session_has_its_curve(
    store: Unanswered, run: CurrentRun
) -> None:
    current = begun(store)
    comes_into_view(store, 5, path="/runs/a/snapshots/step-000001", run_dir="/runs/a")
    assert run.shown is current
    assert run.in_view(current)


def test_a_run_that_goes_on_has_its_curve_from_the_first_step(
    store: Unanswered, run: CurrentRun
) -> None:
    reopened(store)
    assert run.shown is not None
    run.take_up(run.shown)
    asked = store.last(m.StartTraining)
    assert (asked.resume, asked.run_dir) == (True, "/runs/b")
    store.receive(
        m.TrainingStarted(
            request_id=asked.id,
            info=info(7, path="/runs/b", training=True, run_dir="/runs/b"),
            recipe=TINY,
            run_dir="/runs/b",
            follow=True,
            before=RECORD,
        )
    )
    current = run.current
    assert current is not None
    assert run.shown is current
    tell(store, current, step(3))
    assert [event.step for event in current.steps] == [1, 2, 3]
    assert [sample.text for sample in current.samples] == ["The king"]
    assert run.recorded is None


def test_the_opened_model_keeps_its_curve_where_another_run_begins(
    store: Unanswered, run: CurrentRun
) -> None:
    first = begun(store)
    tell(store, first, step(1))
    ended(store, first, info(4, path="/runs/a", run_dir="/runs/a"))
    opened = comes_into_view(store, 5, path="/runs/a/snapshots/step-000001", run_dir="/runs/a")
    assert run.shown is first
    run.start(TINY, "/runs/b")
    store.receive(
        m.TrainingStarted(
            request_id=store.last(m.StartTraining).id,
            info=info(6, path="/runs/b", training=True, run_dir="/runs/b"),
            recipe=TINY,
            run_dir="/runs/b",
            follow=True,
        )
    )
    assert run.shown is run.current is not first
    comes_into_view(store, 5, path=opened.path, run_dir="/runs/a")
    assert run.shown is first
    assert run.in_view(first)

"""Travelling through a training: which step is in view, and the ways between steps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gui.session.timeline import Timeline
from model import messages as m
from model.probe.next_token.asks import NextToken
from model.train import PRESETS, train
from model.train.events import SnapshotSaved
from resources import STORY_WORLD
from tests.gui.desk import Desk
from tests.gui.session.test_run import begun, tell
from tests.gui.session.unanswered import Unanswered, comes_into_view

TINY = replace(
    PRESETS["tiny"], steps=20, eval_every=0, sample_every=0, snapshot_every=5, data_tokens=4_000
)
STEPS = tuple(m.ModelStep(n, f"step-{n}", f"/r/{n}") for n in (0, 10, 20, 40))


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "tiny"
    list(train(TINY, folder))
    return folder


@pytest.fixture
def store() -> Unanswered:
    store = Unanswered()
    comes_into_view(store, 1, step=40, steps=STEPS)
    return store


@pytest.fixture
def timeline(store: Unanswered) -> Timeline:
    return store.timeline


def shown(store: Unanswered) -> int | None:
    """The worker does what it was asked last."""
    request = store.last(m.ShowStep)
    store.receive(m.StepShown(request_id=request.id, model_id=request.model_id, step=request.step))
    store.timeline._advance()
    return request.step


def asked(store: Unanswered) -> list[int | None]:
    return [request.step for request in store.sent if isinstance(request, m.ShowStep)]


def test_a_model_of_no_training_has_nothing_to_travel() -> None:
    store = Unanswered()
    comes_into_view(store, 1)
    assert store.timeline.steps == ()
    store.timeline.toggle()
    store.timeline.back()
    store.timeline.go_to(3)
    assert asked(store) == []
    assert not store.timeline.playing


def test_it_begins_at_the_step_that_was_opened(timeline: Timeline) -> None:
    assert (timeline.step, timeline.at, timeline.name) == (40, 3, "step-40")
    assert timeline.can_go_back
    assert not timeline.can_go_on
    assert not timeline.live


def test_one_step_is_asked_for_at_a_time_and_of_those_meanwhile_the_last(
    store: Unanswered, timeline: Timeline
) -> None:
    timeline.go_to(0)
    timeline.go_to(10)
    timeline.go_to(20)
    assert asked(store) == [0]
    assert timeline.wanted == 20
    assert timeline.step == 40, "until it is there, the one before is in view"
    assert shown(store) == 0
    assert asked(store) == [0, 20]
    assert shown(store) == 20
    assert timeline.step == timeline.wanted == 20


def test_back_and_forward_go_by_what_was_kept(store: Unanswered, timeline: Timeline) -> None:
    timeline.back()
    assert shown(store) == 20
    timeline.back(2)
    assert shown(store) == 0
    timeline.back()
    assert asked(store) == [20, 0], "there is none before the first"
    timeline.forward()
    assert shown(store) == 10
    timeline.last()
    assert shown(store) == 40
    timeline.first()
    assert shown(store) == 0


@pytest.mark.parametrize(("near", "step"), [(-5, 0), (4, 0), (6, 10), (16, 20), (29, 20), (99, 40)])
def test_a_place_on_the_line_means_the_nearest_step(
    near: float, step: int, timeline: Timeline
) -> None:
    assert timeline.nearest(near) == step


def test_playing_begins_at_the_first_and_ends_at_the_last(
    store: Unanswered, timeline: Timeline
) -> None:
    timeline.toggle()
    assert timeline.playing
    seen = [shown(store)]
    while timeline.playing:
        timeline._tick()
        seen.append(shown(store))
    assert seen == [0, 10, 20, 40]


def test_a_step_that_can_not_be_read_leaves_the_one_in_view(
    store: Unanswered, timeline: Timeline
) -> None:
    timeline.toggle()
    store.fail(store.last(m.ShowStep), "/r/0 does not exist; check the path.")
    assert not timeline.playing
    assert timeline.step == timeline.wanted == 40
    assert store.notices[-1].message == "/r/0 does not exist; check the path."


def test_of_a_run_that_learns_the_snapshots_come_as_they_are_saved() -> None:
    store = Unanswered()
    run = begun(store)
    timeline = store.timeline
    assert timeline.steps == ()
    assert timeline.live
    for step in (0, 5):
        tell(store, run, SnapshotSaved(step, Path(f"/runs/a/snapshots/step-{step:06}")))
    assert [one.name for one in store.timeline.steps] == ["step-000000", "step-000005"]
    timeline.go_to(0)
    assert not timeline.live
    shown(store)
    assert not timeline.live
    assert timeline.can_go_on
    timeline.forward()
    shown(store)
    timeline.forward()
    assert store.last(m.ShowStep).step is None, "behind the last one is what learns now"
    shown(store)
    assert timeline.live


# ------------------------------------------------------------------------ with a worker


@pytest.fixture
def desk() -> Iterator[Desk]:
    desk = Desk()
    yield desk
    desk.close()


def open_run(desk: Desk, run_dir: Path) -> None:
    desk.store.opening.open(str(run_dir))
    desk.finish()
    desk.store.set_prompt("the queen")


def test_the_subject_is_at_the_step_that_was_chosen(desk: Desk, run_dir: Path) -> None:
    open_run(desk, run_dir)
    store = desk.store
    assert store.subject is not None
    assert store.subject.step == 20
    store.timeline.go_to(5)
    desk.finish()
    assert store.subject.step == 5
    assert store.timeline.step == 5
    assert store.vocabulary is not None
    assert store.vocabulary.step == 5
    store.set_prompt("the king")
    assert store.subject.step == 5, "another prompt is read at that step"


def test_an_answer_about_a_kept_step_is_known_when_one_comes_back(
    desk: Desk, run_dir: Path
) -> None:
    open_run(desk, run_dir)
    store = desk.store
    store.asked.join("pane", lambda: None)
    question = NextToken(position=0)

    def look() -> None:
        store.asked.want("pane", store.subject, {"next": question})
        desk.finish()

    look()
    for step in (5, 20):
        store.timeline.go_to(step)
        desk.finish()
        look()
    n = len([r for r in desk.results if isinstance(r, m.Answered)])
    store.timeline.go_to(5)
    desk.finish()
    look()
    assert store.asked.slot("pane", "next") is not None
    assert len([r for r in desk.results if isinstance(r, m.Answered)]) == n


def test_who_follows_a_run_at_an_early_step_stays_there_when_it_ends(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Every step is told at once: in bundles a quick machine has it near its end at the first.
    monkeypatch.setattr("model.engine.training.FLUSH_SECONDS", 0.0)
    store = desk.store
    store.run.start(TINY, str(tmp_path / "run"))
    while store.run.current is None or store.run.current.step < 12:
        desk.advance()
    store.set_prompt("the queen")
    store.timeline.go_to(5)
    while store.subject is None or store.subject.step != 5:
        assert desk.engine.busy
        desk.advance()
    assert store.run.running
    while store.run.running:
        desk.advance()
    desk.settle()
    assert store.model is not None
    assert not store.model.training
    assert [at.step for at in store.timeline.steps] == [0, 5, 10, 15, 20]
    assert store.subject is not None
    assert (store.subject.step, store.timeline.step) == (5, 5)


# ---------------------------------------------------------------------------- two steps


def test_the_step_in_view_becomes_b_and_who_travels_on_sees_the_difference(
    desk: Desk, run_dir: Path
) -> None:
    open_run(desk, run_dir)
    store, comparing = desk.store, desk.store.comparing
    store.timeline.compare()
    assert (comparing.kind, comparing.view, comparing.at_step) == ("step", "difference", 20)
    assert comparing.b_words == "step 20"
    store.timeline.go_to(5)
    desk.finish()
    assert store.subject is not None
    assert store.subject.step == 5
    assert comparing.shows_difference
    assert comparing.subject == replace(store.subject, step=20)
    assert comparing.sides.minus(1.0, 3.0) == 2.0, "B is the later one, which is not in view"


def test_a_b_and_the_difference_are_the_two_steps(desk: Desk, run_dir: Path) -> None:
    open_run(desk, run_dir)
    store, comparing = desk.store, desk.store.comparing
    store.timeline.go_to(5)
    desk.finish()
    comparing.compare_step(15)
    comparing.set_view("b")
    desk.finish()
    assert store.subject is not None
    assert store.subject.step == 15
    assert comparing.subject is None
    comparing.set_view("a")
    desk.finish()
    assert store.subject.step == 5
    comparing.set_view("b")
    desk.finish()
    store.timeline.go_to(10)
    desk.finish()
    assert comparing.at_step == 10, "who travels while B is in view moves B"
    comparing.close()
    desk.finish()
    assert store.subject.step == 5, "A is in view again"
    assert comparing.kind == "changes"


def test_the_other_step_is_answered_like_the_one_in_view(desk: Desk, run_dir: Path) -> None:
    open_run(desk, run_dir)
    store = desk.store
    store.timeline.go_to(5)
    desk.finish()
    store.comparing.compare_step(15)
    store.asked.join("pane", lambda: None)
    question = NextToken(position=0)
    other = store.comparing.subject
    store.asked.want("pane", other, {"next": question})
    desk.finish()
    slot = store.asked.slot("pane", "next")
    assert slot is not None
    assert slot.answer is not None
    assert slot.answer.subject.step == 15


def test_another_model_ends_the_comparison_of_steps(desk: Desk, run_dir: Path) -> None:
    open_run(desk, run_dir)
    desk.store.timeline.compare()
    desk.store.opening.open(str(STORY_WORLD))
    desk.finish()
    assert desk.store.comparing.kind == "changes"

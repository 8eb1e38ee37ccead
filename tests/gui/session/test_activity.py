"""What the worker does, and how far it is."""

from __future__ import annotations

import pytest

from gui.session.activity import Activity
from model import messages as m
from tests.gui.session.unanswered import Unanswered, comes_into_view


@pytest.fixture
def store() -> Unanswered:
    store = Unanswered()
    comes_into_view(store, 1)
    store.verifying.start()
    store.receive(m.Progress(request_id=store.last(m.VerifyModel).id, what="comparing"))
    return store


@pytest.fixture
def activity(store: Unanswered) -> Activity:
    return store.activity


def test_progress_ends_with_the_answer_that_it_led_to(
    store: Unanswered, activity: Activity
) -> None:
    request = store.last(m.VerifyModel)
    heard: list[object] = []
    activity.changed.connect(lambda: heard.append(activity.progress))
    store.receive(m.ModelVerified(request_id=request.id, model_id=1, max_abs_logit_difference=0.0))
    assert heard == [None]
    assert store.verifying.verdict is not None, "and the answer goes on to whom it belongs"


def test_progress_ends_with_a_failure_and_with_a_cancel(
    store: Unanswered, activity: Activity
) -> None:
    store.fail(store.last(m.VerifyModel))
    assert activity.progress is None
    store.verifying.start()
    request = store.last(m.VerifyModel)
    store.receive(m.Progress(request_id=request.id, what="comparing"))
    assert activity.progress is not None
    store.receive(m.Cancelled(request_id=request.id))
    assert activity.progress is None


def test_what_else_comes_meanwhile_leaves_the_progress(
    store: Unanswered, activity: Activity
) -> None:
    store.find_neighbours(((1, 3),))
    store.fail(store.last(m.FindNeighbours))
    assert activity.progress is not None
    assert activity.progress_of(store.last(m.VerifyModel)) is activity.progress
    assert activity.progress_of(store.last(m.FindNeighbours)) is None


def test_a_worker_that_is_idle_is_nowhere_on_its_way(store: Unanswered, activity: Activity) -> None:
    store.receive(m.Activity(request_id=0, what="idle"))
    assert activity.what == "idle"
    assert activity.progress is None

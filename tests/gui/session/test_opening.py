"""What is being opened, and what is known of other checkpoints."""

from __future__ import annotations

import pytest

from gui.session.opening import Opening
from gui.session.state import Notice
from model import messages as m
from model.preview import Preview
from tests.gui.session.unanswered import Unanswered, comes_into_view, info


@pytest.fixture
def store() -> Unanswered:
    return Unanswered()


@pytest.fixture
def opening(store: Unanswered) -> Opening:
    return store.opening


def ends(opening: Opening) -> list[object]:
    heard: list[object] = []
    opening.ended.connect(heard.append)
    return heard


def progressed(request: m.Request, done: int) -> m.OpeningProgressed:
    return m.OpeningProgressed(request_id=request.id, done_bytes=done, total_bytes=9, what="read")


def test_the_model_that_was_asked_for_ends_the_opening_before_it_is_told_of(
    store: Unanswered, opening: Opening
) -> None:
    opening.open("/models/1", "cuda", "bfloat16")
    request = store.last(m.OpenModel)
    assert (request.path, request.device, request.dtype) == ("/models/1", "cuda", "bfloat16")
    store.receive(progressed(request, 3))
    assert opening.progress is not None
    assert opening.progress.done_bytes == 3
    going: list[bool] = []
    store.model_changed.connect(lambda: going.append(opening.going))
    store.receive(m.ModelOpened(request_id=request.id, info=info(1), seconds=0.1))
    assert going == [False]
    assert opening.progress is None
    assert store.model == info(1)


def test_how_far_an_older_opening_is_is_dropped(store: Unanswered, opening: Opening) -> None:
    opening.open("/models/1")
    older = store.last(m.OpenModel)
    opening.open("/models/2")
    assert opening.take(progressed(older, 3))
    assert opening.progress is None
    store.receive(m.Cancelled(request_id=older.id))
    assert opening.going
    assert opening.request == store.last(m.OpenModel)


def test_another_model_that_comes_into_view_meanwhile_leaves_the_opening_going(
    store: Unanswered, opening: Opening
) -> None:
    """A run ends, or an older opening was quicker than the click on the next."""
    opening.open("/models/2")
    comes_into_view(store, 1)
    assert store.model == info(1)
    assert opening.going
    store.receive(m.ModelOpened(request_id=store.last(m.OpenModel).id, info=info(2), seconds=0.1))
    assert not opening.going


def test_cancelled_it_ends_without_a_word_and_the_open_model_stays(
    store: Unanswered, opening: Opening
) -> None:
    before = comes_into_view(store, 1)
    heard = ends(opening)
    opening.open("/models/2")
    opening.cancel()
    request = store.last(m.OpenModel)
    assert store.last(m.Cancel).target == request.id
    store.receive(m.Cancelled(request_id=request.id))
    assert heard == [None]
    assert not opening.going
    assert not store.notices
    assert store.model is before


def test_a_refusal_is_told_once(store: Unanswered, opening: Opening) -> None:
    heard = ends(opening)
    opening.open("/models/1")
    store.fail(store.last(m.OpenModel), "It is damaged.")
    assert [notice.message for notice in store.notices] == ["It is damaged."]
    assert store.notices[0].about == "opening"
    assert store.notices[0].level == "error"
    opening.open("/models/1", answered_in_place=True)
    store.fail(store.last(m.OpenModel), "It is damaged.")
    assert len(store.notices) == 1
    assert [why.message for why in heard if isinstance(why, Notice)] == ["It is damaged."] * 2


def test_the_refusal_of_an_older_opening_leaves_the_newer_one_going(
    store: Unanswered, opening: Opening
) -> None:
    opening.open("/models/1")
    older = store.last(m.OpenModel)
    opening.open("/models/2", answered_in_place=True)
    heard = ends(opening)
    store.fail(older)
    assert opening.going
    assert not heard
    # Who asked for it still hears why it did not come.
    assert len(store.notices) == 1


def test_previews_stand_under_the_path_that_was_asked_about(
    store: Unanswered, opening: Opening
) -> None:
    heard: list[object] = []
    opening.previewed.connect(heard.append)
    opening.preview("~/one")
    one = store.last(m.PreviewModel)
    opening.preview("/two")
    two = store.last(m.PreviewModel)
    store.fail(two, "It is gone.")
    found = Preview(path="/home/ada/one")
    store.receive(m.ModelPreviewed(request_id=one.id, preview=found))
    assert heard == ["/two", "~/one"]
    assert opening.previews["~/one"] is found
    assert opening.previews["/two"].problem == "It is gone."
    assert not store.notices, "what was only looked at is no failure of the window"

"""The text that a model writes, as the window knows it."""

from __future__ import annotations

from pathlib import Path

from gui.session.state import Generation, Notice
from gui.session.store import Store
from model import messages as m
from model.train import PRESETS
from resources import STORY_WORLD
from tests.gui.desk import PROMPT, Desk


def text_of(store: Store) -> Generation:
    assert store.generating.current is not None
    return store.generating.current


def test_generated_text_grows_token_by_token(desk: Desk, live_store: Store) -> None:
    live_store.generating.start(5, seed=1)
    lengths = []
    while live_store.generating.going:
        desk.advance()
        lengths.append(len(text_of(live_store).steps))
    finished = text_of(live_store).finished
    assert isinstance(finished, m.GenerationFinished)
    assert finished.reason in ("length", "end_of_text")
    assert lengths[0] == 1
    assert finished.n_tokens == len(text_of(live_store).steps)
    assert text_of(live_store).prompt == PROMPT


def test_a_token_of_an_older_text_is_dropped(desk: Desk, live_store: Store) -> None:
    live_store.generating.start(5, seed=1)
    desk.advance()
    older = text_of(live_store)
    live_store.generating.start(5, seed=2)
    newer = text_of(live_store)
    before = newer.text
    token = m.TokenGenerated(
        request_id=older.request_id, token_id=3, text="late", probability=0.5, index=1
    )
    assert live_store.generating.take(token)
    assert text_of(live_store) is newer
    assert newer.text == before
    assert older.text != "late"


def test_cancelled_text_stays_as_far_as_it_has_come(desk: Desk, live_store: Store) -> None:
    live_store.generating.start(50, seed=1)
    desk.advance(3)
    n = len(text_of(live_store).steps)
    live_store.generating.cancel()
    assert not live_store.generating.going
    assert len(text_of(live_store).steps) == n > 0
    finished = text_of(live_store).finished
    assert finished is not None
    assert finished.reason == "cancelled"


def test_text_that_is_cancelled_while_it_still_waits_is_not_waited_for(
    desk: Desk, live_store: Store
) -> None:
    desk.hold()
    live_store.generating.start(5)
    live_store.generating.cancel()
    assert live_store.generating.going
    # As the mailbox does: the request never reaches the engine.
    desk.held = [request for request in desk.held or [] if isinstance(request, m.Cancel)]
    desk.release()
    assert not live_store.generating.going


def test_text_that_can_not_be_written_is_a_notice(desk: Desk, live_store: Store) -> None:
    notices: list[Notice] = []
    live_store.notice_posted.connect(notices.append)
    live_store.set_prompt("")
    live_store.generating.start(5)
    assert not live_store.generating.going
    assert [notice.level for notice in notices] == ["error"]
    assert "empty" in notices[0].message


def test_another_model_can_not_go_on_with_a_text(desk: Desk, live_store: Store) -> None:
    heard: list[object] = []
    live_store.generating.start(50, seed=1)
    desk.advance(3)
    live_store.generating.changed.connect(lambda: heard.append(live_store.generating.current))
    live_store.opening.open(str(STORY_WORLD))
    assert live_store.generating.current is None
    assert not live_store.generating.going
    assert heard == [None]
    desk.advance(5)
    assert live_store.generating.current is None


def test_text_of_the_model_before_ends_in_the_worker_when_a_run_comes_into_view(
    desk: Desk, live_store: Store, tmp_path: Path
) -> None:
    live_store.run.start(PRESETS["tiny"], str(tmp_path / "run"), begin_paused=True)
    live_store.generating.start(10_000, seed=1)
    request_id = text_of(live_store).request_id
    while live_store.run.current is None:
        desk.advance()
    assert live_store.generating.current is None
    ends = [r for r in desk.results if isinstance(r, m.GenerationFinished)]
    assert [end.request_id for end in ends] == [request_id]
    live_store.run.stop()
    desk.finish()


def test_text_of_a_model_that_learned_stays_when_its_run_ends(
    desk: Desk, live_store: Store, tmp_path: Path
) -> None:
    live_store.run.start(PRESETS["tiny"], str(tmp_path / "run"), begin_paused=True)
    while live_store.run.current is None:
        desk.advance()
    live_store.generating.start(3, seed=1)
    while live_store.generating.going:
        desk.advance()
    text = text_of(live_store)
    live_store.run.stop()
    desk.finish()
    assert live_store.model is not None
    assert not live_store.model.training
    assert live_store.generating.current is text

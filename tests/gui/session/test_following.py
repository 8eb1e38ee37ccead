"""While text is written, the prompt grows with it."""

from __future__ import annotations

from gui.session.store import Store
from tests.gui.desk import PROMPT, Desk


def test_the_prompt_and_the_selection_follow_each_token(desk: Desk, live_store: Store) -> None:
    live_store.generating.start(6, seed=3)
    seen = []
    while live_store.generating.going:
        desk.advance()
        text, read = live_store.generating.current, live_store.read
        assert text is not None
        assert read is not None
        assert live_store.prompt == PROMPT + text.text
        assert read.text == live_store.prompt
        assert live_store.selection.position == read.n_tokens - 1
        seen.append(read.n_tokens)
    assert len(set(seen)) == 6
    assert {one.how for one in live_store.adding.marks(live_store.read).values()} == {"drawn"}
    text = live_store.generating.current
    assert text is not None
    drawn = [(step.token_id, step.probability) for step in text.steps]
    assert [(one.token_id, one.probability) for one in live_store.adding.tokens] == drawn


def test_whoever_edits_the_prompt_keeps_it(desk: Desk, live_store: Store) -> None:
    live_store.generating.start(6, seed=3)
    desk.advance(2)
    live_store.set_prompt("The dog")
    desk.finish()
    assert live_store.prompt == "The dog"
    text = live_store.generating.current
    assert text is not None
    assert len(text.steps) == 6, "the text goes on by itself"


def test_switched_off_the_prompt_stays_until_it_is_taken(desk: Desk, live_store: Store) -> None:
    live_store.following.set_on(False)
    live_store.generating.start(6, seed=3)
    desk.finish()
    text = live_store.generating.current
    assert text is not None
    assert live_store.prompt == PROMPT
    live_store.following.take(text)
    assert live_store.prompt == PROMPT + text.text
    assert len(live_store.adding.tokens) == 6
    live_store.adding.back()
    assert live_store.prompt == PROMPT + text.steps[4].text


def test_switched_on_it_catches_up(desk: Desk, live_store: Store) -> None:
    live_store.following.set_on(False)
    live_store.generating.start(6, seed=3)
    desk.advance(3)
    live_store.following.set_on(True)
    text = live_store.generating.current
    assert text is not None
    assert live_store.prompt == PROMPT + text.text != PROMPT


def test_while_panes_wait_for_answers_the_prompt_waits_for_them(
    desk: Desk, live_store: Store
) -> None:
    from model.probe.surprisal.asks import Surprisal

    live_store.asked.join("a pane", lambda: None)
    desk.hold()
    live_store.asked.want("a pane", live_store.subject, {"it": Surprisal()})
    held, desk.held = desk.held, None
    live_store.generating.start(4, seed=3)
    desk.advance(10)
    assert live_store.prompt == PROMPT
    desk.held = held
    desk.release()
    text = live_store.generating.current
    assert text is not None
    assert live_store.prompt == PROMPT + text.text, "and then takes all that was written"


def test_long_texts_are_noted_as_far_as_they_have_come(desk: Desk, live_store: Store) -> None:
    live_store.generating.start(60, seed=4)
    while live_store.generating.going:
        desk.advance()
    text, read = live_store.generating.current, live_store.read
    assert text is not None
    assert read is not None
    marks = live_store.adding.marks(read)
    n = read.n_tokens - len(marks)
    assert [marks[n + i].token_id for i in range(len(marks))] == list(read.subject.ids[n:])
    ends = [one.end for one in live_store.adding.tokens]
    assert ends == sorted(set(ends))

"""Tokens that were added to the prompt's end, and the way back."""

from __future__ import annotations

from pytestqt.qtbot import QtBot

from gui.panes.tokens.pane import TokensPane
from gui.session.store import Store
from model.probe.next_token.asks import NextToken
from tests.gui.desk import PROMPT, Desk
from tests.gui.pixels import color_named, pixels


def likeliest(desk: Desk, n: int = 1) -> list[int]:
    subject = desk.store.subject
    assert subject is not None
    found = desk.lm.ask(list(subject.ids), NextToken(-1, n=n))
    return [int(i) for i in found.ids[:n]]  # type: ignore[attr-defined]


def force(desk: Desk, token_id: int) -> None:
    read = desk.store.read
    assert read is not None
    assert desk.store.adding.put(read, read.n_tokens - 1, [token_id], "forced", [0.25])


def test_forced_tokens_are_marked_and_taken_back_one_by_one(desk: Desk, live_store: Store) -> None:
    first = likeliest(desk)[0]
    force(desk, first)
    with_one = live_store.prompt
    assert with_one.startswith(PROMPT)
    assert len(with_one) > len(PROMPT)
    second = likeliest(desk)[0]
    force(desk, second)
    read = live_store.read
    assert read is not None
    marks = live_store.adding.marks(read)
    assert {at: (one.token_id, one.how, one.probability) for at, one in marks.items()} == {
        read.n_tokens - 2: (first, "forced", 0.25),
        read.n_tokens - 1: (second, "forced", 0.25),
    }
    live_store.adding.back()
    assert live_store.prompt == with_one
    live_store.adding.back()
    assert live_store.prompt == PROMPT
    assert not live_store.adding.can_go_back
    live_store.adding.back()
    assert live_store.prompt == PROMPT, "what was typed isn't taken away"


def test_what_was_typed_behind_an_added_token_is_not_taken_back(
    desk: Desk, live_store: Store
) -> None:
    force(desk, likeliest(desk)[0])
    live_store.set_prompt(f"{live_store.prompt} and")
    assert not live_store.adding.can_go_back
    assert len(live_store.adding.marks(live_store.read)) == 1, "it is still marked"
    live_store.set_prompt(live_store.prompt.removesuffix(" and"))
    assert live_store.adding.can_go_back


def test_a_token_that_was_edited_is_no_longer_marked(desk: Desk, live_store: Store) -> None:
    force(desk, likeliest(desk)[0])
    live_store.set_prompt(live_store.prompt[:-2])
    assert not live_store.adding.tokens
    assert not live_store.adding.marks(live_store.read)


def test_several_tokens_are_put_at_once_and_taken_back_singly(
    desk: Desk, live_store: Store
) -> None:
    read, model = live_store.read, live_store.model
    assert read is not None
    assert model is not None
    ids = [likeliest(desk)[0], model.vocabulary.index(b".")]
    assert live_store.adding.put(read, 2, ids, "taken", [0.5, 0.125])
    after = live_store.read
    assert after is not None
    assert after.subject.ids == (*read.subject.ids[:3], *ids), "what stood behind is replaced"
    assert [one.how for one in live_store.adding.tokens] == ["taken", "taken"]
    live_store.adding.back()
    assert live_store.prompt.endswith(model.vocabulary[ids[0]].decode())


def test_a_text_that_is_cut_otherwise_is_told(desk: Desk, live_store: Store) -> None:
    model = live_store.model
    assert model is not None
    # Two tokens that as a text are one.
    live_store.set_prompt("The k")
    force(desk, model.vocabulary.index(b"ing"))
    assert live_store.prompt == "The king"
    assert "cuts it differently" in live_store.adding.message
    assert not live_store.adding.marks(live_store.read), "the token doesn't stand there"
    live_store.set_prompt("The")
    assert not live_store.adding.message


def test_half_a_character_is_refused(desk: Desk, live_store: Store) -> None:
    model, read = live_store.model, live_store.read
    assert model is not None
    assert read is not None
    half = next(i for i, raw in enumerate(model.vocabulary) if raw == b"\xe2")
    assert not live_store.adding.put(read, read.n_tokens - 1, [half], "forced")
    assert "part of a character" in live_store.adding.message
    assert live_store.prompt == PROMPT


def test_chips_of_added_tokens_are_marked_and_say_how_they_came(
    desk: Desk, live_store: Store, qtbot: QtBot
) -> None:
    pane = TokensPane(live_store)
    qtbot.addWidget(pane)
    pane.resize(900, 160)
    with qtbot.waitExposed(pane):
        pane.show()
    force(desk, likeliest(desk)[0])
    pane.refresh_now()
    assert live_store.read is not None
    last = live_store.read.n_tokens - 1
    picture = pixels(pane.strip.viewport())
    for index in range(last + 1):
        box = pane.strip.chip_rect(index)
        foot = picture[round(box.bottom()) - 2, round(box.center().x())]
        assert (tuple(foot) == color_named("lens")) == (index == last)
    assert "Put there by you" in pane.describe(last)
    assert "by you" not in pane.describe(last - 1)
    live_store.adding.back()
    pane.refresh_now()
    assert not pane._look(last - 1).added

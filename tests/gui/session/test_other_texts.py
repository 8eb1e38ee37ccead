"""Texts beside the prompt, in tokens: asked for once, known after, forgotten with their model."""

from __future__ import annotations

from gui.session.store import Store
from model import messages as m
from tests.gui.desk import Desk


def test_a_text_is_cut_as_the_prompt_would_be(live_store: Store, desk: Desk):
    cut = live_store.texts.cut("The queen lost her")
    assert cut is not None
    live_store.set_prompt("The queen lost her")
    assert live_store.subject is not None
    assert cut.ids == live_store.subject.ids


def test_it_is_asked_for_once(live_store: Store, desk: Desk):
    desk.hold()
    assert live_store.texts.cut("The queen") is None
    assert live_store.texts.cut("The queen") is None
    assert desk.held is not None
    assert sum(isinstance(request, m.CutText) for request in desk.held) == 1
    told: list[bool] = []
    live_store.texts.changed.connect(lambda: told.append(True))
    desk.release()
    assert told
    assert live_store.texts.cut("The queen") is not None


def test_what_can_not_be_read_says_why(live_store: Store, desk: Desk):
    desk.hold()
    live_store.texts.cut("what is this")
    request = (desk.held or []).pop()
    live_store.receive(m.Failed(request_id=request.id, message="It is too long.", request=request))
    cut = live_store.texts.cut("what is this")
    assert cut is not None
    assert cut.problem == "It is too long."
    assert cut.ids == ()


def test_an_empty_text_has_no_tokens(live_store: Store):
    cut = live_store.texts.cut("  ")
    assert cut is not None
    assert (cut.ids, cut.problem) == ((), "")


def test_interventions_still_get_their_own_texts(live_store: Store):
    from model.interventions import Steer

    live_store.texts.cut("king")
    live_store.intervening.add_of_texts(("king",), lambda ids: Steer(1, ids[0]))
    (entry,) = live_store.intervening.entries
    assert isinstance(entry.intervention, Steer)

"""What is asked on request: once, about what was in view; what came stays until another run."""

from __future__ import annotations

import pytest

from gui.session.on_request import OnRequest
from gui.session.store import Store
from model import messages as m
from model.probe.patch.asks import Patch, PatchFound
from tests.gui.desk import PROMPT, Desk

OTHER = "The man lost his crown. The queen lost her"


@pytest.fixture
def work(live_store: Store) -> OnRequest:
    live_store.texts.cut(OTHER)  # before a test holds the worker back
    return OnRequest(live_store, "a test")


def question(store: Store, kind: str = "residual") -> Patch:
    cut = store.texts.cut(OTHER)
    assert cut is not None
    return Patch(clean_ids=cut.ids, kind=kind)  # type: ignore[arg-type]


def test_nothing_is_asked_before_it_is_run(work: OnRequest, desk: Desk):
    assert not work.going
    assert work.answer is None
    work.run(question(desk.store))
    found = work.found(PatchFound)
    assert found is not None
    assert found.is_whole
    assert work.is_current
    assert work.read is desk.store.read


def test_what_came_stays_when_the_prompt_changes_and_says_whose_it_is(work: OnRequest, desk: Desk):
    work.run(question(desk.store))
    found, read = work.answer, work.read
    desk.store.set_prompt("The queen")
    assert work.answer is found
    assert work.read is read
    assert not work.is_current
    desk.store.set_prompt(PROMPT)
    assert work.is_current


def test_a_run_can_be_stopped_and_keeps_the_map_before(work: OnRequest, desk: Desk):
    work.run(question(desk.store))
    before = work.answer
    desk.hold()
    work.run(question(desk.store, "mlp"))
    assert work.going
    assert work.answer is before
    work.stop()
    assert not work.going
    assert work.stopped
    assert work.answer is before
    assert any(isinstance(request, m.Cancel) for request in desk.held or ())


def test_cancelling_everything_is_no_failure(work: OnRequest, desk: Desk):
    desk.hold()
    work.run(question(desk.store))
    desk.store.asked.cancel()
    assert not work.going
    assert work.stopped
    assert work.problem == ""


def test_the_same_question_can_be_run_again(work: OnRequest, desk: Desk):
    desk.hold()
    work.run(question(desk.store))
    work.stop()
    desk.release()
    work.run(question(desk.store))
    assert work.found(PatchFound) is not None
    assert not work.stopped


def test_a_refusal_is_kept(work: OnRequest, desk: Desk):
    work.run(Patch(clean_ids=(1, 2, 3)))
    assert "3 tokens" in work.problem
    assert work.answer is None


def test_progress_is_told(work: OnRequest, desk: Desk):
    told: list[float] = []
    work.changed.connect(lambda: told.append(work.share))
    desk.hold()
    work.run(question(desk.store))
    ask = next(request for request in desk.held or () if isinstance(request, m.Ask))
    desk.store.receive(m.Waiting(request_id=ask.id, share=0.25))
    assert told[-1] == 0.25


def test_another_model_forgets_it(work: OnRequest, desk: Desk):
    work.run(question(desk.store))
    info = desk.store.model
    assert info is not None
    desk.store.show_model(info)
    assert work.answer is None
    assert work.read is None

"""Questions: asked once, answered to whoever wants it, dropped when nobody does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar, cast

import numpy as np
import pytest
from PySide6.QtCore import QObject

from gui.session.asked import Asked
from gui.session.store import Store
from model import messages as m
from model.probe.question import Answer, Named, Question, read_only
from model.subject import Subject

HERE = Subject(1, None, (4, 5, 6))
THERE = Subject(1, None, (4, 5, 7))


@dataclass(frozen=True, slots=True)
class Which(Question):
    name: ClassVar[str] = "which"
    n: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Found(Answer):
    size: int = 1

    def arrays(self):
        return {"zeros": Named(read_only(np.zeros(self.size)), ("place",))}


@dataclass(frozen=True, slots=True)
class Beside(Question):
    name: ClassVar[str] = "beside"
    later: ClassVar[bool] = True


class Pane:
    """Counts how often it hears that an answer came."""

    def __init__(self, asked: Asked, key: str) -> None:
        self.heard = 0
        self.key = key
        asked.join(key, self.hear)

    def hear(self) -> None:
        self.heard += 1


@pytest.fixture
def sent() -> list[m.Request]:
    return []


class Sender(QObject):
    """As much of a store as questions need."""

    def __init__(self, sent: list[m.Request]) -> None:
        super().__init__()
        self.send = sent.append


@pytest.fixture
def asked(sent: list[m.Request], qapp) -> Iterator[Asked]:
    sender = Sender(sent)
    yield Asked(cast("Store", sender))
    sender.deleteLater()


def read(subject: Subject) -> m.PromptRead:
    return m.PromptRead(request_id=0, subject=subject, text="abc", tokens=())


def test_a_question_is_asked_once_for_all_who_want_it(asked: Asked, sent: list[m.Request]):
    one, other = Pane(asked, "one"), Pane(asked, "other")
    asked.want("one", HERE, {"a": Which(1)})
    asked.want("one", HERE, {"a": Which(1)})
    asked.want("other", HERE, {"b": Which(1)})
    assert [type(request) for request in sent] == [m.Ask]
    asked.note_read(read(HERE))
    asked.take(m.Answered(request_id=sent[0].id, answer=Found(subject=HERE, question=Which(1))))
    assert (one.heard, other.heard) == (1, 1)
    slot = asked.slot("other", "b")
    assert slot is not None
    assert slot.is_current
    assert slot.read is not None
    assert slot.read.subject == HERE


def test_the_old_answer_stays_with_its_own_subject_until_the_new_one_is_there(asked: Asked, sent):
    Pane(asked, "one")
    for subject in (HERE, THERE):
        asked.note_read(read(subject))
    asked.want("one", HERE, {"a": Which(1)})
    asked.take(m.Answered(request_id=sent[0].id, answer=Found(subject=HERE, question=Which(1))))
    asked.want("one", THERE, {"a": Which(1)})
    slot = asked.slot("one", "a")
    assert slot is not None
    assert not slot.is_current
    assert slot.answer is not None
    assert slot.read is not None
    assert slot.answer.subject == slot.read.subject == HERE
    asked.take(m.Answered(request_id=sent[1].id, answer=Found(subject=THERE, question=Which(1))))
    assert slot.is_current
    assert slot.read is not None
    assert slot.read.subject == THERE


def test_what_nobody_wants_any_more_is_cancelled_and_its_answer_dropped(asked: Asked, sent):
    pane = Pane(asked, "one")
    asked.want("one", HERE, {"a": Which(1)})
    asked.want("one", HERE, {"a": Which(2)})
    first, second, cancel = sent
    assert isinstance(cancel, m.Cancel)
    assert cancel.target == first.id
    asked.take(m.Answered(request_id=first.id, answer=Found(subject=HERE, question=Which(1))))
    assert pane.heard == 0
    assert asked.find("one", "a", Found) is None
    asked.take(m.Answered(request_id=second.id, answer=Found(subject=HERE, question=Which(2))))
    assert pane.heard == 1


def test_what_another_still_wants_is_not_cancelled(asked: Asked, sent):
    Pane(asked, "one")
    Pane(asked, "other")
    asked.want("one", HERE, {"a": Which(1)})
    asked.want("other", HERE, {"a": Which(1)})
    asked.want("one", HERE, {})
    assert [type(request) for request in sent] == [m.Ask]
    asked.want("other", None, {})
    assert [type(request) for request in sent] == [m.Ask, m.Cancel]


def test_going_back_is_answered_from_memory(asked: Asked, sent):
    pane = Pane(asked, "one")
    asked.note_read(read(HERE))
    for n in (1, 2):
        assert not asked.want("one", HERE, {"a": Which(n)})
        asked.take(
            m.Answered(request_id=sent[-1].id, answer=Found(subject=HERE, question=Which(n)))
        )
    assert asked.want("one", HERE, {"a": Which(1)})
    assert len(sent) == 2
    found = asked.find("one", "a", Found)
    assert found is not None
    assert found.question == Which(1)
    assert pane.heard == 2


def test_memory_has_an_end(asked: Asked, sent, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("gui.session.asked.REMEMBERED", 8 * 25)
    Pane(asked, "one")
    for n in (1, 2, 3):
        asked.want("one", HERE, {"a": Which(n)})
        answer = Found(subject=HERE, question=Which(n), size=10)
        asked.take(m.Answered(request_id=sent[-1].id, answer=answer))
    assert not asked.want("one", HERE, {"a": Which(1)})  # 3 and 2 are still known
    asked.take(m.Answered(request_id=sent[-1].id, answer=Found(subject=HERE, question=Which(1))))
    assert asked.want("one", HERE, {"a": Which(3)})


def test_answers_about_weights_that_change_are_not_remembered(asked: Asked, sent):
    Pane(asked, "one")
    at_5 = Subject(1, 5, (4, 5))
    for _ in range(2):
        asked.want("one", at_5, {"a": Which(1)})
        asked.take(
            m.Answered(request_id=sent[-1].id, answer=Found(subject=at_5, question=Which(1)))
        )
        asked.want("one", at_5, {})
    assert [type(request) for request in sent] == [m.Ask, m.Ask]


def test_a_coarse_answer_is_shown_and_waited_on(asked: Asked, sent):
    pane = Pane(asked, "one")
    asked.want("one", HERE, {"a": Which(1)})
    coarse = Found(subject=HERE, question=Which(1), share=0.4)
    asked.take(m.Answered(request_id=sent[0].id, answer=coarse))
    slot = asked.slot("one", "a")
    assert slot is not None
    assert slot.answer is coarse
    assert asked.is_waiting
    asked.take(m.Answered(request_id=sent[0].id, answer=Found(subject=HERE, question=Which(1))))
    assert not asked.is_waiting
    assert pane.heard == 2


def test_who_waits_long_is_told_so_and_how_far_it_is(asked: Asked, sent, qtbot):
    pane = Pane(asked, "one")
    asked.want("one", HERE, {"a": Which(1)})
    assert asked.waits("one") is None  # sooner would flicker
    qtbot.waitUntil(lambda: pane.heard > 0, timeout=2000)
    asked.take(m.Waiting(request_id=sent[0].id, share=0.25))
    waiting = asked.waits("one")
    assert waiting is not None
    assert waiting.share == 0.25
    asked.take(m.Answered(request_id=sent[0].id, answer=Found(subject=HERE, question=Which(1))))
    assert asked.waits("one") is None


def test_why_it_cannot_be_answered_stands_where_the_answer_would(asked: Asked, sent):
    pane = Pane(asked, "one")
    asked.want("one", HERE, {"a": Which(1), "b": Which(2)})
    request = sent[0]
    asked.take(m.Failed(request_id=request.id, message="Too large.", request=request))
    slot, other = asked.slot("one", "a"), asked.slot("one", "b")
    assert slot is not None
    assert other is not None
    assert (slot.problem, other.problem) == ("Too large.", "")
    assert pane.heard == 1
    asked.want("one", THERE, {"a": Which(1)})
    assert slot.problem == ""


def test_a_failure_of_something_else_is_not_taken(asked: Asked):
    assert not asked.take(m.Failed(request_id=3, message="No.", request=m.SaveModel(path="x")))
    assert not asked.take(m.Cancelled(request_id=3))


def test_all_that_is_on_its_way_can_be_cancelled(asked: Asked, sent):
    Pane(asked, "one")
    asked.want("one", HERE, {"a": Which(1)})
    asked.cancel()
    assert [type(request) for request in sent] == [m.Ask, m.Cancel]
    assert not asked.is_waiting
    slot = asked.slot("one", "a")
    assert slot is not None
    assert slot.problem.startswith("Cancelled.")


def test_another_model_leaves_nothing_of_the_old_one(asked: Asked, sent):
    Pane(asked, "one")
    asked.want("one", HERE, {"a": Which(1)})
    asked.take(m.Answered(request_id=sent[0].id, answer=Found(subject=HERE, question=Which(1))))
    asked.want("one", HERE, {"a": Which(2)})
    asked.reset(cast("m.ModelInfo", None))
    assert asked.slot("one", "a") is None
    assert isinstance(sent[-1], m.Cancel)
    asked.want("one", HERE, {"a": Which(1)})
    assert isinstance(sent[-1], m.Ask)


def test_it_says_when_what_is_looked_at_at_once_is_there_and_when_all_is(
    asked: Asked, sent: list[m.Request]
):
    pane = Pane(asked, "pane")
    told: list[int] = []
    asked.settled.connect(lambda: told.append(pane.heard))
    asked.want("pane", HERE, {"a": Which(1), "b": Which(2), "c": Beside()})
    asked.note_read(read(HERE))
    for request, question in zip(sent, (Which(1), Which(2), Beside()), strict=True):
        asked.take(m.Answered(request_id=request.id, answer=Found(subject=HERE, question=question)))
    assert told == [2, 3], "after both that are looked at at once, and after the last"


def test_the_step_that_is_told_is_that_of_most_panes(asked: Asked, sent: list[m.Request]):
    """One that comes into sight while the others follow is answered about a later one at once."""
    before, now = replace(HERE, step=1), replace(HERE, step=2)
    assert asked.drawn_step(HERE.model) is None
    for key, subject in (("one", before), ("two", before), ("late", now)):
        Pane(asked, key)
        question = Which(len(sent))
        asked.want(key, subject, {"a": question})
        found = Found(subject=subject, question=question)
        asked.note_read(read(subject))
        asked.take(m.Answered(request_id=sent[-1].id, answer=found))
    slot = asked.slot("late", "a")
    assert slot is not None
    assert slot.answer is not None
    assert slot.answer.subject == now
    assert asked.drawn_step(HERE.model) == 1
    assert asked.drawn_step(HERE.model + 1) is None

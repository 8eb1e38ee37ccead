"""Of a model that learns all panes change to another step at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from gui.session.asked import Asked
from model import messages as m
from model.subject import Subject
from tests.gui.session.test_asked import Found, Pane, Sender, Which, read

STEP_1 = Subject(1, 1, (4, 5, 6))
STEP_2 = replace(STEP_1, step=2)


@pytest.fixture
def sent() -> list[m.Request]:
    return []


@pytest.fixture
def asked(sent: list[m.Request], qapp: QObject) -> Iterator[Asked]:
    sender = Sender(sent)
    asked = Asked(sender)  # type: ignore[arg-type]
    Pane(asked, "one")
    Pane(asked, "other")
    look_at(asked, STEP_1)
    answer(asked, STEP_1, 1)
    answer(asked, STEP_1, 2)
    yield asked
    sender.deleteLater()


def look_at(asked: Asked, subject: Subject) -> None:
    asked.note_read(read(subject))
    asked.want("one", subject, {"a": Which(1)})
    asked.want("other", subject, {"b": Which(2)})


def answer(asked: Asked, subject: Subject, n: int) -> None:
    asked.take(m.Answered(request_id=0, answer=Found(subject=subject, question=Which(n))))


def steps(asked: Asked) -> list[int | None]:
    """What is drawn in each pane."""
    slots = (asked.slot("one", "a"), asked.slot("other", "b"))
    return [None if s is None or s.answer is None else s.answer.subject.step for s in slots]


def test_an_answer_about_the_next_step_waits_for_the_others(asked: Asked) -> None:
    assert steps(asked) == [1, 1]
    look_at(asked, STEP_2)
    assert asked.is_gathering
    answer(asked, STEP_2, 1)
    assert steps(asked) == [1, 1]
    answer(asked, STEP_2, 2)
    assert steps(asked) == [2, 2]
    assert not asked.is_gathering
    slot = asked.slot("one", "a")
    assert slot is not None
    assert slot.read is not None
    assert slot.read.subject == STEP_2


@pytest.mark.parametrize("how", ["problem", "cancelled", "hidden"])
def test_who_gets_no_answer_keeps_nobody_waiting(
    asked: Asked, sent: list[m.Request], how: str
) -> None:
    look_at(asked, STEP_2)
    last = next(r for r in reversed(sent) if isinstance(r, m.Ask) and r.question == Which(2))
    answer(asked, STEP_2, 1)
    if how == "problem":
        asked.take(m.Failed(request_id=last.id, request=last, message="No."))
    elif how == "cancelled":
        asked.take(m.Cancelled(request_id=last.id))
    else:
        asked.want("other", STEP_2, {})
    assert steps(asked)[0] == 2


def test_nobody_waits_for_ever(asked: Asked, qtbot: QtBot) -> None:
    look_at(asked, STEP_2)
    answer(asked, STEP_2, 1)
    with qtbot.waitSignal(asked.delivered, timeout=5000):
        pass
    assert steps(asked) == [2, 1]


def test_what_a_person_asks_is_drawn_as_it_comes(asked: Asked) -> None:
    typed = Subject(1, 2, (4, 5, 7))
    look_at(asked, typed)
    assert not asked.is_gathering
    answer(asked, typed, 1)
    assert steps(asked) == [2, 1], "another text isn't waited for"
    asked.want("one", typed, {"a": Which(3)})
    answer(asked, typed, 3)
    slot = asked.slot("one", "a")
    assert slot is not None
    assert slot.is_current

"""The cost of context, measured in the worker: others are answered between, and it can be ended."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from model import messages as m
from model.engine import Engine
from model.probe.cost.asks import Cost, CostFound
from model.probe.next_token.asks import NextToken
from resources import STORY_WORLD

TEXT = "The king lost his crown."


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    monkeypatch.setattr("model.engine.opening.AT_ONCE_SECONDS", 600.0)
    monkeypatch.setattr("model.probe.cost.timing.ENOUGH_SECONDS", 0.0)
    monkeypatch.setattr("model.probe.cost.timing.SPOILT", 1)
    monkeypatch.setattr("model.probe.cost.timing.SLICE_SECONDS", 0.002)
    engine = Engine("cpu", threads=1)
    list(engine.start())
    list(engine.handle(m.OpenModel(path=str(STORY_WORLD))))
    yield engine
    list(engine.close())


def begun(engine: Engine) -> tuple[m.Ask, list[m.Result]]:
    """A measuring of which the first length is known."""
    (read,) = list(engine.handle(m.ReadPrompt(text=TEXT)))
    assert isinstance(read, m.PromptRead)
    request = m.Ask(subject=read.subject, question=Cost(longest=64))
    results = list(engine.handle(request))
    while engine.busy and not found_in(results):
        results += engine.advance()
    return request, results


def found_in(results: list[m.Result]) -> list[CostFound]:
    answers = [result.answer for result in results if isinstance(result, m.Answered)]
    return [answer for answer in answers if isinstance(answer, CostFound)]


def test_a_question_is_answered_between_two_blocks(engine: Engine) -> None:
    request, results = begun(engine)
    other = m.Ask(subject=request.subject, question=NextToken(position=2))
    before = len(found_in(results))
    results += engine.handle(other)
    assert len(found_in(results)) == before
    assert any(isinstance(r, m.Answered) and r.request_id == other.id for r in results)
    while engine.busy:
        results += engine.advance()
    found = found_in(results)
    assert [one.n_measured for one in found] == [16, 24, 32, 48, 64, 64]
    assert found[-1].is_whole


def test_a_measuring_that_is_cancelled_ends_at_once(engine: Engine) -> None:
    request, _ = begun(engine)
    ended = list(engine.handle(m.Cancel(target=request.id)))
    assert any(isinstance(r, m.Cancelled) and r.request_id == request.id for r in ended)
    rest: list[m.Result] = []
    while engine.busy:
        rest += engine.advance()
    assert not found_in(rest)

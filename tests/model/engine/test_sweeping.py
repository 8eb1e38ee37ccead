"""Sweeps in the worker: first an estimate, then progress; other questions between; cancelled."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from model import messages as m
from model.engine import Engine
from model.probe.metric import Metric
from model.probe.next_token.asks import NextToken
from model.probe.patch.asks import Patch, PatchFound
from resources import STORY_WORLD

CORRUPTED, CLEAN = "The capital of Italy is", "The capital of France is"
QUESTION = Patch(clean=CLEAN, metric=Metric(" Paris", against=" Rome"), kind="z")


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    monkeypatch.setattr("model.engine.opening.AT_ONCE_SECONDS", 600.0)
    monkeypatch.setattr("model.probe.sweeping.Pace.is_due", lambda self: True)
    engine = Engine("cpu", threads=1)
    list(engine.start())
    list(engine.handle(m.OpenModel(path=str(STORY_WORLD))))
    yield engine
    list(engine.close())


def asked(engine: Engine) -> m.Ask:
    (read,) = list(engine.handle(m.ReadPrompt(text=CORRUPTED)))
    assert isinstance(read, m.PromptRead)
    return m.Ask(subject=read.subject, question=QUESTION)


def found_in(results: list[m.Result], request: m.Ask) -> list[PatchFound]:
    answers = [
        r.answer for r in results if isinstance(r, m.Answered) and r.request_id == request.id
    ]
    assert all(isinstance(one, PatchFound) for one in answers)
    return answers  # type: ignore[return-value]


def test_a_sweep_tells_how_far_it_is_and_others_are_answered_between(engine: Engine):
    request = asked(engine)
    results = list(engine.handle(request))
    while engine.busy and not found_in(results, request):
        results += engine.advance()
    assert found_in(results, request)[0].share == 0
    other = m.Ask(subject=request.subject, question=NextToken(position=2))
    results += engine.handle(other)
    while engine.busy:
        results += engine.advance()
    order = [r.request_id for r in results if isinstance(r, m.Answered)]
    assert other.id in order[: order.index(request.id) + order.count(request.id) - 1]
    answers = found_in(results, request)
    shares = [one.share for one in answers]
    assert shares == sorted(shares)
    assert shares[-1] == 1
    assert len(answers) > 3
    assert answers[-1].question == QUESTION
    assert answers[-1].done.all()


def test_a_cancelled_sweep_ends_at_once(engine: Engine):
    request = asked(engine)
    results = list(engine.handle(request))
    while engine.busy and len(found_in(results, request)) < 2:
        results += engine.advance()
    results += engine.handle(m.Cancel(target=request.id))
    rest: list[m.Result] = []
    while engine.busy:
        rest += engine.advance()
    assert not found_in(rest, request)
    assert any(isinstance(r, m.Cancelled) and r.request_id == request.id for r in results + rest)

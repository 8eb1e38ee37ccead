"""Reading a prompt and answering questions about it: between slices, and never about another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import torch

from model import messages as m
from model.checkpoint import save_checkpoint
from model.engine import Engine
from model.engine.handlers import HANDLERS
from model.interventions import AblateHead
from model.probe.lens.asks import Lens
from model.probe.next_token.asks import NextToken, NextTokenFound
from model.probe.question import Answer, Question
from model.probe.vectors.asks import Vectors, VectorsFound
from model.train import PRESETS
from resources import STORY_WORLD
from tests.model.networks import overflowing
from tests.samples.counting_job import Count, count

PROMPT = "The king lost his crown. The queen lost her"


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    monkeypatch.setattr("model.engine.opening.AT_ONCE_SECONDS", 600.0)
    engine = Engine("cpu", threads=1)
    list(engine.start())
    list(engine.handle(m.OpenModel(path=str(STORY_WORLD))))
    yield engine
    list(engine.close())


def to_the_end(engine: Engine, request: m.Request) -> list[m.Result]:
    """All that comes of a request."""
    results = list(engine.handle(request))
    while engine.busy:
        results += engine.advance()
    return [result for result in results if result.request_id == request.id]


def to_the_end_of_all(engine: Engine) -> list[m.Result]:
    """All that comes of what goes on."""
    results: list[m.Result] = []
    while engine.busy:
        results += engine.advance()
    return results


def read(engine: Engine, text: str = PROMPT, **more: int) -> m.PromptRead:
    first = to_the_end(engine, m.ReadPrompt(text=text, **more))[0]  # type: ignore[arg-type]
    assert isinstance(first, m.PromptRead)
    return first


def test_a_prompt_is_read_at_once_and_run_behind_it(engine: Engine):
    request = m.ReadPrompt(text=PROMPT)
    first = list(engine.handle(request))
    assert [type(result) for result in first] == [m.PromptRead]
    subject = first[0].subject  # type: ignore[attr-defined]
    assert subject.ids == tuple(engine.place.lm.ids(PROMPT)[0].tolist())
    assert not engine.place.bench.has(subject)
    later: list[m.Result] = []
    while engine.busy:
        later += engine.advance()
    ready = later[-1]
    assert isinstance(ready, m.StreamReady)
    assert (ready.subject, ready.n_run) == (subject, subject.n_tokens)
    assert ready.held_bytes == engine.place.bench.n_bytes > 0
    assert engine.place.bench.has(subject)


def test_a_prompt_that_goes_on_runs_what_is_new(engine: Engine):
    subject = read(engine).subject
    *_, ready = to_the_end(engine, m.ReadPrompt(text=PROMPT + " crown"))
    assert isinstance(ready, m.StreamReady)
    assert ready.n_run == 1
    assert ready.subject.ids[:-1] == subject.ids


def test_a_prompt_that_a_question_ran_first_says_what_it_cost(engine: Engine):
    (first,) = list(engine.handle(m.ReadPrompt(text=PROMPT)))
    assert isinstance(first, m.PromptRead)
    ask = m.Ask(subject=first.subject, question=NextToken(position=3))
    results = list(engine.handle(ask))
    engine.place.bench.stream(first.subject)  # as by a question that is quicker
    while engine.busy:
        results += engine.advance()
    (ready,) = [result for result in results if isinstance(result, m.StreamReady)]
    assert ready.n_run == first.n_tokens
    assert ready.seconds > 0
    *_, again = to_the_end(engine, m.ReadPrompt(text=PROMPT))
    assert isinstance(again, m.StreamReady)
    assert (again.n_run, again.seconds) == (0, 0.0)


def test_a_prompt_that_cannot_be_read_is_refused(engine: Engine):
    (refused,) = to_the_end(engine, m.ReadPrompt(text=""))
    assert isinstance(refused, m.PromptRefused)


def test_an_answer_is_about_what_was_asked_not_about_what_was_read_since(engine: Engine):
    before = read(engine).subject
    after = read(engine, "The queen found a crown").subject
    question = Vectors(names=("blocks.2.hook_resid_post",), position=1)
    found = [to_the_end(engine, m.Ask(subject=s, question=question))[-1] for s in (before, after)]
    for subject, result in zip((before, after), found, strict=True):
        assert isinstance(result, m.Answered)
        answer = result.answer
        assert isinstance(answer, VectorsFound)
        assert answer.subject == subject
        expected = engine.place.lm.trace(list(subject.ids))["blocks.2.hook_resid_post"][0, 1]
        vector = answer.vectors["blocks.2.hook_resid_post"]
        assert np.allclose(vector.values, expected.numpy(), atol=1e-5)


def test_a_question_that_waits_says_how_far_the_run_is(engine: Engine, monkeypatch):
    monkeypatch.setattr("model.engine.asking.TELL_SECONDS", 0.0)
    (first,) = list(engine.handle(m.ReadPrompt(text=PROMPT)))
    assert isinstance(first, m.PromptRead)
    results = to_the_end(engine, m.Ask(subject=first.subject, question=NextToken(position=3)))
    shares = [result.share for result in results if isinstance(result, m.Waiting)]
    assert shares == sorted(shares)
    assert all(0 < share < 1 for share in shares)
    assert isinstance(results[-1], m.Answered)


def test_a_newer_prompt_ends_the_run_of_an_older_one(engine: Engine):
    (first,) = list(engine.handle(m.ReadPrompt(text=PROMPT)))
    list(engine.advance())
    assert isinstance(first, m.PromptRead)
    ended = list(engine.handle(m.ReadPrompt(text="Nora sang.")))
    assert isinstance(ended[0], m.Cancelled)
    while engine.busy:
        list(engine.advance())
    assert not engine.place.bench.has(first.subject)


def test_a_question_can_be_cancelled(engine: Engine):
    subject = read(engine).subject
    ask = m.Ask(subject=replace(subject, ids=subject.ids[::-1]), question=NextToken(position=1))
    list(engine.handle(ask))
    assert engine.busy
    assert list(engine.handle(m.Cancel(target=ask.id))) == [m.Cancelled(request_id=ask.id)]
    assert not engine.busy


def test_a_question_that_cannot_be_answered_says_why(engine: Engine):
    subject = read(engine).subject
    ask = m.Ask(subject=subject, question=Unanswerable())
    (failed,) = to_the_end(engine, ask)
    assert isinstance(failed, m.Failed)
    assert failed.request is ask


@dataclass(frozen=True, slots=True)
class Unanswerable(Question):
    """Whose folder has no answer."""

    name: ClassVar[str] = "unanswerable"


def test_a_question_about_a_model_that_is_gone_is_given_up(engine: Engine):
    subject = read(engine).subject
    list(engine.handle(m.OpenModel(path=str(STORY_WORLD))))
    ask = m.Ask(subject=subject, question=NextToken(position=1))
    assert to_the_end(engine, ask) == [m.Cancelled(request_id=ask.id)]


def test_of_a_model_that_learns_each_answer_is_about_the_step_that_it_names(
    engine: Engine, tmp_path: Path
):
    list(engine.handle(m.ReadPrompt(text=PROMPT)))
    recipe = replace(PRESETS["tiny"], steps=9, d_model=16, n_layers=1)
    start = m.StartTraining(recipe=recipe, run_dir=str(tmp_path / "run"), begin_paused=True)
    results = list(engine.handle(start))
    question = Vectors(names=("hook_embed",), position=0)
    seen = {}
    for _ in range(4):
        while engine.busy:
            results += engine.advance()
        subject = [r.subject for r in results if isinstance(r, m.PromptRead)][-1]
        run = engine.place.run
        assert run is not None
        assert subject.step == run.training.step
        *_, result = to_the_end(engine, m.Ask(subject=subject, question=question))
        assert isinstance(result, m.Answered)
        assert isinstance(result.answer, VectorsFound)
        table_VD = run.training.transformer.embed.weight.detach()
        row = table_VD[subject.ids[0]].clone().numpy()
        assert np.array_equal(result.answer.vectors["hook_embed"].values, row)
        seen[subject.step] = row
        results += engine.handle(m.ControlTraining(action="step"))
    assert list(seen) == [0, 1, 2, 3]
    assert not np.array_equal(seen[0], seen[3])
    # What is asked about a step that is past is not answered from later weights.
    past = m.Ask(subject=replace(subject, step=1), question=question)
    assert to_the_end(engine, past)[-1] == m.Cancelled(request_id=past.id)


def test_the_distribution_is_the_same_as_in_python(engine: Engine):
    subject = read(engine).subject
    question = NextToken(position=subject.n_tokens - 1, n=3)
    *_, result = to_the_end(engine, m.Ask(subject=subject, question=question))
    assert isinstance(result, m.Answered)
    assert isinstance(result.answer, NextTokenFound)
    logits_V = engine.place.lm.logits(PROMPT)[0, -1]
    assert result.answer.ids[0] == int(logits_V.argmax())
    chance = torch.softmax(logits_V.double(), -1).max()
    assert result.answer.probabilities[0] == pytest.approx(float(chance), abs=1e-5)


def test_a_prompt_whose_numbers_overflow_says_where_and_generates_nothing(
    engine: Engine, tmp_path: Path
):
    folder = tmp_path / "beyond"
    save_checkpoint(folder, overflowing(), None, family="llama", dtype=torch.float16)
    for dtype, is_finite in (("float16", False), ("float32", True)):
        to_the_end(engine, m.OpenModel(path=str(folder), dtype=dtype))
        ready = to_the_end(engine, m.ReadPrompt(text="3 7 1"))[-1]
        assert isinstance(ready, m.StreamReady)
        assert (ready.not_finite == "") == is_finite
        last = to_the_end(engine, m.Generate(text="3 7 1", max_new_tokens=2))[-1]
        if is_finite:
            assert isinstance(last, m.GenerationFinished)
            assert last.n_tokens == 2
        else:
            assert ready.not_finite.startswith("blocks.0.hook_mlp_out (MLP down) is the first")
            assert isinstance(last, m.Failed)
            assert ready.not_finite in last.message


def test_interventions_of_another_model_change_nothing() -> None:
    engine = Engine("cpu", threads=1)
    list(engine.start())
    list(engine.handle(m.OpenModel(path=str(STORY_WORLD))))
    while engine.busy:
        list(engine.advance())
    asked = m.ReadPrompt(
        text="The king", interventions=(AblateHead(99, 0),), model_id=engine.place.model_id + 1
    )
    results = list(engine.handle(asked))
    while engine.busy:
        results += engine.advance()
    read = next(result for result in results if isinstance(result, m.PromptRead))
    assert read.subject.interventions == ()
    assert not [result for result in results if isinstance(result, m.Failed)]


@dataclass(frozen=True, slots=True)
class AtOnce(Question):
    n: int


@dataclass(frozen=True, slots=True)
class Later(Question):
    later: ClassVar[bool] = True


def test_what_is_looked_at_later_takes_no_turn_while_other_questions_do(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
):
    def answer(question, subject, bench):
        yield None
        yield None
        yield Answer(subject=subject, question=question)

    monkeypatch.setattr("model.engine.asking.answering", lambda _: answer)
    subject = read(engine).subject
    first, later, last = (
        m.Ask(subject=subject, question=question) for question in (AtOnce(1), Later(), AtOnce(2))
    )
    results = [result for ask in (first, later, last) for result in engine.handle(ask)]
    while engine.busy:
        results += engine.advance()
    answered = [result.request_id for result in results if isinstance(result, m.Answered)]
    assert answered == [first.id, last.id, later.id]


# ------------------------------------------------------------------- what is drawn first


def test_what_is_looked_at_later_waits_for_what_is_drawn_first_but_no_run_does(
    monkeypatch: pytest.MonkeyPatch,
):
    """The threads share the interpreter: the first picture would wait for what comes after it."""
    monkeypatch.setattr("model.engine.opening.AT_ONCE_SECONDS", 600.0)
    monkeypatch.setitem(HANDLERS, Count, count)
    now = 100.0
    engine = Engine("cpu", threads=1, lead=(0.0, 0.0, 5.0))
    monkeypatch.setattr("model.engine.engine.time.monotonic", lambda: now)
    list(engine.start())
    list(engine.handle(m.OpenModel(path=str(STORY_WORLD))))
    subject = read(engine).subject
    lens = m.Ask(subject=subject, question=Lens(positions=(1,)))
    assert engine.idle_for == 0
    list(engine.handle(m.Ask(subject=subject, question=NextToken(position=1))))
    assert engine.idle_for == pytest.approx(5.0)
    assert list(engine.handle(lens)) == []
    now += 4
    assert [result for _ in range(50) for result in engine.advance()] == []
    assert engine.idle_for == pytest.approx(1.0)
    assert engine.busy
    # Something else goes on, so that nothing is gained by waiting.
    counting = Count(to=50)
    list(engine.handle(counting))
    assert engine.idle_for == 0
    results: list[m.Result] = []
    while lens.id not in [result.request_id for result in results if type(result) is m.Answered]:
        assert engine.busy
        results += engine.advance()
    assert any(result.request_id == counting.id for result in results)
    list(engine.close())


def test_what_is_looked_at_later_goes_on_once_the_first_is_drawn(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr("model.engine.opening.AT_ONCE_SECONDS", 600.0)
    now = 100.0
    engine = Engine("cpu", threads=1, lead=(0.0, 0.0, 5.0))
    monkeypatch.setattr("model.engine.engine.time.monotonic", lambda: now)
    list(engine.start())
    list(engine.handle(m.OpenModel(path=str(STORY_WORLD))))
    subject = read(engine).subject
    list(engine.handle(m.Ask(subject=subject, question=NextToken(position=1))))
    lens = m.Ask(subject=subject, question=Lens(positions=(1,)))
    assert list(engine.handle(lens)) == []
    assert [result for _ in range(50) for result in engine.advance()] == []
    now += 5.1
    assert engine.idle_for == 0
    assert any(isinstance(result, m.Answered) for result in to_the_end_of_all(engine))
    list(engine.close())


def test_what_is_drawn_next_rests_for_less_and_comes_before_what_is_later(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr("model.engine.opening.AT_ONCE_SECONDS", 600.0)
    now = 100.0
    engine = Engine("cpu", threads=1, lead=(0.0, 2.0, 5.0))
    monkeypatch.setattr("model.engine.engine.time.monotonic", lambda: now)
    list(engine.start())
    list(engine.handle(m.OpenModel(path=str(STORY_WORLD))))
    subject = read(engine).subject
    lens = m.Ask(subject=subject, question=Lens(positions=(1,)))
    following = m.Ask(subject=subject, question=NextToken(position=0), next=True)
    first = m.Ask(subject=subject, question=NextToken(position=1))
    results = [result for ask in (first, lens, following) for result in engine.handle(ask)]
    answered = [result.request_id for result in results if isinstance(result, m.Answered)]
    assert answered == [first.id]
    assert engine.idle_for == pytest.approx(2.0)
    assert [result for _ in range(5) for result in engine.advance()] == []
    now += 2.1
    assert engine.idle_for == 0
    results = [result for _ in range(5) for result in engine.advance()]
    answered = [result.request_id for result in results if isinstance(result, m.Answered)]
    assert answered == [following.id]
    assert engine.idle_for == pytest.approx(2.9), "the first picture began to be drawn 2.1 s ago"
    now += 3.0
    assert any(result.request_id == lens.id for result in to_the_end_of_all(engine))
    list(engine.close())


def test_what_is_drawn_next_rests_only_until_what_came_before_is_on_the_screen(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr("model.engine.opening.AT_ONCE_SECONDS", 600.0)
    engine = Engine("cpu", threads=1, lead=(0.0, 2.0, 5.0))
    monkeypatch.setattr("model.engine.engine.time.monotonic", lambda: 100.0)
    list(engine.start())
    list(engine.handle(m.OpenModel(path=str(STORY_WORLD))))
    subject = read(engine).subject
    for position in (1, 2):  # what was seen of the one before says nothing of the second
        lens = m.Ask(subject=subject, question=Lens(positions=(position,)))
        following = m.Ask(subject=subject, question=NextToken(position=0), next=True)
        first = m.Ask(subject=subject, question=NextToken(position=position))
        for ask in (first, lens, following):
            list(engine.handle(ask))
        assert engine.idle_for == pytest.approx(2.0)
        assert list(engine.handle(m.Painted(turn=0))) == []
        assert engine.idle_for == 0
        results = [result for _ in range(5) for result in engine.advance()]
        answered = [result.request_id for result in results if isinstance(result, m.Answered)]
        assert answered == [following.id]
        assert engine.idle_for == pytest.approx(5.0), "the second picture is not on the screen yet"
        list(engine.handle(m.Painted(turn=1)))
        assert engine.idle_for == 0
        results = to_the_end_of_all(engine)
        assert any(result.request_id == lens.id for result in results)
    list(engine.close())

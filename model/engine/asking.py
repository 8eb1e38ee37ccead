"""Reading a prompt, and answering questions about what is read.

Knows messages, prompts and the bench; of no question how it is answered: that stands beside it, in
``compute`` of its probe's folder. No queue, no thread, no Qt.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from model import messages as m
from model.engine.job import Job, JobCancelled, RequestError
from model.engine.prompt import read_prompt
from model.engine.workplace import Workplace
from model.probe.answering import answering
from model.subject import Subject

TELL_SECONDS = 0.1
"""How often a question that waits says how far the run of its subject is."""


def read(request: m.ReadPrompt, place: Workplace) -> Job:
    """Answers `ReadPrompt`, remembers it for the model that learns, and begins to run it."""
    place.prompt = request
    yield from read_again(request, place, request.id)


def read_again(request: m.ReadPrompt, place: Workplace, request_id: int) -> Job:
    """A prompt as the model in view reads it now, and its run, as the answer to a request."""
    from model.probe.not_finite.compute import first_not_finite, is_finite

    result = prompt_read(request, place, request_id)
    yield result
    if isinstance(result, m.PromptRefused):
        return
    subject = result.subject
    was_there = place.bench.has(subject)
    at = request.position if request.position >= 0 else subject.n_tokens - 1
    yield None
    for _ in _run(subject, place, (min(at, subject.n_tokens - 1),)):
        yield None
    stream = place.bench.stream(subject)
    not_finite = ""
    if not is_finite(subject, place.bench):
        not_finite = first_not_finite(subject, place.bench).sentence
    yield m.StreamReady(
        request_id=request_id,
        subject=subject,
        n_run=0 if was_there else stream.n_tokens - stream.known,
        seconds=0.0 if was_there else stream.seconds,
        held_bytes=place.bench.n_bytes,
        budget_bytes=place.bench.budget,
        not_finite=not_finite,
    )


def prompt_read(
    request: m.ReadPrompt, place: Workplace, request_id: int
) -> m.PromptRead | m.PromptRefused:
    """The prompt as the model in view reads it, as the answer to a request."""
    prompt = read_prompt(place.lm, request.text, request.ids)
    if isinstance(prompt, str):
        return m.PromptRefused(request_id=request_id, message=prompt)
    place.look()
    subject = Subject(
        model=place.model_id,
        step=place.looked_step,
        ids=tuple(prompt.ids),
        interventions=request.interventions_of(place.model_id),
    )
    return m.PromptRead(
        request_id=request_id,
        subject=subject,
        text=request.text,
        tokens=prompt.tokens,
        notes=prompt.notes,
        truncated_at=prompt.truncated_at,
        n_bytes=prompt.n_bytes,
    )


def read_other(request: m.ReadOther, place: Workplace) -> Job:
    """Answers `ReadOther`."""
    lm = place.models.get(request.model_id)
    if lm is None:
        raise JobCancelled
    prompt = read_prompt(lm, request.text, None)
    if isinstance(prompt, str):
        raise RequestError(prompt)
    subject = Subject(
        model=request.model_id,
        step=place.bench.step_of(request.model_id),
        ids=tuple(prompt.ids),
        interventions=request.interventions,
    )
    read = m.PromptRead(
        request_id=request.id,
        subject=subject,
        text=request.text,
        tokens=prompt.tokens,
        notes=prompt.notes,
        truncated_at=prompt.truncated_at,
        n_bytes=prompt.n_bytes,
    )
    yield m.OtherRead(request_id=request.id, read=read)


def cut_text(request: m.CutText, place: Workplace) -> Job:
    """Answers `CutText`."""
    prompt = read_prompt(place.lm, request.text, None)
    if isinstance(prompt, str):
        raise RequestError(prompt)
    yield m.TextCut(request_id=request.id, ids=tuple(prompt.ids))


def _run(subject: Subject, place: Workplace, watched: tuple[int, ...]) -> Iterator[float]:
    """The subject's stream, block by block; questions that wait for it drive it on as well."""
    from model.bench import MovedOnError

    whole = False
    try:
        yield from place.bench.streaming(subject, watched)
        whole = True
    except MovedOnError:
        raise JobCancelled from None
    finally:
        if not whole:
            place.bench.abandon(subject)


def ask(request: m.Ask, place: Workplace) -> Job:
    """Answers `Ask`; cancelled by itself where the weights that it is about are gone."""
    from model.bench import MovedOnError

    subject, question = request.subject, request.question
    told = time.monotonic()
    began = time.perf_counter()
    working = 0.0
    try:
        for share in place.bench.streaming(subject):
            working += time.perf_counter() - began
            yield None
            if time.monotonic() - told > TELL_SECONDS:
                told = time.monotonic()
                yield m.Waiting(request_id=request.id, share=share)
            began = time.perf_counter()
        for answer in answering(question)(question, subject, place.bench):
            working += time.perf_counter() - began
            if answer is None:
                yield None
            else:
                yield m.Answered(request_id=request.id, answer=answer)
            began = time.perf_counter()
    except MovedOnError:
        raise JobCancelled from None
    finally:
        place.looked(subject.model, working)

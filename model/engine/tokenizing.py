"""Learning a byte-pair encoding and writing it, in slices.

Knows messages and how merges are learnt; no queue, no thread, no Qt, no model.
"""

from __future__ import annotations

import time
from collections.abc import Generator
from pathlib import Path

from model import messages as m
from model.engine.job import Job
from model.engine.workplace import Workplace

SAY_SECONDS = 0.1
SHOWN_CHARACTERS = 6000
"""Of the text's beginning, which is drawn in tokens."""


def learn_bpe(request: m.LearnBpe, place: Workplace) -> Job:
    """Answers `LearnBpe`."""
    from model.tokenizer.bpe_training import learning, words_of

    request.settings.check()
    yield m.Activity(request_id=request.id, what="learning a byte-pair encoding")
    text = yield from _text_of(request)
    steps = learning(text, request.settings)
    said = time.monotonic()
    while True:
        try:
            at = next(steps)
        except StopIteration as stop:
            shown = words_of(text[:SHOWN_CHARACTERS])
            yield m.BpeLearnt(request_id=request.id, history=stop.value, words=shown)
            return
        if time.monotonic() - said > SAY_SECONDS:
            said = time.monotonic()
            yield _progress(request, at.what, at.share)
        yield None


def _text_of(request: m.LearnBpe) -> Generator[m.Result | None, None, str]:
    """The text that is learnt from."""
    from model.train.data import read_text, writing_world

    if request.text or not (request.path or request.world_tokens):
        return request.text
    if request.path:
        yield _progress(request, f"Reading {Path(request.path).name}", 0.0)
        return read_text(Path(request.path))
    world = writing_world(request.world_tokens, 0, "Writing the story world")
    while True:
        try:
            at = next(world)
        except StopIteration as stop:
            text: str = stop.value
            return text
        yield _progress(request, at.what, at.fraction)


def _progress(request: m.LearnBpe, what: str, share: float) -> m.Progress:
    return m.Progress(request_id=request.id, what=what, done=round(1000 * share), total=1000)


def write_tokenizer(request: m.WriteTokenizer, place: Workplace) -> Job:
    """Answers `WriteTokenizer`; what stood there before stays where it can't be written."""
    from model.whole_file import write_whole

    tokenizer = request.history.tokenizer(request.n_merges)
    yield None
    if request.text:
        write_whole(Path(request.text_path), request.text)
    write_whole(Path(request.path), tokenizer.to_json())
    yield m.TokenizerWritten(
        request_id=request.id, path=request.path, vocab_size=tokenizer.n_tokens
    )

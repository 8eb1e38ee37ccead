"""Learning a byte-pair encoding and writing it; tokenizers step by step and side by side.

Knows messages and how tokenizers are learnt, read and replayed; no queue, no thread, no Qt.
"""

from __future__ import annotations

import time
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING

from model import messages as m
from model.engine.job import Job, RequestError
from model.engine.workplace import Workplace

if TYPE_CHECKING:
    from model.tokenizer.side_by_side import CutBy
    from model.tokenizer.tokenizer import Tokenizer

SAY_SECONDS = 0.1
FILES_KEPT = 6
"""Tokenizers of files that stay in memory."""
NO_TOKENIZER = "The model in view has no tokenizer: there is nothing that cuts a text."
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


def count_tokens(request: m.CountTokens, place: Workplace) -> Job:
    """Answers `CountTokens`."""
    import numpy as np

    from model.tokenizer.long_text import cutting

    tokenizer = place.lm.tokenizer
    if tokenizer is None:
        raise RequestError(NO_TOKENIZER)
    yield m.Activity(request_id=request.id, what="counting tokens")
    text = yield from _file_or_world(request)
    steps = cutting(tokenizer, text, np.uint32)
    said = time.monotonic()
    while True:
        try:
            done = next(steps)
        except StopIteration as stop:
            yield m.TokensCounted(
                request_id=request.id,
                counts=np.bincount(stop.value, minlength=tokenizer.n_tokens),
                n_bytes=len(text.encode("utf-8", "replace")),
            )
            return
        if time.monotonic() - said > SAY_SECONDS:
            said = time.monotonic()
            yield _progress(request, "Counting tokens", done / max(1, len(text)))
        yield None


def _text_of(request: m.LearnBpe) -> Generator[m.Result | None, None, str]:
    """The text that is learnt from."""
    if request.text or not (request.path or request.world_tokens):
        return request.text
    return (yield from _file_or_world(request))


def _file_or_world(
    request: m.LearnBpe | m.CountTokens,
) -> Generator[m.Result | None, None, str]:
    """A file's text, or the story world's."""
    from model.train.data import read_text, writing_world

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


def _progress(request: m.Request, what: str, share: float) -> m.Progress:
    return m.Progress(request_id=request.id, what=what, done=round(1000 * share), total=1000)


def write_tokenizer(request: m.WriteTokenizer, place: Workplace) -> Job:
    """Answers `WriteTokenizer`; what stood there before stays where it can't be written."""
    from model.whole_file import write_beside, write_whole

    tokenizer = request.history.tokenizer(request.n_merges)
    yield None
    # A person has chosen the tokenizer's name, and was asked before it replaces a file; the text's
    # follows from it, and may be that of anything.
    text = write_beside(request.text_path, request.text) if request.text else ""
    write_whole(Path(request.path), tokenizer.to_json(), ordinary=True)
    yield m.TokenizerWritten(
        request_id=request.id,
        path=request.path,
        vocab_size=tokenizer.n_tokens,
        text_path=str(text),
    )


def replay_text(request: m.ReplayText, place: Workplace) -> Job:
    """Answers `ReplayText`."""
    tokenizer = place.lm.tokenizer
    if tokenizer is None:
        raise RequestError(NO_TOKENIZER)
    yield None
    replay = tokenizer.replay(request.text)
    vocabulary = {id: tokenizer.token_bytes(id) for id in replay.names}
    yield m.TextReplayed(request_id=request.id, replay=replay, vocabulary=vocabulary)


def put_in_template(request: m.PutInTemplate, place: Workplace) -> Job:
    """Answers `PutInTemplate`."""
    from model.tokenizer.chat import rendered

    tokenizer = place.lm.tokenizer
    if tokenizer is None:
        raise RequestError(NO_TOKENIZER)
    yield None
    chat = rendered(tokenizer.settings(), request.turns, answer_begins=request.answer_begins)
    tokens = tokenizer.encode(chat.text, add_special=False).tokens
    yield m.TemplateApplied(request_id=request.id, chat=chat, tokens=tokens)


def compare_tokenizers(request: m.CompareTokenizers, place: Workplace) -> Job:
    """Answers `CompareTokenizers`; a tokenizer that can't be read is told beside the others."""
    from model.tokenizer.side_by_side import cut_by
    from model.tokenizer.tokenizer import TokenizerError

    cuts: list[CutBy | m.NotCut] = []
    for name in request.names:
        yield None
        try:
            tokenizer = yield from _named(name, request, place)
            cuts.append(cut_by(name, tokenizer, request.text))
        except (TokenizerError, RequestError, OSError) as error:
            cuts.append(m.NotCut(name, str(error)))
    yield m.TokenizersCompared(request_id=request.id, text=request.text, cuts=tuple(cuts))


def _named(
    name: str, request: m.CompareTokenizers, place: Workplace
) -> Generator[None, None, Tokenizer]:
    from model.tokenizer.side_by_side import BUILT_IN, built_in

    if name == m.OPEN_MODEL:
        if place.lm.tokenizer is None:
            raise RequestError(NO_TOKENIZER)
        return place.lm.tokenizer
    if name == m.OWN:
        if request.own is None:
            raise RequestError("Nothing is learnt yet: press Learn in the BPE film.")
        return request.own.tokenizer(request.n_merges)
    if name in BUILT_IN:
        return built_in(name, request.text)
    return (yield from _file(name))


def _file(name: str) -> Generator[None, None, Tokenizer]:
    """The tokenizer of a path; the last few stay, until the file changes."""
    from model.tokenizer.client import LARGE_BYTES, building
    from model.tokenizer.tokenizer import Tokenizer
    from model.train.tokenizer_choice import tokenizer_at

    path = Path(name)
    if not path.exists():
        raise RequestError("It is no longer there: take it away, or choose another.")
    changed = path.stat().st_mtime_ns
    if (name, changed) in _FILES:
        return _FILES[name, changed]
    built: Tokenizer | None = None
    if path.suffix == ".json" and path.stat().st_size > LARGE_BYTES:
        built = yield from building("from_file", (path,))
    elif path.is_dir() and Tokenizer.in_folder(path):
        built = yield from building("from_folder", (path,))
    if built is None:
        built = tokenizer_at(name)
    while len(_FILES) >= FILES_KEPT:
        del _FILES[next(iter(_FILES))]
    _FILES[name, changed] = built
    return built


_FILES: dict[tuple[str, int], Tokenizer] = {}

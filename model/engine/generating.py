"""Continuing a prompt, one token a slice.

Knows messages, prompts and `model.generate`; no queue, no thread, no Qt.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from model import messages as m
from model.engine.evaluating import evaluating
from model.engine.job import Job, JobCancelled, RequestError
from model.engine.prompt import read_prompt
from model.engine.workplace import Workplace
from model.sampling import NoDistributionError, rank_of, surprisal_bits
from model.subject import Subject

if TYPE_CHECKING:
    from model.interventions import Intervention
    from model.tokenizer.tokenizer import Tokenizer


def generate_text(request: m.Generate, place: Workplace) -> Job:
    """Answers `Generate`; cancelled, it says what there is so far."""
    from model.generate import generate

    if request.model_id not in (None, place.model_id):
        raise JobCancelled
    lm, openings = place.lm, place.openings
    prompt = read_prompt(lm, request.text, request.ids)
    if isinstance(prompt, str):
        raise RequestError(prompt)
    if lm.config.no_continuation:
        raise RequestError(lm.config.no_continuation)
    tokenizer = lm.tokenizer
    began = time.perf_counter()
    steps = generate(
        lm.transformer,
        prompt.ids,
        request.max_new_tokens,
        request.sampling,
        np.random.default_rng(request.seed),
        stop_ids=lm.ends,
        logits_of=_changed(request.interventions, place) if request.interventions else None,
    )
    new: list[int] = []
    written = new
    reason: m.GenerationEnd = "length"
    yield m.Activity(request_id=request.id, what="generating")
    try:
        while True:
            yield None
            if place.openings != openings:  # another model was opened
                raise JobCancelled
            with evaluating(lm.transformer):
                try:
                    step = next(steps, None)
                except NoDistributionError as error:
                    why = lm.first_not_finite([*prompt.ids, *new], request.interventions)
                    raise RequestError(f"{error} {why}".strip()) from error
            if step is None:
                break
            new.append(step.token_id)
            yield m.TokenGenerated(
                request_id=request.id,
                token_id=step.token_id,
                text=_text(tokenizer, prompt.ids, new),
                probability=step.how.probability,
                index=len(new) - 1,
                bits=surprisal_bits(step.logits_V, step.token_id),
                rank=rank_of(step.logits_V, step.token_id),
                how=step.how,
            )
        if new and new[-1] in lm.ends:
            reason = "end_of_text"
            written = new[:-1]  # the mark of the end is no part of the text
        elif len(new) < request.max_new_tokens:
            reason = "context"
    except JobCancelled:
        reason = "cancelled"
    seconds = time.perf_counter() - began
    yield m.GenerationFinished(
        request_id=request.id,
        reason=reason,
        text=_text(tokenizer, prompt.ids, written),
        n_tokens=len(new),
        tokens_per_second=len(new) / seconds if seconds > 0 else 0.0,
    )


def _changed(
    interventions: tuple[Intervention, ...], place: Workplace
) -> Callable[[Sequence[int]], NDArray[np.float32]]:
    """The logits after a text under interventions, from the bench: it goes on from token to token.

    Of a model that learns they are those of the weights that are looked at.
    """
    model, bench = place.model_id, place.bench

    def logits_of(ids: Sequence[int]) -> NDArray[np.float32]:
        place.look()
        subject = Subject(model, place.looked_step, tuple(ids), interventions)
        found: NDArray[np.float32] = bench.logits(subject, len(ids) - 1)[0].float().cpu().numpy()
        return found

    return logits_of


def _text(tokenizer: Tokenizer | None, ids: list[int], new: list[int]) -> str:
    """What was generated after a prompt, decoded; the ids where there is no tokenizer."""
    if tokenizer is None:
        return " ".join(str(i) for i in new)
    # The difference of two decodings: a new token may complete a character of the prompt.
    before = tokenizer.decode(ids)
    after = tokenizer.decode([*ids, *new])
    return after[len(before) :] if after.startswith(before) else tokenizer.decode(new)

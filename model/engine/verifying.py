"""Comparing the open model with its original, slice by slice.

Most of it happens in another process, which a slice looks after. Knows messages and the
comparison; no queue, no thread, no Qt.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from model import messages as m
from model.engine.job import Job, JobCancelled
from model.engine.workplace import Workplace

if TYPE_CHECKING:
    from model.checkpoint.verify import Verification

POLL_SECONDS = 0.02
"""How often the other process is looked after while something else goes on."""

IDLE_SECONDS = 0.005
"""How long one slice waits for it where nothing else is to be done."""


def verify_model(request: m.VerifyModel, place: Workplace) -> Job:
    """Answers `VerifyModel`; another model in view cancels it."""
    from model.checkpoint.verify import VerifyError, verify
    from model.device import default_threads

    lm, info = place.lm, place.info
    if info.training:
        yield _unverified(
            request, info, "the model is still learning; verify it when the run is over."
        )
        return
    began, looked, said = time.perf_counter(), 0.0, ""
    steps = verify(lm, request.n_tokens, request.seed, default_threads())
    try:
        while True:
            yield None
            if info.model_id not in place.models or info.model_id != place.model_id:
                raise JobCancelled
            if place.alone:
                time.sleep(IDLE_SECONDS)
            elif time.perf_counter() - looked < POLL_SECONDS:
                continue
            looked = time.perf_counter()
            try:
                doing = next(steps)
            except StopIteration as stop:
                yield _verified(request, info, stop.value)
                return
            except VerifyError as error:
                seconds = time.perf_counter() - began
                yield _unverified(request, info, str(error), seconds)
                return
            if doing != said:
                said = doing
                yield m.Progress(request_id=request.id, what=doing)
    finally:
        steps.close()


def _verified(request: m.VerifyModel, info: m.ModelInfo, found: Verification) -> m.ModelVerified:
    return m.ModelVerified(
        request_id=request.id,
        model_id=info.model_id,
        max_abs_logit_difference=found.max_abs_logit_difference,
        tolerance=found.tolerance,
        n_tokens=found.n_tokens,
        compared=found.compared,
        dtype=found.dtype,
        opened=info.dtype,
        against=found.against,
        notes=found.notes,
        seconds=found.seconds,
    )


def _unverified(
    request: m.VerifyModel, info: m.ModelInfo, problem: str, seconds: float = 0.0
) -> m.ModelVerified:
    return m.ModelVerified(
        request_id=request.id,
        model_id=info.model_id,
        max_abs_logit_difference=None,
        problem=problem,
        seconds=seconds,
    )

"""Bringing another step of a training into view.

Knows messages, prompts and the bench; no queue, no thread, no Qt.
"""

from __future__ import annotations

from model import messages as m
from model.engine.asking import read_again
from model.engine.job import Job, RequestError
from model.engine.space import is_redrawn, projected
from model.engine.workplace import Workplace


def show_step(request: m.ShowStep, place: Workplace) -> Job:
    """Answers `ShowStep`: with the weights come the prompt and the table of token vectors."""
    model_id, step = request.model_id, request.step
    if model_id != place.model_id:
        return
    if step is not None:
        if not place.bench.knows_step(model_id, step):
            raise RequestError(f"The weights of step {step:,} were not saved.")
        yield from place.bench.reading_step(model_id, step)
        if model_id not in place.models or model_id != place.model_id:
            return
        place.shown[model_id] = step
    else:
        place.shown.pop(model_id, None)
        own = place.info.step
        if own is not None:
            place.shown[model_id] = own
    place.look(anew=True)
    yield m.StepShown(request_id=request.id, model_id=model_id, step=place.shown.get(model_id))
    if place.prompt is not None:
        yield from read_again(place.prompt, place, request.id)
    yield None
    if place.matrix is not None and is_redrawn(place.matrix, place.lm):
        yield projected(place.matrix, place, request.id)

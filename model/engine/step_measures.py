"""What a network can do at each step of its training, in the background.

The same questions for every step: where queen comes for king − man + woman, how many facts of the
story world it completes, how much its best head looks like an induction head. Knows messages, the
bench and the probes; no queue, no thread, no Qt.
"""

from __future__ import annotations

import math
from collections.abc import Generator
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np

from model import messages as m
from model.engine.job import Job
from model.engine.workplace import Workplace
from model.subject import Subject

if TYPE_CHECKING:
    from model.language_model import LanguageModel
    from model.probe.analogy.compute import AnalogyProbe


def measure_steps(request: m.MeasureSteps, place: Workplace) -> Job:
    """Answers `MeasureSteps`: a `StepMeasured` each, in the order in which they are asked for.

    While a run learns it waits: watching must not cost it its speed.
    """
    from model.probe.analogy.compute import AnalogyProbe

    model_id, bench = request.model_id, place.bench
    analogies: AnalogyProbe | None = None
    for step in request.steps:
        yield None
        while place.run is not None and not place.run.paused:
            yield None
        if model_id not in place.models or not bench.knows_step(model_id, step):
            continue
        yield from bench.reading_step(model_id, step)
        if model_id not in place.models:
            return
        network = bench.network_at(model_id, step)
        lm = place.models[model_id].at(network, None)
        if analogies is None:
            analogies = AnalogyProbe(lm.tokenizer)
        yield (yield from _measured(request, step, lm, analogies, place))


def _measured(
    request: m.MeasureSteps,
    step: int,
    lm: LanguageModel,
    analogies: AnalogyProbe,
    place: Workplace,
) -> Generator[None, None, m.StepMeasured]:
    found = analogies.measure(lm.embedding)
    yield None
    facts, n_facts = math.nan, 0
    if analogies.asks:
        facts, n_facts = yield from _facts(lm)
    induction, layer, head = yield from _induction(request.model_id, step, place)
    return m.StepMeasured(
        request_id=request.id,
        model_id=request.model_id,
        step=step,
        rank=math.nan if found is None else float(found.rank),
        analogies=math.nan if found is None else found.share,
        n_analogies=0 if found is None else found.n,
        facts=facts,
        n_facts=n_facts,
        induction=induction,
        layer=layer,
        head=head,
    )


def _facts(lm: LanguageModel) -> Generator[None, None, tuple[float, int]]:
    """Share of the world's facts that it completes, and of how many; a relation a slice."""
    from model.probe.score.compute import answered
    from model.world import fact_items

    tokenizer = lm.tokenizer
    if tokenizer is None or lm.config.no_continuation:
        return math.nan, 0
    right = n = 0
    items = sorted(fact_items(), key=lambda item: item.relation)
    for _, group in groupby(items, key=lambda item: item.relation):
        for share in answered(lm, tokenizer, list(group)).values():
            right, n = right + share.right, n + share.n
        yield None
    return (right / n if n else math.nan), n


def _induction(
    model_id: int, step: int, place: Workplace
) -> Generator[None, None, tuple[float, int, int]]:
    """The highest induction score of all heads, and which head has it."""
    from model.probe.answering import answering
    from model.probe.heads.asks import SCORES, Heads, HeadsFound

    question = Heads()
    subject = Subject(model_id, step, (0,))
    found = None
    for answer in answering(question)(question, subject, place.bench):
        found = answer if answer is not None else found
        if answer is None:
            yield None
    if not isinstance(found, HeadsFound) or found.problem:
        return math.nan, -1, -1
    scores_LH = found.scores_LHS[:, :, SCORES.index("induction")]
    if not np.isfinite(scores_LH).any():
        return math.nan, -1, -1
    layer, head = np.unravel_index(int(np.nanargmax(scores_LH)), scores_LH.shape)
    return float(scores_LH[layer, head]), int(layer), int(head)

"""The table of token vectors of the model in view: its principal axes, and neighbours in it.

Knows messages and `model.probe.geometry`; no queue, no thread, no Qt.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

from model import messages as m
from model.engine.arrays import to_array
from model.engine.job import Job
from model.engine.workplace import Workplace

if TYPE_CHECKING:
    from torch import Tensor

    from model.language_model import LanguageModel


def project_vocabulary(request: m.ProjectVocabulary, place: Workplace) -> Job:
    """Answers `ProjectVocabulary`, and remembers it for the model that learns."""
    place.matrix = request
    yield projected(request, place, request.id)


def projected(
    request: m.ProjectVocabulary, place: Workplace, request_id: int
) -> m.VocabularyProjected:
    """The table of the model in view on its axes, as the answer to a request."""
    from model.probe.geometry.plane import distances_kept

    place.look()
    model_id, bench = place.model_id, place.bench
    step = place.looked_step
    table_VD = bench.network_at(model_id, step).table(request.matrix)
    # Of a larger vocabulary, which was in view a moment ago, the words are none here.
    plane = request.plane if all(token < len(table_VD) for _, token in request.plane) else ()
    projection = bench.projection(model_id, step, request.matrix, plane)
    kept = distances_kept(table_VD, plane, projection.axes_nD) if plane else None
    return m.VocabularyProjected(
        request_id=request_id,
        model_id=model_id,
        step=step,
        matrix=request.matrix,
        points=to_array(projection.points_Vn),
        axes=to_array(projection.axes_nD),
        mean=to_array(projection.mean_D),
        variance_kept=to_array(projection.variance_kept_n),
        norms=to_array(table_VD.float().norm(dim=-1)),
        plane=plane,
        own_kept=math.nan if kept is None else kept.own,
        nearest_kept=math.nan if kept is None else kept.to_nearest,
        nearest=-1 if kept is None else kept.nearest,
    )


def find_neighbours(request: m.FindNeighbours, place: Workplace) -> Job:
    """Answers `FindNeighbours`."""
    from model.probe.geometry.compute import nearest, signed_sum

    table_VD = token_vectors(place.lm, request.matrix)
    if any(token_id >= len(table_VD) for _, token_id in request.terms):
        return  # asked about a larger vocabulary that was in view a moment ago
    vector_D = signed_sum(table_VD, request.terms)
    ids, cosines = nearest(table_VD, vector_D, request.k)
    own = {token_id for _, token_id in request.terms}
    found = tuple(int(i) for i in ids)
    yield m.NeighboursFound(
        request_id=request.id,
        model_id=place.model_id,
        step=place.step,
        matrix=request.matrix,
        terms=request.terms,
        ids=found,
        cosines=tuple(float(c) for c in cosines),
        own=tuple(i in own for i in found),
    )


def has_table(lm: LanguageModel, matrix: Literal["W_E", "W_U"]) -> bool:
    """Whether a table of token vectors is one of its own."""
    return matrix == "W_E" or not lm.config.tied_embeddings


def token_vectors(lm: LanguageModel, matrix: Literal["W_E", "W_U"]) -> Tensor:
    """One row per token, ``[V, D]``: the embedding, or the unembedding transposed.

    A view of the live weights.
    """
    network = lm.transformer
    if matrix == "W_E" or network.unembed is None:
        return network.embed.weight.detach()
    return network.unembed.weight.detach()

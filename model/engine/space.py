"""Tables of vectors: drawn on few axes, and asked; those of the model in view, and those of files.

Knows messages and `model.space`; no queue, no thread, no Qt.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Literal

import numpy as np

from model import messages as m
from model.engine.arrays import to_array
from model.engine.job import Job, JobCancelled
from model.engine.workplace import Workplace
from model.space.projections import PROJECTIONS
from model.space.questions.asks import NearFound, TableAnswer
from model.space.registry import Source, TableQuestion, TooManyRows, entry_of
from model.space.sources.asks import InContext, TableFile, TextInContext, TokenTable

if TYPE_CHECKING:
    from torch import Tensor

    from model.language_model import LanguageModel
    from model.space.projections.placed import Placed
    from model.space.table import VectorTable

TELL_SECONDS = 0.1
"""How often a file that is read says how far it is."""

Opening = Generator[m.Result | None, None, "VectorTable"]


def project_vocabulary(request: m.ProjectVocabulary, place: Workplace) -> Job:
    """Answers `ProjectVocabulary`, and remembers it for the model that learns."""
    from model.bench import MovedOnError
    from model.space.projecting import projecting
    from model.space.projections.placed import finding_scatter

    if request.source.of_vocabulary:
        place.matrix = request
    try:
        if request.source.of_vocabulary and entry_of(PROJECTIONS, request.how.name).linear:
            if _is_of_others(request, place):
                yield projected(request, place, request.id)
                return
            table = yield from _table(request.source, place, request.id)
            model_id, step = place.model_id, place.looked_step
            for _ in finding_scatter(table):
                yield None
            if (model_id, step) == (place.model_id, place.looked_step):
                yield projected(request, place, request.id)
            return
        table = yield from _table(request.source, place, request.id)
        of = _of(request.source, place)
        with closing(projecting(request.how, table)) as steps:
            for placed in steps:
                if isinstance(placed, str):
                    yield m.Progress(request_id=request.id, what=placed, done=0, total=0)
                else:
                    yield None if placed is None else _told(request, request.id, of, table, placed)
    except MovedOnError:
        raise JobCancelled from None
    except TooManyRows as error:
        yield m.TableTooLarge(
            request_id=request.id, source=request.source, message=str(error), sample=error.sample
        )


def projected(
    request: m.ProjectVocabulary, place: Workplace, request_id: int
) -> m.VocabularyProjected:
    """The table of tokens of the model in view on its axes, as the answer to a request."""
    source = request.source
    assert isinstance(source, TokenTable)
    place.look()
    model_id, step = place.model_id, place.looked_step
    table = place.bench.token_table(model_id, step, source.matrix)
    how = m.FIRST_AXES if _is_of_others(request, place) else request.how
    placed = place.bench.projection(model_id, step, source.matrix, how)
    request = m.ProjectVocabulary(source=source, how=how)
    return _told(request, request_id, (model_id, step), table, placed)


def is_redrawn(request: m.ProjectVocabulary | None, lm: LanguageModel) -> bool:
    """Whether what was asked last is answered again for other weights: at once, and of tokens."""
    return (
        request is not None
        and isinstance(request.source, TokenTable)
        and has_table(lm, request.source.matrix)
        and entry_of(PROJECTIONS, request.how.name).linear
    )


def find_neighbours(request: m.FindNeighbours, place: Workplace) -> Job:
    """Answers `FindNeighbours`."""
    from model.bench import MovedOnError

    try:
        table = yield from _table(request.source, place, request.id)
    except MovedOnError:
        raise JobCancelled from None
    if request.source.of_model and any(row >= len(table) for _, row in request.terms):
        return  # asked about a larger vocabulary that was in view a moment ago
    model_id, step = _of(request.source, place)
    for found in _answers(request.question, table):
        if isinstance(found, NearFound):
            yield m.NeighboursFound(
                request_id=request.id,
                model_id=model_id,
                step=step,
                source=request.source,
                found=found,
            )


def ask_table(request: m.AskTable, place: Workplace) -> Job:
    """Answers `AskTable`."""
    from model.bench import MovedOnError

    try:
        table = yield from _table(request.source, place, request.id)
    except MovedOnError:
        raise JobCancelled from None
    model_id, step = _of(request.source, place)
    for answer in _answers(request.question, table):
        yield None
        if answer is not None:
            yield m.TableAnswered(
                request_id=request.id,
                model_id=model_id,
                step=step,
                source=request.source,
                answer=answer,
            )


def _answers(question: TableQuestion, table: VectorTable) -> Iterator[TableAnswer | None]:
    from model.space.asking import answering

    yield from answering(question, table)


def _table(source: Source, place: Workplace, request_id: int) -> Opening:
    """The table, kept while it is the one that is looked at."""
    from model.space.asking import opening
    from model.space.sources.place import Place

    held = place.table
    if held is not None and held[0] == source and not source.of_vocabulary:
        return held[1]
    for_file = isinstance(source, TableFile | TextInContext)
    if for_file:
        place.table = None  # two files at once may be more than there is room for
    if source.of_model:
        place.look()
        model_id, step = place.model_id, place.looked_step
        words = tuple(place.info.token_text(row) for row in _ids(source))
        named = dict(zip(_ids(source), words, strict=True))
        where = Place(place.bench, model_id, step, named, place.info.token_text)
    else:
        where = Place()
    told = time.monotonic()
    steps = opening(source, where)
    try:
        while True:
            try:
                done, total = next(steps)
            except StopIteration as stop:
                table: VectorTable = stop.value
                break
            yield None
            if for_file and time.monotonic() - told > TELL_SECONDS:
                told = time.monotonic()
                what = f"reading {source.title}"
                yield m.Progress(request_id=request_id, what=what, done=done, total=total)
    finally:
        steps.close()
    if not source.of_vocabulary:
        place.table = source, table
    return table


def _ids(source: Source) -> tuple[int, ...]:
    return tuple(dict.fromkeys(source.subject.ids)) if isinstance(source, InContext) else ()


def _of(source: Source, place: Workplace) -> tuple[int, int | None]:
    """Of which weights a table is."""
    if isinstance(source, InContext):
        return source.subject.model, source.subject.step
    if isinstance(source, TextInContext):
        return source.model, source.step
    return (place.model_id, place.looked_step) if source.of_model else (0, None)


def _is_of_others(request: m.ProjectVocabulary, place: Workplace) -> bool:
    """Whether it names words of a larger vocabulary, which was in view a moment ago."""
    if not request.source.of_model:
        return False
    rows = [row for _, row in getattr(request.how, "terms", ())]
    for direction in getattr(request.how, "directions", ()):
        rows += [*direction.plus, *direction.minus]
    return any(row >= place.info.config.d_vocab for row in rows)


def _told(
    request: m.ProjectVocabulary,
    request_id: int,
    of: tuple[int, int | None],
    table: VectorTable,
    placed: Placed,
) -> m.VocabularyProjected:
    has_axes = placed.axes_3D.shape[1] > 0
    return m.VocabularyProjected(
        request_id=request_id,
        model_id=of[0],
        step=of[1],
        source=request.source,
        how=request.how,
        points=to_array(placed.points_N3),
        axes=to_array(placed.axes_3D) if has_axes else np.zeros((3, 0), np.float32),
        mean=to_array(placed.mean_D),
        variance_kept=to_array(placed.variance_3),
        norms=to_array(table.norms_N),
        names=placed.names,
        sentence=placed.sentence,
        kept=placed.kept,
        spectrum=to_array(placed.spectrum_m),
        off=to_array(placed.off_N),
        measures=dict(placed.measures),
        labels=table.labels,
        note=table.note,
        share=placed.share,
        text=table.text,
    )


def has_table(lm: LanguageModel, matrix: Literal["W_E", "W_U"]) -> bool:
    """Whether a table of token vectors is one of its own."""
    return matrix == "W_E" or not lm.config.tied_embeddings


def token_vectors(lm: LanguageModel, matrix: Literal["W_E", "W_U"]) -> Tensor:
    """One row per token, ``[V, D]``: the embedding, or the unembedding transposed.

    A view of the live weights.
    """
    return lm.transformer.table(matrix)

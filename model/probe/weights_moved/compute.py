"""Now − then of every weight tensor, in slices. Shape suffixes: N tensors, R rows, C columns."""

from __future__ import annotations

import math
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from torch import Tensor

from model.bench import Bench
from model.checkpoint.errors import CheckpointError
from model.checkpoint.opening import reading_step
from model.operations import parameter_names
from model.parameters import parameter
from model.probe.batch import step_of
from model.probe.landscape.path import places
from model.probe.question import Answer, Array, ProbeError, read_only
from model.probe.weights.compute import as_matrix, picture, slices_of_both
from model.probe.weights.matrix_layout import layout_of
from model.probe.weights_moved.asks import WeightsMoved, WeightsMovedFound
from model.subject import Subject
from model.transformer import Transformer

SLICE_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Moved:
    """Figures of one tensor; see `WeightsMovedFound`."""

    norm: float
    relative: float
    max_abs: float
    n: int
    n_moved: int


def answer(question: WeightsMoved, subject: Subject, bench: Bench) -> Iterator[Answer | None]:
    """Tensors in the order in which the operations read them; kept, for any text.

    Raises:
        ValueError: no earlier step is known, that one was not kept, or there is no such tensor.
    """
    if question.cells < 1:
        raise ProbeError("cells is 1 or more.")
    now = bench.network(subject)
    names = parameter_names(now.config)
    if question.tensor and question.tensor not in names:
        raise ProbeError(f"There is no tensor {question.tensor}; the table names all there are.")
    since, then = yield from _then(question.since, subject, bench, now)
    kept = bench.found_of(subject.model, subject.step)
    key = ("weights moved", since)
    rows = kept.get(key)
    if not isinstance(rows, list):
        rows = yield from _rows(subject, bench, then, now, names)
        kept[key] = rows
    relative_N = np.array([row.relative for row in rows], dtype=np.float64)
    matrices = [at for at, name in enumerate(names) if parameter(now, name).ndim > 1]
    drawn = question.tensor or names[max(matrices, key=lambda at: rows[at].norm)]
    matrix_RC = _matrix(drawn, now).double() - _matrix(drawn, then).double()
    drawing = picture(
        matrix_RC,
        (0, matrix_RC.shape[0]),
        (0, matrix_RC.shape[1]),
        (question.cells, question.cells),
    )
    while True:
        try:
            next(drawing)
        except StopIteration as stop:
            drawn_RC = stop.value
            break
        yield None
    yield WeightsMovedFound(
        subject=subject,
        question=question,
        since=since,
        step=step_of(bench, subject),
        names=names,
        norm_N=_column([row.norm for row in rows]),
        relative_N=read_only(relative_N),
        max_abs_N=_column([row.max_abs for row in rows]),
        n_N=read_only(np.array([row.n for row in rows], np.int64)),
        n_moved_N=read_only(np.array([row.n_moved for row in rows], np.int64)),
        drawn=drawn,
        shape=(matrix_RC.shape[0], matrix_RC.shape[1]),
        block=drawn_RC.block,
        picture_RC=read_only(drawn_RC.values_RC.float().numpy()),
    )


def _column(values: list[float]) -> Array:
    return read_only(np.array(values, dtype=np.float64))


def _matrix(name: str, network: Transformer) -> Tensor:
    tensor = parameter(network, name)
    return as_matrix(tensor, layout_of(name, tuple(tensor.shape)))


def _then(
    since: int, subject: Subject, bench: Bench, now: Transformer
) -> Generator[None, None, tuple[int, Transformer]]:
    """The earlier step and its weights."""
    held = bench.held(subject.model)
    live = held.looked_at is not None and subject.step == held.step
    if live and since < 0:
        held.keeps_before = True
        if held.before is not None and held.before_step is not None:
            return held.before_step, held.before
        # Until it is looked at again: what was kept last.
    paths = dict(places(bench, subject))
    step = step_of(bench, subject)
    if since < 0:
        earlier = [one for one in paths if step is None or one < step]
        if not earlier:
            raise ProbeError(
                "No earlier step of a training is known here. Go to a later step on the timeline, "
                "or open a run folder."
                if paths
                else "No other step of a training is known here: open a run folder, or train."
            )
        since = max(earlier)
    if since == held.steps.own:
        return since, held.lm.transformer
    if since not in paths:
        raise ProbeError(f"The weights of step {since:,} were not kept.")
    network = yield from _read(paths[since], now)
    return since, network


def _read(path: Path, like: Transformer) -> Generator[None, None, Transformer]:
    reading = reading_step(path, like, str(like.embed.weight.device))
    try:
        while True:
            try:
                next(reading)
            except StopIteration as stop:
                network: Transformer = stop.value
                return network
            yield
    except CheckpointError as error:
        raise ProbeError(str(error)) from error
    finally:
        reading.close()


def _rows(
    subject: Subject, bench: Bench, then: Transformer, now: Transformer, names: tuple[str, ...]
) -> Generator[None, None, list[Moved]]:
    """Figures of now − then of every tensor."""
    rows: list[Moved] = []
    paused = time.monotonic()
    for name in names:
        a, b = parameter(then, name), parameter(now, name)
        apart = own = most = 0.0
        n_moved = 0
        for before, after in slices_of_both(a, b):
            x, y = before.cpu().double().flatten(), after.cpu().double().flatten()
            d = y - x
            apart += float(d.dot(d))
            own += float(x.dot(x))
            largest = float(d.abs().max()) if d.numel() else 0.0
            most = largest if math.isnan(largest) else max(most, largest)
            n_moved += int(d.count_nonzero())
            if time.monotonic() - paused > SLICE_SECONDS:
                yield None
                bench.network(subject)  # it may have learned on
                paused = time.monotonic()
        norm, length = math.sqrt(apart), math.sqrt(own)
        relative = norm / length if length else math.inf if norm else 0.0
        rows.append(Moved(norm, relative, most, a.numel(), n_moved))
    return rows

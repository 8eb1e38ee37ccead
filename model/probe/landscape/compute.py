"""The loss at every place of a slice, coarse to fine, on a copy of the weights.

A row of places shares what it adds of the second direction, so that to move the weights by one
place is one pass over them. In slices of one loss; every level that is whole is told.

Shape suffixes: P weights, X, Y lines, S steps.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor, nn

from model.bench import Bench
from model.checkpoint.memory import free_bytes
from model.probe.batch import Batch, as_it_learns, batch_of, losing, pieces, step_of
from model.probe.landscape import directions as planes
from model.probe.landscape.asks import MOST, Landscape, LandscapeFound
from model.probe.landscape.lines import levels, through_zero
from model.probe.landscape.path import Steps, places, reading_steps
from model.probe.landscape.point import Point, n_weights
from model.probe.question import Answer, Array, ProbeError, read_only
from model.probe.sweeping import Pace
from model.subject import Subject

VECTORS = 5
"""Copies of all weights that a sweep holds: centre, both directions, a row, a place."""
TELL_SECONDS = 0.4
"""How often it is said how far a finer picture is."""
PATH_AFTER = 11
"""Lines of the picture after which the run's path is put on it."""
MARGIN = 1.18
"""Of the path's own extent, that is in view."""


@dataclass(slots=True, eq=False)
class Plane:
    """A slice and what was measured of it.

    Attributes:
        point: the copy that is moved.
        runs: gives its logits.
        centre_P: the weights in the middle.
        directions: the two.
        pieces: the batch.
        a_X, b_Y: the lines; one of each is 0.
        zero: which.
        answer_at: the token of a window from which on losses are counted; 0 for all.
        loss_YX: NaN where nothing was measured yet.
    """

    point: Point
    runs: nn.Module
    centre_P: Tensor
    directions: planes.Directions
    pieces: Sequence[Tensor]
    a_X: Array
    b_Y: Array
    zero: tuple[int, int]
    answer_at: int = 0
    loss_YX: Array = field(init=False)
    _measured_YX: Array = field(init=False)

    def __post_init__(self) -> None:
        shape = len(self.b_Y), len(self.a_X)
        self.loss_YX = np.full(shape, np.nan, np.float32)
        self._measured_YX = np.zeros(shape, bool)

    @property
    def share(self) -> float:
        """How much is measured."""
        return float(self._measured_YX.mean())

    def measuring(self, rows: Sequence[int], columns: Sequence[int]) -> Generator[None, None, None]:
        """Measure what is still to be measured where some lines cross, a loss a slice."""
        row_P = torch.empty_like(self.centre_P)
        for y in rows:
            wanted = [x for x in columns if not self._measured_YX[y, x]]
            if not wanted:
                continue
            torch.add(self.centre_P, self.directions.b_P, alpha=float(self.b_Y[y]), out=row_P)
            for x in wanted:
                torch.add(
                    row_P, self.directions.a_P, alpha=float(self.a_X[x]), out=self.point.weights_P
                )
                self.loss_YX[y, x] = yield from losing(self.runs, self.pieces, self.answer_at)
                self._measured_YX[y, x] = True
                yield


def answer(question: Landscape, subject: Subject, bench: Bench) -> Iterator[Answer | None]:
    """The centre and the plane, then level after level; the path's own losses in between.

    Raises:
        ValueError: the grid or radius can't be, there is no batch, or too few steps for a plane.
    """
    _check(question)
    batch = yield from batch_of(bench, subject, question.part, question.batch, question.file)
    like = bench.network(subject)
    _check_memory(like.embed.weight.device.type, n_weights(like))
    point = Point(like)
    centre_P = point.weights_P.clone()
    where = step_of(bench, subject)
    yield None
    steps, gram_SS = NO_STEPS, torch.zeros(0, 0, dtype=torch.float64)
    reading = _steps(question, subject, bench, point, centre_P)
    if question.method == "pca":
        steps, gram_SS = yield from reading
        spanned = _of_path(steps, gram_SS)
    else:
        spanned = planes.random_directions(point.network, question.seed)
    yield None
    runs = as_it_learns(point.network, subject)
    plane = _plane(question, point, runs, centre_P, spanned, batch, steps)
    norms = tuple(math.sqrt(planes.dot(v, v)) for v in (spanned.a_P, spanned.b_P))
    found = LandscapeFound(
        subject=subject,
        question=question,
        share=0.0,
        a_X=plane.a_X,
        b_Y=plane.b_Y,
        loss_YX=plane.loss_YX,
        centre=math.nan,
        unit=spanned.unit,
        norms=(norms[0], norms[1]),
        cosine=planes.dot(spanned.a_P, spanned.b_P) / (norms[0] * norms[1] or math.nan),
        steps_S=np.zeros(0, np.int64),
        path_S2=np.zeros((0, 2)),
        path_loss_S=np.zeros(0),
        off_S=np.zeros(0),
        variance=math.nan,
        n_left_out=0,
        step=where,
        n_weights=centre_P.numel(),
        windows=len(batch.windows_BT),
        length=batch.windows_BT.shape[1] - 1,
        number=batch.number,
        source=batch.text.source,
        no_path="" if places(bench, subject) else NO_PATH,
    )
    rows: tuple[int, ...] = (plane.zero[0],)
    columns: tuple[int, ...] = (plane.zero[1],)
    yield from plane.measuring(rows, columns)
    found = replace(found, centre=float(plane.loss_YX[plane.zero]))
    if not math.isfinite(found.centre):
        raise ProbeError(
            "The loss of these weights is no finite number, so there is no surface around them. Go "
            "to an earlier step."
        )
    pace = Pace(TELL_SECONDS)
    every = _levels(plane)
    for finer_rows, finer_columns in every:
        for _ in plane.measuring(finer_rows, finer_columns):
            yield None
            if len(rows) > 1 and pace.is_due():  # the picture stays, its share goes on
                yield _seen(found, plane, rows, columns)
        rows, columns = finer_rows, finer_columns
        whole = plane.share == 1
        if not whole:
            yield _seen(found, plane, rows, columns)
        # The steps of the run are read once there is something to see.
        if not found.no_path and not len(found.steps_S) and (whole or len(rows) >= PATH_AFTER):
            if question.method == "random":
                steps, gram_SS = yield from reading
            found = yield from _with_path(found, plane, steps, gram_SS)
            if not whole:
                yield _seen(found, plane, rows, columns)
    yield replace(_seen(found, plane, rows, columns), share=1.0)


def _levels(plane: Plane) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Rows and columns of every picture, coarse to fine."""
    zero_y, zero_x = plane.zero
    rows, columns = levels(len(plane.b_Y), zero_y), levels(len(plane.a_X), zero_x)
    return list(zip(rows, columns, strict=True))


def _with_path(
    found: LandscapeFound, plane: Plane, steps: Steps, gram_SS: Tensor
) -> Generator[None, None, LandscapeFound]:
    """Where the steps are on the plane, how far beside it, and the losses of their own weights."""
    loss_S = np.full(len(steps.numbers), np.nan)
    for at, away_P in enumerate(steps.away_SP):
        torch.add(plane.centre_P, away_P, out=plane.point.weights_P)
        loss_S[at] = yield from losing(plane.runs, plane.pieces, plane.answer_at)
        yield None
    at_S2, inside_S = plane.directions.places(steps.away_SP)
    whole_S = gram_SS.diagonal()
    off_S = ((whole_S - inside_S).clamp_min(0) / whole_S).sqrt().nan_to_num(0.0)
    return replace(
        found,
        steps_S=read_only(np.array(steps.numbers, np.int64)),
        path_S2=read_only(at_S2.numpy()),
        path_loss_S=read_only(loss_S),
        off_S=read_only(off_S.numpy()),
        variance=planes.variance_in(plane.directions, steps.away_SP, gram_SS),
        n_left_out=steps.n_left_out,
    )


def _seen(
    found: LandscapeFound,
    plane: Plane,
    rows: Sequence[int],
    columns: Sequence[int],
) -> LandscapeFound:
    """What is measured, of some lines."""
    y, x = np.array(rows), np.array(columns)
    return replace(
        found,
        share=min(0.99, plane.share),
        a_X=read_only(plane.a_X[x].copy()),
        b_Y=read_only(plane.b_Y[y].copy()),
        loss_YX=read_only(plane.loss_YX[np.ix_(y, x)].copy()),
    )


def _steps(
    question: Landscape, subject: Subject, bench: Bench, point: Point, centre_P: Tensor
) -> Generator[None, None, tuple[Steps, Tensor]]:
    """The kept steps, and all products of their ways from the centre."""
    reading = reading_steps(bench, subject, point.network, centre_P)
    there = len(places(bench, subject))
    if question.method == "pca" and there < 3:
        raise ProbeError(
            "A plane of the path needs three kept steps of one training, and "
            f"{'none is' if not there else f'{there} are'} known here. Take random directions, or "
            "open a run folder."
        )
    while True:
        try:
            next(reading)
        except StopIteration as stop:
            steps: Steps = stop.value
            break
        yield None
    return steps, (yield from planes.gram(steps.away_SP))


def _of_path(steps: Steps, gram_SS: Tensor) -> planes.Directions:
    spanned = planes.path_directions(steps.away_SP, gram_SS)
    if spanned is None:
        raise ProbeError(
            "The kept steps lie on a line, or are all the same, so they span no plane. Take random "
            "directions."
        )
    return spanned


def _plane(
    question: Landscape,
    point: Point,
    runs: nn.Module,
    centre_P: Tensor,
    spanned: planes.Directions,
    batch: Batch,
    steps: Steps,
) -> Plane:
    radius, n = question.radius, question.grid
    ranges = [(-radius, radius)] * 2
    if question.method == "pca":
        at_S2 = spanned.places(steps.away_SP)[0].numpy()
        low_2, high_2 = at_S2.min(0), at_S2.max(0)
        pad_2 = (MARGIN - 1) / 2 * (high_2 - low_2)
        ranges = [
            (radius * (low - pad), radius * (high + pad))
            for low, high, pad in zip(low_2, high_2, pad_2, strict=True)
        ]
    (a_X, zero_x), (b_Y, zero_y) = (through_zero(low, high, n) for low, high in ranges)
    return Plane(
        point=point,
        runs=runs,
        centre_P=centre_P,
        directions=spanned,
        pieces=pieces(batch.windows_BT, point.network),
        answer_at=batch.text.answer_at,
        a_X=a_X,
        b_Y=b_Y,
        zero=(zero_y, zero_x),
    )


def _check(question: Landscape) -> None:
    if question.grid < 3 or question.grid > MOST or question.grid % 2 == 0:
        raise ProbeError(f"grid is an odd number from 3 to {MOST}, such as 25.")
    if not (math.isfinite(question.radius) and question.radius > 0):
        raise ProbeError("radius is a number above 0, such as 1.")
    if question.seed < 0:
        raise ProbeError("seed is 0 or more.")


def _check_memory(device: str, n: int) -> None:
    needed, free = 4 * VECTORS * n, free_bytes(device)
    if needed > 0.8 * free:
        raise ProbeError(
            f"A surface of {n:,} weights needs {needed / 2**30:.1f} GiB of memory for copies of "
            f"them, and {free / 2**30:.1f} GiB are free. Close other programs, or take a smaller "
            "model."
        )


NO_STEPS = Steps((), (), 0)
NO_PATH = "No other step of a training is known here, so there is no path."

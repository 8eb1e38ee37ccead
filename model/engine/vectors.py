"""Vectors that are drawn, pushed apart, packed, and features that share dimensions: jobs.

Knows messages and `model.vectors`; no model in view.
"""

from __future__ import annotations

import time

from model import messages as m
from model.engine.job import Job, RequestError
from model.engine.workplace import Workplace

SAY_SECONDS = 0.08
MOST, LARGEST_D = 20_000, 4096


def spread_vectors(request: m.SpreadVectors, place: Workplace) -> Job:
    """Answers `SpreadVectors`."""
    from model.vectors import pushing as p
    from model.vectors.angles import angles
    from model.vectors.bounds import least_cosine

    n, d = request.n, request.d
    if not (2 <= n <= MOST and 2 <= d <= LARGEST_D):
        raise RequestError(f"From 2 to {MOST:,} vectors in 2 to {LARGEST_D:,} dimensions, please.")
    if request.push and n > p.MOST:
        raise RequestError(f"At most {p.MOST:,} vectors are pushed apart: all pairs are looked at.")
    bound = least_cosine(n, d)

    def told(x: object, step: int, steps: int) -> m.VectorsSpread:
        found = angles(x)  # type: ignore[arg-type]
        return m.VectorsSpread(
            request_id=request.id,
            step=step,
            steps=steps,
            counts_A=found.counts_A,
            n=n,
            d=d,
            largest_cosine=found.largest_cosine,
            bound=bound,
            exact=found.exact,
        )

    yield m.Activity(request_id=request.id, what="spreading vectors")
    x_ND = p.random_vectors(n, d, request.seed)
    if not request.push:
        yield told(x_ND, 0, 0)
        return
    said = 0.0
    for pushed in p.pushing(x_ND):
        last = pushed.step == p.STEPS
        if last or time.monotonic() - said > SAY_SECONDS:
            yield told(pushed.x_ND, pushed.step, p.STEPS)
            said = time.monotonic()
        else:
            yield None


def pack_vectors(request: m.PackVectors, place: Workplace) -> Job:
    """Answers `PackVectors`."""
    from model.vectors.bounds import most_vectors
    from model.vectors.packing import packing

    if not 0 < request.degrees < 90:
        raise RequestError("A pair may be more than 0 and less than 90 degrees from orthogonal.")
    yield m.Activity(request_id=request.id, what="packing vectors")
    fits: list[m.Fit] = []
    for d in request.dimensions:
        most = most_vectors(request.degrees, d)
        fits.append(m.Fit(d, 0, False, most))
        said = time.monotonic()
        for packed in packing(request.degrees, d, request.seed):
            fits[-1] = m.Fit(d, packed.n, packed.more, most)
            if time.monotonic() - said > SAY_SECONDS:
                yield _packed(request, fits, done=False)
                said = time.monotonic()
            else:
                yield None
        yield _packed(request, fits, done=d == request.dimensions[-1])


def _packed(request: m.PackVectors, fits: list[m.Fit], *, done: bool) -> m.VectorsPacked:
    return m.VectorsPacked(
        request_id=request.id, degrees=request.degrees, fits=tuple(fits), done=done
    )


def train_toy(request: m.TrainToy, place: Workplace) -> Job:
    """Answers `TrainToy`."""
    from model.engine.arrays import to_array
    from model.vectors import superposition as s

    if not (2 <= request.n <= 64 and 2 <= request.d <= request.n):
        raise RequestError("From 2 to 64 features in 2 dimensions up to as many as features.")
    yield m.Activity(request_id=request.id, what="training features to share")
    said = 0.0
    for toy in s.training(request.n, request.d, seed=request.seed):
        if toy.step < s.STEPS and time.monotonic() - said < SAY_SECONDS:
            yield None
            continue
        said = time.monotonic()
        yield m.ToyTrained(
            request_id=request.id,
            step=toy.step,
            steps=s.STEPS,
            densities=s.DENSITIES,
            w_SDN=to_array(toy.w_SDN),
            b_SN=to_array(toy.b_SN),
            loss_S=to_array(toy.loss_S),
            shared_SN=to_array(toy.shared_SN),
        )

"""Vectors are spread, packed and trained in the worker: step by step, given up, refused."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from model import messages as m
from model.engine import Engine
from model.vectors.bounds import most_vectors


@pytest.fixture
def engine() -> Iterator[Engine]:
    engine = Engine("cpu", threads=1)
    list(engine.start())
    yield engine
    list(engine.close())


def ask(engine: Engine, request: m.Request) -> list[m.Result]:
    results = list(engine.handle(request))
    while engine.busy:
        results += engine.advance()
    return results


def test_random_vectors_come_at_once_and_pushed_ones_step_by_step(engine: Engine):
    random = ask(engine, m.SpreadVectors(n=50, d=8))[-1]
    assert isinstance(random, m.VectorsSpread)
    assert (random.step, random.steps) == (0, 0)
    assert int(random.counts_A.sum()) == 50 * 49 // 2
    pushed = ask(engine, m.SpreadVectors(n=50, d=8, push=True))[-1]
    assert isinstance(pushed, m.VectorsSpread)
    assert pushed.step == pushed.steps > 0
    assert pushed.bound <= pushed.largest_cosine < random.largest_cosine


def test_packing_tells_of_each_number_of_dimensions(engine: Engine):
    found = [
        result
        for result in ask(engine, m.PackVectors(degrees=40, dimensions=(2, 4)))
        if isinstance(result, m.VectorsPacked)
    ]
    assert [fit.d for fit in found[-1].fits] == [2, 4]
    assert found[-1].done
    assert not found[0].done
    for fit in found[-1].fits:
        assert 2 <= fit.n <= fit.most == most_vectors(40, fit.d)


def test_the_small_network_is_trained_and_can_be_given_up(engine: Engine):
    request = m.TrainToy(n=3, d=2)
    list(engine.handle(request))
    told: list[m.Result] = []
    while not any(isinstance(result, m.ToyTrained) for result in told):
        told += engine.advance()
    toy = next(result for result in told if isinstance(result, m.ToyTrained))
    assert toy.w_SDN.shape == (len(toy.densities), 2, 3)
    told = list(engine.handle(m.Cancel(target=request.id)))
    assert any(isinstance(result, m.Cancelled) for result in told)
    assert not engine.busy


@pytest.mark.parametrize(
    ("request_", "says"),
    [
        (m.SpreadVectors(n=1, d=4), "From 2 to 20,000 vectors"),
        (m.SpreadVectors(n=5000, d=4, push=True), "At most 3,000 vectors are pushed apart"),
        (m.PackVectors(degrees=0, dimensions=(2,)), "more than 0 and less than 90"),
        (m.TrainToy(n=4, d=5), "From 2 to 64 features"),
    ],
)
def test_what_cannot_be_made_says_why(engine: Engine, request_: m.Request, says: str):
    failed = ask(engine, request_)[-1]
    assert isinstance(failed, m.Failed)
    assert says in failed.message

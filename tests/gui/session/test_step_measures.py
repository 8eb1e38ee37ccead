"""What is found out about steps in the background: only what is wanted, each once."""

from __future__ import annotations

import math

import pytest

from gui.session.step_measures import coarse_to_fine
from model import messages as m
from tests.gui.session.test_timeline import STEPS
from tests.gui.session.unanswered import Unanswered, comes_into_view


@pytest.fixture
def store() -> Unanswered:
    store = Unanswered()
    comes_into_view(store, 1, step=40, steps=STEPS)
    return store


def asked(store: Unanswered) -> list[tuple[int, ...]]:
    return [request.steps for request in store.sent if isinstance(request, m.MeasureSteps)]


def measure(store: Unanswered, step: int, induction: float = 0.1) -> None:
    store.receive(
        m.StepMeasured(
            request_id=store.last(m.MeasureSteps).id,
            model_id=1,
            step=step,
            rank=math.nan,
            analogies=math.nan,
            n_analogies=0,
            facts=math.nan,
            n_facts=0,
            induction=induction,
            layer=1,
            head=3,
        )
    )


def test_nothing_is_found_out_before_it_is_wanted(store: Unanswered) -> None:
    assert asked(store) == []
    store.step_measures.choose("facts")
    assert asked(store) == [(0, 40, 10, 20)]
    store.step_measures.choose("induction")
    assert len(asked(store)) == 1, "one look at a step tells all measures"


def test_values_come_in_the_order_of_steps(store: Unanswered) -> None:
    store.step_measures.choose("induction")
    for step, value in ((0, 0.1), (40, 0.9), (20, 0.6)):
        measure(store, step, value)
    assert store.step_measures.values("induction") == ([0, 20, 40], [0.1, 0.6, 0.9])
    found = store.step_measures.first_above("induction", 0.4)
    assert found is not None
    assert found.step == 20
    assert store.step_measures.n_left == 1


def test_who_wants_it_no_longer_ends_it_and_what_is_known_stays(store: Unanswered) -> None:
    measures = store.step_measures
    measures.choose("induction")
    measure(store, 0)
    measures.choose(None)
    assert store.last(m.Cancel).target == store.last(m.MeasureSteps).id
    measures.choose("induction")
    assert asked(store)[-1] == (10, 40, 20)


def test_another_training_is_found_out_anew(store: Unanswered) -> None:
    store.step_measures.choose("induction")
    measure(store, 0)
    others = tuple(m.ModelStep(n, f"step-{n}", f"/other/{n}") for n in (0, 10))
    comes_into_view(store, 2, step=10, steps=others)
    assert store.step_measures.measured == {}
    assert asked(store)[-1] == (0, 10)


def test_the_ends_come_first_and_every_step_once() -> None:
    order = list(coarse_to_fine(range(10)))
    assert set(order[:2]) == {0, 9}
    assert sorted(order) == list(range(10))
    assert list(coarse_to_fine([7])) == [7]

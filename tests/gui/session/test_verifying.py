"""The comparison that is going, and its verdict."""

from __future__ import annotations

import pytest

from gui.session.verifying import Verifying
from model import messages as m
from tests.gui.session.unanswered import Unanswered, comes_into_view


@pytest.fixture
def store() -> Unanswered:
    store = Unanswered()
    comes_into_view(store, 1)
    return store


@pytest.fixture
def verifying(store: Unanswered) -> Verifying:
    return store.verifying


def verdict(request: m.Request, model_id: int = 1) -> m.ModelVerified:
    return m.ModelVerified(
        request_id=request.id, model_id=model_id, max_abs_logit_difference=0.0, tolerance=1e-4
    )


def test_without_a_model_nothing_is_compared() -> None:
    store = Unanswered()
    store.verifying.start()
    assert not store.sent
    assert not store.verifying.going


def test_a_verdict_of_an_older_comparison_is_dropped(
    store: Unanswered, verifying: Verifying
) -> None:
    verifying.start()
    older = store.last(m.VerifyModel)
    verifying.start()
    store.receive(verdict(older))
    assert verifying.verdict is None
    assert verifying.going
    newer = verdict(store.last(m.VerifyModel))
    store.receive(newer)
    assert verifying.verdict is newer
    assert not verifying.going


def test_another_model_was_not_compared_by_anyone(store: Unanswered, verifying: Verifying) -> None:
    verifying.start()
    request = store.last(m.VerifyModel)
    store.receive(verdict(request))
    heard: list[bool] = []
    verifying.changed.connect(lambda: heard.append(verifying.verdict is None))
    comes_into_view(store, 2)
    assert verifying.verdict is None
    assert heard == [True]
    comes_into_view(store, 3)
    assert heard == [True], "nothing was forgotten the second time"


def test_the_comparison_of_a_model_that_left_says_nothing_about_the_next(
    store: Unanswered, verifying: Verifying
) -> None:
    verifying.start()
    request = store.last(m.VerifyModel)
    comes_into_view(store, 2)
    assert not verifying.going
    store.receive(verdict(request))
    store.receive(m.Cancelled(request_id=request.id))
    assert verifying.verdict is None
    assert not store.notices

"""What is known of the weights of the model in view."""

from __future__ import annotations

import numpy as np
import pytest

from gui.session.weights import Weights
from model import messages as m
from model.probe.weights.matrix_layout import layout_of
from tests.gui.session.unanswered import Unanswered, comes_into_view

W_E = m.WeightTensor("W_E", (12, 8), "float32", None, "embedding")
FIGURES = m.WeightFigures("W_E", 96, 0.0, 1.0, -2.0, 2.0, 0, 9.8)


@pytest.fixture
def store() -> Unanswered:
    store = Unanswered()
    comes_into_view(store, 1)
    return store


@pytest.fixture
def weights(store: Unanswered) -> Weights:
    return store.weights


def found(request: m.Request, model_id: int = 1) -> m.SingularValuesFound:
    return m.SingularValuesFound(
        request_id=request.id,
        model_id=model_id,
        step=None,
        name="W_E",
        part=None,
        values=np.ones(8),
        effective_rank=8.0,
        seconds=0.1,
    )


def share(request: m.Request, share: float) -> m.SingularValuesProgressed:
    return m.SingularValuesProgressed(
        request_id=request.id, model_id=1, name="W_E", part=None, share=share
    )


def fill(store: Unanswered) -> None:
    """List and figures have come."""
    store.weights.list_tensors()
    listed = store.last(m.ListWeights)
    store.receive(m.WeightsListed(request_id=listed.id, model_id=1, tensors=(W_E,)))
    store.weights.describe(("W_E",))
    asked = store.last(m.DescribeWeights)
    assert asked.names == ("W_E",)
    store.receive(
        m.WeightsDescribed(
            request_id=asked.id,
            model_id=1,
            step=7,
            figures=(FIGURES,),
            done=1,
            total=1,
            seconds=0.0,
        )
    )


def test_without_a_model_nothing_is_asked() -> None:
    store = Unanswered()
    store.weights.list_tensors()
    store.weights.find_singular_values("W_E")
    assert not store.sent
    assert store.weights.share is None


def test_list_and_figures_stand_by_name(store: Unanswered, weights: Weights) -> None:
    fill(store)
    assert weights.tensor("W_E") is W_E
    assert weights.tensor("W_U") is None
    assert weights.figures == {"W_E": FIGURES}
    assert weights.steps == {"W_E": 7}


def test_another_model_has_weights_of_its_own(store: Unanswered, weights: Weights) -> None:
    fill(store)
    weights.find_singular_values("W_E")
    request = store.last(m.FindSingularValues)
    store.receive(found(request))
    kept = weights.figures
    weights.find_singular_values("W_E")
    comes_into_view(store, 2)
    assert weights.model_id == 2
    assert weights.tensors == ()
    assert weights.figures == {}
    assert weights.steps == {}
    assert weights.singular_values is None
    assert weights.share is None
    assert kept == {"W_E": FIGURES}, "a table that still shows them is not emptied behind its back"


def test_answers_about_a_model_that_left_are_dropped(store: Unanswered, weights: Weights) -> None:
    weights.list_tensors()
    listed = store.last(m.ListWeights)
    comes_into_view(store, 2)
    assert weights.take(m.WeightsListed(request_id=listed.id, model_id=1, tensors=(W_E,)))
    assert weights.tensors == ()


def examined(request: m.ExamineWeight) -> m.WeightExamined:
    grid = np.zeros((1, 1))
    return m.WeightExamined(
        request_id=request.id,
        model_id=1,
        step=None,
        name=request.name,
        layout=layout_of("W_E", (12, 8), None),
        mean=0.0,
        std=1.0,
        low=-2.0,
        high=2.0,
        rms=1.0,
        n=96,
        n_not_finite=0,
        counts=np.array([96]),
        rows=(0, 12),
        columns=(0, 8),
        block=(12, 8),
        values=grid,
        value_rows=grid.astype(int),
        value_columns=grid.astype(int),
        seconds=0.0,
    )


def test_the_tensor_in_detail_is_the_one_that_was_asked_for_last(
    store: Unanswered, weights: Weights
) -> None:
    older, newer = m.ExamineWeight(name="W_U"), m.ExamineWeight(name="W_E")
    weights.examine(older)
    weights.examine(newer)
    heard: list[object] = []
    weights.examined_changed.connect(lambda: heard.append(weights.examined))
    store.receive(examined(older))
    assert heard == []
    late = examined(newer)
    store.receive(late)
    assert heard == [late]


def test_singular_values_of_an_older_question_are_dropped(
    store: Unanswered, weights: Weights
) -> None:
    weights.find_singular_values("W_U")
    older = store.last(m.FindSingularValues)
    weights.find_singular_values("W_E")
    store.receive(share(older, 0.9))
    store.receive(m.Cancelled(request_id=older.id))
    store.receive(found(older))
    assert weights.share == 0.0
    assert weights.singular_values is None
    newer = store.last(m.FindSingularValues)
    store.receive(share(newer, 0.5))
    assert weights.share == 0.5
    store.receive(found(newer))
    assert weights.share is None
    assert weights.singular_values is not None


def test_singular_values_are_given_up_on_request(store: Unanswered, weights: Weights) -> None:
    weights.cancel_singular_values()
    assert not [r for r in store.sent if isinstance(r, m.Cancel)], "there was nothing to stop"
    weights.find_singular_values("W_E")
    weights.cancel_singular_values()
    request = store.last(m.FindSingularValues)
    assert store.last(m.Cancel).target == request.id
    heard: list[object] = []
    weights.singular_values_changed.connect(lambda: heard.append(weights.share))
    store.receive(m.Cancelled(request_id=request.id))
    assert heard == [None]
    assert not store.notices


def test_singular_values_that_can_not_be_found_are_told(
    store: Unanswered, weights: Weights
) -> None:
    weights.find_singular_values("W_E")
    store.fail(store.last(m.FindSingularValues))
    assert weights.share is None
    assert [notice.message for notice in store.notices] == ["No memory is left."]

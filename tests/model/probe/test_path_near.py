"""Neighbours of the stream after every layer, held to NumPy and to the trace, in every kind."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from model.probe.path.asks import stations
from model.probe.path_near.asks import PathNear, PathNearFound
from model.probe.question import ProbeError
from model.space.questions.asks import Metric
from tests.model.probe.asking import IDS, Asked

KINDS = ("learned", "like Llama", "like Gemma 2", "norms after", "parallel", "encoder", "experts")
AT = 4


def by_hand(
    table_VD: np.ndarray, vector_D: np.ndarray, metric: Metric
) -> tuple[np.ndarray, np.ndarray]:
    """All rows, nearest first, and how near."""
    if metric == "euclidean":
        near = np.linalg.norm(table_VD - vector_D, axis=1)
        return np.argsort(near, kind="stable"), near
    near = table_VD @ vector_D
    if metric == "cosine":
        near = near / np.linalg.norm(table_VD, axis=1) / np.linalg.norm(vector_D)
    return np.argsort(-near, kind="stable"), near


@pytest.mark.parametrize("name", KINDS)
def test_after_every_layer_the_nearest_of_the_whole_table_are_told(name: str):
    asked = Asked(name)
    trace = asked.trace
    for matrix in ("W_E", "W_U"):
        table = asked.network.table(matrix).detach().double().numpy()
        metric: Metric = "euclidean" if matrix == "W_U" else "cosine"
        found = asked.ask(PathNear(AT, 5, matrix, metric))
        assert isinstance(found, PathNearFound)
        assert found.stations == stations(asked.config)
        for at, station in enumerate(found.stations):
            vector = trace[station.name][0, AT].double().numpy()
            assert np.allclose(found.vectors_SD[at], vector, atol=1e-5)
            order, near = by_hand(table, vector, metric)
            assert found.ids_Sk[at].tolist() == order[:5].tolist()
            assert np.allclose(found.values_Sk[at], near[order[:5]], atol=1e-4)


def test_by_dot_product_long_vectors_win():
    asked = Asked("learned")
    table = asked.network.table("W_E").detach().double().numpy()
    found = asked.ask(PathNear(AT, 3, metric="dot"))
    order, near = by_hand(table, found.vectors_SD[-1].astype(np.float64), "dot")
    assert found.ids_Sk[-1].tolist() == order[:3].tolist()
    assert np.allclose(found.values_Sk[-1], near[order[:3]], atol=1e-5)


def test_two_texts_part_company_where_the_cosine_falls():
    """The same token after another beginning: one vector at the embedding, others after layers."""
    asked = Asked("like Llama")
    other = Asked("like Llama", (9, 9, 2, *IDS[3:]))
    mine, theirs = asked.ask(PathNear(AT)), other.ask(PathNear(AT))
    cosines = mine.cosines_with(theirs)
    assert cosines[0] == pytest.approx(1)
    a, b = (one.vectors_SD[-1].astype(np.float64) for one in (mine, theirs))
    assert cosines[-1] == pytest.approx(a @ b / np.linalg.norm(a) / np.linalg.norm(b))
    assert cosines[-1] < 0.999
    first = mine.vectors_SD[0].astype(np.float64)
    turned = a @ first / np.linalg.norm(a) / np.linalg.norm(first)
    assert mine.turned_S[-1] == pytest.approx(turned)


def test_a_vector_of_zeros_has_no_neighbours():
    asked = Asked("like Llama")
    with torch.no_grad():
        asked.network.embed.weight[IDS[AT]] = 0
    found = asked.ask(PathNear(AT, 4))
    assert found.ids_Sk[0].tolist() == [-1] * 4
    assert np.isnan(found.values_Sk[0]).all()
    assert np.isnan(found.turned_S).all()
    assert (found.ids_Sk[1:] >= 0).all()
    rows = found.as_rows()["neighbours"]
    assert "embed" not in {row["after"] for row in rows}
    assert [row["id"] for row in rows] == found.ids_Sk[1:].ravel().tolist()


def test_what_is_not_there_is_refused_in_a_sentence():
    asked = Asked("learned")
    with pytest.raises(ProbeError, match="no position 11; the text has 11 tokens"):
        asked.ask(PathNear(len(IDS)))
    with pytest.raises(ProbeError, match="no metric 'angle'"):
        asked.ask(PathNear(0, metric="angle"))  # type: ignore[arg-type]


def test_as_many_as_there_are_tokens_are_told():
    asked = Asked("learned")
    found = asked.ask(PathNear(0, 10_000))
    assert found.ids_Sk.shape == (len(found.stations), asked.config.d_vocab)

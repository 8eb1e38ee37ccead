"""A picture of a table keeps what its sentence says, to float64 by NumPy."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from model.space.projecting import project, projecting
from model.space.projections import PROJECTIONS
from model.space.projections.asks import TSNE, UMAP, Direction, PrincipalAxes, SumPlane, WordAxes
from model.space.projections.placed import Placed
from model.space.registry import SpaceError, entry_of
from model.space.table import VectorTable

KING, MAN, WOMAN, QUEEN = 3, 7, 11, 19
TERMS = ((1, KING), (-1, MAN), (1, WOMAN))


@pytest.fixture
def rows() -> NDArray[np.float64]:
    random = np.random.default_rng(5)
    rows = random.standard_normal((400, 24)) * np.linspace(2.0, 0.2, 24) + 1.5
    rows[QUEEN] = rows[KING] - rows[MAN] + rows[WOMAN] + 0.3 * random.standard_normal(24)
    return np.asarray(rows)


def table(rows: NDArray[np.float64], dtype: torch.dtype = torch.float32) -> VectorTable:
    return VectorTable(torch.tensor(rows).to(dtype), "words")


def test_any_three_principal_axes_are_those_of_an_svd(rows: NDArray[np.float64]) -> None:
    centred = rows - rows.mean(0)
    _, singular, axes = np.linalg.svd(centred, full_matrices=False)
    shares = singular**2 / (singular**2).sum()
    for chosen in ((0, 1, 2), (4, 1, 22)):
        placed = project(PrincipalAxes(chosen), table(rows))
        expected = centred @ axes[list(chosen)].T
        signs = np.sign((expected * placed.points_N3.numpy()).sum(0))
        assert np.allclose(placed.points_N3.numpy(), expected * signs, atol=1e-4)
        assert np.allclose(placed.variance_3, shares[list(chosen)], atol=1e-6)
        assert np.allclose(placed.spectrum_m, shares, atol=1e-6)
        kept = shares[list(chosen)].sum()
        assert placed.kept == pytest.approx(kept, abs=1e-6)
        said = float(re.findall(r"keep ([0-9.]+)%", placed.sentence)[0]) / 100
        assert said == pytest.approx(kept, abs=0.006)


def test_the_same_axes_lie_as_they_lay_before(rows: NDArray[np.float64]) -> None:
    before = project(PrincipalAxes(), table(rows))
    turned = rows @ np.linalg.qr(np.random.default_rng(1).standard_normal((24, 24)))[0]
    steps = projecting(PrincipalAxes(), table(-turned), before)
    (after,) = [step for step in steps if isinstance(step, Placed)]
    assert np.allclose(after.points_N3, before.points_N3, atol=1e-3)


def test_in_the_plane_the_figure_is_as_it_is_and_so_is_the_way_to_the_answer(
    rows: NDArray[np.float64],
) -> None:
    placed = project(SumPlane(TERMS), table(rows))
    points, axes = placed.points_N3.double().numpy(), placed.axes_3D.double().numpy()
    assert np.allclose(axes @ axes.T, np.eye(3), atol=1e-5)
    end = rows[KING] - rows[MAN] + rows[WOMAN]
    end_3 = (end - rows.mean(0)) @ axes.T
    for row in (KING, MAN, WOMAN):
        seen = np.linalg.norm(points[row, :2] - end_3[:2])
        assert seen == pytest.approx(np.linalg.norm(rows[row] - end), rel=1e-4)
    # The third axis goes to the nearest: no part of that way is lost.
    true = np.linalg.norm(rows[QUEEN] - end)
    assert np.linalg.norm(points[QUEEN] - end_3) == pytest.approx(true, rel=1e-3)
    assert placed.measures["nearest"] == QUEEN
    assert placed.measures["nearest_kept"] == pytest.approx(1, abs=1e-3)
    # What only looks nearer is counted, and what is.
    others = [row for row in range(len(rows)) if row not in (KING, MAN, WOMAN, QUEEN)]
    seen = np.linalg.norm(points[:, :2] - end_3[:2], axis=1)
    look = sum(seen[row] < seen[QUEEN] for row in others)
    are = sum(np.linalg.norm(rows[row] - end) < true for row in others)
    assert (placed.measures["look_nearer"], placed.measures["are_nearer"]) == (look, are)
    assert "{nearest}" in placed.sentence
    # How far each lies off what is drawn.
    off = rows - end - ((rows - end) @ axes.T) @ axes
    assert np.allclose(placed.off_N, np.linalg.norm(off, axis=1), atol=1e-3)


def test_the_third_axis_goes_to_the_word_that_is_expected(rows: NDArray[np.float64]) -> None:
    placed = project(SumPlane(TERMS, expected=42), table(rows))
    end = rows[KING] - rows[MAN] + rows[WOMAN]
    way = (rows[42] - end) @ placed.axes_3D.double().numpy().T
    assert np.linalg.norm(way) == pytest.approx(np.linalg.norm(rows[42] - end), rel=1e-3)


def test_a_place_on_word_axes_is_a_dot_product_with_each_direction(
    rows: NDArray[np.float64],
) -> None:
    lists = Direction((1, 2, 3), (4, 5), "these − those")
    placed = project(WordAxes((Direction((WOMAN,), (MAN,)), lists)), table(rows))
    ways = np.stack([rows[WOMAN] - rows[MAN], rows[[1, 2, 3]].mean(0) - rows[[4, 5]].mean(0)])
    ways /= np.linalg.norm(ways, axis=1, keepdims=True)
    expected = (rows - rows.mean(0)) @ ways.T
    assert np.allclose(placed.points_N3[:, :2], expected, atol=1e-4)
    assert f"their cosine is {ways[0] @ ways[1]:.2f}" in placed.sentence
    # The third is at right angles to both, and the longest that is.
    assert np.allclose(placed.axes_3D[2].double().numpy() @ ways.T, 0, atol=1e-5)
    basis = np.linalg.qr(placed.axes_3D.double().numpy().T)[0]
    centred = rows - rows.mean(0)
    kept = ((centred @ basis) ** 2).sum() / (centred**2).sum()
    assert placed.kept == pytest.approx(kept, abs=1e-5)


@pytest.mark.parametrize(
    ("how", "says"),
    [
        (SumPlane(((1, 3),)), "needs two words or more"),
        (SumPlane(((1, 3), (1, 999))), "needs two words or more"),
        (WordAxes(()), "Type a direction"),
        (WordAxes((Direction((1,), (1,), "a − a"),)), "“a − a” is no direction"),
        (WordAxes((Direction((1,), (2,)), Direction((2,), (1,)))), "are the same"),
        (WordAxes((Direction((999,), (), "far"),)), "“far” names a word"),
    ],
)
def test_what_gives_no_axes_is_said(how: object, says: str, rows: NDArray[np.float64]) -> None:
    with pytest.raises(SpaceError, match=says):
        project(how, table(rows))  # type: ignore[arg-type]


@pytest.mark.parametrize("entry", PROJECTIONS, ids=lambda entry: entry.name)
def test_poor_tables_are_refused_in_a_sentence_whatever_the_axes(entry: object) -> None:
    asked = {
        "pca": PrincipalAxes(),
        "plane": SumPlane(((1, 0), (-1, 1))),
        "words": WordAxes((Direction((0,), (1,)),)),
        "tsne": TSNE(),
        "umap": UMAP(),
    }
    how = asked[entry.name]  # type: ignore[attr-defined]
    assert isinstance(how, entry.kind())  # type: ignore[attr-defined]
    for rows, says in (
        (np.ones((50, 6)), "the same"),
        (np.zeros((50, 6)), "the same"),
        (np.ones((1, 6)), "one vector"),
        (np.eye(2), "2 vectors"),
        (np.full((9, 4), np.nan), "NaN or infinity"),
    ):
        with pytest.raises(ValueError, match=says) as refused:
            project(how, table(rows))
        assert type(refused.value).__module__.startswith("model.")


def test_few_dimensions_leave_axes_with_nothing_on_them() -> None:
    rows = np.random.default_rng(2).standard_normal((30, 2))
    for how in (PrincipalAxes(), SumPlane(((1, 0), (-1, 1), (1, 2)))):
        placed = project(how, table(rows))
        assert placed.points_N3.shape == (30, 3)
        assert not placed.points_N3[:, 2].any()
        assert placed.kept == pytest.approx(1, abs=1e-5)


def test_half_precision_is_read_in_float32(rows: NDArray[np.float64]) -> None:
    half = torch.tensor(rows).to(torch.bfloat16)
    placed = project(PrincipalAxes(), VectorTable(half, "half"))
    exact = project(PrincipalAxes(), VectorTable(half.double(), "exact"))
    assert np.allclose(placed.points_N3, exact.points_N3, atol=1e-3)


def test_an_unknown_projection_names_those_that_there_are() -> None:
    with pytest.raises(SpaceError, match=r"no 'umap'; there are pca, plane, words"):
        entry_of(PROJECTIONS[:3], "umap")

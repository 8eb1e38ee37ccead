"""The cost surface: its centre, its losses, its directions, the path, and the weights after it."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import model
from model.probe import batch as batches
from model.probe.batch import batch_of
from model.probe.batch_losses.asks import BatchLosses, BatchLossesFound
from model.probe.landscape import compute
from model.probe.landscape.asks import Landscape, LandscapeFound
from model.probe.landscape.compute import Plane
from model.probe.landscape.directions import random_directions
from model.probe.landscape.lines import levels, through_zero
from model.probe.landscape.point import Point, weights_of
from model.probe.question import ProbeError
from model.slices import finish
from model.subject import Subject
from model.train.measure import mean_loss
from model.train.run_folder import snapshots
from resources import STORY_WORLD
from tests.model.networks import VARIANTS, network
from tests.model.probe.runs import OnBench, trained


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trained(tmp_path_factory.mktemp("landscape") / "run")


@pytest.fixture
def desk(run: Path) -> OnBench:
    return OnBench(run)


def surfaces(desk: OnBench, question: Landscape) -> list[LandscapeFound]:
    found = [one for one in desk.answers(question) if isinstance(one, LandscapeFound)]
    assert found[-1].is_whole
    assert not any(one.is_whole for one in found[:-1])
    return found


def windows(desk: OnBench) -> torch.Tensor:
    making = batch_of(desk.bench, Subject(0, None, (1,)), "validation", -1, "")
    return torch.from_numpy(finish(making).windows_BT)


def test_the_centre_is_the_loss_of_the_weights_as_they_are(desk: OnBench):
    *_, found = surfaces(desk, Landscape(grid=5))
    with torch.inference_mode():
        own = mean_loss(desk.lm.transformer, windows(desk)).item()
    assert found.centre == own  # to the last bit
    assert found.loss_YX[found.b_Y == 0, found.a_X == 0] == np.float32(own)


@pytest.mark.parametrize("method", ["random", "pca"])
def test_the_weights_are_left_as_they_were(desk: OnBench, method: str):
    before = weights_of(desk.lm.transformer)
    surfaces(desk, Landscape(method=method, grid=5))  # type: ignore[arg-type]
    assert torch.equal(before, weights_of(desk.lm.transformer))


@pytest.mark.parametrize("method", ["random", "pca"])
def test_each_loss_is_that_of_the_weights_at_its_place(desk: OnBench, method: str):
    *_, found = surfaces(desk, Landscape(method=method, grid=5, seed=3))  # type: ignore[arg-type]
    centre_P = weights_of(desk.lm.transformer)
    if method == "random":
        plane = random_directions(desk.lm.transformer, 3)
        a_P, b_P = plane.a_P, plane.b_P
    else:
        a_P, b_P = principal(desk, centre_P)
    point, batch = Point(desk.lm.transformer), windows(desk)
    for y, x in ((0, 0), (1, 3), (4, 2)):
        point.weights_P.copy_(centre_P + float(found.a_X[x]) * a_P + float(found.b_Y[y]) * b_P)
        with torch.inference_mode():
            own = mean_loss(point.network, batch).item()
        assert found.loss_YX[y, x] == pytest.approx(own, rel=2e-4)


def principal(desk: OnBench, centre_P: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The first two principal directions by a singular value decomposition, in float64."""
    rows = kept(desk)
    rows_SP = rows - rows.mean(0)
    _, _, right = torch.linalg.svd(rows_SP, full_matrices=False)
    found = []
    for direction_P in right[:2]:
        goes = float(direction_P @ (rows[-1] - rows[0]))
        found.append((direction_P if goes > 0 else -direction_P).float())
    return found[0], found[1]


def kept(desk: OnBench) -> torch.Tensor:
    """The weights of all kept steps, ``[S, P]`` float64."""
    assert desk.lm.path is not None
    paths = [path for _, path in snapshots(desk.lm.path.parent.parent)]
    return torch.stack(
        [weights_of(model.open(p, device="cpu").transformer) for p in paths]
    ).double()


def test_random_directions_are_as_long_as_the_weights_filter_by_filter():
    net = network(VARIANTS["learned"])
    plane = random_directions(net, 0)
    at = 0
    for parameter in net.parameters():
        n = parameter.numel()
        for direction_P in (plane.a_P, plane.b_P):
            part = direction_P[at : at + n].view(parameter.shape)
            if parameter.ndim < 2:
                assert not part.any()
            else:
                torch.testing.assert_close(part.norm(dim=1), parameter.norm(dim=1))
        at += n
    again, other = random_directions(net, 0), random_directions(net, 1)
    assert torch.equal(plane.a_P, again.a_P)
    assert torch.equal(plane.b_P, again.b_P)
    assert not torch.equal(plane.a_P, other.a_P)
    assert not torch.equal(plane.a_P, plane.b_P)


def test_the_path_is_projected_and_its_share_of_the_variance_said(desk: OnBench):
    *_, found = surfaces(desk, Landscape(method="pca", grid=5))
    rows_SP, centre_P = kept(desk), weights_of(desk.lm.transformer).double()
    a_P, b_P = (one.double() for one in principal(desk, centre_P))
    away_SP = rows_SP - centre_P
    places_S2 = torch.stack([away_SP @ a_P, away_SP @ b_P], dim=1).numpy()
    np.testing.assert_allclose(found.path_S2, places_S2, atol=1e-4)
    assert found.steps_S.tolist() == [0, 2, 4, 6, 8]
    values_S = torch.linalg.svdvals(rows_SP - rows_SP.mean(0)) ** 2
    assert found.variance == pytest.approx(float(values_S[:2].sum() / values_S.sum()), rel=1e-4)
    beside_S = np.linalg.norm(away_SP.numpy() - places_S2 @ np.stack([a_P, b_P]), axis=1)
    length_S = away_SP.norm(dim=1).numpy()
    np.testing.assert_allclose(found.off_S[:-1], beside_S[:-1] / length_S[:-1], rtol=1e-3)
    for at, (low, high) in enumerate(
        ((found.a_X[0], found.a_X[-1]), (found.b_Y[0], found.b_Y[-1]))
    ):
        assert low < found.path_S2[:, at].min()
        assert found.path_S2[:, at].max() < high


def test_each_step_has_the_loss_of_its_own_weights(desk: OnBench):
    assert desk.lm.path is not None
    for method in ("random", "pca"):
        *_, found = surfaces(desk, Landscape(method=method, grid=5))
        for (step, path), theirs in zip(
            snapshots(desk.lm.path.parent.parent), found.path_loss_S, strict=True
        ):
            assert step in found.steps_S
            with torch.inference_mode():
                own = mean_loss(model.open(path, device="cpu").transformer, windows(desk)).item()
            assert theirs == pytest.approx(own, rel=1e-6)


def test_coarse_pictures_are_measured_and_stay_true(desk: OnBench):
    found = surfaces(desk, Landscape(grid=13))
    sizes = [len(one.a_X) for one in found]
    assert sizes[0] == 3
    assert sizes[-1] == 13
    assert sizes == sorted(sizes)
    assert 11 in sizes
    whole = found[-1]
    for one in found[:-1]:
        rows = [whole.b_Y.tolist().index(b) for b in one.b_Y]
        columns = [whole.a_X.tolist().index(a) for a in one.a_X]
        np.testing.assert_array_equal(one.loss_YX, whole.loss_YX[np.ix_(rows, columns)])
        assert np.isfinite(one.loss_YX).all()


def test_no_loss_is_measured_twice(desk: OnBench, monkeypatch: pytest.MonkeyPatch):
    n = 0
    measure = batches.losing

    def counted(*args: Any) -> Any:
        nonlocal n
        n += 1
        return measure(*args)

    monkeypatch.setattr(compute, "losing", counted)
    *_, found = surfaces(desk, Landscape(grid=13))
    assert n == 13 * 13 + len(found.steps_S)


@pytest.mark.parametrize("n", [5, 7, 13, 25, 51])
@pytest.mark.parametrize("bounds", [(-1.0, 1.0), (-3.0, 0.2), (0.0, 2.0), (0.5, 2.0), (-0.01, 5.0)])
def test_lines_cover_what_is_wanted_and_one_is_zero(n: int, bounds: tuple[float, float]):
    lines, zero = through_zero(*bounds, n)
    assert len(lines) == n
    assert lines[zero] == 0
    assert lines[0] <= min(bounds[0], 0) + 1e-9
    assert lines[-1] >= bounds[1] - 1e-9
    np.testing.assert_allclose(np.diff(lines), lines[1] - lines[0])
    some = levels(n, zero)
    assert some[-1] == tuple(range(n))
    for coarse, fine in itertools.pairwise(some):
        assert set(coarse) < set(fine)
        assert {0, zero, n - 1} <= set(coarse)


@pytest.mark.parametrize("kind", ["learned", "untied", "experts", "like Llama", "like Gemma 2"])
def test_a_copy_moves_with_its_vector_and_comes_back(kind: str):
    net = network(VARIANTS[kind])
    point, ids_BT = Point(net), torch.tensor([[3, 17, 8, 1, 30, 4]])
    with torch.inference_mode():
        own, there = net(ids_BT), point.network(ids_BT)
        assert torch.equal(own, there)
        kept_P = point.weights_P.clone()
        point.weights_P.mul_(1.5)
        assert not torch.equal(own, point.network(ids_BT))
        point.weights_P.copy_(kept_P)
        assert torch.equal(own, point.network(ids_BT))
    n = sum(parameter.numel() for parameter in net.parameters())
    assert point.weights_P.shape == (n,)


def test_an_infinite_loss_is_no_number_that_hides_the_others(desk: OnBench):
    """A place where the weights overflow has no loss; all others keep theirs."""
    net = desk.lm.transformer
    plane = random_directions(net, 0)
    point = Point(net)
    swept = Plane(
        point=point,
        runs=point.network,
        centre_P=point.weights_P.clone(),
        directions=plane,
        pieces=[windows(desk)],
        a_X=np.array([-1e38, 0.0, 1.0]),
        b_Y=np.array([-1.0, 0.0, 1.0]),
        zero=(1, 1),
    )
    for _ in swept.measuring((0, 1, 2), (0, 1, 2)):
        pass
    assert not np.isfinite(swept.loss_YX[:, 0]).any()
    assert np.isfinite(swept.loss_YX[:, 1:]).all()


def test_what_cannot_be_swept_is_refused(desk: OnBench):
    for question, words in (
        (Landscape(grid=4), "odd number"),
        (Landscape(grid=999), "odd number"),
        (Landscape(radius=0), "above 0"),
        (Landscape(radius=float("nan")), "above 0"),
        (Landscape(seed=-1), "0 or more"),
    ):
        with pytest.raises(ProbeError, match=words):
            desk.answers(question)


def test_a_model_without_a_run_has_a_surface_and_no_path():
    desk = OnBench(STORY_WORLD)
    *_, found = surfaces(desk, Landscape(grid=3))
    assert found.source == "the story world"
    assert found.no_path
    assert not len(found.steps_S)
    assert found.centre == found.loss_YX[1, 1] == found.loss_YX.min()
    with pytest.raises(ProbeError, match="needs three kept steps"):
        desk.answers(Landscape(method="pca", grid=3))


def test_a_large_network_is_measured_in_slices(desk: OnBench, monkeypatch: pytest.MonkeyPatch):
    whole = surfaces(desk, Landscape(grid=3))[-1]
    monkeypatch.setattr(batches, "FLOPS", 1)
    found = surfaces(desk, Landscape(grid=3))[-1]
    np.testing.assert_allclose(found.loss_YX, whole.loss_YX, rtol=1e-6)
    assert len(batches.pieces(windows(desk).numpy(), desk.lm.transformer)) == whole.windows == 4


def test_weights_that_are_no_numbers_have_no_surface(desk: OnBench):
    with torch.no_grad():
        desk.lm.transformer.embed.weight[0] = float("nan")
    with pytest.raises(ProbeError, match="no finite number"):
        desk.answers(Landscape(grid=3))
    *_, found = desk.answers(BatchLosses(part="validation"))
    assert isinstance(found, BatchLossesFound)
    assert np.isnan(found.loss)

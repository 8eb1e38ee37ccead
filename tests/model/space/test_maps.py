"""t-SNE and UMAP keep who is near whom, tell how far they can be believed, and can be given up."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch

from model.space.maps import client, process
from model.space.projecting import project, projecting
from model.space.projections.asks import TSNE, UMAP, NeighbourMap
from model.space.projections.neighbour_map import neighbours_kept
from model.space.projections.placed import Placed
from model.space.registry import SpaceError
from model.space.table import VectorTable
from tests.optional import needs

GROUPS, EACH = 4, 25
KINDS = [
    pytest.param(how, id=how.name, marks=needs(*how.needs))
    for how in (TSNE(perplexity=10, steps=1000), UMAP(n_neighbors=8, steps=100, dimensions=3))
]


def groups() -> VectorTable:
    random = np.random.default_rng(0)
    middles = 8 * random.standard_normal((GROUPS, 12))
    rows = np.concatenate([at + random.standard_normal((EACH, 12)) for at in middles])
    return VectorTable(torch.from_numpy(rows.astype(np.float32)), "groups")


@pytest.mark.parametrize("how", KINDS)
def test_a_map_keeps_groups_together_and_says_how_many_neighbours_stayed(
    how: NeighbourMap,
) -> None:
    table = groups()
    steps = [step for step in projecting(how, table) if step is not None]
    assert steps[0] == "finding the neighbours of 100 vectors"
    frames = [step for step in steps if isinstance(step, Placed)]
    whole = frames[-1]
    assert len(frames) > 1, "it is seen while it converges"
    shares = [frame.share for frame in frames]
    assert shares == sorted(shares)
    assert shares[-1] == 1
    points = whole.points_N3.double().numpy()
    away = ((points[:, None] - points[None]) ** 2).sum(2)
    np.fill_diagonal(away, np.inf)
    group = np.repeat(np.arange(GROUPS), EACH)
    assert (group[away.argmin(1)] == group).mean() > 0.95
    assert np.allclose((points**2).sum(1).mean(), 1, atol=1e-4), "a map has no unit"
    # What it keeps, counted by hand.
    rows = table.rows_ND.double().numpy()
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    cosines = unit @ unit.T
    np.fill_diagonal(cosines, -np.inf)
    high, low = np.argsort(-cosines)[:, :10], np.argsort(away)[:, :10]
    kept = np.mean([len({*a} & {*b}) / 10 for a, b in zip(high.tolist(), low.tolist())])
    assert whole.measures["neighbours_kept"] == pytest.approx(kept, abs=0.005)
    assert f"{kept:.0%} are among its 10 nearest here" in whole.sentence
    again = project(how, table)
    assert again is whole, "what was found stays with the table"


@needs("openTSNE")
def test_equal_tables_give_equal_maps_and_too_many_neighbours_are_lowered() -> None:
    how = TSNE(perplexity=90, steps=30)
    first, second = project(how, groups()), project(how, groups())
    assert torch.equal(first.points_N3, second.points_N3)
    assert "Perplexity 90 was lowered to 33: there are 100 vectors." in first.sentence


@needs("openTSNE")
def test_a_map_that_is_given_up_leaves_no_process_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    started = []
    start = client.start

    def noted(module: str) -> object:
        process = start(module)
        started.append(process)
        return process

    monkeypatch.setattr(client, "start", noted)
    steps = projecting(TSNE(steps=5000), groups())
    while not started:
        next(steps)
    assert started[0].poll() is None
    steps.close()
    assert started[0].poll() is not None
    if sys.platform == "linux":
        assert not Path(f"/proc/{started[0].pid}").exists()


@needs("openTSNE")
def test_a_process_that_dies_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    start = client.start

    def doomed(module: str) -> object:
        process = start(module)
        process.kill()
        return process

    monkeypatch.setattr(client, "start", doomed)
    with pytest.raises(SpaceError, match="its process has ended; was memory short"):
        project(TSNE(), groups())


def test_where_a_library_lacks_it_is_named_with_what_brings_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(client, "find_spec", lambda name: None if name == "openTSNE" else find_spec)
    with pytest.raises(SpaceError, match=r"t-SNE needs openTSNE.*pip install openTSNE"):
        project(TSNE(), groups())


def test_what_is_no_table_for_a_map_is_refused_in_words() -> None:
    few = VectorTable(torch.randn(5, 4), "five")
    with pytest.raises(SpaceError, match="five has 5 vectors; a map needs 8 or more"):
        project(TSNE(), few)


def test_a_picture_of_the_rows_themselves_keeps_all_neighbours() -> None:
    rows = torch.randn(60, 2, generator=torch.Generator().manual_seed(1))
    assert neighbours_kept(VectorTable(rows, "plane"), rows, "euclidean") == 1


@pytest.mark.parametrize("few", [0, 4000])
def test_neighbours_are_exact_and_told_while_they_are_found(
    monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    monkeypatch.setattr(process, "FEW", few)
    monkeypatch.setattr(process, "SCORES", 700)  # in several parts
    rows = np.random.default_rng(3).standard_normal((90, 6)).astype(np.float32)
    told: list[float] = []
    found, away = process.nearest(rows, 12, 1, lambda _, points, share: told.append(share))
    apart = np.linalg.norm(rows[:, None].astype(float) - rows[None].astype(float), axis=2)
    np.fill_diagonal(apart, np.inf)
    order = np.argsort(apart, axis=1)[:, :12]
    assert np.array_equal(found, order)
    assert np.allclose(away, np.take_along_axis(apart, order, 1), atol=1e-4)
    assert told == sorted(told)
    assert len(told) > 5

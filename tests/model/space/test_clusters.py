"""Clusters part what points apart and are named by their middle; files for projectors come back."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from subprocess import Popen

import numpy as np
import pytest
import torch

from model.slices import finish
from model.space.asking import answering, ask
from model.space.files import reading_file
from model.space.maps import client
from model.space.maps import dense as process
from model.space.questions import clusters, dense
from model.space.questions.asks import Clusters, ClustersFound, TSVWritten, WriteTSV
from model.space.registry import SpaceError
from model.space.table import VectorTable
from tests.optional import needs


def groups() -> tuple[VectorTable, np.ndarray]:
    """Three directions with lengths of all sizes, and a row of zeros at the end."""
    random = np.random.default_rng(2)
    sizes = (30, 20, 10)
    middles = np.linalg.qr(random.standard_normal((8, 8)))[0][:3]
    own = np.repeat(np.arange(3), sizes)
    rows = middles[own] + 0.1 * random.standard_normal((60, 8))
    rows *= random.uniform(0.1, 10, (60, 1))
    rows = np.concatenate([rows, np.zeros((1, 8))])
    return VectorTable(torch.from_numpy(rows.astype(np.float32)), "three"), own


@needs("sklearn")
def test_clusters_are_directions_the_largest_first_named_by_their_middle() -> None:
    table, own = groups()
    found = ask(Clusters(3), table)
    assert isinstance(found, ClustersFound)
    assert found.groups_N[:60].tolist() == own.tolist()
    assert found.groups_N[60] == -1, "a row of zeros points nowhere"
    rows = table.rows_ND[:60].double().numpy()
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    for group, (central, likeness) in enumerate(zip(found.central, found.likeness)):
        members = np.flatnonzero(own == group)
        middle = unit[members].mean(0)
        cosines = unit[members] @ middle / np.linalg.norm(middle)
        assert central[0] in members[np.argsort(-cosines)[:2]]
        assert likeness == pytest.approx(cosines.mean(), abs=0.01)
    assert ask(Clusters(3), table).arrays()["group"].values.tolist() == found.groups_N.tolist()


def dense_groups() -> tuple[VectorTable, np.ndarray]:
    """Two tight bundles of directions, and rows that point anywhere; a row of zeros at the end."""
    random = np.random.default_rng(4)
    middles = np.linalg.qr(random.standard_normal((8, 8)))[0][:2]
    own = np.repeat([0, 1, -1], (40, 25, 30))
    bundles = middles[own[:65]] + 0.03 * random.standard_normal((65, 8))
    rows = np.concatenate([bundles, random.standard_normal((30, 8))])
    rows *= random.uniform(0.1, 10, (95, 1))
    rows = np.concatenate([rows, np.zeros((1, 8))])
    return VectorTable(torch.from_numpy(rows.astype(np.float32)), "two"), own


DENSE = Clusters(method="hdbscan", smallest=10, samples=5)


@needs("sklearn")
def test_dense_groups_are_the_librarys_of_the_directions_and_noise_is_in_none() -> None:
    from sklearn.cluster import HDBSCAN

    table, own = dense_groups()
    found = ask(DENSE, table)
    assert isinstance(found, ClustersFound)
    rows = table.rows_ND[:95].double().numpy()
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    # All eight axes are kept: turned and moved, distances stay.
    library = HDBSCAN(min_cluster_size=10, min_samples=5, copy=True).fit_predict(unit)
    assert ((found.groups_N[:95] == -1) == (library == -1)).all()
    for group in range(len(found.central)):
        assert len(set(library[found.groups_N[:95] == group].tolist())) == 1
    sizes = [int((found.groups_N == group).sum()) for group in range(len(found.central))]
    assert sizes == sorted(sizes, reverse=True)
    assert (found.groups_N[:65][own[:65] == 0] == found.groups_N[0]).all()
    assert found.groups_N[95] == -1, "a row of zeros points nowhere"
    assert found.n_noise == int((found.groups_N == -1).sum()) > 1
    for group, (central, likeness) in enumerate(zip(found.central, found.likeness)):
        members = np.flatnonzero(found.groups_N[:95] == group)
        middle = unit[members].mean(0)
        cosines = unit[members] @ middle / np.linalg.norm(middle)
        assert central == tuple(members[np.argsort(-cosines)[:3]].tolist())
        assert likeness == pytest.approx(cosines.mean(), abs=1e-4)
    assert found.how == "on 8 principal axes of the directions, which keep 100% of their variance"


@needs("sklearn")
def test_of_many_rows_every_nth_is_grouped_and_that_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(dense, "MOST_ROWS", 48)
    table, own = dense_groups()
    found = ask(DENSE, table)
    assert isinstance(found, ClustersFound)
    assert found.how.endswith("; of every 2nd vector, the others join the nearest of those")
    for bundle in (0, 1):
        groups_of = found.groups_N[:65][own[:65] == bundle]
        assert (groups_of == np.bincount(groups_of[groups_of >= 0]).argmax()).mean() > 0.9


def test_a_group_that_there_is_no_room_for_is_refused() -> None:
    table, _ = dense_groups()
    with pytest.raises(SpaceError, match="groups of 50 or more need at least 100"):
        ask(Clusters(method="hdbscan", smallest=50), table)


@needs("sklearn")
def test_dense_groups_that_are_given_up_leave_no_process_behind(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    started: list[Popen[bytes]] = []
    start = client.start

    def noted(module: str) -> Popen[bytes]:
        started.append(start(module))
        return started[-1]

    monkeypatch.setattr(process, "start", noted)
    steps = answering(DENSE, dense_groups()[0])
    while not started:
        next(steps)
    steps.close()  # type: ignore[attr-defined]
    assert started[0].poll() is not None

    def doomed(module: str) -> Popen[bytes]:
        found = start(module)
        found.kill()
        return found

    monkeypatch.setattr(process, "start", doomed)
    with pytest.raises(SpaceError, match="the process has ended; was memory short"):
        ask(DENSE, dense_groups()[0])


def test_what_can_not_be_parted_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    table, _ = groups()
    if find_spec("sklearn") is not None:
        with pytest.raises(SpaceError, match="three has 61 vectors; ask for 2 to 61 clusters"):
            ask(Clusters(62), table)
    monkeypatch.setattr(clusters, "find_spec", lambda name: None)
    with pytest.raises(SpaceError, match="pip install scikit-learn"):
        ask(Clusters(3), table)
    monkeypatch.setattr(process, "find_spec", lambda name: None)
    with pytest.raises(SpaceError, match="pip install -U scikit-learn"):
        ask(DENSE, table)


def test_files_for_projectors_are_read_back_as_they_were(tmp_path: Path) -> None:
    table, _ = groups()
    labels = tuple(f"word {at}\n" for at in range(61))
    found = ask(WriteTSV(str(tmp_path), labels, rows=(5, 2, 60)), table)
    assert isinstance(found, TSVWritten)
    assert found.n == 3
    read = finish(reading_file(str(tmp_path / "vectors.tsv")))
    assert np.array_equal(read.rows_ND, table.rows_ND[[5, 2, 60]].numpy())
    assert (tmp_path / "metadata.tsv").read_text().splitlines() == ["word 5", "word 2", "word 60"]
    groups_of = ("a",) * 61
    ask(WriteTSV(str(tmp_path), labels, groups=groups_of), table)
    assert len((tmp_path / "metadata.tsv").read_text().splitlines()) == 3, "no older file goes"
    assert len((tmp_path / "vectors.tsv").read_text().splitlines()) == 3
    lines = (tmp_path / "metadata-2.tsv").read_text().splitlines()
    assert lines[:2] == ["label\tgroup", "word 0\ta"]
    assert len(lines) == 62 == len((tmp_path / "vectors-2.tsv").read_text().splitlines()) + 1
    with pytest.raises(SpaceError, match=r"vectors.tsv can't be written"):
        ask(WriteTSV(str(tmp_path / "nowhere"), labels), table)

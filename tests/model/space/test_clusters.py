"""Clusters part what points apart and are named by their middle; files for projectors come back."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch

from model.slices import finish
from model.space.asking import ask
from model.space.files import reading_file
from model.space.questions import clusters
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


def test_what_can_not_be_parted_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    table, _ = groups()
    if find_spec("sklearn") is not None:
        with pytest.raises(SpaceError, match="three has 61 vectors; ask for 2 to 61 clusters"):
            ask(Clusters(62), table)
    monkeypatch.setattr(clusters, "find_spec", lambda name: None)
    with pytest.raises(SpaceError, match="pip install scikit-learn"):
        ask(Clusters(3), table)


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

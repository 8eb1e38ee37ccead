"""Groups of rows that are dense: HDBSCAN (Campello, Moulavi and Sander 2013), by scikit-learn.

Vectors are taken at length 1 and on their first principal axes, where density means something and
a tree of them can be built; of very many every n-th is grouped, and the others join the nearest of
those. What is in no dense place is in no group: noise.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator

import numpy as np
import torch
from torch import Tensor

from model.space.maps.dense import finding
from model.space.questions.asks import Clusters, ClustersFound
from model.space.questions.clusters import BATCH, CENTRAL, unit, usable_rows
from model.space.registry import SpaceError
from model.space.table import VectorTable

MOST_ROWS = 10_000
"""That are grouped by the library: its time grows with the square of them."""
AXES = 15
NOISE = -1


def answer(question: Clusters, table: VectorTable) -> Iterator[ClustersFound | None]:
    """Principal axes, then the library in a process of its own, then the rest of the rows.

    Raises:
        SpaceError: the library lacks, or there are too few rows.
    """
    if question.smallest < 2 or question.samples < 1:
        raise SpaceError("A group has 2 vectors or more, and 1 neighbour or more.")
    usable = usable_rows(table)
    if len(usable) < 2 * question.smallest:
        raise SpaceError(
            f"{table.name} has {len(usable):,} vectors with a direction; groups of "
            f"{question.smallest:,} or more need at least {2 * question.smallest:,}."
        )
    every = -(-len(usable) // MOST_ROWS)
    mean_D, axes_aD, kept = yield from _axes(table, usable)
    places_Ua = torch.empty(len(usable), len(axes_aD))
    for start in range(0, len(usable), BATCH):
        some = usable[start : start + BATCH]
        places_Ua[start : start + len(some)] = (_units(table, some) - mean_D) @ axes_aD.T
        yield None
    steps = finding(places_Ua[::every].numpy(), question.smallest, question.samples)
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            grouped = stop.value
            break
        yield None
    own_U = torch.from_numpy(grouped)
    if every > 1:
        own_U = yield from _joined(places_Ua, places_Ua[::every], own_U)
    yield _told(question, table, usable, own_U.numpy(), _words(len(axes_aD), kept, every))


def _units(table: VectorTable, rows: Tensor) -> Tensor:
    return torch.from_numpy(unit(table, rows))


def _axes(
    table: VectorTable, usable: Tensor
) -> Generator[None, None, tuple[Tensor, Tensor, float]]:
    """The mean of the directions, their first axes, and the share of variance that those keep."""
    width = table.rows_ND.shape[1]
    total_D = torch.zeros(width, dtype=torch.float64)
    square_DD = torch.zeros(width, width, dtype=torch.float64)
    for some in usable.split(BATCH):
        rows = _units(table, some)
        total_D += rows.sum(0).double()
        square_DD += (rows.T @ rows).double()
        yield None
    mean_D = total_D / len(usable)
    values_D, vectors_DD = torch.linalg.eigh(square_DD / len(usable) - torch.outer(mean_D, mean_D))
    values_D = values_D.flip(0).clamp_min(0)
    a = min(AXES, width)
    kept = float(values_D[:a].sum() / values_D.sum().clamp_min(1e-30))
    return mean_D.float(), vectors_DD.flip(1)[:, :a].T.float().contiguous(), kept


def _joined(places_Ua: Tensor, chosen_Ca: Tensor, own_C: Tensor) -> Generator[None, None, Tensor]:
    """The group of every row: that of the nearest one that was grouped, noise too."""
    half_C = chosen_Ca.square().sum(1) / 2
    found = []
    for some in places_Ua.split(BATCH):
        found.append(own_C[(some @ chosen_Ca.T - half_C).argmax(1)])
        yield None
    return torch.cat(found)


def _words(axes: int, kept: float, every: int) -> str:
    said = f"on {axes} principal axes of the directions, which keep {kept:.0%} of their variance"
    if every > 1:
        nth = {2: "2nd", 3: "3rd"}.get(every, f"{every}th")
        said += f"; of every {nth} vector, the others join the nearest of those"
    return said


def _told(
    question: Clusters, table: VectorTable, usable: Tensor, own_U: np.ndarray, how: str
) -> ClustersFound:
    sizes = np.bincount(own_U[own_U >= 0])
    order = [group for group in np.argsort(-sizes, kind="stable").tolist() if sizes[group]]
    groups_N = np.full(len(table), NOISE, np.int64)
    central, likeness = [], []
    for at, group in enumerate(order):
        members = np.flatnonzero(own_U == group)
        groups_N[usable.numpy()[members]] = at
        total = np.zeros(table.rows_ND.shape[1])
        parts = torch.from_numpy(members).split(BATCH)
        for some in parts:
            total += unit(table, usable[some]).sum(0)
        middle = total / max(float(np.linalg.norm(total)), 1e-30)
        near = np.concatenate([unit(table, usable[some]) @ middle for some in parts])
        first = members[np.argsort(-near, kind="stable")[:CENTRAL]]
        central.append(tuple(usable.numpy()[first].tolist()))
        likeness.append(float(near.mean()))
    groups_N.flags.writeable = False
    return ClustersFound(
        question=question,
        groups_N=groups_N,
        central=tuple(central),
        likeness=tuple(likeness),
        n_noise=int((groups_N == NOISE).sum()),
        how=how,
    )

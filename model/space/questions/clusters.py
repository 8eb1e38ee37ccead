"""Groups of rows that point the same way: scikit-learn's k-means, a batch of rows at a time.

Vectors are taken at length 1, so that near means the same direction. Batches are drawn by chance
from a seed: equal questions of equal tables have equal answers.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec

import numpy as np
import torch

from model.probe.question import read_only
from model.space.questions.asks import Clusters, ClustersFound
from model.space.registry import SpaceError
from model.space.table import VectorTable

BATCH = 2_048
BATCHES = 60
"""As many are seen, or every row three times, whichever is more."""
CENTRAL = 3


def answer(question: Clusters, table: VectorTable) -> Iterator[ClustersFound | None]:
    """Batch by batch, then every row's group.

    Raises:
        SpaceError: the library lacks, or there are too few rows.
    """
    if question.method == "hdbscan":
        from model.space.questions.dense import answer as dense

        yield from dense(question, table)
        return
    n, k = len(table), question.k
    if find_spec("sklearn") is None:
        raise SpaceError("Clusters need scikit-learn: pip install scikit-learn, then start again.")
    if not 2 <= k <= n:
        raise SpaceError(f"{table.name} has {n:,} vectors; ask for 2 to {n:,} clusters.")
    from sklearn.cluster import MiniBatchKMeans

    usable = usable_rows(table)
    if len(usable) < k:
        raise SpaceError(f"Only {len(usable):,} vectors of {table.name} have a direction.")
    means = MiniBatchKMeans(k, random_state=question.seed, batch_size=BATCH, n_init=3)
    chance = torch.Generator().manual_seed(question.seed)
    for at in range(max(BATCHES, 3 * len(usable) // BATCH)):
        # The first batch lays the middles out, and must hold enough rows for that.
        size = min(len(usable), max(BATCH, 3 * k) if at == 0 else BATCH)
        picked = usable[torch.randperm(len(usable), generator=chance)[:size]]
        means.partial_fit(unit(table, picked))
        yield None
    middles_KD = means.cluster_centers_ / np.maximum(
        np.linalg.norm(means.cluster_centers_, axis=1, keepdims=True), 1e-30
    )
    cosines_UK = np.empty((len(usable), k), np.float32)
    for start in range(0, len(usable), BATCH):
        some = usable[start : start + BATCH]
        cosines_UK[start : start + len(some)] = unit(table, some) @ middles_KD.T
        yield None
    yield _told(question, n, usable.numpy(), cosines_UK)


def usable_rows(table: VectorTable) -> torch.Tensor:
    """The rows that have a direction: neither zero nor with NaN in them."""
    norms_N = table.norms_N.cpu()
    return torch.nonzero(torch.isfinite(norms_N) & (norms_N > 0))[:, 0]


def unit(table: VectorTable, rows: torch.Tensor) -> np.ndarray:
    """Some rows at length 1."""
    vectors = table.rows_ND[rows.to(table.rows_ND.device)].float()
    return (vectors / vectors.norm(dim=1, keepdim=True)).cpu().numpy()


def _told(
    question: Clusters, n: int, usable_U: np.ndarray, cosines_UK: np.ndarray
) -> ClustersFound:
    own_U = cosines_UK.argmax(1)
    sizes = np.bincount(own_U, minlength=question.k)
    order = [group for group in np.argsort(-sizes, kind="stable").tolist() if sizes[group]]
    groups_N = np.full(n, -1, np.int64)
    central, likeness = [], []
    for at, group in enumerate(order):
        members = np.flatnonzero(own_U == group)
        near = cosines_UK[members, group]
        groups_N[usable_U[members]] = at
        first = members[np.argsort(-near, kind="stable")[:CENTRAL]]
        central.append(tuple(usable_U[first].tolist()))
        likeness.append(float(near.mean()))
    return ClustersFound(
        question=question,
        groups_N=read_only(groups_N),
        central=tuple(central),
        likeness=tuple(likeness),
    )

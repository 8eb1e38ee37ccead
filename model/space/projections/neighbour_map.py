"""t-SNE and UMAP of a table: a map that keeps who is near whom, drawn while it converges.

It begins at the first principal axes, so that equal tables give equal maps that lie alike. Places
are scaled to a root mean square distance of 1 from the middle: a map has no unit. How far it can
be believed is measured: the share of each row's nearest ten that are among its nearest ten here.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model.probe.geometry.compute import ROWS_AT_ONCE, on_axes
from model.space.maps.client import Frame, Order, Searched, mapping, missing, threads
from model.space.projections.asks import TSNE, UMAP, Likeness, NeighbourMap
from model.space.projections.placed import Placed, finding_scatter, principal_of
from model.space.registry import SpaceError
from model.space.table import VectorTable

FEWEST = 8
"""Rows of which a map can be made."""
LARGE = 10_000
"""From so many rows on UMAP takes fewer steps, as umap-learn does."""
ASKED, NEAREST = 400, 10
"""Of so many rows the nearest are counted that stay near."""


def place(
    how: NeighbourMap, table: VectorTable, previous: Placed | None
) -> Iterator[Placed | str | None]:
    """Frames as they come, then the map with what it keeps.

    Raises:
        SpaceError: there is too little to map, or a library lacks or refuses.
    """
    n = len(table)
    for _ in finding_scatter(table):
        yield None
    if n < FEWEST:
        raise SpaceError(f"{table.name} has {n} vectors; a map needs {FEWEST} or more.")
    if lacking := missing(how):
        raise SpaceError(lacking)
    if table.knows(("map", how)):
        yield table.known(("map", how), _never)
        return
    fitting, note = fitted(how, n)
    steps = default_steps(fitting, n)
    order = Order(fitting, (n, table.rows_ND.shape[1]), _start(table), steps, threads())
    yield f"finding the neighbours of {n:,} vectors"
    parts = (rows.float().cpu().numpy() for rows in table.rows_ND.split(ROWS_AT_ONCE))
    with closing(mapping(order, parts)) as frames:
        for frame in frames:
            if frame is None:
                yield None
            elif isinstance(frame, Searched):
                yield f"finding the neighbours of {n:,} vectors, {frame.share:.0%}"
            elif not frame.last:
                yield _placed(fitting, frame, steps, note)
            else:
                kept = neighbours_kept(table, torch.from_numpy(frame.points), how.likeness)
                yield None
                yield table.known(("map", how), partial(_placed, fitting, frame, steps, note, kept))


def fitted(how: NeighbourMap, n: int) -> tuple[NeighbourMap, str]:
    """The same for so many rows, and what had to be changed in words."""
    if isinstance(how, TSNE) and how.perplexity > (n - 1) / 3:
        most = max(2.0, float((n - 1) // 3))
        return replace(how, perplexity=most), (
            f" Perplexity {how.perplexity:g} was lowered to {most:g}: there are {n:,} vectors."
        )
    if isinstance(how, UMAP) and how.n_neighbors >= n:
        return replace(how, n_neighbors=n - 1), (
            f" {how.n_neighbors} neighbours were lowered to {n - 1}: there are {n:,} vectors."
        )
    return how, ""


def default_steps(how: NeighbourMap, n: int) -> int:
    """How many steps are taken."""
    if how.steps:
        return how.steps
    if isinstance(how, TSNE):
        return 750
    return 200 if n > LARGE else 500


def _never() -> Placed:
    raise AssertionError("asked only where it is known")


def _start(table: VectorTable) -> NDArray[np.float32]:
    mean_D = table.known("scatter", _never_scatter)[0]
    axes_mD, _ = principal_of(table)
    axes_3D = axes_mD[:3]
    points = on_axes(table.rows_ND, mean_D, axes_3D).float().cpu()
    points /= points[:, 0].std().clamp_min(1e-30)
    if len(axes_3D) < 3:
        points = torch.cat([points, points.new_zeros(len(points), 3 - len(axes_3D))], 1)
    # Equal rows begin at equal places, from which nothing parts them: a breath of chance does.
    chance = torch.Generator().manual_seed(0)
    points += 1e-4 * torch.randn(points.shape, generator=chance)
    return np.ascontiguousarray(points.numpy())


def _never_scatter() -> tuple[Tensor, Tensor]:
    raise AssertionError("found before")


def _placed(
    how: NeighbourMap, frame: Frame, steps: int, note: str, kept: float = float("nan")
) -> Placed:
    points = torch.from_numpy(frame.points)
    points = points - points.mean(0)
    points = points / points.square().sum(1).mean().sqrt().clamp_min(1e-30)
    if points.shape[1] < 3:
        points = torch.cat([points, points.new_zeros(len(points), 3 - points.shape[1])], 1)
    title = "t-SNE" if isinstance(how, TSNE) else "UMAP"
    about = (
        f"perplexity {how.perplexity:g}"
        if isinstance(how, TSNE)
        else f"{how.n_neighbors} neighbours"  # type: ignore[attr-defined]
    )
    near = "direction" if how.likeness == "cosine" else "distance"
    sentence = f"{title} by {near}, {about}, step {frame.step:,} of {steps:,}."
    if frame.last:
        sentence = (
            f"{title} by {near}, {about}: of each vector's {NEAREST} nearest, {kept:.0%} are among "
            f"its {NEAREST} nearest here. Sizes of groups and distances between them mean little."
        )
    axes = tuple(f"{title} {at}" for at in (1, 2, 3))
    measures = {"step": float(frame.step), "steps": float(steps)}
    if np.isfinite(frame.measure):
        measures["divergence"] = frame.measure
    if frame.last:
        measures["neighbours_kept"] = kept
    return Placed(
        points_N3=points.contiguous(),
        names=(axes[0], axes[1], axes[2]),
        sentence=sentence + note,
        share=1.0 if frame.last else min(frame.step / steps, 0.999),
        measures=measures,
    )


def neighbours_kept(table: VectorTable, points_Nn: Tensor, likeness: Likeness) -> float:
    """The share of rows' nearest ten that are among their nearest ten in the picture.

    Args:
        table: whose rows; of 400, evenly spaced, it is counted.
        points_Nn: where they are drawn.
        likeness: what near means in the table.
    """
    from model.space.questions.near import scores

    n = len(table)
    rows = torch.linspace(0, n - 1, min(n, ASKED)).long()
    k = min(NEAREST, n - 1)
    drawn = VectorTable(points_Nn.float(), "map")
    same = total = 0
    for part in rows.split(50):
        lengths = table.rows_ND[part].float().norm(dim=1)
        part = part[(lengths > 0).cpu()]
        if not len(part):
            continue
        high = scores(table, table.rows_ND[part].float(), likeness).cpu()
        low = scores(drawn, drawn.rows_ND[part], "euclidean")
        for at, row in enumerate(part.tolist()):
            high[row, at] = low[row, at] = float("-inf")
        near_high, near_low = high.topk(k, dim=0).indices, low.topk(k, dim=0).indices
        for at in range(len(part)):
            same += len(set(near_high[:, at].tolist()) & set(near_low[:, at].tolist()))
        total += k * len(part)
    return same / total if total else float("nan")

"""The plane in which a sum of words lies, and the way from its end to the nearest other word.

In the plane the words and the sum's end are as far apart as they are. Every other word is seen
through it, however far off it lies; so it is counted how many look nearer to the end than the
nearest one, and how far each lies off is given with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import torch

from model.probe.geometry.compute import leading_axes, signed_sum
from model.probe.geometry.plane import distances_kept, plane_of
from model.space.projections.asks import SumPlane
from model.space.projections.placed import Placed, finding_scatter, percent, placed_on, scatter_of
from model.space.registry import SpaceError
from model.space.table import VectorTable


def place(how: SumPlane, table: VectorTable, previous: Placed | None) -> Iterator[Placed | None]:
    """Two axes in the plane, and one towards the nearest word.

    Raises:
        SpaceError: there are too few words, or one is not in the table.
    """
    for _ in finding_scatter(table):
        yield None
    words = {row for _, row in how.terms}
    if len(how.terms) < 2 or any(not 0 <= row < len(table) for row in words):
        raise SpaceError("The plane of a sum needs two words or more, such as king − man + woman.")
    plane_rD = plane_of(table.rows_ND, how.terms)
    end_D = signed_sum(table.rows_ND, how.terms)
    kept = distances_kept(table.rows_ND, how.terms, plane_rD)
    to = how.expected if 0 <= how.expected < len(table) and how.expected not in words else -1
    to = kept.nearest if to < 0 else to
    yield None
    axes_aD = plane_rD
    names = [f"plane {axis + 1}" for axis in range(len(plane_rD))]
    if to >= 0:
        way_D = table.vector(to).double().cpu() - end_D.double().cpu()
        left_D = way_D - plane_rD.T @ (plane_rD @ way_D)
        if left_D.norm() > 1e-4 * max(float(way_D.norm()), 1e-30):
            axes_aD = torch.cat([axes_aD, (left_D / left_D.norm())[None]])
            names.append("to the nearest")
    if len(axes_aD) < 3:
        _, scatter_DD = scatter_of(table)
        more = leading_axes(scatter_DD, 3 - len(axes_aD), axes_aD)
        names += ["longest of the rest"] * len(more)
        axes_aD = torch.cat([axes_aD, more])
    placed = placed_on(table, axes_aD, tuple(names), about_D=end_D)
    own = distances_kept(table.rows_ND, how.terms, placed.axes_3D)
    measures: dict[str, float] = {"own_kept": own.own, "nearest": float(to)}
    if to >= 0:
        measures |= _seen_from_end(table, placed, how, to)
    yield replace(placed, sentence=_sentence(measures), measures=measures)


def _seen_from_end(table: VectorTable, placed: Placed, how: SumPlane, to: int) -> dict[str, float]:
    """How far the sum's end is from a word, in truth and in the picture, and what seems nearer."""
    end_D = signed_sum(table.rows_ND, how.terms)
    axes, mean = placed.axes_3D, placed.mean_D
    end_3 = (end_D.to(mean) - mean) @ axes.T
    seen_N = (placed.points_N3[:, :2] - end_3[:2]).norm(dim=1)
    # Truly: what is seen in the picture, and what lies off it.
    true_N = ((placed.points_N3 - end_3).square().sum(1) + placed.off_N**2).sqrt()
    others = torch.ones(len(table), dtype=torch.bool)
    others[[row for _, row in how.terms]] = False
    others[to] = False
    others = others.to(seen_N.device)
    true, seen = float(true_N[to]), float(seen_N[to])
    return {
        "nearest_kept": float((placed.points_N3[to] - end_3).norm()) / true if true > 0 else 1.0,
        "look_nearer": float(((seen_N < seen) & others).sum()),
        "are_nearer": float(((true_N < true) & others).sum()),
    }


def _sentence(measures: dict[str, float]) -> str:
    """With ``{nearest}`` for the word's name, which the table need not know."""
    said = f"This plane keeps {percent(measures['own_kept'])} of the distances between the words "
    said += "and the sum"
    if measures["nearest"] < 0:
        return f"{said}."
    look, are = int(measures["look_nearer"]), int(measures["are_nearer"])
    dots = "dot" if look == 1 else "dots"
    looks = "looks" if look == 1 else "look"
    said += f", {percent(measures['nearest_kept'])} of that from the sum to {{nearest}}."
    if not look:
        return f"{said} No other dot looks nearer to the sum" + (
            "." if are else ", and by distance none is."
        )
    verb = "is" if are == 1 else "are"
    really = "none of them is" if not are else f"{are:,} {verb} by distance"
    lies = "lies" if look == 1 else "lie"
    return f"{said} {look:,} {dots} {looks} nearer from here, but {lies} off the plane; {really}."

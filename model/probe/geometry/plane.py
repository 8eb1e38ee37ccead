"""The plane in which a sum of words lies: king − man + woman is one corner of a parallelogram.

On the axes that keep most of a table's variance such a figure is shortened like everything else,
and what is drawn beside its end need not be near it. In its own plane its words and its end lie at
their true distances; how much a picture keeps of the way to the nearest other word is measured.

Knows tensors and terms; neither the network nor its tokenizer. Shapes: V tokens, D width, n axes, r
axes of the plane, W words of the sum.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from model.probe.geometry.compute import nearest, signed_sum

SAME = 1e-4
"""What is shorter than this share of the longest difference is rounding."""

Terms = tuple[tuple[int, int], ...]


class Kept(NamedTuple):
    """How much of true distances is left on some axes.

    Attributes:
        own: of those between the words of the sum and its end, as a share of their sum.
        to_nearest: of the one from the end to the nearest word that isn't in the sum; NaN where
            there is none.
        nearest: that word's id, -1 for none: the nearest by cosine, as it is listed.
    """

    own: float
    to_nearest: float
    nearest: int


def plane_of(table_VD: Tensor, terms: Terms) -> Tensor:
    """The axes of the plane of a sum, orthonormal.

    The first goes the way of the step: as woman lies from man. The second is the part of the other
    differences that is at right angles to it. Where a sum has more differences than two, the plane
    is the one that keeps most of their squares.

    Args:
        table_VD: one vector a token.
        terms: (sign, token id), two or more.

    Returns:
        ``[r, D]`` float64 on the CPU; r is 2, or less where all differences go one way.
    """
    differences_WD = _differences(table_VD, terms)
    _, size, directions = torch.linalg.svd(differences_WD, full_matrices=False)
    rank = int((size > SAME * size.max()).sum()) if len(size) and size.max() > 0 else 0
    basis_rD = directions[: min(rank, 2)]
    if len(basis_rD) < 2:
        return basis_rD * _towards(basis_rD @ _step(table_VD, terms))[:, None]
    step_r = basis_rD @ _step(table_VD, terms)
    if step_r.norm() <= SAME * size.max():
        step_r = torch.tensor([1.0, 0.0], dtype=torch.float64)
    along = step_r / step_r.norm()
    across = torch.stack([-along[1], along[0]])
    other_W = differences_WD @ (across @ basis_rD)
    # Upwards is where the first word lies.
    across = across * _towards(-other_W.sum().reshape(1))
    return torch.stack([along, across]) @ basis_rD


def distances_kept(table_VD: Tensor, terms: Terms, axes_nD: Tensor) -> Kept:
    """How much of the distances that a sum is about is left on some axes."""
    rows_WD = table_VD.detach()[[token for _, token in terms]].double().cpu()
    end_D = signed_sum(table_VD, terms).double().cpu()
    axes_nD = axes_nD.double().cpu()
    points_WD = torch.cat([rows_WD, end_D[None]])
    pairs = torch.combinations(torch.arange(len(points_WD)))
    apart_PD = points_WD[pairs[:, 0]] - points_WD[pairs[:, 1]]
    whole = apart_PD.norm(dim=1).sum()
    own = float((apart_PD @ axes_nD.T).norm(dim=1).sum() / whole) if whole > 0 else 1.0
    words = {token for _, token in terms}
    ids, _ = nearest(table_VD, signed_sum(table_VD, terms), len(words) + 1)
    best = next((int(token) for token in ids if int(token) not in words), -1)
    if best < 0:
        return Kept(own, float("nan"), -1)
    way_D = table_VD.detach()[best].double().cpu() - end_D
    length = way_D.norm()
    return Kept(own, float((way_D @ axes_nD.T).norm() / length) if length > 0 else 1.0, best)


def _differences(table_VD: Tensor, terms: Terms) -> Tensor:
    """Of the other words, and of the sum's end, from the first word; ``[W, D]``."""
    rows_WD = table_VD.detach()[[token for _, token in terms]].double().cpu()
    end_D = signed_sum(table_VD, terms).double().cpu()
    return torch.cat([rows_WD[1:], end_D[None]]) - rows_WD[0]


def _step(table_VD: Tensor, terms: Terms) -> Tensor:
    """From the first word that is taken away to the last that is added; ``[D]``."""
    rows_WD = table_VD.detach()[[token for _, token in terms]].double().cpu()
    signs = [sign for sign, _ in terms]
    start = signs.index(-1) if -1 in signs else 0
    end = max((at for at, sign in enumerate(signs) if sign > 0 and at), default=len(signs) - 1)
    return rows_WD[end] - rows_WD[start]


def _towards(values: Tensor) -> Tensor:
    return torch.where(values < 0, -1.0, 1.0).to(values.dtype)

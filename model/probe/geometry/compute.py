"""The table of token vectors as a space: principal axes, neighbours, sums of words.

Exact, and on the whole table: nothing is sampled or projected beforehand. Knows tensors, neither
the network nor its tokenizer.

Shapes use these letters: V tokens, D width of a vector, n axes, k neighbours.
"""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterable
from typing import NamedTuple

import torch
from torch import Tensor

from model.probe.question import ProbeError
from model.slices import finish

STRIPS = 4
LEAST_FOR_STRIPS = 256
"""Widths from which on a table's scatter is worked out in strips."""
ROWS_AT_ONCE = 4096


class Projection(NamedTuple):
    """A table on its first principal axes.

    Attributes:
        points_Vn: float32, the centred table on the axes.
        axes_nD: float32, orthonormal. Rows of zeros where the table has fewer than n axes.
        mean_D: float32, mean of the table's rows.
        variance_kept_n: float64, each axis' share of the table's whole variance.
    """

    points_Vn: Tensor
    axes_nD: Tensor
    mean_D: Tensor
    variance_kept_n: Tensor


def principal_axes(
    table_VD: Tensor,
    n: int = 3,
    previous: Projection | None = None,
    first_rD: Tensor | None = None,
) -> Projection:
    """Exact principal components of a table, by the eigenvectors of its covariance.

    The covariance of 50,257 × 768 numbers is only 768 × 768: products in float32, 4,096 rows at
    a time, are summed in float64.

    Args:
        table_VD: one vector a row, any floating dtype, any device.
        n: how many axes.
        previous: the projection of the same rows before. The cloud is turned (and mirrored, if
            need be) so that it lies as near to that as it can, so that one that is watched while it
            trains neither flips nor spins (orthogonal Procrustes, Schönemann 1966). The axes span
            the same space then and keep as much together; each alone need not be a principal
            axis. Ignored if it is of another number of rows, or of axes.
        first_rD: ``[r, D]`` orthonormal axes that come first, whatever they keep; the others are
            the principal axes of what is left of the table without them.

    Returns:
        Points, axes and mean on the table's device, variance shares on the CPU. Without
        ``previous``, principal axes are in falling order of variance, and each points to where its
        largest component is positive.

    Raises:
        ValueError: the table is no matrix, has no rows, or holds NaN or infinity.
    """
    mean_D, scatter_DD = scatter(table_VD)
    width = len(mean_D)
    given_rD = scatter_DD.new_zeros(0, width) if first_rD is None else first_rD.to(scatter_DD)
    found_nD = leading_axes(scatter_DD, n - len(given_rD), given_rD)
    axes_nD = torch.cat([given_rD, found_nD])
    points_Vn = on_axes(table_VD, mean_D, axes_nD)
    if previous is not None and previous.points_Vn.shape == points_Vn.shape:
        turn_nn = turn(points_Vn[:, len(given_rD) :], previous.points_Vn[:, len(given_rD) :])
        axes_nD = torch.cat([given_rD, turn_nn @ found_nD])
        points_Vn = on_axes(table_VD, mean_D, axes_nD)
    share_n = shares(axes_nD, scatter_DD)
    if len(axes_nD) < n:
        missing = n - len(axes_nD)
        axes_nD = torch.cat([axes_nD, axes_nD.new_zeros(missing, width)])
        share_n = torch.cat([share_n, share_n.new_zeros(missing)])
        points_Vn = torch.cat([points_Vn, points_Vn.new_zeros(len(points_Vn), missing)], 1)
    return Projection(points_Vn, axes_nD.float().contiguous().to(mean_D.device), mean_D, share_n)


def leading_axes(scatter_DD: Tensor, n: int, given_rD: Tensor) -> Tensor:
    """The principal axes of what is left without some others, in falling order of variance.

    Args:
        scatter_DD: as of `scatter`.
        n: how many.
        given_rD: orthonormal axes that come before; float64.

    Returns:
        ``[≤ n, D]`` float64, orthonormal; each points to where its largest component is positive.
    """
    width = len(scatter_DD)
    left_DD = scatter_DD
    if len(given_rD):
        without_DD = torch.eye(width, dtype=scatter_DD.dtype) - given_rD.T @ given_rD
        left_DD = without_DD @ scatter_DD @ without_DD
    _, vectors = torch.linalg.eigh(left_DD)
    found_nD = vectors.flip(1)[:, : max(0, min(n, width - len(given_rD)))].T
    largest = found_nD.abs().argmax(1, keepdim=True)
    return found_nD * _sign(found_nD.gather(1, largest))


def scatter(table_VD: Tensor) -> tuple[Tensor, Tensor]:
    """The mean of a table's rows, and the sum of their squares around it in float64 on the CPU.

    Raises:
        ValueError: the table is no matrix, has no rows, or holds NaN or infinity.
    """
    return finish(scattering(table_VD))


def scattering(table_VD: Tensor) -> Generator[None, None, tuple[Tensor, Tensor]]:
    """The same in slices of some tens of milliseconds."""
    if table_VD.ndim != 2 or len(table_VD) == 0:
        raise ProbeError(f"A table of vectors is needed, not a shape of {tuple(table_VD.shape)}.")
    table_VD = table_VD.detach()
    n_rows, width = table_VD.shape
    # Sums are kept on the CPU: float64 and eigh are not to be had on every device.
    sum_D = torch.zeros(width, dtype=torch.float64)
    for rows in table_VD.split(ROWS_AT_ONCE):
        sum_D += rows.float().sum(0).cpu()
    yield
    mean_D = (sum_D / n_rows).float().to(table_VD.device)
    scatter_DD = torch.zeros(width, width, dtype=torch.float64)
    # It is symmetric: of each strip of rows only what lies on and right of the diagonal's block is
    # multiplied, which takes three quarters of the time of all (four strips; six give no more).
    wide = -(-width // STRIPS) if width >= LEAST_FOR_STRIPS else width
    for rows in table_VD.split(ROWS_AT_ONCE):
        centred = rows.float() - mean_D
        for first in range(0, width, wide):
            strip = centred[:, first : first + wide].T @ centred[:, first:]
            scatter_DD[first : first + wide, first:] += strip.cpu()
        yield
    scatter_DD = torch.triu(scatter_DD) + torch.triu(scatter_DD, 1).T
    if not bool(torch.isfinite(scatter_DD).all()):
        raise ProbeError("The vectors hold NaN or infinity; there are no principal axes.")
    return mean_D, scatter_DD


def on_axes(table_VD: Tensor, mean_D: Tensor, axes_nD: Tensor) -> Tensor:
    """The centred table on some axes, float32 ``[V, n]``."""
    axes_Dn = axes_nD.float().to(table_VD.device).T
    rows_at_once = table_VD.detach().split(ROWS_AT_ONCE)
    return torch.cat([(rows.float() - mean_D) @ axes_Dn for rows in rows_at_once])


def shares(axes_nD: Tensor, scatter_DD: Tensor) -> Tensor:
    """How much of the variance each axis keeps."""
    total = torch.diagonal(scatter_DD).sum()
    # Rounding can leave a variance that is zero a hair below it.
    kept_n = ((axes_nD @ scatter_DD) * axes_nD).sum(1).clamp_min(0)
    return kept_n / total if total > 0 else torch.zeros_like(kept_n)


def _sign(values: Tensor) -> Tensor:
    return torch.where(values < 0, -1.0, 1.0).to(values.dtype)


def turn(points_Vn: Tensor, previous_Vn: Tensor) -> Tensor:
    """How axes are to be turned or mirrored so that points come nearest to where they were."""
    left, _, right = torch.linalg.svd((previous_Vn.to(points_Vn).T @ points_Vn).double().cpu())
    return left @ right


def signed_sum(table_VD: Tensor, terms: Iterable[tuple[int, int]]) -> Tensor:
    """The sum of token vectors with signs: king − man + woman.

    Args:
        table_VD: one vector a token.
        terms: (sign, token id).

    Returns:
        ``[D]`` float32.

    Raises:
        ValueError: there are no terms, or an id is outside the table.
    """
    terms = tuple(terms)
    if not terms:
        raise ProbeError("An expression needs at least one word.")
    for _, token_id in terms:
        if not 0 <= token_id < len(table_VD):
            raise ProbeError(f"There is no token {token_id}; the table has {len(table_VD)}.")
    ids = torch.tensor([token_id for _, token_id in terms], device=table_VD.device)
    signs = torch.tensor([float(sign) for sign, _ in terms], device=table_VD.device)
    return signs @ table_VD.detach()[ids].float()


def cosines(table_VD: Tensor, vector_D: Tensor) -> Tensor:
    """Cosine of every row with a vector.

    Returns:
        ``[V]`` float32. A row of zeros has no direction; its cosine is given as 0.

    Raises:
        ValueError: the vector is zero or not finite.
    """
    vector = vector_D.detach().float()
    length = vector.norm()
    if not bool(torch.isfinite(length)) or length == 0:
        raise ProbeError("The vector is zero or not finite; it points nowhere.")
    table = table_VD.detach().float()
    lengths_V = table.norm(dim=1)
    cosines_V = (table @ (vector / length)) / lengths_V
    return torch.where(lengths_V > 0, cosines_V, torch.zeros_like(cosines_V)).clamp(-1, 1)


def nearest(table_VD: Tensor, vector_D: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """The k rows of largest cosine with a vector, nearest first; of equals, the lower id.

    Returns:
        ids ``[k]`` int64 and cosines ``[k]`` float32; fewer if the table has fewer rows.

    Raises:
        ValueError: the vector is zero or not finite, or k is negative.
    """
    if k < 0:
        raise ProbeError(f"{k} neighbours can't be found; ask for 0 or more.")
    cosines_V, ids = cosines(table_VD, vector_D).sort(descending=True, stable=True)
    return ids[:k], cosines_V[:k]


def rank_of(
    table_VD: Tensor, vector_D: Tensor, token_id: int, excluded: Collection[int] = ()
) -> int:
    """At which place a token stands by cosine with a vector; 1 is nearest.

    Args:
        table_VD: one vector a token.
        vector_D: what is compared with.
        token_id: whose place is asked.
        excluded: tokens that do not count, for example the words of the expression itself. The
            asked token always counts.

    Returns:
        1 + how many counted tokens are nearer (of equals, the lower id is).

    Raises:
        ValueError: the vector is zero or not finite, or the id is outside the table.
    """
    if not 0 <= token_id < len(table_VD):
        raise ProbeError(f"There is no token {token_id}; the table has {len(table_VD)}.")
    cosines_V = cosines(table_VD, vector_D)
    nearer_V = cosines_V > cosines_V[token_id]
    nearer_V[:token_id] |= cosines_V[:token_id] == cosines_V[token_id]
    for other in excluded:
        if 0 <= other < len(table_VD):
            nearer_V[other] = False
    return 1 + int(nearer_V.sum())

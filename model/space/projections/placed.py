"""Where the rows of a table are drawn, and what that keeps of them.

Shapes: N rows, D width, m of the first principal axes.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field

import torch
from torch import Tensor

from model.probe.geometry.compute import (
    ROWS_AT_ONCE,
    leading_axes,
    on_axes,
    scatter,
    scattering,
    shares,
    turn,
)
from model.slices import finish
from model.space.projections.asks import MOST_AXES
from model.space.registry import SpaceError
from model.space.table import VectorTable


@dataclass(frozen=True, slots=True, eq=False)
class Placed:
    """Rows on three axes.

    Attributes:
        points_N3: float32.
        names: of the axes.
        sentence: what this picture keeps, in plain words.
        axes_3D: float32, of length 1, where there are axes; zeros where a table has fewer.
        mean_D: float32, what lies at the origin.
        variance_3: each axis' share of the table's variance.
        kept: the share that they keep together.
        spectrum_m: of the first principal axes; empty where they weren't asked for.
        off_N: how far each row lies from what is drawn, in the table's own units.
        share: how much of the work is done.
        measures: further numbers by name.
    """

    points_N3: Tensor
    names: tuple[str, str, str]
    sentence: str
    axes_3D: Tensor = field(default_factory=lambda: torch.zeros(3, 0))
    mean_D: Tensor = field(default_factory=lambda: torch.zeros(0))
    variance_3: Tensor = field(default_factory=lambda: torch.zeros(3))
    kept: float = float("nan")
    spectrum_m: Tensor = field(default_factory=lambda: torch.zeros(0))
    off_N: Tensor = field(default_factory=lambda: torch.zeros(0))
    share: float = 1.0
    measures: dict[str, float] = field(default_factory=dict)

    # As `model.probe.geometry.compute.Projection` has them.
    @property
    def points_Vn(self) -> Tensor:
        """The points."""
        return self.points_N3

    @property
    def axes_nD(self) -> Tensor:
        """The axes."""
        return self.axes_3D

    @property
    def variance_kept_n(self) -> Tensor:
        """The shares."""
        return self.variance_3


def finding_scatter(table: VectorTable) -> Generator[None, None, tuple[Tensor, Tensor]]:
    """Mean and scatter, found once, in slices.

    Raises:
        SpaceError: there are fewer than three rows or all are the same.
    """
    n = len(table)
    if n < 3:
        vectors = "one vector" if n == 1 else f"{n or 'no'} vectors"
        raise SpaceError(f"{table.name} has {vectors}; a picture needs three or more.")
    if not table.knows("scatter"):
        found = yield from scattering(table.rows_ND)
        table.known("scatter", lambda: found)
    mean_D, scatter_DD = table.known("scatter", lambda: scatter(table.rows_ND))
    spread = float(torch.diagonal(scatter_DD).sum())
    if spread <= 1e-12 * n * max(float(mean_D.double().square().sum()), 1e-30):
        raise SpaceError(f"All {n:,} vectors of {table.name} are the same; there is no direction.")
    return mean_D, scatter_DD


def scatter_of(table: VectorTable) -> tuple[Tensor, Tensor]:
    """The same, at once."""
    return finish(finding_scatter(table))


def principal_of(table: VectorTable) -> tuple[Tensor, Tensor]:
    """The first principal axes ``[m, D]`` float64 and their shares ``[m]``, found once."""

    def find() -> tuple[Tensor, Tensor]:
        _, scatter_DD = scatter_of(table)
        none = scatter_DD.new_zeros(0, len(scatter_DD))
        axes_mD = leading_axes(scatter_DD, MOST_AXES, none)
        return axes_mD, shares(axes_mD, scatter_DD)

    return table.known("principal", find)


def placed_on(
    table: VectorTable,
    axes_aD: Tensor,
    names: tuple[str, ...],
    *,
    previous: Placed | None = None,
    fixed: int = 3,
    about_D: Tensor | None = None,
) -> Placed:
    """Rows on axes of length 1, without a sentence.

    Args:
        table: whose rows.
        axes_aD: float64, up to three.
        names: of them.
        previous: the same rows before; axes from ``fixed`` on are turned to lie as near to it as
            they can (orthogonal Procrustes, Schönemann 1966).
        fixed: how many axes may not be turned.
        about_D: from where it is measured how far rows lie off the axes; the mean if left out.
    """
    mean_D, scatter_DD = scatter_of(table)
    points = on_axes(table.rows_ND, mean_D, axes_aD)
    if (
        fixed < len(axes_aD)
        and previous is not None
        and previous.points_N3.shape == (len(table), 3)
    ):
        before = previous.points_N3[:, fixed : len(axes_aD)]
        turned = turn(points[:, fixed:], before) @ axes_aD[fixed:]
        axes_aD = torch.cat([axes_aD[:fixed], turned])
        points = on_axes(table.rows_ND, mean_D, axes_aD)
    missing = 3 - len(axes_aD)
    basis_aD = torch.linalg.qr(axes_aD.T).Q.T if len(axes_aD) else axes_aD
    kept = float(shares(basis_aD, scatter_DD).sum())
    variance = torch.cat([shares(axes_aD, scatter_DD), torch.zeros(missing, dtype=torch.float64)])
    off = _off(table, basis_aD, mean_D if about_D is None else about_D)
    axes = torch.cat([axes_aD, axes_aD.new_zeros(missing, axes_aD.shape[1])])
    if missing:
        points = torch.cat([points, points.new_zeros(len(points), missing)], 1)
    named = (*names, *("nothing left",) * 3)[:3]
    return Placed(
        points_N3=points,
        names=(named[0], named[1], named[2]),
        sentence="",
        axes_3D=axes.float().contiguous().to(mean_D.device),
        mean_D=mean_D,
        variance_3=variance,
        kept=kept,
        off_N=off,
    )


def _off(table: VectorTable, basis_aD: Tensor, about_D: Tensor) -> Tensor:
    """How far every row lies from the axes through a place; float32."""
    about = about_D.float().to(table.rows_ND.device)
    basis = basis_aD.float().to(about)
    parts = []
    for rows in table.rows_ND.split(ROWS_AT_ONCE):
        # Subtracted rather than squared and subtracted: near the plane little would be left of it.
        left = rows.float() - about
        left -= (left @ basis.T) @ basis
        parts.append(left.norm(dim=1))
    return torch.cat(parts)


def percent(share: float) -> str:
    """A share as people write it."""
    return f"{share:.0%}" if share >= 0.1 else f"{share:.1%}"

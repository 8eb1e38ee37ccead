"""`python -m model project`: where every vector of a table is drawn, as a file of arrays."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from model.cli.common import AsJson, Device, Dtype, Threads, one_sentence, print_json, tell_written
from model.cli.tables import MatrixOption, Sample, TablePath, opened_table


def command(
    path: TablePath,
    out: Annotated[Path, typer.Option(help="the .npz file that is written")],
    method: Annotated[
        str,
        typer.Option(help="pca, plane (of --sum), words (each --direction an axis), tsne or umap"),
    ] = "pca",
    axes: Annotated[
        int, typer.Option(min=1, max=50, help="of pca: how many axes; of umap 2 or 3")
    ] = 3,
    sum: Annotated[str | None, typer.Option(help='of plane: "king - man + woman"')] = None,
    direction: Annotated[
        list[str] | None,
        typer.Option(help='of words: "woman - man", "cats, dogs - cat, dog", "/s$/ - /[^s]$/"'),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="of tsne and umap: another map")] = 0,
    matrix: MatrixOption = "W_E",
    sample: Sample = 1,
    device: Device = "auto",
    dtype: Dtype = None,
    threads: Threads = 0,
    as_json: AsJson = False,
) -> None:
    """Every vector of the whole table on a few exact axes, or on a map, as .npz.

    It holds points, axes, mean, the share of variance that each axis keeps, and the labels.
    """
    with one_sentence():
        from model.probe.geometry.compute import on_axes
        from model.space.projecting import project
        from model.space.projections import PROJECTIONS
        from model.space.projections.asks import TSNE, UMAP, PrincipalAxes, SumPlane, WordAxes
        from model.space.projections.placed import principal_of, scatter_of
        from model.space.registry import Projection, SpaceError, entry_of
        from model.whole_file import whole_file

        entry_of(PROJECTIONS, method)
        at = opened_table(path, matrix, device, dtype, threads, sample)
        how: Projection = PrincipalAxes()
        if method == SumPlane.name:
            how = SumPlane(*at.names.sum(sum or ""))
        elif method == WordAxes.name:
            how = WordAxes(tuple(at.names.direction(typed) for typed in direction or ()))
        elif method == TSNE.name:
            how = TSNE(seed=seed)
        elif method == UMAP.name:
            how = UMAP(seed=seed, dimensions=3 if axes > 2 else 2)
        elif method != PrincipalAxes.name:
            raise SpaceError(f"{method} is not offered here; open it in the window.")
        placed = project(how, at.table)
        points, found = placed.points_N3, placed.axes_3D
        variance = placed.variance_3
        if method == PrincipalAxes.name and axes != 3:
            mean_D, _ = scatter_of(at.table)
            axes_mD, shares_m = principal_of(at.table)
            points = on_axes(at.table.rows_ND, mean_D, axes_mD[:axes])
            found, variance = axes_mD[:axes].float(), shares_m[:axes]
        labels = [at.names.text(row) for row in range(len(at.table))]
        arrays = {
            "points": points.cpu().numpy(),
            "axes": found.cpu().numpy(),
            "mean": placed.mean_D.cpu().numpy(),
            "variance_kept": variance.cpu().numpy(),
            "labels": np.array(labels),
        }
        with whole_file(out) as file:
            np.savez(file, allow_pickle=False, **arrays)
    kept = float(variance.sum()) if method == PrincipalAxes.name else placed.kept
    if as_json:
        print_json(
            {
                "matrix": at.table.name,
                "method": method,
                "n": len(at.table),
                "variance_kept": [float(share) for share in variance],
                "kept": kept if kept == kept else None,
                "measures": placed.measures,
                "out": str(out),
            }
        )
        return
    said = f"{len(found)} axes, which keep {kept:.1%} of the variance"
    if method in (TSNE.name, UMAP.name):
        said = f"a map. {placed.sentence[:-1]}"
    tell_written(out, f"{len(at.table):,} vectors of {at.table.name} on {said}: {out}")

"""`python -m model landscape`: the cost surface around a run's weights."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from model.cli import answers
from model.cli.asking import text_of_tokens
from model.cli.common import (
    AsJson,
    Checkpoint,
    Device,
    Threads,
    one_sentence,
    opened,
    print_json,
)
from model.cli.losses import Number, PartOption, TextFile, checked

if TYPE_CHECKING:
    from model.probe.landscape.asks import LandscapeFound

SHADES = " .:-=+*#%@"


def command(
    path: Checkpoint,
    method: Annotated[
        str,
        typer.Option(
            metavar="random|pca",
            help="random: filter-normalised directions (Li et al. 2018); pca: the first two "
            "principal directions of the steps that the run kept",
        ),
    ] = "random",
    grid: Annotated[int, typer.Option(help="points of a side, odd")] = 25,
    radius: Annotated[
        float,
        typer.Option(
            help="how far: of random directions in lengths of the weights' own filters; of pca 1 "
            "has all of the path in view"
        ),
    ] = 1.0,
    seed: Annotated[int, typer.Option(help="of random directions")] = 0,
    part: PartOption = "validation",
    batch: Number = -1,
    file: TextFile = "",
    out: Annotated[Path | None, typer.Option(help="the file to write: .csv or .npz")] = None,
    device: Device = "auto",
    threads: Threads = 0,
    as_json: AsJson = False,
) -> None:
    """The loss of a fixed batch over a plane through the current weights, and the run's path.

    PATH is a run folder or one of its snapshots; the newest is the centre.
    """
    with one_sentence():
        from model.probe.landscape.asks import Landscape, LandscapeFound

        if method not in ("random", "pca"):
            raise ValueError(f"--method is random or pca, not {method!r}.")
        given: dict[str, Any] = {"method": method, "part": checked(part)}
        question = Landscape(grid=grid, radius=radius, seed=seed, batch=batch, file=file, **given)
        if out is not None:
            answers.checked(out)
        lm = opened(path, device, None, threads)
        found = lm.ask([[0]], question)
        assert isinstance(found, LandscapeFound)
        if out is not None:
            answers.write(found, out)
    if as_json:
        facts = answers.facts(found)
        every = answers.as_json(found, text_of_tokens(lm))
        print_json({"out": str(out), **facts} if out is not None else every)
        return
    _show(found)


def _show(found: LandscapeFound) -> None:
    """A map of characters, dark is low, and what it says."""
    console = Console(highlight=False)
    logs = _log(found)
    for row in logs[::-1]:
        console.print("".join(SHADES[int(at)] * 2 for at in row), markup=False)
    row, column = found.lowest
    console.print(
        f"loss {found.centre:.4f} nats in the centre"
        f"{'' if found.step is None else f' (step {found.step:,})'}, lowest measured "
        f"{found.loss_YX[row, column]:.4f} at a = {found.a_X[column]:.3g}, b = "
        f"{found.b_Y[row]:.3g}; a, b: {found.unit}; {found.windows} windows of {found.length} "
        f"tokens of {found.source}"
    )
    if len(found.steps_S):
        console.print(
            f"{len(found.steps_S)} kept steps; {found.variance:.1%} of the path's variance lies "
            "in this plane"
        )
    else:
        console.print(found.no_path)


def _log(found: LandscapeFound) -> Any:
    """Ten shades of the logarithm of the loss."""
    import numpy as np

    logs = np.log(np.maximum(np.nan_to_num(found.loss_YX, nan=np.inf), 1e-6))
    top = logs[np.isfinite(logs)].max()
    logs = np.minimum(logs, top)
    low = logs.min()
    return np.clip(np.floor((logs - low) / (top - low or 1) * 9.999), 0, 9).astype(int)

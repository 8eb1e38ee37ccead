"""`python -m model scaling fit`: the power law of the sizes that are done."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from model.cli.common import AsJson, one_sentence, print_json

Count = Literal["blocks", "all"]


def command(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="of a queue")],
    count: Annotated[
        Count, typer.Option(help="parameters without embeddings (blocks), or all of them")
    ] = "blocks",
    tokens: Annotated[
        int | None, typer.Option(help="only the sizes that saw so many; all if left out")
    ] = None,
    delta: Annotated[
        float, typer.Option(min=1e-6, help="of the Huber loss, in log loss; Hoffmann et al.: 0.001")
    ] = 0.03,
    resamples: Annotated[int, typer.Option(min=20, help="of the bootstrap")] = 400,
    seed: Annotated[int, typer.Option(help="of the resamples")] = 0,
    as_json: AsJson = False,
) -> None:
    """Fit loss = E + A / N^alpha (+ B / D^beta) to the sizes that are done."""
    with one_sentence():
        from model.cli.scaling.telling import fit_json, fit_lines
        from model.slices import finish
        from model.train.scaling.fit import fit_law
        from model.train.scaling.folder import reading_queue

        record = finish(reading_queue(folder))
        done = [size for size in record.done if tokens in (None, size.tokens)]
        fit = finish(
            fit_law(
                [size.parameters(count) or 0 for size in done],
                [size.tokens for size in done],
                [size.val_loss for size in done],
                delta=delta,
                resamples=resamples,
                seed=seed,
            )
        )
    if as_json:
        print_json(fit_json(fit, count))
    else:
        print(fit_lines(fit, count))

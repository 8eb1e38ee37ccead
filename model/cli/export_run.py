"""`python -m model export-run`: a run's numbers and its network in forms that others read."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from model.cli.common import AsJson, one_sentence, print_json


def command(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="the run folder")],
    csv: Annotated[Path | None, typer.Option(help="write its numbers to this file")] = None,
    tensorboard: Annotated[
        Path | None, typer.Option(help="write TensorBoard events to this new folder")
    ] = None,
    model: Annotated[
        Path | None, typer.Option(help="write its network to this new folder, for transformers")
    ] = None,
    step: Annotated[
        int | None, typer.Option(min=0, help="of the network; the last snapshot if left out")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write a run's curves as CSV or TensorBoard events, its network as a Hugging Face folder.

    The network of any step that is kept, or near enough to a kept state to be repeated from it:
    python -m model export-run runs/minute --step 120 --model minute-120
    """
    with one_sentence():
        from model.cli.training_display import made_with_progress
        from model.train.exporting import exporting_model, write_csv, writing_events
        from model.train.run_folder import RunError, read_run, snapshots

        read_run(run)  # says what a folder without a run is
        if csv is None and tensorboard is None and model is None:
            raise ValueError("Say what to write: --csv FILE, --tensorboard DIR or --model DIR.")
        if step is not None and model is None:
            raise ValueError("--step says which network: give --model DIR too.")
        written: dict[str, str] = {}
        note = ""
        if csv is not None:
            written["csv"] = str(write_csv(run, csv))
        if tensorboard is not None:
            written["tensorboard"] = str(made_with_progress(writing_events(run, tensorboard)))
        if model is not None:
            kept = snapshots(run)
            if step is None and not kept:
                raise RunError(f"{run} has kept no network yet.")
            at = kept[-1][0] if step is None else step
            note = made_with_progress(exporting_model(run, at, model))
            written["model"] = str(model)
    if as_json:
        print_json({"run": str(run), "written": written, "note": note})
        return
    for kind, path in written.items():
        print(f"{kind}: {path}")
    if note:
        print(note)

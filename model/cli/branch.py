"""`python -m model branch`: another run that begins at a step of one, with other settings."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from model.cli.common import AsJson, Device, Threads, one_sentence, print_json
from model.counting import counted


def command(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="the run folder to branch from")],
    step: Annotated[int, typer.Option(min=0, help="the step of it at which the branch begins")],
    out: Annotated[Path, typer.Option(help="the branch's own run folder")],
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="a setting that is another, NAME=VALUE; as often as you like"),
    ] = None,
    fresh_optimiser: Annotated[
        bool, typer.Option("--fresh-optimiser", help="begin with an optimiser that knows nothing")
    ] = False,
    only_make: Annotated[
        bool, typer.Option("--only-make", help="write the folder; train it later with --resume")
    ] = False,
    device: Device = "auto",
    threads: Threads = 0,
    as_json: AsJson = False,
) -> None:
    """Go on from a step of a run with other settings; both runs are kept.

    The branch has the run's weights, optimiser and batches, and the same random numbers: with
    nothing changed it is the same run. python -m model branch runs/minute --step 200 --out
    runs/slower --set lr=1e-3
    """
    with one_sentence():
        from model.cli.training_display import made_with_progress, run_from_command_line
        from model.train.branching.making import making_branch
        from model.train.branching.record import Departure, changed, differences, shown
        from model.train.run_folder import read_recipe

        own = read_recipe(run)
        recipe = replace(changed(own, settings or ()), name=out.name)
        departure = Departure(str(run), step, fresh_optimiser)
        note = made_with_progress(making_branch(departure, recipe, out))
        changes = differences(own, recipe)
        result: dict[str, Any] = {
            "run": str(out),
            "parent": str(run),
            "step": step,
            "changed": {name: {"from": was, "to": now} for name, (was, now) in changes.items()},
            "note": note,
        }
        if not as_json:
            said = ", ".join(
                f"{name} {shown(was)} -> {shown(now)}" for name, (was, now) in changes.items()
            )
            print(
                f"Branch of {run} at step {step:,}: {said or 'nothing is changed'}. {note}".strip()
            )
        if not only_make:
            result |= run_from_command_line(out=out, device=device, threads=threads, resume=True)
    if as_json:
        print_json(result)
    elif not only_make:
        loss = "none measured" if result["val_loss"] is None else f"{result['val_loss']:.4f}"
        print(f"{counted(result['steps'], 'step')}, validation loss {loss}: {out}")

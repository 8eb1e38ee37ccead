"""`python -m model train`: train a model from a text; what it says is `training_display`'s."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from model.cli.common import AsJson, Device, Threads, each_says_its_own, one_sentence, print_json
from model.counting import counted

Parallel = Literal["auto", "ddp", "fsdp"]


def command(
    out: Annotated[Path, typer.Option(help="the run folder to write")],
    data: Annotated[
        str | None,
        typer.Option(help='a text file, a folder of them, or "world"; the preset\'s if left out'),
    ] = None,
    task: Annotated[
        str | None,
        typer.Option(
            help="a toy task in a text's place, with its own preset: sorting, addition, "
            "modular-addition, brackets or copying; with its size sorting:12"
        ),
    ] = None,
    tokenizer: Annotated[
        str | None,
        typer.Option(
            help="characters, bpe:SIZE, the path of a tokenizer or model, or open: that of the "
            "model whose weights it begins with"
        ),
    ] = None,
    preset: Annotated[str, typer.Option(help="the recipe to start from")] = "minute",
    recipe: Annotated[
        Path | None,
        typer.Option(help="a recipe in a TOML file, or a run's run.toml, in the preset's place"),
    ] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="updates at most")] = None,
    max_seconds: Annotated[float | None, typer.Option(help="seconds at most")] = None,
    target_val_loss: Annotated[
        float | None, typer.Option(help="stop once the validation loss is this low, in nats")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="of weights, data order and samples")] = None,
    watch: Annotated[
        list[str] | None,
        typer.Option(
            help='measure it too, beside every curve: "blocks.0.mlp.W_in.grad norm"; may be '
            "given again"
        ),
    ] = None,
    stop_when: Annotated[
        list[str] | None,
        typer.Option(
            help='stop there, saved: "val_loss < 2", "grad_norm > 10", "blocks.1.attn induction > '
            '0.5", "nan"; may be given again'
        ),
    ] = None,
    parallel: Annotated[
        Parallel,
        typer.Option(
            help="under torchrun: a copy in each process (ddp), or in shards (fsdp); auto takes "
            "shards where a copy would fill a GPU"
        ),
    ] = "auto",
    device: Device = "auto",
    threads: Threads = 0,
    resume: Annotated[bool, typer.Option("--resume", help="go on with the run in --out")] = False,
    as_json: AsJson = False,
) -> None:
    """Train a model from a text; the run folder opens like any checkpoint.

    Under torchrun the processes train together, by the same recipe into the same run folder:
    torchrun --nproc-per-node 8 -m model train --out runs/large
    """
    with one_sentence(), each_says_its_own():
        from model.cli.training_display import run_from_command_line
        from model.train.processes.group import writes_here

        result = run_from_command_line(
            out=out,
            data=data,
            task=task,
            tokenizer=tokenizer,
            preset_name=preset,
            recipe_file=recipe,
            parallel=parallel,
            steps=steps,
            max_seconds=max_seconds,
            target_val_loss=target_val_loss,
            seed=seed,
            watched=None if watch is None else tuple(watch),
            stop_when=None if stop_when is None else tuple(stop_when),
            device=device,
            threads=threads,
            resume=resume,
        )
        if not writes_here():
            return  # the first process tells
    if as_json:
        print_json(result)
        return
    loss = "none measured" if result["val_loss"] is None else f"{result['val_loss']:.4f}"
    print(
        f"{counted(result['steps'], 'step')} in {result['seconds']:.1f} s, "
        f"{result['tokens_per_second']:,.0f} tokens/s, validation loss {loss}: {out}"
    )

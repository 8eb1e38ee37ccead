"""`python -m model scaling plan`: write the plan of a queue, with the time that it will take."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

import typer

from model.cli.common import AsJson, Device, Threads, one_sentence, print_json, progressing
from model.quoting import quoted

Rule = Literal["same", "width", "sweep"]


def command(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="a new folder for the queue")],
    widths: Annotated[
        str | None, typer.Option(help="of the sizes, five or more: 16,24,32,48,64,96")
    ] = None,
    tokens: Annotated[
        str | None,
        typer.Option(help="that each size sees; several fit a term of tokens too: 500000,1000000"),
    ] = None,
    data: Annotated[str | None, typer.Option(help='a text file, or "world"')] = None,
    tokenizer: Annotated[
        str | None, typer.Option(help="char, bpe:SIZE, or the path of a tokenizer")
    ] = None,
    lr_rule: Annotated[
        Rule | None, typer.Option(help="how the learning rate follows the width")
    ] = None,
    lr: Annotated[float | None, typer.Option(help="learning rate at the base width")] = None,
    plan_file: Annotated[
        Path | None, typer.Option("--plan", help="a plan in a TOML file to begin with")
    ] = None,
    probe: Annotated[bool, typer.Option(help="time a few steps of each size: some seconds")] = True,
    device: Device = "auto",
    threads: Threads = 0,
    as_json: AsJson = False,
) -> None:
    """Plan a queue of sizes: what each is, and how long it will take here."""
    with one_sentence():
        from model.cli.scaling.telling import queue_json, queue_table
        from model.device import choose_device, default_threads, set_threads
        from model.slices import finish
        from model.train.scaling.expected import measuring
        from model.train.scaling.folder import begin, reading_queue, write_expected
        from model.train.scaling.plan import ScalingPlan

        plan = ScalingPlan()
        if plan_file is not None:
            plan = ScalingPlan.from_toml(plan_file.read_text(encoding="utf-8"))
        if widths is not None:
            plan = replace(plan, widths=_numbers("--widths", widths))
        if tokens is not None:
            plan = replace(plan, tokens=_numbers("--tokens", tokens))
        if lr_rule is not None:
            plan = replace(plan, lr_rule=lr_rule)
        recipe = plan.recipe
        if data is not None:
            recipe = replace(recipe, data=data)
        if tokenizer is not None:
            recipe = replace(recipe, tokenizer=tokenizer)
        if lr is not None:
            recipe = replace(recipe, lr=lr, min_lr=lr * recipe.min_lr / recipe.lr)
        plan = replace(plan, recipe=recipe)
        begin(folder, plan)
        if probe:
            set_threads(threads or default_threads())
            steps = measuring(plan, choose_device(device).name)
            write_expected(folder, progressing(steps, lambda step: f"{step[0]} …"))
        record = finish(reading_queue(folder))
    if as_json:
        print_json(queue_json(record))
        return
    for sentence in plan.rules():
        print(sentence)
    print(queue_table(record))
    print(f"Plan written to {folder}. Train it: python -m model scaling run {quoted(folder)}")


def _numbers(option: str, text: str) -> tuple[int, ...]:
    """Whole numbers with commas between them, sorted."""
    try:
        return tuple(sorted({int(float(part)) for part in text.split(",")}))
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{option} {text!r} are no numbers; 16,24,32 are.") from error

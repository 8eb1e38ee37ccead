"""`python -m model losses`: what each token of a batch of a run costs."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from model.cli import answers
from model.cli.asking import text_of_tokens
from model.cli.common import (
    AsJson,
    Checkpoint,
    Device,
    Dtype,
    Threads,
    one_sentence,
    opened,
    print_json,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from model.probe.batch_losses.asks import BatchLossesFound
    from model.train.batch_text import Part

PartOption = Annotated[
    str, typer.Option(metavar="training|validation", help="of the text the batch is cut from")
]
Number = Annotated[
    int,
    typer.Option(
        help="of training the update that learns from it, from 1; of validation from 0; -1: the "
        "one that is learned next, or the first"
    ),
]
TextFile = Annotated[str, typer.Option("--file", help="a text file instead of the run's text")]
BEFORE = 8
"""Tokens of the text before that are shown."""


def command(
    path: Checkpoint,
    part: PartOption = "training",
    batch: Number = -1,
    file: TextFile = "",
    worst: Annotated[int, typer.Option(min=0, help="how many of the dearest are listed")] = 20,
    out: Annotated[Path | None, typer.Option(help="the file to write: .csv or .npz")] = None,
    device: Device = "auto",
    dtype: Dtype = None,
    threads: Threads = 0,
    as_json: AsJson = False,
) -> None:
    """What each token of a batch costs, -log p, and which are the dearest.

    PATH is a run folder or one of its snapshots; of any other model the story world's text is
    read, or a file's.
    """
    with one_sentence():
        from model.probe.batch_losses.asks import BatchLosses, BatchLossesFound

        question = BatchLosses(part=checked(part), batch=batch, file=file, worst=worst)
        if out is not None:
            answers.checked(out)
        lm = opened(path, device, dtype, threads)
        found = lm.ask([[0]], question)
        assert isinstance(found, BatchLossesFound)
        if out is not None:
            answers.write(found, out)
    text_of = text_of_tokens(lm)
    if as_json:
        facts = answers.facts(found)
        print_json({"out": str(out), **facts} if out else answers.as_json(found, text_of))
        return
    _show(found, part, text_of)


def checked(part: str) -> Part:
    """The part of a text, if it is one.

    Raises:
        ValueError: it is none.
    """
    from model.train.batch_text import PARTS

    found = next((one for one in PARTS if one == part), None)
    if found is None:
        raise ValueError(f"--part is {' or '.join(PARTS)}, not {part!r}.")
    return found


def _show(found: BatchLossesFound, part: str, text_of: Callable[[int], str]) -> None:
    console = Console()
    B, T = found.ids_BT.shape
    console.print(
        f"{part} batch {found.number} of {found.source}: loss {found.loss:.4f} nats "
        f"({found.loss / math.log(2):.3f} bits) a token, {B} windows of {T - 1} tokens"
    )
    table = Table(box=None, pad_edge=False)
    for heading in ("nats", "window", "place", "token", "instead of", "after"):
        table.add_column(
            heading, justify="right" if heading in ("nats", "window", "place") else "left"
        )
    for row, at in found.worst_K2:
        before = "".join(text_of(int(id)) for id in found.ids_BT[row, max(0, at - BEFORE) : at])
        table.add_row(
            f"{found.nats_BT[row, at]:.2f}",
            str(row),
            str(at),
            Text(text_of(int(found.ids_BT[row, at]))),
            Text(text_of(int(found.top_BT[row, at]))),
            Text(before),
        )
    console.print(table)

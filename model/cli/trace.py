"""`python -m model trace`: every activation of a text, in a file."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from model.cli.common import (
    AsJson,
    Checkpoint,
    Device,
    Dtype,
    Threads,
    one_sentence,
    opened,
    print_json,
    prompt_of,
    tell,
    tell_written,
)

SETTINGS = {"allow_extra_args": True}
"""What follows ``--names`` comes as stray arguments."""


def command(
    context: typer.Context,
    path: Checkpoint,
    out: Annotated[Path, typer.Option(help="the safetensors file to write")],
    text: Annotated[str | None, typer.Option(help="the text to run")] = None,
    ids: Annotated[
        str | None, typer.Option(help='token ids to run, sequences apart by ";": "1,2,3;4,5,6"')
    ] = None,
    names: Annotated[
        list[str] | None,
        typer.Option(help='keep only these, for example "*.attn.hook_pattern"; several may follow'),
    ] = None,
    device: Device = "auto",
    dtype: Dtype = None,
    threads: Threads = 0,
    as_json: AsJson = False,
) -> None:
    """Run a text once and write every activation, under its TransformerLens name.

    The input ids are always among them, and the logits, or the last hidden state of a network
    without a head.
    """
    from model.operations import output_name

    with one_sentence():
        prompt = prompt_of("--text", text, ids)
        # "--names A B" reaches us as the option A and a stray argument B.
        if context.args and not names:
            raise ValueError(f"What is {' '.join(context.args)!r}? Names come after --names.")
        lm = opened(path, device, dtype, threads)
        tell(lm, prompt, "--text")
        kept = [*names, *context.args, output_name(lm.config)] if names else None
        start = time.perf_counter()
        recorded = lm.trace(prompt, kept, lazy=kept is not None)
        seconds = time.perf_counter() - start
        recorded.save(out)
    shape = list(recorded.input_ids.shape)
    if as_json:
        print_json(
            {
                "out": str(out),
                "names": list(recorded.names),
                "shape": shape,
                "seconds": seconds,
                "device": lm.device.name,
            }
        )
    else:
        tell_written(out, f"{len(recorded)} activations of {shape[0]} × {shape[1]} tokens in {out}")

"""`python -m model trace`: every activation of a text, in a file."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from model.cli.common import (
    AsJson,
    Checkpoint,
    Device,
    Dtype,
    Threads,
    dtype_name,
    one_sentence,
    opened,
    print_json,
    prompt_of,
    say,
    tell,
    tell_written,
)
from model.counting import counted
from model.probe.not_finite.asks import remedy

if TYPE_CHECKING:
    from model.language_model import LanguageModel
    from model.trace import Trace

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
        not_finite = _not_finite(lm, recorded)
        say(tuple(filter(None, (not_finite,))))
    shape = list(recorded.input_ids.shape)
    if as_json:
        print_json(
            {
                "out": str(out),
                "names": list(recorded.names),
                "shape": shape,
                "seconds": seconds,
                "device": lm.device.name,
                "dtype": dtype_name(lm.dtype),
                "not_finite": not_finite,
            }
        )
    else:
        tokens = "1 token" if shape == [1, 1] else f"{shape[0]} × {shape[1]} tokens"
        what = f"{counted(len(recorded), 'activation')} of {tokens}"
        tell_written(out, f"{what}, computed in {dtype_name(lm.dtype)}, in {out}")


def _not_finite(lm: LanguageModel, recorded: Trace) -> str:
    """Which operation first wrote NaN or infinity, and what to do; empty where all is finite.

    Looked for only where something in the file is not finite: what a mask has written does not
    count.
    """
    masked = {op.output for op in lm.transformer.operations if op.kind == "mask"}
    aliases = lm.transformer.aliases
    for name in recorded.names:
        tensor = recorded[name]
        finite = tensor.isfinite()
        if aliases.get(name, name) in masked:
            finite |= tensor.isneginf()
        if not finite.all():
            row = int((~finite.flatten(1).all(1)).nonzero()[0])
            said = lm.first_not_finite(recorded.input_ids[row])
            return said or f"{name} is not finite. {remedy(dtype_name(lm.dtype))}"
    return ""

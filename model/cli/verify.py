"""`python -m model verify`: a model beside what transformers computes from it."""

from __future__ import annotations

import time
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
    progressing,
    say,
)
from model.counting import counted


def command(
    path: Checkpoint,
    tokens: Annotated[int, typer.Option(min=1, help="how many tokens to run")] = 64,
    seed: Annotated[int, typer.Option(min=0, help="the tokens are drawn with")] = 0,
    write_reference: Annotated[
        bool, typer.Option("--write-reference", help="write what transformers computes beside PATH")
    ] = False,
    device: Device = "cpu",
    dtype: Dtype = None,
    threads: Threads = 0,
    as_json: AsJson = False,
) -> None:
    """Compare a model with what transformers computes from it, or with a reference file.

    Exit code 1 if they differ by more than rounding, 2 if nothing can be compared.
    """
    with one_sentence():
        from dataclasses import asdict

        from model.checkpoint import verify as comparing
        from model.device import default_threads

        lm = opened(path, device, dtype, threads)
        say(lm.notes)
        n_threads = threads or default_threads()
        if write_reference:
            written = progressing(
                comparing.write_reference(lm, tokens, seed, n_threads), _unhurried
            )
            if as_json:
                print_json({"reference": str(written)})
            else:
                print(written)
            return
        found = progressing(comparing.verify(lm, tokens, seed, n_threads), _unhurried)
    what = "logit" if found.compared == "logits" else "number of the last hidden state"
    if as_json:
        about = {"path": str(lm.path), "family": lm.family, "equal": found.equal}
        print_json(asdict(found) | about)
    else:
        say(found.notes)
        print(
            f"{'equals' if found.equal else 'differs from'} {found.against}: the largest "
            f"difference of a {what} is {found.max_abs_logit_difference:.2g} over "
            f"{counted(found.n_tokens, 'token')} in {found.dtype} "
            f"(up to {found.tolerance:.2g} is rounding)"
        )
    if not found.equal:
        raise typer.Exit(1)


def _unhurried(what: str) -> str:
    """What a comparison does; it waits for another process, so there is no hurry."""
    time.sleep(0.02)
    return what

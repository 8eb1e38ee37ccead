"""`python -m model generate`: continue a text."""

from __future__ import annotations

import time
from typing import Annotated

import typer
from rich.console import Console

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
    tell,
)
from model.slices import finish


def command(
    path: Checkpoint,
    prompt: Annotated[str | None, typer.Option(help="the text to continue")] = None,
    ids: Annotated[str | None, typer.Option(help='token ids to continue: "1,2,3"')] = None,
    max_new_tokens: Annotated[int, typer.Option(min=0, help="tokens at most")] = 50,
    temperature: Annotated[float, typer.Option(help="from 0 (greedy) to 10")] = 1.0,
    top_k: Annotated[int, typer.Option(help="draw from the k likeliest; 0: from all")] = 0,
    top_p: Annotated[float, typer.Option(help="draw from this much probability; 1: all")] = 1.0,
    min_p: Annotated[
        float, typer.Option(help="draw from those this share as likely as the likeliest; 0: all")
    ] = 0.0,
    seed: Annotated[int | None, typer.Option(help="makes it repeatable")] = None,
    cache: Annotated[bool, typer.Option(help="keep keys and values of earlier tokens")] = True,
    device: Device = "auto",
    dtype: Dtype = None,
    threads: Threads = 0,
    as_json: AsJson = False,
) -> None:
    """Continue a text, or token ids, which are all there is without a tokenizer."""
    with one_sentence():
        given = prompt_of("--prompt", prompt, ids)
        lm = opened(path, device, dtype, threads)
        tell(lm, given, "--prompt")
        prompt_ids = lm.ids(given)[0].tolist()
        tokenizer, ends = lm.tokenizer, lm.ends
        console = Console(quiet=as_json, soft_wrap=True, highlight=False, markup=False)
        stream = lm.stream(given, max_new_tokens, temperature, top_k, top_p, seed, cache, min_p)

        def text_of(before: list[int], new: list[int]) -> str:
            if tokenizer is None:
                return "".join(f"{',' if before or i else ''}{id}" for i, id in enumerate(new))
            return tokenizer.decode_after(before, new[:-1] if new[-1:] and new[-1] in ends else new)

        start_text = text_of([], prompt_ids) if tokenizer is None else tokenizer.decode(prompt_ids)
        if prompt is not None:
            start_text = prompt
        console.print(start_text, end="", style="dim")
        start = time.perf_counter()
        new_ids: list[int] = []
        shown = ""

        def show(new_id: int) -> None:
            nonlocal shown
            new_ids.append(new_id)
            completion = text_of(prompt_ids, new_ids)
            # A token may end inside a character: wait for the rest of it.
            if not completion.endswith("\ufffd"):
                console.print(completion.removeprefix(shown), end="")
                shown = completion

        ended = finish(stream, show)
        seconds = time.perf_counter() - start
        completion = text_of(prompt_ids, new_ids)
        console.print(completion.removeprefix(shown))
    if as_json:
        print_json(
            {
                "prompt": None if tokenizer is None else start_text,
                "completion": None if tokenizer is None else completion,
                "text": None if tokenizer is None else start_text + completion,
                "prompt_ids": prompt_ids,
                "ids": new_ids,
                "ended": ended,
                "seconds": seconds,
                "tokens_per_second": len(new_ids) / seconds,
                "device": lm.device.name,
                "dtype": dtype_name(lm.dtype),
            }
        )

"""`python -m model world`: text of the story world."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from model.cli.common import AsJson, one_sentence, print_json, tell_written


def command(
    out: Annotated[Path, typer.Option(help="the text file to write")],
    tokens: Annotated[int, typer.Option(min=1, help="words and marks, at least")] = 100_000,
    seed: Annotated[int, typer.Option(help="the same seed gives the same text")] = 0,
    as_json: AsJson = False,
) -> None:
    """Write text of the story world."""
    with one_sentence():
        from model.whole_file import write_whole
        from model.world import count_tokens, write

        text = write(tokens, seed)
        raw = text.encode()
        write_whole(out, raw)
        written = count_tokens(text)
    if as_json:
        print_json({"out": str(out), "tokens": written, "bytes": len(raw), "seed": seed})
    else:
        tell_written(out, f"{written:,} words and marks, {len(raw):,} bytes in {out}")

"""`python -m model world`: text of the story world."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from model.cli.common import AsJson, one_sentence, print_json


def command(
    out: Annotated[Path, typer.Option(help="the text file to write")],
    tokens: Annotated[int, typer.Option(min=1, help="words and marks, at least")] = 100_000,
    seed: Annotated[int, typer.Option(help="the same seed gives the same text")] = 0,
    as_json: AsJson = False,
) -> None:
    """Write text of the story world."""
    with one_sentence():
        from model.world import count_tokens, write

        text = write(tokens, seed)
        raw = text.encode()
        beside = out.with_name(f".{out.name}.part")
        try:
            beside.write_bytes(raw)
            beside.replace(out)
        finally:
            beside.unlink(missing_ok=True)
        written = count_tokens(text)
    if as_json:
        print_json({"out": str(out), "tokens": written, "bytes": len(raw), "seed": seed})
    else:
        print(f"{written:,} words and marks, {len(raw):,} bytes in {out}")

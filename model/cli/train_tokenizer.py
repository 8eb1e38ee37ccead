"""`python -m model train-tokenizer`: learn a byte-level BPE, and write down how it was learnt."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from model.cli.common import AsJson, one_sentence, print_json, progressing, tell_written


def command(
    data: Annotated[str, typer.Option(help='a text file, or "world"')],
    out: Annotated[Path, typer.Option(help="the tokenizer.json to write")],
    vocab_size: Annotated[
        int, typer.Option(help="tokens at most, the 256 bytes and <|endoftext|> among them")
    ] = 1024,
    history: Annotated[
        Path | None, typer.Option(help="a JSON list to write: every merge with its pair and count")
    ] = None,
    min_frequency: Annotated[
        int, typer.Option(help="a pair that occurs less often is not merged")
    ] = 2,
    tokens: Annotated[
        int, typer.Option(min=1, help="of the story world: words and marks, at least")
    ] = 100_000,
    seed: Annotated[int, typer.Option(help="of the story world")] = 0,
    as_json: AsJson = False,
) -> None:
    """Learn a byte-level BPE as GPT-2's; its merges are those of the library tokenizers."""
    with one_sentence():
        from model.tokenizer.bpe_history import BpeSettings
        from model.tokenizer.bpe_training import learning
        from model.train.data import read_text
        from model.train.recipe import WORLD
        from model.whole_file import write_whole
        from model.world import write

        settings = BpeSettings(vocab_size, min_frequency)
        settings.check()
        text = write(tokens, seed) if data == WORLD else read_text(Path(data))
        learnt = progressing(learning(text, settings), lambda step: step.what)
        write_whole(out, learnt.tokenizer().to_json())
        if history is not None:
            write_whole(history, learnt.to_json())
    n = learnt.n_merges
    result = {
        "out": str(out),
        "history": None if history is None else str(history),
        "vocab_size": learnt.vocab_size(n),
        "merges": n,
        "n_bytes": learnt.n_bytes,
        "n_tokens": int(learnt.n_tokens[n]),
        "bytes_per_token": learnt.bytes_per_token(n),
        "ended": learnt.ended,
    }
    if as_json:
        print_json(result)
        return
    why = "" if learnt.ended == "full" else f"; no pair is left that occurs {min_frequency} times"
    tell_written(
        out,
        f"{n:,} merges, {result['vocab_size']:,} tokens; the text is {result['n_tokens']:,} of "
        f"them, {result['bytes_per_token']:.2f} bytes each{why}: {out}",
    )

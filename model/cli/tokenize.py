"""`python -m model tokenize`: a text in the tokens of any number of tokenizers, side by side."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from model.cli.common import AsJson, one_sentence, print_json


def command(
    paths: Annotated[
        list[str],
        typer.Argument(
            metavar="PATH...",
            help="tokenizers: a folder, any file of one, or a model's; char and bytes need no file",
        ),
    ],
    text: Annotated[str, typer.Option(help="the text to cut")],
    as_json: AsJson = False,
) -> None:
    """Cut a text into tokens by one tokenizer or several."""
    with one_sentence():
        from model.tokenizer.side_by_side import BUILT_IN, built_in, cut_by
        from model.train.tokenizer_choice import tokenizer_at

        if not text:
            raise ValueError("--text is empty: give a text to cut.")
        cuts = []
        for path in paths:
            if not os.path.exists(path):  # noqa: PTH110 - Path's raises for a name too long
                if path not in BUILT_IN:
                    raise ValueError(
                        f"There is no tokenizer {path!r}: give a tokenizer's file or folder, a "
                        "model, char or bytes."
                    )
                cuts.append(cut_by(path, built_in(path, text), text))
            else:
                cuts.append(cut_by(str(Path(path)), tokenizer_at(path), text))
    if as_json:
        n_bytes = len(text.encode("utf-8", "replace"))
        rows = [cut.as_json() for cut in cuts]
        print_json({"text": text, "n_bytes": n_bytes, "tokenizers": rows})
        return
    for cut in cuts:
        unknown = f", {len(cut.unknown)} unknown" if cut.unknown else ""
        print(
            f"{cut.name}: {cut.n_tokens:,} tokens, {cut.bytes_per_token:.2f} bytes each, "
            f"{cut.attention_pairs:,} scores a head{unknown} ({cut.kind})"
        )
        print("  " + "|".join(token.text for token in cut.tokens))
        for note in cut.notes:
            print(f"  {note}")

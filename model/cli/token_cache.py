"""`python -m model token-cache`: what is kept of long texts that were cut, and deleting it."""

from __future__ import annotations

from typing import Annotated

import typer

from model.cli.common import AsJson, one_sentence, print_json
from model.counting import counted


def command(
    delete: Annotated[bool, typer.Option("--delete", help="delete all of it")] = False,
    as_json: AsJson = False,
) -> None:
    """List the long texts whose tokens are kept for the next training, or delete them."""
    with one_sentence():
        from model.preview import file_size
        from model.train import token_cache

        place, kept = token_cache.cache_dir(), token_cache.kept()
        left = token_cache.delete(kept) if delete else kept
    if as_json:
        found = [
            {
                "path": str(entry.path),
                "text": entry.text,
                "tokenizer": entry.tokenizer,
                "tokens": entry.n_tokens,
                "bytes": entry.n_bytes,
            }
            for entry in left
        ]
        print_json({"place": str(place), "kept": found, "deleted": len(kept) - len(left)})
        return
    if delete:
        freed = sum(entry.n_bytes for entry in kept) - sum(entry.n_bytes for entry in left)
        print(
            f"{counted(len(kept) - len(left), 'text')} deleted, {file_size(freed)} freed: {place}"
        )
        return
    for entry in kept:
        size = file_size(entry.n_bytes)
        print(f"{entry.text}  {entry.tokenizer}  {entry.n_tokens:,} tokens, {size}")
    total = sum(entry.n_bytes for entry in kept)
    print(f"{counted(len(kept), 'text')}, {file_size(total)} in {place}")

"""`python -m model info`: what a checkpoint is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from model.cli.common import AsJson, Checkpoint, dtype_name, one_sentence, opened, print_json
from model.counting import counted

if TYPE_CHECKING:
    from model.checkpoint.previewing import Headers
    from model.language_model import LanguageModel


def command(path: Checkpoint, as_json: AsJson = False) -> None:
    """What a checkpoint is: family, sizes, parameters by part."""
    from dataclasses import asdict

    from model.checkpoint.errors import TooLargeError
    from model.checkpoint.families import FAMILIES
    from model.config_words import described

    with one_sentence():
        lm: LanguageModel | Headers
        notes: tuple[str, ...]
        try:
            lm = opened(path, "cpu")
            notes = lm.notes
        except TooLargeError as error:
            lm = _headers(path)
            notes = (*lm.notes, f"Its weights were not read: {error}")
        title = FAMILIES[lm.family].title
        tokenizer, n_params = lm.tokenizer, lm.config.n_params
        found = {
            "path": str(lm.path),
            "family": lm.family,
            "title": title,
            "format": lm.format,
            "notes": list(notes),
            "dtype": dtype_name(lm.dtype),
            "n_params": n_params,
            "parameters": lm.config.parameter_counts(),
            "tokenizer": tokenizer and {"kind": tokenizer.kind, "n_tokens": tokenizer.n_tokens},
            "config": asdict(lm.config),
        }
    if as_json:
        print_json(found)
        return
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="dim")
    table.add_column()
    kind = (
        f"{tokenizer.kind}, {counted(tokenizer.n_tokens, 'token')}"
        if tokenizer
        else "none: ids only"
    )
    for label, value in (
        ("family", f"{title} ({lm.family})"),
        ("format", lm.format),
        *(("note", note) for note in notes),
        ("path", str(lm.path)),
        ("tokenizer", kind),
        ("dtype", str(found["dtype"])),
        ("parameters", f"{n_params:,}"),
        *(
            (f"  {part}", f"{n:,}  {n / n_params:.1%}")
            for part, n in lm.config.parameter_counts().items()
        ),
        *described(lm.config).items(),
    ):
        table.add_row(label, value)
    Console().print(table)


def _headers(path: Path) -> Headers:
    from model.checkpoint.previewing import headers
    from model.hub import is_hub_name
    from model.hub.known import cached_folder

    fetched = cached_folder(str(path)) if is_hub_name(str(path)) else None
    return headers(fetched or path)

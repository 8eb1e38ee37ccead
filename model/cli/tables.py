"""What the verbs about tables of vectors share: a model's or a file's table, and words as rows.

The path of a file of vectors is taken like that of a checkpoint.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from model.cli.common import opened, progressing, say
from model.probe.neighbours.sums import SumError
from model.probe.question import ProbeError
from model.slices import finish
from model.space.words import RowNames

if TYPE_CHECKING:
    from model.space.table import VectorTable
    from model.tokenizer.tokenizer import Tokenizer

TablePath = Annotated[
    Path,
    typer.Argument(
        metavar="PATH",
        help="a checkpoint, or a file of vectors: .npy, .npz, word2vec or GloVe text, TSV",
    ),
]
MatrixOption = Annotated[
    str, typer.Option(help="of a model: W_E, the embedding, or W_U, the unembedding")
]
Sample = Annotated[int, typer.Option(min=1, help="of a file: every so many-th vector; 1 for all")]


@dataclass(frozen=True, slots=True)
class Opened:
    """A table and the names of its rows.

    Attributes:
        table: the table.
        names: of its rows.
        tokenizer: of a model that has one.
    """

    table: VectorTable
    names: RowNames
    tokenizer: Tokenizer | None = None

    def row(self, word: str) -> int:
        """The row of a word.

        Raises:
            SumError: there is none; of a model's word it is said what it is cut into.
        """
        found = self.names.row(word)
        if found is None:
            raise SumError(self._why_none(word), word)
        return found

    def _why_none(self, word: str) -> str:
        said = f"“{word}” is not one {self.names.what}."
        if self.tokenizer is None or not word.strip():
            return said
        ids = self.tokenizer.encode(f" {word}", add_special=False).ids
        pieces = ", ".join(self.names.text(row) for row in ids)
        return f"{said} It is cut into {len(ids)}: {pieces}."

    def shown(self, row: int) -> dict[str, object]:
        """A row for JSON."""
        return {"id": row, "token": self.names.text(row)}


def opened_table(
    path: Path,
    matrix: str = "W_E",
    device: str = "auto",
    dtype: str | None = None,
    threads: int = 0,
    sample: int = 1,
) -> Opened:
    """The table at a path.

    Raises:
        ValueError: it can't be opened, or has no such table.
    """
    from model.space.files import looks_like_table

    if looks_like_table(path):
        return _of_file(path, sample)
    from model.space.table import VectorTable

    if matrix not in ("W_E", "W_U"):
        raise ProbeError(f"There is no table {matrix!r} of token vectors; W_E and W_U are.")
    lm = opened(path, device, dtype, threads)
    say(lm.notes)
    tokenizer = lm.tokenizer
    vocabulary = () if tokenizer is None else tuple(tokenizer.vocabulary)
    continuing = frozenset() if tokenizer is None else tokenizer.continuing
    table = VectorTable(lm.transformer.table("W_U" if matrix == "W_U" else "W_E"), matrix)

    def text(row: int) -> str:
        from model.tokenizer.tokens import continued, visible

        raw = vocabulary[row] if row < len(vocabulary) else b""
        if not raw:
            return f"‹{row}›"
        return continued(visible(raw)) if row in continuing else visible(raw)

    return Opened(table, RowNames(vocabulary, len(table), text), tokenizer)


def _of_file(path: Path, sample: int) -> Opened:
    import torch

    from model.space.files import reading_file
    from model.space.table import VectorTable

    def told(step: tuple[int, int]) -> str:
        done, total = step
        return f"{path.name}: {10 * (10 * done // total)} %" if total else path.name

    steps = reading_file(path, sample)
    read = progressing(steps, told) if path.stat().st_size > 1 << 26 else finish(steps)
    table = VectorTable(torch.from_numpy(read.rows_ND), path.name, read.labels, read.note)
    if read.note:
        say((read.note,))
    names = tuple(label.encode("utf-8", "surrogatepass") for label in read.labels)
    labels = read.labels
    return Opened(table, RowNames(names, len(table), labels.__getitem__, f"row of {path.name}"))

"""vectors.tsv and metadata.tsv of a table, as the Embedding Projector and others read them.

Numbers are written with nine digits, so that float32 comes back as it was. Metadata has a header
if it has two columns, and none if it has one: so the format wants it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import torch

from model.space.questions.asks import TSVWritten, WriteTSV
from model.space.registry import SpaceError
from model.space.table import VectorTable
from model.whole_file import WriteError, whole_file

AT_ONCE = 500


def answer(question: WriteTSV, table: VectorTable) -> Iterator[TSVWritten | None]:
    """Both files, whole or not at all; older ones stay, and the new ones are numbered.

    Raises:
        SpaceError: the folder can't be written to.
    """
    vectors_file, metadata_file = _free_names(Path(question.folder))
    rows = question.rows or range(len(table))
    try:
        with ExitStack() as files:
            vectors = files.enter_context(whole_file(vectors_file, ordinary=True))
            metadata = files.enter_context(whole_file(metadata_file, ordinary=True))
            if question.groups:
                metadata.write(b"label\tgroup\n")
            for start in range(0, len(rows), AT_ONCE):
                some = list(rows[start : start + AT_ONCE])
                numbers = table.rows_ND[torch.tensor(some)].float().cpu().numpy()
                lines = ("\t".join(f"{x:.9g}" for x in row) + "\n" for row in numbers.tolist())
                vectors.write("".join(lines).encode())
                metadata.write("".join(_line(question, row) for row in some).encode())
                yield TSVWritten(
                    question=question, share=start / len(rows), n=start, path=str(vectors_file)
                )
            # A disk that is full says so here, while neither has taken its place.
            vectors.flush()
            metadata.flush()
    except WriteError as error:
        raise SpaceError(str(error)) from error
    yield TSVWritten(question=question, n=len(rows), path=str(vectors_file))


def _free_names(folder: Path) -> tuple[Path, Path]:
    """Of two files that belong together: nobody was asked whether older ones may go."""
    n, number = 1, ""
    while any(os.path.lexists(folder / f"{kind}{number}.tsv") for kind in ("vectors", "metadata")):
        n += 1
        number = f"-{n}"
    return folder / f"vectors{number}.tsv", folder / f"metadata{number}.tsv"


def _line(question: WriteTSV, row: int) -> str:
    fields = [question.labels[row]] + ([question.groups[row]] if question.groups else [])
    return "\t".join(re.sub(r"\s+", " ", field).strip() or "·" for field in fields) + "\n"

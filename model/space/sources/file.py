"""A file of vectors, as a table."""

from __future__ import annotations

from collections.abc import Generator

import torch

from model.space.files import reading_file
from model.space.sources.asks import TableFile
from model.space.sources.place import Place
from model.space.table import VectorTable


def table(source: TableFile, place: Place) -> Generator[tuple[int, int], None, VectorTable]:
    """Read it, in slices.

    Raises:
        SpaceError: it can't be read as one, or holds too many rows.
    """
    read = yield from reading_file(source.path, source.sample)
    rows = torch.from_numpy(read.rows_ND)
    return VectorTable(rows, source.title, read.labels, read.note)

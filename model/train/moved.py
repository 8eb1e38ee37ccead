"""Which weights a training has moved: of every tensor how far, and in how many directions.

Knows two networks of one shape; no run folder, no text.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Generator, Sequence
from pathlib import Path

import torch

from model.probe.singular_values.compute import effective_rank
from model.train.moved_rows import Moved
from model.transformer import Transformer
from model.whole_file import write_whole

MOVED_FILE = "moved.csv"
_LARGEST = 2_000_000
"""Numbers of a matrix whose singular values are found: more take seconds each."""


def moving(before: Transformer, after: Transformer) -> Generator[float, None, tuple[Moved, ...]]:
    """Every tensor, those that moved most for their size first; yields the share done."""
    olds = dict(before.named_parameters())
    news = dict(after.named_parameters())
    found: list[Moved] = []
    for done, (name, new) in enumerate(news.items(), 1):
        old = olds[name].detach().float().cpu()
        change = new.detach().float().cpu() - old
        norm, size = float(change.norm()), float(old.norm())
        relative = norm / size if size else (math.inf if norm else 0.0)
        rank = math.nan
        if change.ndim == 2 and norm and change.numel() <= _LARGEST:
            rank = effective_rank(torch.linalg.svdvals(change.double()))
        found.append(Moved(name, norm, relative, rank))
        yield done / len(news)
    return tuple(sorted(found, key=lambda one: -one.relative))


def write_moved(run_dir: Path, moved: Sequence[Moved]) -> None:
    """The table of them in a run folder.

    Raises:
        OSError: the disk refuses.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("tensor", "norm", "relative", "effective_rank"))
    for one in moved:
        rank = "" if math.isnan(one.effective_rank) else repr(one.effective_rank)
        writer.writerow((one.name, repr(one.norm), repr(one.relative), rank))
    write_whole(run_dir / MOVED_FILE, text.getvalue(), ordinary=True)

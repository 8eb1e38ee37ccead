"""Tables as text: word2vec (a first line with two counts), GloVe (none), projector TSV.

In word2vec's and GloVe's a line is a word and its numbers, apart by spaces. In a projector's
``vectors.tsv`` it is numbers alone, apart by tabs, and the names stand in a ``metadata.tsv`` beside
it. What is wrong is said with its line.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model.space.files.found import FileOfVectors, refuse_too_many, sampled
from model.space.registry import SpaceError

LINES = 2048
"""Read between two slices."""
HEAD = 1 << 20
"""Bytes from which the number of lines is estimated."""

Reading = Generator[tuple[int, int], None, FileOfVectors]


@dataclass(frozen=True, slots=True)
class _Layout:
    """How the lines of a file are made.

    Attributes:
        width: numbers in a line.
        labelled: whether a name comes first.
        apart: between two numbers; None for any white space.
        skipped: lines before the first vector.
        n: how many vectors there are, as it says itself, or about.
        exact: whether it says so itself.
    """

    width: int
    labelled: bool
    apart: str | None
    skipped: int
    n: int
    exact: bool


def reading(path: Path, sample: int) -> Reading:
    """Read it in slices.

    Raises:
        SpaceError: a line is no vector, or of another length; it says which.
    """
    layout = _layout(path)
    refuse_too_many(path.name, layout.n, sample, layout.width)
    size = path.stat().st_size
    capacity = -(-layout.n // sample) if layout.exact else int(1.1 * layout.n / sample) + 64
    rows = np.empty((max(1, capacity), layout.width), np.float32)
    labels: list[str] = []
    n = seen = done = 0
    with path.open("rb") as file:
        for _ in range(layout.skipped):
            file.readline()
        for number, raw in enumerate(file, start=layout.skipped + 1):
            done += len(raw)
            if not raw.strip():
                continue
            seen += 1
            if (seen - 1) % sample:
                continue
            if n == len(rows):
                refuse_too_many(path.name, seen, sample, layout.width)
                # Grown in place: the table is never held twice.
                rows.resize((n + n // 4 + 64, layout.width), refcheck=False)
            label = _take(raw, layout, rows, n, f"Line {number:,} of {path.name}")
            if layout.labelled:
                labels.append(label)
            n += 1
            if n % LINES == 0:
                yield min(done, size), size
    rows.resize((n, layout.width), refcheck=False)
    note = sampled(seen, sample)
    if layout.exact and seen != layout.n:
        note = " ".join(filter(None, (note, f"It promises {layout.n:,} vectors and has {seen:,}.")))
    if not layout.labelled:
        labels = _metadata(path, seen)[::sample]
    return FileOfVectors(rows, tuple(labels), note)


def _take(raw: bytes, layout: _Layout, rows: NDArray[np.float32], at: int, where: str) -> str:
    """One line into a row; gives its name."""
    text = raw.decode("utf-8", "replace").rstrip()
    label = ""
    if layout.labelled:
        # A word may hold spaces itself: numbers are counted from the end.
        parts = text.rsplit(layout.apart, layout.width)
        if len(parts) <= layout.width:
            found = max(0, len(parts) - 1)
            raise SpaceError(f"{where} has {found} numbers; {layout.width} are expected.")
        label, numbers = parts[0], parts[1:]
        if layout.apart is None and _is_number(label.split()[-1]) and len(label.split()) > 1:
            found = layout.width + len(label.split()) - 1
            raise SpaceError(f"{where} has {found} numbers; {layout.width} are expected.")
    else:
        numbers = text.split(layout.apart)
        if len(numbers) != layout.width:
            raise SpaceError(f"{where} has {len(numbers)} numbers; {layout.width} are expected.")
    try:
        rows[at] = np.array(numbers, np.float32)
    except ValueError:
        wrong = next((word for word in numbers if not _is_number(word)), "")
        raise SpaceError(f"{where}: “{wrong[:40]}” is no number.") from None
    return label


def _layout(path: Path) -> _Layout:
    with path.open("rb") as file:
        head = file.read(HEAD)
        size = path.stat().st_size
    if b"\0" in head[:4096]:
        raise SpaceError(f"{path.name} is no text; .npy, .npz, .tsv and word vectors as text are.")
    lines = [line for line in head.splitlines() if line.strip()]
    if not lines:
        raise SpaceError(f"{path.name} is empty.")
    whole = len(head) >= size
    about = len(lines) if whole else int(size / max(1, len(head) / len(lines)))
    first = lines[0].decode("utf-8", "replace").rstrip()
    counts = first.split()
    if len(counts) == 2 and all(word.isdecimal() for word in counts) and int(counts[1]) > 1:
        return _Layout(int(counts[1]), True, None, 1, int(counts[0]), True)
    tabbed = "\t" in first
    parts = first.split("\t") if tabbed else first.split()
    numbers = [_is_number(part) for part in parts]
    if tabbed and all(numbers):
        return _Layout(len(parts), False, "\t", 0, about, whole)
    if not tabbed and all(numbers) and any(mark in parts[0] for mark in ".eE") and len(parts) > 1:
        return _Layout(len(parts), False, None, 0, about, whole)  # as NumPy saves text
    width = numbers[::-1].index(False) if False in numbers else len(numbers) - 1
    if width < 1:
        if path.name.startswith("metadata"):
            raise SpaceError(f"{path.name} holds names; open the vectors.tsv beside it.")
        if len(parts) == 1 and numbers == [True]:
            raise SpaceError(f"{path.name} is one-dimensional; a table has a row for each vector.")
        raise SpaceError(
            f"Line 1 of {path.name} is no vector: a word and its numbers, or numbers apart by tabs."
        )
    return _Layout(width, True, "\t" if tabbed else None, 0, about, whole)


def _metadata(path: Path, n: int) -> list[str]:
    """The names beside a projector's vectors: the first column of ``metadata.tsv``."""
    beside = path.with_name("metadata.tsv")
    if path.name.startswith("vectors"):
        beside = path.with_name(path.name.replace("vectors", "metadata", 1))
    if beside == path or not beside.is_file():
        return []
    lines = beside.read_bytes().decode("utf-8", "replace").split("\n")
    lines = [line.rstrip("\r") for line in lines]
    while lines and not lines[-1]:
        lines.pop()
    # With several columns the first line is their heading, as projectors have it.
    if "\t" in (lines or [""])[0]:
        columns = len(lines[0].split("\t"))
        for number, line in enumerate(lines, start=1):
            if len(line.split("\t")) != columns:
                raise SpaceError(
                    f"Line {number:,} of {beside.name} has {len(line.split(chr(9)))} columns; "
                    f"its heading has {columns}."
                )
        lines = lines[1:]
    if len(lines) != n:
        raise SpaceError(f"{beside.name} names {len(lines):,} rows; {path.name} has {n:,}.")
    return [line.split("\t")[0] for line in lines]


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True

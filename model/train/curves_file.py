"""What was measured of a run for its curves, in its folder: a line a number.

    curves.csv              step,place,measure,value

What is watched may change while a run goes, so that a column for each would not do. How the file
grows is `model.train.run_writing`'s. Knows no torch.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Iterable, Iterator
from itertools import groupby
from pathlib import Path

from model.train.events import Measured
from model.train.metrics import MEASURES
from model.whole_file import write_whole

CURVES_FILE = "curves.csv"
CURVES_HEADER = "step,place,measure,value"
ROWS_PER_SLICE = 5_000

Row = tuple[int, str, str, float]


def curve_lines(measured: Measured) -> Iterator[str]:
    """What was measured, as it stands in the file."""
    for place, measure, value in measured.values:
        yield f"{measured.step},{place},{measure},{value!r}"


def row_of(line: str) -> Row | None:
    """A line's step, place, measure and number; None for what is none."""
    parts = line.split(",")
    if len(parts) != 4:
        return None
    try:
        return int(parts[0]), parts[1], parts[2], float(parts[3])
    except ValueError:
        return None


def measured_of(rows: Iterable[Row]) -> tuple[Measured, ...]:
    """Rows that follow one another, as events."""
    return tuple(
        Measured(step, tuple((place, measure, value) for _, place, measure, value in group))
        for step, group in groupby(rows, key=lambda row: row[0])
    )


def reading_curves(run_dir: Path, last_step: int) -> Generator[None, None, tuple[Measured, ...]]:
    """A run's curves, in slices, also while they are being written.

    Args:
        run_dir: the run folder.
        last_step: of the run: what was written after it is of steps that a kill has undone.

    Returns:
        In order; what is no row is passed over. None where there is no file.
    """
    rows: list[Row] = []
    for n, line in enumerate(_whole_lines(run_dir), start=1):
        row = row_of(line)
        if row is not None and row[0] <= last_step:
            rows.append(row)
        if n % ROWS_PER_SLICE == 0:
            yield
    return measured_of(rows)


def last_values(run_dir: Path) -> tuple[tuple[str, str, float], ...]:
    """Place, measure and last number of every curve of a run, those of metrics.csv too."""
    from model.train.run_folder import RunError, read_metrics

    found: dict[tuple[str, str], float] = {}
    try:
        columns = read_metrics(run_dir)
    except RunError:
        columns = {}
    for measure in MEASURES:
        known = [float(value) for value in columns.get(measure.name, ()) if math.isfinite(value)]
        if known:
            found["", measure.name] = known[-1]
    for line in _whole_lines(run_dir):
        row = row_of(line)
        if row is not None:
            found[row[1], row[2]] = row[3]
    return tuple((place, measure, value) for (place, measure), value in found.items())


def keep_curves(run_dir: Path, step: int) -> None:
    """Drop the rows beyond a step, and half a row at the end.

    Raises:
        OSError: the disk refuses.
    """
    file = run_dir / CURVES_FILE
    try:
        before = file.read_bytes()
    except FileNotFoundError:
        return
    rows = (row_of(line) for line in _whole_lines(run_dir))
    kept = measured_of(row for row in rows if row is not None and row[0] <= step)
    lines = [CURVES_HEADER, *(line for one in kept for line in curve_lines(one))]
    content = "".join(f"{line}\n" for line in lines)
    if content.encode() != before:
        write_whole(file, content, ordinary=True)


def _whole_lines(run_dir: Path) -> list[str]:
    try:
        text = (run_dir / CURVES_FILE).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    return text[: text.rfind("\n") + 1].splitlines()

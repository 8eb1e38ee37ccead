"""What a run folder has new since it was last looked at, whoever writes it, here or elsewhere.

For a folder that another process writes, on this machine or on one whose disk is mounted or
synchronised: there is nothing to wait on, so it is asked again and again, and of the curve only the
bytes behind those that are known are read. What is only half there is left for the next time: half
a line, a row of zeros, a snapshot whose file is still short. A curve that is another one (its run
was taken up from an earlier step) is noticed by the rows that it should still have.

Knows recipe, events and run folder; no torch, no window.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from model.train.curves_file import CURVES_FILE, Row, measured_of, row_of
from model.train.events import Evaluated, Measured, Sampled, SnapshotSaved, StepDone
from model.train.record import bits_per_byte, event_of, nothing_left, row_of_line
from model.train.run_folder import (
    METRICS_FILE,
    RunError,
    read_recipe,
    read_run,
    snapshots,
    who_trains,
)
from model.train.samples import SAMPLES_FILE, read_samples
from model.train.whole_snapshot import is_whole

MOST_BYTES = 1 << 21
"""Of a curve, at once: some 20,000 rows, a fraction of a second."""
_KEPT = 256
"""Bytes before the last known row by which a curve is known again."""


@dataclass(frozen=True, slots=True)
class Mark:
    """How much of a run folder is known.

    Attributes:
        step, evaluated_at, sampled_at: the last of each kind; -1 for none.
        snapshots: their steps.
        names: the curve's columns; empty before it was first looked at.
        offset: where in the curve its last known row begins; that row may still be completed.
        before: what stands in front of it.
        samples_size: bytes of the samples.
        curves_offset: bytes of the curves that are known, in whole lines.
    """

    step: int = -1
    evaluated_at: int = -1
    sampled_at: int = -1
    snapshots: frozenset[int] = frozenset()
    names: tuple[str, ...] = ()
    offset: int = 0
    before: bytes = b""
    samples_size: int = -1
    curves_offset: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RunNews:
    """What has come to a run folder.

    Attributes:
        mark: how much of it is known now.
        steps, evaluations, measured, samples, snapshots: what is new, by kind, in order.
        anew: whether the curve is another one than the one that is known: it has to be read again.
        more: whether there is more than was read at once.
        age: seconds since the curve was last written, by this machine's clock; a synchronised
            file has the other machine's time.
        writer: ``"process 4711 on HOST"``, where it can be seen that one writes it.
        done: why nothing more will come, a sentence; empty where more may.
        problem: what can't be read just now, a sentence; it is tried again the next time.
    """

    mark: Mark
    steps: tuple[StepDone, ...] = ()
    evaluations: tuple[Evaluated, ...] = ()
    measured: tuple[Measured, ...] = ()
    samples: tuple[Sampled, ...] = ()
    snapshots: tuple[SnapshotSaved, ...] = ()
    anew: bool = False
    more: bool = False
    age: float = 0.0
    writer: str = ""
    done: str = ""
    problem: str = ""

    @property
    def is_something(self) -> bool:
        """Whether anything has come."""
        return bool(
            self.steps or self.evaluations or self.measured or self.samples or self.snapshots
        )


def news_of(run_dir: Path, mark: Mark) -> RunNews:
    """Look at a run folder again.

    Args:
        run_dir: the folder; it may be gone for a moment.
        mark: what is known of it.

    Returns:
        What is new; never an error: what can't be read is the news' problem.
    """
    try:
        news = _rows(run_dir, mark)
        if news.anew:
            return news
        news = _samples(run_dir, news)
        news = _curves(run_dir, news)
        news = _snapshots(run_dir, news)
        done = "" if news.more else _done(run_dir, news)
        return replace(news, writer=who_trains(run_dir) or "", done=done)
    except OSError as error:
        return RunNews(mark=mark, problem=f"{run_dir} can't be read: {error.strerror or error}.")


def _rows(run_dir: Path, mark: Mark) -> RunNews:
    """The curve's new rows, and the last known one where it has been completed since."""
    with (run_dir / METRICS_FILE).open("rb") as file:
        status = os.fstat(file.fileno())
        age = max(0.0, time.time() - status.st_mtime)
        if mark.names:
            file.seek(mark.offset - len(mark.before))
            if file.read(len(mark.before)) != mark.before:
                return RunNews(mark=mark, anew=True)
        start = file.tell()
        raw = file.read(MOST_BYTES)
    end = raw.rfind(b"\n") + 1
    lines = raw[:end].split(b"\n")[:-1]
    names = mark.names
    if not names:
        if not lines:
            return RunNews(mark=mark, age=age)  # not even a header yet
        names = tuple(lines[0].decode("utf-8", "replace").split(","))
        start += len(lines[0]) + 1
        del lines[0]
    steps: list[StepDone] = []
    evaluations: list[Evaluated] = []
    step, evaluated_at = mark.step, mark.evaluated_at
    per_byte: float | None = None
    offset, last, problem = start, start, ""
    for line in lines:
        try:
            row = row_of_line(list(names), line.decode("utf-8"))
            if "train_loss" in row and row["step"] > step:
                steps.append(event_of(StepDone, row))
                step = row["step"]
            if "val_loss" in row and row["step"] > evaluated_at:
                per_byte = per_byte or bits_per_byte(_tables(run_dir))
                row["bits_per_byte"] = row["val_loss"] * per_byte
                evaluations.append(event_of(Evaluated, row))
                evaluated_at = row["step"]
        except (ValueError, OverflowError, KeyError) as error:
            problem = f"A row of {METRICS_FILE} can't be read yet: {error}."
            break
        last, offset = offset, offset + len(line) + 1
    # The last row stays unread, as a validation may still come to it; so does what is damaged.
    kept = last if lines and not problem else offset
    before = (mark.before + raw[: kept - (mark.offset if mark.names else 0)])[-_KEPT:]
    return RunNews(
        mark=replace(
            mark,
            step=step,
            evaluated_at=evaluated_at,
            names=names,
            offset=kept,
            before=before,
        ),
        steps=tuple(steps),
        evaluations=tuple(evaluations),
        more=len(raw) == MOST_BYTES and not problem,
        age=age,
        problem=problem,
    )


def _samples(run_dir: Path, news: RunNews) -> RunNews:
    mark = news.mark
    try:
        size = (run_dir / SAMPLES_FILE).stat().st_size
    except OSError:
        return news
    if size == mark.samples_size and not news.is_something:
        return news
    last = max(mark.step, mark.evaluated_at)
    found = tuple(one for one in read_samples(run_dir, last) if one.step > mark.sampled_at)
    at = found[-1].step if found else mark.sampled_at
    return replace(news, samples=found, mark=replace(mark, samples_size=size, sampled_at=at))


def _curves(run_dir: Path, news: RunNews) -> RunNews:
    """The whole lines that have come; whether the run is another one is seen by its metrics."""
    mark = news.mark
    try:
        with (run_dir / CURVES_FILE).open("rb") as file:
            file.seek(mark.curves_offset)
            raw = file.read(MOST_BYTES)
    except OSError:
        return news
    last = max(mark.step, mark.evaluated_at)
    found: list[Row] = []
    known = 0
    for line in raw.split(b"\n")[:-1]:
        row = row_of(line.decode("utf-8", "replace"))
        if row is not None and row[0] > last:
            break  # its step's own row has not come yet
        if row is not None:
            found.append(row)
        known += len(line) + 1
    return replace(
        news,
        measured=measured_of(found),
        mark=replace(mark, curves_offset=mark.curves_offset + known),
        more=news.more or (len(raw) == MOST_BYTES and known > 0),
    )


def _snapshots(run_dir: Path, news: RunNews) -> RunNews:
    known = news.mark.snapshots
    found = tuple(
        SnapshotSaved(step, path)
        for step, path in snapshots(run_dir)
        if step not in known and is_whole(path)
    )
    marked = known | {snapshot.step for snapshot in found}
    return replace(news, snapshots=found, mark=replace(news.mark, snapshots=marked))


def _done(run_dir: Path, news: RunNews) -> str:
    """Whether the run is at its end; by its own recipe, which may have been changed since."""
    try:
        return nothing_left(read_recipe(run_dir), news.steps, news.evaluations)
    except RunError:
        return ""


def _tables(run_dir: Path) -> dict[str, Any]:
    """run.toml's tables; none while it is not there."""
    try:
        return read_run(run_dir)
    except RunError:
        return {}

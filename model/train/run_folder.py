"""The run folder: what a training run leaves on disk, and how others read it.

    run.toml                recipe, data hash, seed, versions
    metrics.csv             one row a step
    curves.csv              what was measured of the network (`model.train.curves_file`)
    tokenizer.json
    samples.jsonl           what it wrote while it learned (written by `model.train.samples`)
    snapshots/step-000100/  a model folder
    state/                  what resuming needs (written by `model.train.state`)
    state/kept-000100.pt    the same of an earlier step (`model.train.kept_states`)
    .lock                   while a process trains it (`model.train.claim`)

Files appear whole or not at all; metrics and samples grow by whole lines. Reading needs no torch;
a window may watch a folder that another process or machine writes. How a folder is written is
`model.train.run_writing`'s.
"""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.folder_lock import holder
from model.train.metrics import whole_columns
from model.train.recipe import Recipe, RecipeError

RUN_FILE = "run.toml"
METRICS_FILE = "metrics.csv"
SNAPSHOTS = "snapshots"
STATE = "state"
ADAPTERS = "adapters"
"""Of a run that trains an adapter: it at the steps that have a snapshot, as PEFT reads it."""

_SNAPSHOT = re.compile(r"step-(\d+)")
_LONGEST_NAME = 120
"""Bytes of a folder's name: file systems take 143 or more, and a number or `.part` comes on top."""
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)
"""Names that are devices on Windows, whatever comes after their dot."""


class RunError(ValueError):
    """A run folder that can't be made, read or resumed; the message says why."""


def is_run(path: Path) -> bool:
    """Whether a folder is a run folder."""
    return os.path.isfile(path / RUN_FILE)  # noqa: PTH113 - Path's raises for a name too long


def who_trains(path: Path) -> str | None:
    """Who trains the run in a folder, None if nobody does.

    Returns:
        ``"process 4711 on HOST"``, or ``"this process"``.
    """
    return holder(path)


def unique_run_dir(base: Path, name: str) -> Path:
    """A folder that is free: ``base/name``, or the next of ``base/name-2``, ``base/name-3``, ….

    What a file system may refuse becomes ``-``, and a long name is cut.
    """
    shown = "".join(c if c.isprintable() else "/" for c in name)
    safe = re.sub(r'[<>:"/\\|?*]+', "-", shown)
    safe = safe.encode("utf-8", "replace")[:_LONGEST_NAME].decode("utf-8", "ignore")
    safe = safe.strip(" .-") or "run"
    if _RESERVED.match(safe):
        safe = f"run-{safe}"
    path, n = base / safe, 1
    while os.path.lexists(path):
        n += 1
        path = base / f"{safe}-{n}"
    return path


def read_run(path: Path) -> dict[str, Any]:
    """The tables of a run.toml.

    Raises:
        RunError: the folder holds no run, or its run.toml is damaged.
    """
    try:
        return tomllib.loads((path / RUN_FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RunError(f"{path} holds no run: it has no {RUN_FILE}.") from None
    except (OSError, ValueError) as error:
        raise RunError(f"{path / RUN_FILE} can't be read: {error}.") from error


def read_recipe(path: Path) -> Recipe:
    """The recipe of a run.

    Raises:
        RunError: the folder holds no run, or no recipe that this version understands.
    """
    try:
        return Recipe.from_mapping(read_run(path).get("recipe", {}))
    except RecipeError as error:
        raise RunError(f"{path / RUN_FILE} has no usable recipe: {error}") from error


def read_metrics(path: Path) -> dict[str, NDArray[Any]]:
    """A run's metrics, also while it is being written.

    Returns:
        One array a column: int64 for whole numbers (`model.train.metrics`), the others float64
        with NaN where the file is blank.

    Raises:
        RunError: there is no metrics.csv, or it is damaged.
    """
    try:
        header, *lines = whole_lines(path / METRICS_FILE)
        names = header.split(",")
        rows = [line.split(",") for line in lines]
        if any(len(row) != len(names) for row in rows):
            raise ValueError("a row has the wrong number of columns")
        table = {
            name: np.array([row[i] or "nan" for row in rows], dtype=np.float64)
            for i, name in enumerate(names)
        }
        whole = whole_columns()
        return {
            name: column.astype(np.int64) if name in whole else column
            for name, column in table.items()
        }
    except OSError as error:
        raise RunError(f"{path} has no readable {METRICS_FILE}: {error.strerror}.") from error
    except ValueError as error:
        raise RunError(f"{path / METRICS_FILE} is damaged: {error}.") from error


def snapshots(path: Path) -> list[tuple[int, Path]]:
    """A run's snapshots, ``(step, folder)`` by step."""
    folder = path / SNAPSHOTS
    if not os.path.isdir(folder):  # noqa: PTH112 - Path's raises for a name too long
        return []
    found = ((_SNAPSHOT.fullmatch(entry.name), entry) for entry in folder.iterdir())
    return sorted((int(match[1]), entry) for match, entry in found if match)


def step_of_snapshot(path: Path) -> int | None:
    """The step of a snapshot, as its folder is called; None for any other path."""
    match = _SNAPSHOT.fullmatch(path.name)
    return int(match[1]) if match else None


def whole_lines(path: Path) -> list[str]:
    """A file's finished lines: one that is still being written is left out.

    Raises:
        ValueError: there is none, not even a header.
    """
    text = path.read_text(encoding="utf-8")
    lines = text[: text.rfind("\n") + 1].splitlines()
    if not lines:
        raise ValueError("it is empty")
    return lines

"""Files of a run folder, written or cut as a whole: run.toml, the table, samples; a copy of all.

Knows their forms; nothing is held open here, and no lock is asked for.
"""

from __future__ import annotations

import contextlib
import platform
import shutil
import sys
from collections.abc import Mapping
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from model import __version__
from model.folder_lock import LOCK_FILE
from model.train.claim import check_free
from model.train.metrics import columns
from model.train.places import from_run
from model.train.recipe import Recipe
from model.train.run_folder import (
    RUN_FILE,
    RunError,
    read_run,
    whole_lines,
)
from model.train.samples import SAMPLES_FILE, read_samples, sample_line
from model.train.toml import toml_table
from model.whole_file import write_whole
from model.whole_folder import whole_folder


def copy_run(source: Path, target: Path) -> None:
    """Copy a whole run to a new folder, which appears whole or not at all.

    Raises:
        RunError: the target is taken, or the disk refuses.
    """
    check_free(target)
    try:
        with whole_folder(target) as beside:
            shutil.copytree(source, beside, ignore=_left_behind, dirs_exist_ok=True)
    except shutil.Error as error:  # of several files, each with its paths and its reason
        reason = str(error.args[0][0][2]).partition("] ")[2].partition(":")[0]
        raise RunError(f"{target} can't be written: {reason or error}.") from error
    except OSError as error:
        raise RunError(f"{target} can't be written: {error.strerror or error}.") from error


def _left_behind(_folder: str, names: list[str]) -> set[str]:
    """What is not copied with a run: its lock, and what is being written."""
    return {
        name
        for name in names
        if name == LOCK_FILE or (name.startswith(".") and name.endswith(".part"))
    }


def versions() -> dict[str, str]:
    """What ran, for run.toml."""
    found = {"glassformer": __version__, "python": platform.python_version()}
    for package in ("torch", "numpy", "tokenizers"):
        # What is loaded knows which build it is (2.13.0+cu130); its package may not.
        loaded = getattr(sys.modules.get(package), "__version__", None)
        try:
            found[package] = str(loaded) if loaded else version(package)
        except PackageNotFoundError:
            continue
    found["platform"] = platform.platform()
    return found


def toml_tables(tables: Mapping[str, Mapping[str, Any]]) -> str:
    """A run.toml."""
    return "\n".join(f"[{name}]\n{toml_table(table)}" for name, table in tables.items())


def columns_of(recipe: Recipe) -> tuple[str, ...]:
    """Of the table of a run: what only some runs measure has a column in those."""
    return columns(("old_loss",) if recipe.old_data else ())


def keep_rows(metrics: Path, step: int) -> None:
    """Drop the rows beyond a step, and half a row at the end; a curve that is lost begins anew."""
    text = metrics.read_text(encoding="utf-8") if metrics.exists() else ""
    try:
        header, *rows = whole_lines(metrics) if "\n" in text else [",".join(columns())]
        kept = [row for row in rows if int(row.partition(",")[0]) <= step]
    except ValueError as error:
        raise RunError(f"{metrics} is damaged: {error}.") from error
    content = "".join(f"{line}\n" for line in (header, *kept))
    if content != text:
        write_whole(metrics, content, ordinary=True)


def add_columns(metrics: Path, recipe: Recipe) -> None:
    """Give a table the columns that a recipe measures and it has not yet."""
    header, *rows = whole_lines(metrics)
    new = [name for name in columns_of(recipe) if name not in header.split(",")]
    if new:
        lines = (",".join((header, *new)), *(row + "," * len(new) for row in rows))
        write_whole(metrics, "".join(f"{line}\n" for line in lines), ordinary=True)


def keep_samples(path: Path, step: int) -> None:
    """Drop the samples beyond a step, and half a line at the end."""
    content = "".join(f"{sample_line(sample)}\n" for sample in read_samples(path, step))
    file = path / SAMPLES_FILE
    if content.encode("ascii") != (file.read_bytes() if file.exists() else b""):
        write_whole(file, content, ordinary=True)


def write_recipe(path: Path, recipe: Recipe) -> None:
    """Let run.toml say what is run from now on, as an interrupted run goes on by it."""
    before = read_run(path)
    text = {**before.get("data", {}), **from_run(recipe, path)}
    tables = before | {"recipe": asdict(recipe), "data": text}
    if tables != before:
        with contextlib.suppress(TypeError):  # tables of a later version, which we can't write
            write_whole(path / RUN_FILE, toml_tables(tables), ordinary=True)

"""The run folder: what a training run leaves on disk, and how others read it.

    run.toml                recipe, data hash, seed, versions
    metrics.csv             one row a step
    tokenizer.json
    snapshots/step-000100/  a model folder
    state/                  what resuming needs (written by `model.train.state`)

Files appear whole or not at all: they are written beside their place, then renamed; metrics grow
by whole lines. A disk that is full for a while, or a folder that somebody removes, costs a running
run nothing: lines wait, and the folder is made again. Reading and writing the tables needs no
torch; a window may watch a folder that another machine writes.
"""

from __future__ import annotations

import contextlib
import os
import platform
import re
import secrets
import shutil
import sys
import time
import tomllib
from collections.abc import Mapping
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from model import __version__
from model.train.events import Evaluated, StepDone
from model.train.metrics import Row, columns, row_of, whole_columns
from model.train.recipe import Recipe, RecipeError
from model.train.toml import toml_table
from model.whole_file import write_whole

if TYPE_CHECKING:
    from model.tokenizer.tokenizer import Tokenizer
    from model.transformer import Transformer

RUN_FILE = "run.toml"
METRICS_FILE = "metrics.csv"
SNAPSHOTS = "snapshots"
FLUSH_SECONDS = 1.0

_SNAPSHOT = re.compile(r"step-(\d+)")


class RunError(ValueError):
    """A run folder that can't be made, read or resumed; the message says why."""


class RunFolder:
    """A run folder that is being written.

    Args:
        path: the folder, which exists and has a run.toml.
        tokenizer: of the run.
    """

    def __init__(self, path: Path, tokenizer: Tokenizer) -> None:
        self.path = path
        self._tokenizer = tokenizer
        self._tables = (path / RUN_FILE).read_text(encoding="utf-8")
        with (path / METRICS_FILE).open(encoding="utf-8") as file:
            self._columns = file.readline().strip().split(",")
        self._row: Row | None = None
        self._waiting = bytearray()
        self._written_at = time.monotonic()
        self._file = self._open()

    @classmethod
    def create(
        cls,
        path: Path,
        recipe: Recipe,
        tokenizer: Tokenizer,
        facts: Mapping[str, Mapping[str, Any]],
    ) -> RunFolder:
        """Begin a run in a new or empty folder.

        Args:
            path: where.
            recipe: what is run.
            tokenizer: saved beside it.
            facts: further tables for run.toml, for example ``{"data": {"sha256": …}}``.

        Raises:
            RunError: the folder holds something already, or can't be made.
        """
        check_free(path)
        was_there = path.exists()
        try:
            (path / SNAPSHOTS).mkdir(parents=True, exist_ok=True)
            tokenizer.save(path)
            write_whole(path / METRICS_FILE, ",".join(columns()) + "\n")
            tables = {"recipe": asdict(recipe), **facts, "versions": versions()}
            # Last: a folder with a run.toml is a run with all that belongs to it.
            write_whole(
                path / RUN_FILE,
                "\n".join(f"[{name}]\n{toml_table(table)}" for name, table in tables.items()),
            )
        except OSError as error:
            # As it was before: the same name can be tried again.
            shutil.rmtree(path, ignore_errors=True)
            if was_there:
                path.mkdir(exist_ok=True)
            raise RunError(
                f"The run folder {path} can't be made: {error.strerror or error}. "
                "Choose another place for it."
            ) from error
        return cls(path, tokenizer)

    @classmethod
    def resume(cls, path: Path, step: int, tokenizer: Tokenizer) -> RunFolder:
        """Go on with a run after ``step``: what metrics.csv has beyond it is dropped."""
        metrics = path / METRICS_FILE
        header, *rows = whole_lines(metrics)
        kept = [row for row in rows if int(row.partition(",")[0]) <= step]
        write_whole(metrics, "".join(f"{line}\n" for line in (header, *kept)))
        return cls(path, tokenizer)

    def record(self, event: StepDone | Evaluated) -> None:
        """Take what is measured of a step; written once the next step or the end comes.

        What of it was measured before, as the seconds of a step that is then validated, stays.
        """
        row = row_of(event)
        if self._row is not None and self._row["step"] == row["step"]:
            self._row = row | self._row
            return
        self._take_row()
        self._row = row
        if time.monotonic() - self._written_at >= FLUSH_SECONDS:
            with contextlib.suppress(OSError):  # tried again in a second
                self._write()

    def save_snapshot(self, step: int, transformer: Transformer, tokenizer: Tokenizer) -> Path:
        """The network as a model folder.

        Raises:
            RunError, CheckpointError: the disk refuses.
            CheckpointError: no known format describes the network.
        """
        from model.checkpoint import save_checkpoint

        self.flush()
        folder = self.path / SNAPSHOTS / f"step-{step:06d}"
        save_checkpoint(folder, transformer, tokenizer, extra={"training_step": step})
        return folder

    def flush(self) -> None:
        """Write every row there is, the last one too.

        Raises:
            RunError: the disk refuses.
        """
        self._take_row()
        try:
            if not is_run(self.path):
                self._make_again()
            self._write()
        except OSError as error:
            raise RunError(
                f"The curve in {self.path} can't be written: {error.strerror or error}."
            ) from error

    def close(self) -> None:
        """Write what is left.

        Raises:
            RunError: the disk refuses.
        """
        if not self._file.closed:
            try:
                self.flush()
            finally:
                self._file.close()

    def _open(self) -> FileIO:
        # For reading too: a file that somebody removed can still be read by who has it open.
        return FileIO(self.path / METRICS_FILE, "a+")

    def _make_again(self) -> None:
        """Somebody has removed or moved the folder: the run goes on in a new one."""
        self._file.seek(0)
        metrics = self._file.readall()
        (self.path / SNAPSHOTS).mkdir(parents=True, exist_ok=True)
        self._tokenizer.save(self.path)
        write_whole(self.path / METRICS_FILE, metrics)
        write_whole(self.path / RUN_FILE, self._tables)
        self._file.close()
        self._file = self._open()

    def _take_row(self) -> None:
        if self._row is not None:
            # The file's own columns: a run that is resumed may have been begun with others.
            values = [self._row.get(column) for column in self._columns]
            line = ",".join("" if value is None else repr(value) for value in values)
            self._waiting += f"{line}\n".encode("ascii")
            self._row = None

    def _write(self) -> None:
        self._written_at = time.monotonic()
        # One write of whole lines: a reader never meets half a row, unless the disk is full.
        while self._waiting:
            written = self._file.write(self._waiting)
            del self._waiting[:written]


def check_free(path: Path) -> None:
    """See that a run may be written here: nothing is ever overwritten.

    Raises:
        RunError: a run, or anything else, lies there.
    """
    if is_run(path):
        raise RunError(f"{path} holds a run already. Resume it, or choose another name.")
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise RunError(f"{path} exists and is not empty. Choose another name for the run.")


def is_run(path: Path) -> bool:
    """Whether a folder is a run folder."""
    return (path / RUN_FILE).is_file()


def unique_run_dir(base: Path, name: str) -> Path:
    """A folder that is free: ``base/name``, or the next of ``base/name-2``, ``base/name-3``, ….

    Characters that a file system may refuse become ``-``.
    """
    safe = re.sub(r'[\x00-\x1f<>:"/\\|?*]+', "-", name).strip(" .-") or "run"
    path, n = base / safe, 1
    while path.exists():
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
    if not folder.is_dir():
        return []
    found = ((_SNAPSHOT.fullmatch(entry.name), entry) for entry in folder.iterdir())
    return sorted((int(match[1]), entry) for match, entry in found if match)


def copy_run(source: Path, target: Path) -> None:
    """Copy a whole run to a new folder, which appears whole or not at all.

    Raises:
        RunError: the target is taken, or the disk refuses.
    """
    check_free(target)
    place = Path(os.path.realpath(target))  # a link to an empty folder stays one
    beside = place.with_name(f".{place.name[:50]}.{secrets.token_hex(4)}.part")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(source, beside, ignore=shutil.ignore_patterns(".*"))
        if place.exists():
            place.rmdir()
        beside.replace(place)
    except shutil.Error as error:  # of several files, each with its paths and its reason
        reason = str(error.args[0][0][2]).partition("] ")[2].partition(":")[0]
        raise RunError(f"{target} can't be written: {reason or error}.") from error
    except OSError as error:
        raise RunError(f"{target} can't be written: {error.strerror or error}.") from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)


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

"""Writing a run folder: begun, gone on with, row by row, snapshot by snapshot; and copied.

Files are written beside their place, then renamed; metrics and samples grow by whole lines. A disk
that is full for a while, or a folder that somebody removes, costs a running run nothing: lines
wait, and the folder is made again.

Knows names and tables (`model.train.run_folder`) and who may write (`model.train.claim`); no state,
no step.
"""

from __future__ import annotations

import contextlib
import platform
import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from model import __version__
from model.folder_lock import LOCK_FILE
from model.train.claim import Claim, cannot_be_made, check_free
from model.train.curves_file import CURVES_FILE, CURVES_HEADER, curve_lines, keep_curves
from model.train.events import Evaluated, Measured, Sampled, StepDone
from model.train.lines import Lines
from model.train.metrics import columns, row_of
from model.train.places import from_run
from model.train.recipe import Recipe
from model.train.run_folder import (
    METRICS_FILE,
    RUN_FILE,
    SNAPSHOTS,
    RunError,
    is_run,
    read_run,
    whole_lines,
)
from model.train.samples import SAMPLES_FILE, read_samples, sample_line
from model.train.toml import toml_table
from model.whole_file import write_whole
from model.whole_folder import whole_folder

if TYPE_CHECKING:
    from model.tokenizer.tokenizer import Tokenizer
    from model.transformer import Transformer

FLUSH_SECONDS = 1.0


class RunFolder:
    """A run folder that is being written.

    Args:
        claim: of the folder, which has a run.toml; released at the end.
        tokenizer: of the run.
    """

    def __init__(self, claim: Claim, tokenizer: Tokenizer) -> None:
        self.path = path = claim.path
        self._claim = claim
        self._tokenizer = tokenizer
        self._tables = (path / RUN_FILE).read_text(encoding="utf-8")
        self._rows = Lines(path / METRICS_FILE)
        self._samples = Lines(path / SAMPLES_FILE)
        self._curves = Lines(path / CURVES_FILE)
        if not self._curves.content():
            self._curves.add(CURVES_HEADER)
        header, *rows = self._rows.content().decode("utf-8").splitlines()
        self._columns = header.split(",")
        # The last row, which may still be completed: by the validation after its step.
        self._row: dict[str, str] = {}
        self._row_has_changed = False
        self._row_is_in_file = bool(rows)
        if rows:
            cells = zip(self._columns, rows[-1].split(","))
            self._row = {column: cell for column, cell in cells if cell}
        self._sampled_at = max((sample.step for sample in _samples(path)), default=-1)
        self._written_at = time.monotonic()
        self._lost = False

    @classmethod
    def create(
        cls,
        path: Path,
        recipe: Recipe,
        tokenizer: Tokenizer,
        facts: Mapping[str, Mapping[str, Any]],
        claim: Claim | None = None,
    ) -> RunFolder:
        """Begin a run in a new or empty folder.

        Args:
            path: where.
            recipe: what is run.
            tokenizer: saved beside it.
            facts: further tables for run.toml, for example ``{"data": {"sha256": …}}``.
            claim: of the folder; made here if left out. Released where this fails.

        Raises:
            RunError: the folder holds something already, or can't be made.
        """
        claim = claim or Claim.new(path)
        try:
            (path / SNAPSHOTS).mkdir(exist_ok=True)
            tokenizer.save(path)
            write_whole(path / METRICS_FILE, ",".join(_columns_of(recipe)) + "\n", ordinary=True)
            # Last: a folder with a run.toml is a run with all that belongs to it.
            write_whole(
                path / RUN_FILE,
                toml_tables({"recipe": asdict(recipe), **facts, "versions": versions()}),
            )
            folder = cls(claim, tokenizer)
        except OSError as error:
            # As it was before: the same name can be tried again.
            claim.release()
            raise cannot_be_made(path, error) from error
        claim.begun()
        return folder

    @classmethod
    def resume(
        cls,
        path: Path,
        step: int,
        tokenizer: Tokenizer,
        recipe: Recipe | None = None,
        claim: Claim | None = None,
    ) -> RunFolder:
        """Go on with a run after ``step``: rows and samples beyond it are dropped.

        Args:
            path: of the run.
            step: the last one that is kept; -1 keeps none.
            tokenizer: of the run.
            recipe: what is run from now on, and on which text, for run.toml; the run's own if
                left out.
            claim: of the folder; made here if left out.

        Raises:
            RunError: another process trains it, a file in it is damaged, or the disk refuses.
        """
        claim = claim or Claim.of_run(path)
        try:
            keep_rows(path / METRICS_FILE, step)
            keep_samples(path, step)
            keep_curves(path, step)
            if recipe is not None:
                _keep_recipe(path, recipe)
            return cls(claim, tokenizer)
        except RunError:
            claim.release()
            raise
        except OSError as error:
            claim.release()
            raise RunError(f"{path} can't be written: {error.strerror or error}.") from error

    def record(self, event: StepDone | Evaluated | Measured | Sampled) -> None:
        """Take what is measured of a step; its row is written once the next step or the end comes.

        What of it was measured before, as the seconds of a step that is then validated, stays.
        """
        if isinstance(event, Sampled):
            self._record_sample(event)
            return
        if isinstance(event, Measured):
            for line in curve_lines(event):
                self._curves.add(line)
            return
        row = {column: repr(value) for column, value in row_of(event).items()}
        if self._row.get("step") == row["step"]:
            self._row_has_changed |= not row.keys() <= self._row.keys()
            self._row = row | self._row
            return
        self._take_row()
        self._row, self._row_has_changed, self._row_is_in_file = row, True, False
        if time.monotonic() - self._written_at >= FLUSH_SECONDS:
            with contextlib.suppress(OSError):  # tried again in a second
                self._write()

    def change_recipe(self, recipe: Recipe) -> None:
        """Let run.toml say what is run from now on.

        Raises:
            RunError: the disk refuses, or another run lies in the folder's place.
        """
        self._check_not_lost()
        try:
            tables = read_run(self.path) | {"recipe": asdict(recipe)}
            text = toml_tables(tables)
            write_whole(self.path / RUN_FILE, text, ordinary=True)
        except (OSError, TypeError) as error:
            raise RunError(f"{self.path / RUN_FILE} can't be changed: {error}.") from error
        self._tables = text

    def save_snapshot(
        self,
        step: int,
        transformer: Transformer,
        tokenizer: Tokenizer,
        without: Sequence[str] = (),
        family: str | None = None,
    ) -> Path:
        """The network as a model folder.

        Args:
            step: which.
            transformer: the network.
            tokenizer: its.
            without: what was taken away from it while it learned, for config.json.
            family: as which it is saved; None takes one that it is.

        Raises:
            RunError, CheckpointError: the disk refuses.
            CheckpointError: no known format describes the network.
        """
        from model.checkpoint import save_checkpoint

        self.flush()
        folder = self.path / SNAPSHOTS / f"step-{step:06d}"
        extra: dict[str, Any] = {"training_step": step}
        if without:
            extra["trained_without"] = list(without)
        save_checkpoint(folder, transformer, tokenizer, extra, family)
        return folder

    def keep_recipe(self, recipe: Recipe) -> None:
        """Let run.toml say what is run from now on; where the disk refuses, it stays as it was."""
        with contextlib.suppress(OSError, RunError):
            if (self.path / RUN_FILE).read_text(encoding="utf-8") == self._tables:
                self.change_recipe(recipe)

    def flush(self) -> None:
        """Write every row there is, the last one too.

        Raises:
            RunError: the disk refuses, or another run lies in the folder's place.
        """
        self._check_not_lost()
        try:
            self._take_row()
            if not self._claim.is_whole or not is_run(self.path):
                self._make_again()
            for lines in (self._rows, self._samples, self._curves):
                if not lines.is_in_place:
                    lines.make_again()
            self._write()
        except OSError as error:
            raise RunError(
                f"The curve in {self.path} can't be written: {error.strerror or error}."
            ) from error

    def close(self) -> None:
        """Write what is left, and let others write the folder.

        Raises:
            RunError: the disk refuses.
        """
        if not self._rows.closed:
            try:
                self.flush()
            finally:
                self._rows.close()
                self._samples.close()
                self._curves.close()
                self._claim.release()

    def _make_again(self) -> None:
        """Somebody has removed or moved the folder: the run goes on in a new one."""
        self._claim.renew()
        if is_run(self.path):
            self._lost = (self.path / RUN_FILE).read_text(encoding="utf-8") != self._tables
            self._check_not_lost()
            return
        (self.path / SNAPSHOTS).mkdir(exist_ok=True)
        self._tokenizer.save(self.path)
        write_whole(self.path / RUN_FILE, self._tables, ordinary=True)

    def _check_not_lost(self) -> None:
        if self._lost:
            raise RunError(
                f"Another run lies in {self.path} now, so this one can't be written there. Give "
                "each run a folder of its own."
            )

    def _record_sample(self, sample: Sampled) -> None:
        if sample.step > self._sampled_at:
            self._sampled_at = sample.step
            self._samples.add(sample_line(sample))

    def _take_row(self) -> None:
        if not self._row_has_changed:
            return
        # The file's own columns: a run that is resumed may have been begun with others.
        line = ",".join(self._row.get(column, "") for column in self._columns)
        if self._row_is_in_file:
            self._rows.change_last(line)
        else:
            self._rows.add(line)
        self._row_has_changed, self._row_is_in_file = False, True

    def _write(self) -> None:
        self._written_at = time.monotonic()
        self._rows.write()
        self._samples.write()
        self._curves.write()


class NoFolder:
    """In place of the run folder, in a process that leaves the writing to another one."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def record(self, event: StepDone | Evaluated | Measured | Sampled) -> None:
        """Written by the first process."""

    def keep_recipe(self, recipe: Recipe) -> None:
        """Written by the first process."""

    def change_recipe(self, recipe: Recipe) -> None:
        """Written by the first process."""

    def flush(self) -> None:
        """Nothing waits here."""

    def close(self) -> None:
        """Nothing was open."""


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


def _columns_of(recipe: Recipe) -> tuple[str, ...]:
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


def keep_samples(path: Path, step: int) -> None:
    """Drop the samples beyond a step, and half a line at the end."""
    content = "".join(f"{sample_line(sample)}\n" for sample in read_samples(path, step))
    file = path / SAMPLES_FILE
    if content.encode("ascii") != (file.read_bytes() if file.exists() else b""):
        write_whole(file, content, ordinary=True)


def _samples(path: Path) -> tuple[Sampled, ...]:
    return read_samples(path, sys.maxsize)


def _keep_recipe(path: Path, recipe: Recipe) -> None:
    """Let run.toml say what is run from now on, as an interrupted run goes on by it."""
    before = read_run(path)
    text = {**before.get("data", {}), **from_run(recipe, path)}
    tables = before | {"recipe": asdict(recipe), "data": text}
    if tables != before:
        with contextlib.suppress(TypeError):  # tables of a later version, which we can't write
            write_whole(path / RUN_FILE, toml_tables(tables), ordinary=True)

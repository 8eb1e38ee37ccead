"""Who may write a run folder: one process at a time, and a new run only where nothing lies.

A claim is a lock that ends with its process. Under a claim of a new run a folder may hold less
than a run, until its run.toml is there; what a killed beginning left is known by its lock file and
cleared away. So are the `.part` files that a killed run leaves.

Knows the names in a run folder; not what stands in its files.
"""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path

from model.folder_lock import HERE, LOCK_FILE, FolderLock
from model.train.run_folder import (
    ADAPTERS,
    METRICS_FILE,
    RUN_FILE,
    SNAPSHOTS,
    STATE,
    RunError,
    is_run,
    who_trains,
)
from model.train.samples import SAMPLES_FILE

_BEGINNING = frozenset(
    (LOCK_FILE, METRICS_FILE, SAMPLES_FILE, SNAPSHOTS, "tokenizer.json", "tokenizer_config.json")
)
"""What is written before run.toml, which makes the folder a run."""


class Claim:
    """The right to write a run folder, from `new` or `of_run` until it is released."""

    def __init__(self, path: Path, lock: FolderLock, made: list[Path], begun: bool) -> None:
        self.path = path
        self._lock = lock
        self._made = made
        self._begun = begun
        self._released = False

    @classmethod
    def new(cls, path: Path) -> Claim:
        """For a run that is to begin; the folder is made, and gone again if it doesn't.

        Raises:
            RunError: a run, or anything else, lies there; another process was quicker; or the
                folder can't be made.
        """
        check_free(path)
        made = _missing(path)
        try:
            path.mkdir(parents=True, exist_ok=True)
            lock = FolderLock.take(path)
        except (OSError, ValueError) as error:
            _remove_empty(made)
            raise cannot_be_made(path, error) from error
        if lock is None:
            raise _busy(path, _NEW)
        claim = cls(path, lock, made, begun=False)
        try:
            _check_content(path)
        except RunError:
            claim._begun = True  # what lies there is another's
            claim.release()
            raise
        claim._clear()
        return claim

    @classmethod
    def of_run(cls, path: Path) -> Claim:
        """For a run that goes on.

        Raises:
            RunError: another process trains it, or the folder can't be written.
        """
        try:
            lock = FolderLock.take(path)
        except OSError as error:
            raise RunError(
                f"{path} can't be written: {error.strerror or error}. Copy the run to another "
                "place and resume it there."
            ) from error
        if lock is None:
            raise _busy(path, _GOING_ON)
        for folder in (path, path / SNAPSHOTS, path / STATE, path / ADAPTERS):
            _remove_parts(folder)
        return cls(path, lock, [], begun=True)

    def begun(self) -> None:
        """The run's files are there: they stay from now on."""
        self._begun = True

    @property
    def is_whole(self) -> bool:
        """Whether the folder is still the one that was claimed."""
        return self._lock.is_whole

    def renew(self) -> None:
        """Claim what lies in the folder's place, after somebody removed or moved it.

        Raises:
            OSError: the disk refuses.
            RunError: another process was quicker.
        """
        if self.is_whole:
            return
        self.path.mkdir(parents=True, exist_ok=True)
        lock = FolderLock.take(self.path)
        if lock is None:
            raise _busy(self.path, _NEW)
        self._lock.release()
        self._lock = lock

    def release(self) -> None:
        """Let others write it. A folder without a run is as it was before."""
        if self._released:
            return
        self._released = True
        if not self._begun:
            self._clear()
        self._lock.release()
        if not self._begun:
            _remove_empty(self._made)

    def _clear(self) -> None:
        for name in (RUN_FILE, *_BEGINNING - {LOCK_FILE}):
            entry = self.path / name
            if entry.is_dir():
                shutil.rmtree(entry, ignore_errors=True)
            else:
                with contextlib.suppress(OSError):
                    entry.unlink(missing_ok=True)
        _remove_parts(self.path)


def check_free(path: Path) -> None:
    """See that a run may begin here: nothing is ever overwritten.

    Raises:
        RunError: a run, or anything else, lies there, or is being made by another process.
    """
    if who_trains(path) is not None:
        raise _busy(path, _NEW)
    _check_content(path)


def cannot_be_made(path: Path, error: OSError | ValueError) -> RunError:
    """The sentence for a folder that the system refuses."""
    reason = (isinstance(error, OSError) and error.strerror) or error
    return RunError(f"The run folder {path} can't be made: {reason}. Choose another place for it.")


def _check_content(path: Path) -> None:
    if is_run(path):
        raise RunError(f"{path} holds a run already. Resume it, or choose another name.")
    try:
        taken = path.exists() and (not path.is_dir() or any(path.iterdir()))
    except (OSError, ValueError) as error:
        raise cannot_be_made(path, error) from error
    if taken and not _is_beginning(path):
        raise RunError(f"{path} exists and is not empty. Choose another name for the run.")


def _is_beginning(path: Path) -> bool:
    """Whether all that lies there is what a run that was killed as it began has left."""
    if not path.is_dir() or not (path / LOCK_FILE).is_file():
        return False
    entries = [*path.iterdir(), *(path / SNAPSHOTS).glob("*")]
    return all(entry.name in _BEGINNING or _is_part(entry) for entry in entries)


def _is_part(entry: Path) -> bool:
    return entry.name.startswith(".") and entry.name.endswith(".part")


def _remove_parts(folder: Path) -> None:
    """What was being written as a process was killed; the claim's holder alone writes here."""
    if not folder.is_dir():
        return
    for entry in folder.iterdir():
        if not _is_part(entry):
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry, ignore_errors=True)
        else:
            with contextlib.suppress(OSError):
                entry.unlink()


def _missing(path: Path) -> list[Path]:
    """The folders that have to be made for this one, the inmost first."""
    missing: list[Path] = []
    for folder in (path, *path.parents):
        try:
            if folder.exists():
                break
        except (OSError, ValueError):
            break
        missing.append(folder)
    return missing


def _remove_empty(folders: list[Path]) -> None:
    for folder in folders:
        with contextlib.suppress(OSError, ValueError):  # it was never made, or something lies in it
            folder.rmdir()


_NEW = "Wait for that one, stop it, or choose another name for this run."
_GOING_ON = "Wait for that one, or stop it: a run has one writer."


def _busy(path: Path, remedy: str) -> RunError:
    who = who_trains(path)
    if who == HERE:
        return RunError(f"This program trains the run {path} already. {remedy}")
    named = "" if who is None else f" ({who})"
    return RunError(f"Another process{named} trains the run {path}. {remedy}")

"""What the program remembers between starts: a typed, versioned JSON file.

Whatever stands in that file, the program starts: what can't be used is left out and named, and the
file as it was is kept beside. Two windows add up what they remember (`gui.settings_merge`). Knows
no widget; what a pane remembers is the pane's affair.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import shutil
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from PySide6.QtCore import QLockFile, QStandardPaths

from gui.settings_checks import N_RECENT, carried_over, checked
from gui.settings_merge import merged
from model.whole_file import write_whole

log = logging.getLogger(__name__)

VERSION = 3
LAYOUT_VERSION = 3
"""Of the saved dock arrangements: raised when docks are renamed, old ones are then forgotten."""

LARGEST = 16 * 2**20
"""Bytes; what is larger was written by something else."""
LOCK_MS = 2_000


@dataclass(slots=True)
class Settings:
    """Remembered choices.

    Attributes:
        theme: "dark" or "light".
        perspective: name of the arrangement in force.
        geometry: the window's, as Qt's blob in base64.
        layouts: perspective -> Qt's dock blob in base64, as the person left it.
        recent: what was opened, newest first: absolute paths, and names on a hub.
        recent_lines: path -> what it is, in one line, as it was when it was last looked at.
        device: "auto", "cpu", "cuda" or "mps".
        threads: for torch; 0 takes the cores at hand less one.
        motion: whether things may move.
        text_size: in hundredths, one of `TEXT_SIZES`.
        budget_mb: MiB that may be kept of the prompts that were run.
        restore: whether the last model, prompt and recipe come back at start.
        last_model: what was open, by its path or its name on a hub; empty for the bundled one.
        last_prompt: what was read last; empty before there was one.
        panes: key of a pane -> what it gave to be remembered.
        left_out: what could not be used of the file, a sentence; empty if all could. Not kept.
        base: the values as they were read: what differs from them was changed here. Not kept.
        written: whether they are a person's: those of a script that makes pictures are not, and
            `save` leaves the file as it is. Not in the file.
    """

    version: int = VERSION
    theme: str = "dark"
    perspective: str = "Explore"
    geometry: str = ""
    layout_version: int = LAYOUT_VERSION
    layouts: dict[str, str] = field(default_factory=dict)
    recent: list[str] = field(default_factory=list)
    recent_lines: dict[str, str] = field(default_factory=dict)
    device: str = "auto"
    threads: int = 0
    motion: bool = True
    text_size: int = 100
    budget_mb: int = 512
    restore: bool = True
    last_model: str = ""
    last_prompt: str = ""
    panes: dict[str, dict[str, Any]] = field(default_factory=dict)
    left_out: str = field(default="", compare=False)
    base: dict[str, Any] | None = field(default=None, compare=False, repr=False)
    written: bool = field(default=True, compare=False)

    def remember(self, path: str) -> None:
        """Put a checkpoint in front of the recent ones."""
        self.recent = [path, *(p for p in self.recent if p != path)][:N_RECENT]
        self.recent_lines = {p: line for p, line in self.recent_lines.items() if p in self.recent}

    def forget(self, path: str) -> None:
        """Take a checkpoint out of the recent ones."""
        self.recent = [p for p in self.recent if p != path]
        self.recent_lines.pop(path, None)

    def meant(self, path: str) -> str:
        """What a typed path means: a folder that was opened before is never a name on a hub.

        Args:
            path: as it was typed; a relative one may look like ``owner/name``.
        """
        with contextlib.suppress(OSError, ValueError):
            whole = str(Path(path).absolute())
            if whole in self.recent:
                return whole
        return path


_KEPT = tuple(one.name for one in fields(Settings) if one.compare)


def settings_path() -> Path:
    """Where they lie; ``GLASSFORMER_SETTINGS_DIR`` overrides the system's place."""
    folder = os.environ.get("GLASSFORMER_SETTINGS_DIR")
    if folder is None:
        base = QStandardPaths.writableLocation(
            QStandardPaths.StandardLocation.GenericConfigLocation
        )
        folder = str(Path(base) / "glassformer")
    return Path(folder) / "settings.json"


def load(path: Path | None = None) -> Settings:
    """The remembered settings; defaults for what is missing or can't be used.

    Never fails: `Settings.left_out` says what was not as it should be.
    """
    path = path or settings_path()
    raw, problems = _read(path)
    settings = _from_raw(raw or {})
    if problems:
        kept = _keep_beside(path, move=raw is None)
        said = "; ".join(problems)
        was = f" The file as it was is kept as {kept}." if kept else ""
        settings.left_out = f"Left out of the settings in {path}: {said}.{was}"
        log.warning("%s", settings.left_out)
    settings.base = _values(settings)
    return settings


def save(settings: Settings, path: Path | None = None) -> None:
    """Write them, if they are a person's; the file is whole or the old one stays.

    What another window has written since they were loaded stays, unless it was changed here too.

    Raises:
        OSError: the disk refuses.
    """
    if not settings.written:
        return
    path = path or settings_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = QLockFile(str(path.with_name(f".{path.name}.lock")))
    locked = lock.tryLock(LOCK_MS)  # where no lock can be had, the write itself is still whole
    try:
        values, unknown = _values(settings), {}
        raw, problems = _read(path)
        if problems:
            _keep_beside(path, move=raw is None)
        if raw is not None and settings.base is not None:
            theirs = _values(_from_raw(raw))
            values = merged(settings.base, values, theirs)
            unknown = {key: value for key, value in raw.items() if key not in values}
        _take(settings, values)
        settings.base = _values(settings)
        # Lone surrogates in the prompt history are legal in a Python string and not in UTF-8;
        # JSON's ASCII escapes carry them.
        text = json.dumps({**unknown, **_values(settings)}, indent=1)
        write_whole(path, text, ordinary=True)
    finally:
        if locked:
            lock.unlock()


def _read(path: Path) -> tuple[dict[str, Any] | None, list[str]]:
    """What stands in the file, None where nothing can be made of it; and what is wrong."""
    try:
        if not os.path.lexists(path):
            return {}, []
        if not path.is_file():
            return None, ["it is no file"]
        if path.stat().st_size > LARGEST:
            return None, [f"it has more than {LARGEST // 2**20} MiB"]
        raw = json.loads(path.read_text(encoding="utf-8-sig"))
    except RecursionError:
        return None, ["it is nested too deeply"]
    except OSError as error:
        return None, [f"it can't be read ({error.strerror or error})"]
    except UnicodeDecodeError:
        return None, ["it is not UTF-8"]
    except ValueError as error:
        return None, [f"it is no JSON ({error})"]
    if not isinstance(raw, dict):
        return None, [f"it holds no object but {type(raw).__name__}"]
    raw = carried_over(raw)
    problems: list[str] = []
    checked(raw, problems)
    return raw, problems


def _from_raw(raw: Mapping[str, Any]) -> Settings:
    """Settings of what can be used."""
    settings = Settings()
    _take(settings, checked(raw, []))
    if settings.layout_version != LAYOUT_VERSION:
        settings.layouts, settings.geometry = {}, ""
        settings.layout_version = LAYOUT_VERSION
    settings.version = VERSION
    return settings


def _values(settings: Settings) -> dict[str, Any]:
    """Everything that is kept, as a copy."""
    return {name: deepcopy(getattr(settings, name)) for name in _KEPT}


def _take(settings: Settings, values: Mapping[str, Any]) -> None:
    for name in _KEPT:
        if name in values:
            setattr(settings, name, deepcopy(values[name]))
    settings.recent = settings.recent[:N_RECENT]
    settings.recent_lines = {p: s for p, s in settings.recent_lines.items() if p in settings.recent}


def _keep_beside(path: Path, *, move: bool) -> str:
    """Keep the file as it is under another name, which is given back; empty if that fails.

    What a link leads to is kept beside itself, and the link stays.
    """
    if path.exists():
        path = Path(os.path.realpath(path))
    for n in range(1, 100):
        number = "" if n == 1 else f"-{n}"
        beside = path.with_name(f"{path.stem}.broken{number}{path.suffix}")
        if os.path.lexists(beside):
            continue
        try:
            if move:
                path.replace(beside)
            else:
                shutil.copyfile(path, beside)
        except OSError:
            log.warning("and the file can't be kept beside")
            return ""
        return beside.name
    return ""

"""What the program remembers between starts: a typed, versioned JSON file.

A file that can't be read is set aside and the defaults are used: a broken setting never keeps the
window from opening. Knows no widget; what a pane remembers is the pane's affair.
"""

from __future__ import annotations

import json
import logging
import os
import tempfile
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from PySide6.QtCore import QStandardPaths

log = logging.getLogger(__name__)

VERSION = 2
LAYOUT_VERSION = 2
"""Of the saved dock arrangements: raised when docks are renamed, old ones are then forgotten."""

N_RECENT = 12
THEMES = ("dark", "light")
DEVICES = ("auto", "cpu", "cuda", "mps")
TEXT_SIZES = (90, 100, 110, 125, 150)
"""In hundredths."""
BUDGET_MB = (64, 1_000_000)
"""Least and most."""
LONGEST_PROMPT = 100_000
"""Characters of a prompt that is remembered."""


@dataclass(slots=True)
class Settings:
    """Remembered choices.

    Attributes:
        theme: "dark" or "light".
        perspective: name of the arrangement in force.
        geometry: the window's, as Qt's blob in base64.
        layouts: perspective -> Qt's dock blob in base64, as the person left it.
        recent: paths of checkpoints, newest first.
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
    written: bool = field(default=True, compare=False)

    def remember(self, path: str) -> None:
        """Put a checkpoint in front of the recent ones."""
        self.recent = [path, *(p for p in self.recent if p != path)][:N_RECENT]
        self.recent_lines = {p: line for p, line in self.recent_lines.items() if p in self.recent}

    def forget(self, path: str) -> None:
        """Take a checkpoint out of the recent ones."""
        self.recent = [p for p in self.recent if p != path]
        self.recent_lines.pop(path, None)


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
    """The remembered settings, or defaults where there are none that can be read."""
    path = path or settings_path()
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(raw, dict):
            raise ValueError("not an object")
    except FileNotFoundError:
        return Settings()
    except (OSError, ValueError) as error:
        log.warning("settings in %s can't be read (%s): defaults are used", path, error)
        try:
            path.replace(path.with_suffix(".broken.json"))
        except OSError:
            log.warning("and the file can't be set aside")
        return Settings()
    settings = Settings()
    _carry_over(raw)
    raw.pop("written", None)
    for one in fields(Settings):
        value = raw.get(one.name)
        # Of the very type: to Python, `true` is a number, too.
        if type(value) is type(getattr(settings, one.name)):
            setattr(settings, one.name, value)
    _bring_in_range(settings)
    settings.recent = [p for p in settings.recent if isinstance(p, str)][:N_RECENT]
    settings.recent_lines = {
        str(path): line for path, line in settings.recent_lines.items() if isinstance(line, str)
    }
    settings.panes = {key: kept for key, kept in settings.panes.items() if isinstance(kept, dict)}
    if settings.layout_version != LAYOUT_VERSION:
        settings.layouts, settings.geometry = {}, ""
        settings.layout_version = LAYOUT_VERSION
    settings.version = VERSION
    return settings


def _bring_in_range(settings: Settings) -> None:
    """Defaults for what a hand in the file has set to something that there is not."""
    usual, (least, most) = Settings(), BUDGET_MB
    if settings.theme not in THEMES:
        settings.theme = usual.theme
    if settings.device not in DEVICES:
        settings.device = usual.device
    if settings.text_size not in TEXT_SIZES:
        settings.text_size = usual.text_size
    settings.budget_mb = min(max(settings.budget_mb, least), most)
    settings.threads = min(max(settings.threads, 0), 256)


def _carry_over(raw: dict[str, Any]) -> None:
    """Put what version 1 kept by itself for two panes to where they look for it now."""
    if "panes" not in raw:
        raw["panes"] = {
            "prompt": {"history": raw.get("history")},
            "training": {"runs_dir": raw.get("runs_dir")},
        }


def save(settings: Settings, path: Path | None = None) -> None:
    """Write them, if they are a person's; the file is whole or the old one stays."""
    if not settings.written:
        return
    path = path or settings_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    # Lone surrogates in the prompt history are legal in a Python string and not in UTF-8; JSON's
    # ASCII escapes carry them.
    kept = asdict(settings)
    del kept["written"]
    text = json.dumps(kept, indent=1)
    handle, beside = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(beside).replace(path)
    except OSError:
        Path(beside).unlink(missing_ok=True)
        raise

"""What the program remembers between starts: a typed, versioned JSON file.

A file that can't be read is set aside and the defaults are used: a broken setting never keeps the
window from opening. Knows no widget; what a pane remembers is the pane's affair.
"""

from __future__ import annotations

import json
import logging
import os
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from PySide6.QtCore import QStandardPaths

from model.whole_file import write_whole

log = logging.getLogger(__name__)

VERSION = 2
LAYOUT_VERSION = 2
"""Of the saved dock arrangements: raised when docks are renamed, old ones are then forgotten."""

N_RECENT = 12


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
        panes: key of a pane -> what it gave to be remembered.
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
    panes: dict[str, dict[str, Any]] = field(default_factory=dict)

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
    for one in fields(Settings):
        value = raw.get(one.name)
        if isinstance(value, type(getattr(settings, one.name))):
            setattr(settings, one.name, value)
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


def _carry_over(raw: dict[str, Any]) -> None:
    """Put what version 1 kept by itself for two panes to where they look for it now."""
    if "panes" not in raw:
        raw["panes"] = {
            "prompt": {"history": raw.get("history")},
            "training": {"runs_dir": raw.get("runs_dir")},
        }


def save(settings: Settings, path: Path | None = None) -> None:
    """Write them; the file is whole or the old one stays, and a link to it stays a link.

    Raises:
        OSError: the disk, or what lies there, refuses.
    """
    path = path or settings_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    # Lone surrogates in the prompt history are legal in a Python string and not in UTF-8; JSON's
    # ASCII escapes carry them.
    text = json.dumps(asdict(settings), indent=1)
    write_whole(path, text, ordinary=True)

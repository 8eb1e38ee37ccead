"""Where runs are written, where nobody has chosen a folder.

The one place that asks the disk whether a folder can be written; knows no widget, no store.
"""

from __future__ import annotations

import os
from pathlib import Path

from PySide6.QtCore import QStandardPaths

FOLDER = "runs"
PROGRAM = "Glassformer"


def proposed() -> Path:
    """The folder for runs where nobody has chosen one, as a whole path.

    ``runs`` where the program was started, if that can be written: beside what one works on. From
    a desktop's starter it can't, or it is the root of the disk: then among the person's own
    documents, or else their program data.
    """
    for folder in (_working_folder(), *_own_folders()):
        if folder is not None and can_be_written(folder):
            return folder
    return Path(PROGRAM, FOLDER).absolute()


def can_be_written(folder: Path) -> bool:
    """Whether a run could be made in a folder, which need not exist yet."""
    try:
        for existing in (folder, *folder.parents):
            if existing.exists():
                return existing.is_dir() and os.access(existing, os.W_OK | os.X_OK)
    except OSError:
        pass
    return False


def _working_folder() -> Path | None:
    try:
        here = Path.cwd()
    except OSError:  # it was removed
        return None
    return None if here == Path(here.anchor) else here / FOLDER


def _own_folders() -> list[Path]:
    kinds = (
        QStandardPaths.StandardLocation.DocumentsLocation,
        QStandardPaths.StandardLocation.GenericDataLocation,
    )
    places = [QStandardPaths.writableLocation(kind) for kind in kinds]
    return [Path(place, PROGRAM, FOLDER) for place in places if place]

"""What is opened and how far it is, in words; what a typed path means. Knows the store."""

from __future__ import annotations

import os
from pathlib import Path

from PySide6.QtCore import QUrl

from gui.session.store import Store
from model.preview import checkpoint_name, file_size


def opening_words(store: Store) -> tuple[str, float | None]:
    """What an opening does now, and which share of it is done (None where that is not known)."""
    progress = store.opening.progress
    if progress is None:
        return "opening …", None
    if not progress.total_bytes:
        return progress.what, None
    done, total = file_size(progress.done_bytes), file_size(progress.total_bytes)
    return f"{progress.what}: {done} of {total}", progress.done_bytes / progress.total_bytes


def short_name(path: str) -> str:
    """What a checkpoint is called in a list: its folder or file, or its whole name on a hub."""
    is_path = Path(path).is_absolute() or path.count("/") != 1
    return (checkpoint_name(path) or path) if is_path else path


def expanded(text: str) -> str:
    """A typed path as it is meant: ``~`` is a person's home, ``file://`` a path.

    So are the quotes that file managers and shells put around what is copied from them.
    """
    text = text.strip()
    if len(text) > 2 and text[0] == text[-1] and text[0] in "\"'":
        text = text[1:-1].strip()
    if text.startswith("file:"):
        text = QUrl(text).toLocalFile() or text
    if text == "~" or text.startswith("~" + os.sep):
        return str(Path(text).expanduser())
    return text

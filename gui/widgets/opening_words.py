"""How far an opening is, in words and as a share. Knows the store."""

from __future__ import annotations

from gui.store import Store
from model.preview import file_size


def opening_words(store: Store) -> tuple[str, float | None]:
    """What an opening does now, and which share of it is done (None where that is not known)."""
    progress = store.opening_progress
    if progress is None:
        return "opening …", None
    if not progress.total_bytes:
        return progress.what, None
    done, total = file_size(progress.done_bytes), file_size(progress.total_bytes)
    return f"{progress.what}: {done} of {total}", progress.done_bytes / progress.total_bytes

"""What a folder's name says of a hub; needs nothing but the path."""

from __future__ import annotations

from pathlib import Path


def cached_name(folder: Path) -> str | None:
    """``owner/name`` of a folder in the library's cache; None for any other."""
    repo = folder.parent.parent.name
    if folder.parent.name != "snapshots" or not repo.startswith("models--"):
        return None
    return repo.removeprefix("models--").replace("--", "/", 1)

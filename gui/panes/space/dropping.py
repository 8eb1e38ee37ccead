"""A file of vectors that is dragged onto the pane.

Knows what such files end in; opens nothing.
"""

from __future__ import annotations

from PySide6.QtGui import QDropEvent

from model.space.files import looks_like_table


def dropped_table(event: QDropEvent) -> str:
    """The path of the first file of vectors in a drag; empty for none."""
    for url in event.mimeData().urls():
        if url.isLocalFile() and looks_like_table(url.toLocalFile()):
            return url.toLocalFile()
    return ""

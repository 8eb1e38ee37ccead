"""A file of vectors that is dragged onto the pane is opened; all else is the window's.

Knows what such files end in; opens nothing itself.
"""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Signal
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QWidget

from model.space.files import looks_like_table


class Dropping(QObject):
    """Takes what is dropped on a widget.

    Args:
        widget: on which.

    Signals:
        dropped: the path of the first file of vectors.
    """

    dropped = Signal(str)

    def __init__(self, widget: QWidget) -> None:
        super().__init__(widget)
        widget.setAcceptDrops(True)
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() not in (QEvent.Type.DragEnter, QEvent.Type.Drop):
            return super().eventFilter(watched, event)
        assert isinstance(event, QDropEvent)
        path = _table_in(event)
        if path:
            event.acceptProposedAction()
            if event.type() == QEvent.Type.Drop:
                self.dropped.emit(path)
        else:
            event.ignore()
        return True


def _table_in(event: QDropEvent) -> str:
    """The path of the first file of vectors in a drag; empty for none."""
    for url in event.mimeData().urls():
        if url.isLocalFile() and looks_like_table(url.toLocalFile()):
            return url.toLocalFile()
    return ""

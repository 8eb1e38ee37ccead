"""Tooltips that depend on where the mouse is.

Qt asks a widget for one by an event. Who overrides ``event()`` for it and hands the rest on to Qt
stands between Qt and every other handler of the widget; and PySide (6.9 to 6.11 tried) ends the
program where a handler that was called so raises an error of the interpreter's own, as an index out
of range. A filter looks at events before they are handed on.

Knows Qt only.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject
from PySide6.QtGui import QHelpEvent
from PySide6.QtWidgets import QWidget


class Tips(QObject):
    """Answers a widget's wish for a tooltip.

    Args:
        widget: that is asked; of a scroll area its viewport.
        show: shows what there is to say at the event's place, or hides what stands there.
        left: called when the mouse has left, too.
    """

    def __init__(
        self,
        widget: QWidget,
        show: Callable[[QHelpEvent], None],
        left: Callable[[], None] | None = None,
    ) -> None:
        super().__init__(widget)
        self._show, self._left = show, left
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            self._show(event)
            return True
        if event.type() == QEvent.Type.Leave and self._left is not None:
            self._left()
        return False

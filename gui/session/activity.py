"""What the worker is doing, and how far it is with what takes long.

Knows messages; no widget.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gui.session.feature import Feature
from model import messages as m

if TYPE_CHECKING:
    from gui.session.store import Store


class Activity(Feature):
    """Of the worker as a whole, whoever asked.

    Attributes:
        what: in a few words, "idle" if nothing.
        progress: of a long request, None if there is none. It is over once anything else comes
            of that request: its answer, a failure, the end on request.
    """

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.what = "starting"
        self.progress: m.Progress | None = None

    def progress_of(self, request: m.Request | None) -> m.Progress | None:
        """How far one request is; None if that is not known."""
        at = self.progress
        return (
            at if at is not None and request is not None and at.request_id == request.id else None
        )

    def take(self, result: m.Result) -> bool:
        """Besides its own results it looks at those of all others, for the end of the progress."""
        match result:
            case m.Activity():
                self.what = result.what
                if result.what == "idle":
                    self.progress = None
            case m.Progress():
                self.progress = result
            case _ if self.progress is not None and self.progress.request_id == result.request_id:
                self.progress = None
                self.changed.emit()
                return False
            case _:
                return False
        self.changed.emit()
        return True

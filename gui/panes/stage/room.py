"""What a stage of a size has room for, beside its scene.

The picture comes first: of a low stage the terms go, and the sentence has one line. Knows the parts
beneath the scene; no store.
"""

from __future__ import annotations

from PySide6.QtCore import QSize

from gui.panes.stage.explaining import Explaining
from gui.panes.stage.walk_controls import WalkControls

LOWEST = 280
"""A stage that is less high leaves the terms out."""
SHORT, TALL = 330, 520
"""A stage that is less high has one line for its sentence; one that is narrow, up to the first."""
ONE_LINE = 780
"""In a stage that is wider nearly every sentence has room in one line."""
LOW = 400
"""A stage that is less high leaves the terms out while one says what to run to."""
WIDE = 560
"""A stage that is wider has room for the depths beside the walk's line."""


class Room:
    """Gives the parts beneath the scene what a size leaves them."""

    def __init__(self, explaining: Explaining, walk: WalkControls) -> None:
        self._explaining = explaining
        self._walk = walk
        self._depths_beside = False

    def fit(self, size: QSize) -> None:
        """The stage has another size."""
        self._explaining.set_short(size.height() < (SHORT if size.width() < ONE_LINE else TALL))
        self.fit_terms(size, form=self._walk.form.isVisibleTo(self._walk))
        beside = size.width() >= WIDE
        if beside != self._depths_beside:
            self._depths_beside = beside
            if beside:
                self._walk.transport.add(self._explaining.depths)
                self._explaining.depths.show()  # its place before hid it
            else:
                self._explaining.take_depths()

    def fit_terms(self, size: QSize, *, form: bool) -> None:
        """Of a low stage the form takes the place of the terms, not of the picture."""
        self._explaining.make_room(size.height() < (LOW if form else LOWEST))

"""On which axes the cloud is drawn: the principal ones, or those of the sum that is looked at.

Asks the store for one projection after the other; knows no widget.
"""

from __future__ import annotations

from gui.panes.space.nearness import Nearness, Terms
from gui.session.store import Store


class Axes:
    """The axes that are asked for.

    Attributes:
        plane: the sum whose plane they begin with; empty for the principal axes.
    """

    def __init__(self, store: Store, near: Nearness) -> None:
        self._store = store
        self._near = near
        self.plane: Terms = ()

    def forget(self) -> None:
        """Another model comes into view; it is drawn on its principal axes at first."""
        self.plane = ()

    def follow(self, *, in_plane: bool) -> None:
        """Ask for the plane of the sum that is looked at, if there is one and that is wanted."""
        wanted = self._near.terms if in_plane and self._near.origin == "sum" else ()
        if wanted != self.plane:
            self.plane = wanted
            drawn = self._store.vocabulary
            self.show_table("W_E" if drawn is None else drawn.matrix)

    def show_table(self, matrix: str) -> None:
        """Ask for a table on these axes."""
        self._store.project_vocabulary("W_U" if matrix == "W_U" else "W_E", self.plane)

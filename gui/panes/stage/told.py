"""The number that the stage tells of: under the mouse, clicked or followed, or the scene's own.

Knows the store, which it moves to where a number stands; no widget.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from gui.panes.stage.following import selected_at
from gui.panes.stage.pieces import Target
from gui.panes.stage.view import Pointed
from gui.reading.inspecting import inspected
from gui.session.store import Store
from model import messages as m


class Told:
    """Which number is taken apart.

    Args:
        store: of the selection.
        changed: called when it is another one, so that it is asked for and drawn.

    Attributes:
        number: under the mouse.
        pinned: that was clicked or followed; as long as one stays where it stands.
    """

    def __init__(self, store: Store, changed: Callable[[], None]) -> None:
        self._store = store
        self._changed = changed
        self.number: Pointed | None = None
        self.pinned: Target | None = None
        self._default: Pointed | None = None
        self._pinned_at = self._where

    @property
    def now(self) -> Pointed | None:
        """The one under the mouse, or else that of the scene."""
        return self.number or self._default

    @property
    def _where(self) -> tuple[int, int, int]:
        selected = self._store.selection
        return selected.operation, selected.position, selected.head

    def tell(self, default: Pointed | None) -> bool:
        """Tell of another one while the mouse is elsewhere; whether it is another."""
        is_other = default != self._default
        self._default = default
        return is_other

    def forget(self) -> None:
        """Another picture: what was pointed at is gone."""
        self.number = self._default = None

    def choose(self, number: Pointed, read: m.PromptRead | None) -> None:
        """Stay with a number that is written, in the inspector too; go to where a read one is.

        Args:
            number: that was clicked.
            read: the prompt whose numbers are drawn.
        """
        store = self._store
        if not number.written:
            self.follow(Target(number.name, number.index))
            return
        if read is None or store.model is None:
            return
        self.pin(Target(number.name, number.index))
        letters = next((o.shape for o in store.operations if o.output == number.name), "")
        if "S" in letters:
            store.select(key=number.index[letters.index("S")])
        store.inspect(
            inspected(
                store.model,
                read,
                number.name,
                number.index,
                number.value,
                sampling=store.sampling,
            )
        )

    def follow(self, to: Target) -> None:
        """Go to where a number stands; without an index, to the operation that writes it."""
        store = self._store
        if store.model is None:
            return
        changes = selected_at(to, store.operations, store.model.config, store.selection.head)
        if changes is None:
            return
        self.number = None
        store.walking.visit(**changes)
        self.pin(to if to.index else None)

    def pin(self, to: Target | None) -> None:
        """Tell of a number as long as one stays at its operation, token and head."""
        self.pinned, self._pinned_at = to, self._where
        self._default = None if to is None else Pointed(to.name, to.index, math.nan, True)
        self._changed()

    def note_selection(self) -> None:
        """What was clicked is left where one goes elsewhere."""
        if self.pinned is not None and self._pinned_at != self._where:
            self.pinned = None

    def note_model(self) -> None:
        """Another model has other numbers."""
        self.pinned = self.number = self._default = None

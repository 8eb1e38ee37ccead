"""What every part of the store has in common: its requests, its results, one signal.

Knows the store by what it offers all of them (`send`, `post`, the model in view); no widget.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from model import messages as m

if TYPE_CHECKING:
    from gui.session.store import Store


class Feature(QObject):
    """One thing that the worker does for the window, and what the window knows of it.

    The store hands every result to each of its features until one says that it was its own, and
    tells each when another model comes into view. To add a feature: a file with a subclass, and
    a line in `Store`.

    Signals:
        changed: what is read here is another than before.
    """

    changed = Signal()

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._store = store

    def take(self, result: m.Result) -> bool:
        """Take a result if it answers what was asked here; whether it does.

        A failure, an end on request (`Cancelled`) and every other result belongs to whom its
        ``request_id`` names. What answers an older question of this feature is its own as well,
        and dropped.
        """
        raise NotImplementedError

    def reset(self, model: m.ModelInfo) -> bool:
        """Another model comes into view: forget what was about the one before.

        Emits nothing: the store first tells of the model, then `changed` for who forgot.

        Args:
            model: that comes; `Store.model` is it already.

        Returns:
            Whether anything is different now.
        """
        return False

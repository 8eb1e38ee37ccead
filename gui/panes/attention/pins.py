"""What a person has pinned: up to four heads, and one token.

A pinned head's matrix stays beside while one walks on; a pinned token's row and column stay
outlined in every view. Knows neither widgets nor the store. Heads that the open model hasn't are
kept, and are there again with one that has them; a token is forgotten where another text has
another token at its place.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from PySide6.QtCore import QObject, Signal

from gui.panes.attention.edges import Head
from model.config import TransformerConfig

MOST = 4


class Pins(QObject):
    """The pins.

    Signals:
        changed: something is pinned, or isn't any more.
    """

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._heads: list[Head] = []
        self._token: tuple[int, int] | None = None  # position, id

    # ------------------------------------------------------------------------- heads

    def heads(self, config: TransformerConfig | None) -> tuple[Head, ...]:
        """Those that a model has, in the order in which they were pinned."""
        if config is None:
            return ()
        return tuple(
            (layer, head)
            for layer, head in self._heads
            if layer < config.n_layers and head < config.n_heads
        )

    def has_head(self, layer: int, head: int) -> bool:
        """Whether a head is pinned."""
        return (layer, head) in self._heads

    def toggle_head(self, layer: int, head: int) -> None:
        """Pin a head, or take it down; of more than `MOST` the first goes."""
        if (layer, head) in self._heads:
            self._heads.remove((layer, head))
        else:
            self._heads = [*self._heads[-(MOST - 1) :], (layer, head)]
        self.changed.emit()

    def kept(self) -> list[list[int]]:
        """The heads as JSON has them."""
        return [[layer, head] for layer, head in self._heads]

    def recall(self, kept: Any) -> None:
        """Take up what `kept` gave; what is no pair of numbers is passed over."""
        pairs = kept if isinstance(kept, list) else []
        self._heads = list(dict.fromkeys(_pairs(pairs)))[:MOST]
        self.changed.emit()

    # ------------------------------------------------------------------------- token

    def token(self, ids: tuple[int, ...]) -> int | None:
        """The position of the pinned token in a text; None where that has another token there."""
        if self._token is None:
            return None
        position, one = self._token
        return position if position < len(ids) and ids[position] == one else None

    def toggle_token(self, position: int, ids: tuple[int, ...]) -> None:
        """Pin a token instead of the one before, or take it down."""
        self._token = None if self.token(ids) == position else (position, ids[position])
        self.changed.emit()


def _pairs(kept: Iterable[Any]) -> Iterable[Head]:
    for one in kept:
        if (
            isinstance(one, list)
            and len(one) == 2
            and all(type(n) is int and 0 <= n < 10**6 for n in one)
        ):
            yield one[0], one[1]

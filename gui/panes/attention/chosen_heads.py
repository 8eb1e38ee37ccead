"""The heads that a person added to the graph. Knows heads and a config; no widget."""

from __future__ import annotations

from gui.panes.attention.edges import Head
from model.config import TransformerConfig


class ChosenHeads:
    """Heads in the order in which they were added.

    Attributes:
        heads: (layer, head) pairs.
    """

    def __init__(self) -> None:
        self.heads: tuple[Head, ...] = ()

    def toggle(self, head: Head, selected: Head) -> None:
        """Add a head, or take it out; the selected one is there before a first other one.

        Args:
            head: which.
            selected: the selected one.
        """
        if head in self.heads:
            self.heads = tuple(each for each in self.heads if each != head)
        else:
            first = (selected,) if not self.heads and selected != head else ()
            self.heads = (*self.heads, *first, head)

    def clear(self) -> None:
        """None is chosen."""
        self.heads = ()

    def keep_those_of(self, config: TransformerConfig | None) -> None:
        """Leave those that another model has, too."""
        self.heads = tuple(
            (layer, head)
            for layer, head in self.heads
            if config is not None and layer < config.n_layers and head < config.n_heads
        )

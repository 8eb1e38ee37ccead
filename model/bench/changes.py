"""What a subject's interventions do to its network: which blocks, and what is read in them.

Knows interventions and operations by their names; runs nothing, keeps no tensor.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache
from typing import TYPE_CHECKING

from model.config import TransformerConfig
from model.interventions import (
    Intervention,
    Prepared,
    RemoveNorm,
    SetWeight,
    Window,
    apply,
)
from model.interventions.window import Read
from model.operations import operations

if TYPE_CHECKING:
    from model.network.execute import Replace, Tap


class Changes:
    """Interventions, made ready for one network.

    Args:
        interventions: in the order in which they are done.
        config: of the network.

    Attributes:
        reads: the other texts whose activations are read.
        keeps_prefix: whether what was computed of a text stays right when the text goes on.
        first: the first block that runs otherwise than without interventions: what lies before it
            is as in the clean subject. ``n_layers`` if none does, -1 if the embedding is changed.

    Raises:
        ValueError: one of them does not fit the network.
    """

    def __init__(self, interventions: tuple[Intervention, ...], config: TransformerConfig) -> None:
        self._prepared = Prepared(interventions, config)
        self.reads = self._prepared.reads
        self.keeps_prefix = all(one.keeps_prefix for one in interventions)
        named = {name for one in interventions for name in one.operations(config)}
        changed = [op for op in operations(config) if op.output in named]
        self._layers = {op.layer for op in changed}
        self._matrices = {op.layer for op in changed if op.shape == "BHQS"}
        self._of_all = frozenset(
            name for one in interventions if not one.by_position for name in one.operations(config)
        )
        blocks = [op.layer for op in changed if op.layer is not None]
        self.first = min(blocks, default=config.n_layers)
        if any(op.group == "embed" for op in changed):
            self.first = -1

    def __bool__(self) -> bool:
        return bool(self._layers)

    def within(self, start: int, read: Read) -> tuple[Tap | None, Replace | None]:
        """What `Transformer.execute` takes for a window of positions; None where nothing is needed.

        Args:
            start: the first of the positions.
            read: how another text's activations are had.
        """
        return self._prepared.within(Window(start, read))

    def runs(self, layer: int) -> bool:
        """Whether a block runs operation by operation: one of its operations is changed."""
        return layer in self._layers

    def concerns(self, layer: int) -> bool:
        """Whether scores or weights of a block's own attention are changed.

        One head's can't be had by itself then. Queries and keys that are changed, or what is made
        of the weights, don't matter for that.
        """
        return layer in self._matrices

    def needs_all(self, outputs: Collection[str]) -> bool:
        """Whether one of these operations is changed by what stands at other positions."""
        return not self._of_all.isdisjoint(outputs)


def of_the_head(
    interventions: tuple[Intervention, ...], config: TransformerConfig
) -> tuple[Tap | None, Replace | None]:
    """What `Transformer.execute` takes where the head reads other vectors than its own: a lens.

    A norm that is taken away and another weight are the head's, whatever it reads; other changes
    are about the text and its last stream.
    """
    return apply((one for one in interventions if isinstance(one, RemoveNorm | SetWeight)), config)


@lru_cache(maxsize=16)
def changes_of(interventions: tuple[Intervention, ...], config: TransformerConfig) -> Changes:
    """`Changes`, made once: the same subject is looked at again and again.

    Raises:
        ValueError: an intervention does not fit the network.
    """
    return Changes(interventions, config)

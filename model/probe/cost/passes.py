"""The passes that are timed, each a generator that stops between two blocks.

The very network that answers everything else: its fast path with fused attention, and its explicit
path operation by operation. Each ends with the scores of the last position alone, as who continues
a text needs them. Shape suffixes: B texts, T positions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from torch import Tensor

from model.network.attention import KVCache
from model.network.span import Span
from model.operations import INPUT_IDS, Operation, needed, streams
from model.transformer import Transformer


def fused(
    network: Transformer,
    ids_BT: Tensor,
    cache: KVCache | None = None,
    keep: Callable[[Tensor], object] = lambda scores: None,
) -> Iterator[object]:
    """Read tokens by the fast path: all of a text, or the new ones behind what a cache holds."""
    for resid_BTD in network.stream(ids_BT, cache):
        yield None
        last_B1D = resid_BTD[:, -1:]
    keep(network.head(last_B1D))


class Explicit:
    """Reading a text by the explicit path: all scores, all weights, operation by operation."""

    def __init__(self, network: Transformer) -> None:
        self._network = network
        self._borders = streams(network.config)
        starts = (INPUT_IDS, *self._borders[:-1])
        self._parts: list[tuple[list[Operation], str, str]] = [
            (list(needed(network.operations, {stop}, {start})), start, stop)
            for start, stop in zip(starts, self._borders, strict=True)
        ]

    def __call__(
        self, ids_BT: Tensor, keep: Callable[[Tensor], object] = lambda scores: None
    ) -> Iterator[object]:
        """One pass."""
        network = self._network
        network.check_length(ids_BT)
        # One for all blocks, as the fast path has it: masks and rotations are made once.
        span = Span(network.config, 0, ids_BT.shape[1], network.embed.weight)
        at = ids_BT
        for operations, start, stop in self._parts:
            at = network.execute(operations, {start: at}, (stop,), span=span)[stop]
            yield None
        keep(network.head(at[:, -1:]))

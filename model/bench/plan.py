"""What the bench reads out of a network's operations again and again, found once.

Knows operations by their names; no tensor and no subject.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache

from model.config import TransformerConfig
from model.operations import Operation, aliases, keys_and_values, needed, operations, streams


class Plan:
    """A network's operations, block by block.

    Args:
        config: of the network.

    Attributes:
        borders: names of the residual stream before, between and after the blocks.
        border_at: their places by name.
        queries, keys, values: of each block, as attention reads them.
        query_at: the blocks by the names of their queries.
        operations: of each block; under None what lies before the first and after the last.
        by_position: names of activations with a row of their own for each position, as opposed to
            scores and patterns, which a text that goes on widens.
    """

    def __init__(self, config: TransformerConfig) -> None:
        ops = operations(config)
        self._aliases = aliases(config)
        self.borders = streams(config)
        self.border_at = {name: i for i, name in enumerate(self.borders)}
        self.keys, self.values = zip(*keys_and_values(config), strict=True)
        self.queries = tuple(op.inputs[0] for op in ops if op.kind == "dot")
        self.query_at = {name: layer for layer, name in enumerate(self.queries)}
        self.by_position = frozenset(op.output for op in ops if op.shape != "BHQS")
        self.operations: dict[int | None, tuple[Operation, ...]] = {
            layer: tuple(op for op in ops if op.layer == layer)
            for layer in (None, *range(config.n_layers))
        }
        self._needed: dict[tuple[int | None, frozenset[str], frozenset[str]], list[Operation]] = {}
        self._steps: dict[tuple[int, str], frozenset[str]] = {}

    def needed(
        self, layer: int | None, names: Collection[str], have: Collection[str]
    ) -> list[Operation]:
        """The fewest operations of a block that lead from activations to others.

        Args:
            layer: which block; None for both ends.
            names: of what is wanted, no aliases.
            have: of what is there, no aliases.

        Raises:
            KeyError: none of its operations writes a name.
        """
        key = (layer, frozenset(names), frozenset(have))
        if key not in self._needed:
            if len(self._needed) > _MOST:
                self._needed.clear()
            self._needed[key] = needed(self.operations[layer], names, have)
        return self._needed[key]

    def steps(self, layer: int, name: str) -> frozenset[str]:
        """The kinds of operation from queries and keys to scores or weights.

        Raises:
            KeyError: none of the block's operations writes the name.
        """
        if (layer, name) not in self._steps:
            own = self._aliases.get(name, name)
            there = (self.queries[layer], self.keys[layer])
            self._steps[layer, name] = frozenset(
                op.kind for op in needed(self.operations[layer], (own,), there)
            )
        return self._steps[layer, name]


_MOST = 1024
"""Ways that are remembered; a question asks for the same few in every block."""


@lru_cache(maxsize=16)
def plan_of(config: TransformerConfig) -> Plan:
    """The plan of a network, made once."""
    return Plan(config)

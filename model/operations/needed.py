"""Which operations lead from activations that are there to activations that are wanted.

Knows operations by what they read and write; neither torch nor a config.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from model.operations.operation import Operation


def needed(
    operations: Sequence[Operation], wanted: Collection[str], have: Collection[str]
) -> list[Operation]:
    """The fewest operations that compute the wanted activations, in the order in which they run.

    Args:
        operations: the forward pass, in order.
        wanted: names of activations, no aliases.
        have: names of activations that are there; what leads to them isn't run.

    Raises:
        KeyError: no operation writes a wanted name.
    """
    there = set(have)
    missing = {name for name in wanted if name not in there}
    chosen = []
    for op in reversed(operations):
        if op.output in missing:
            chosen.append(op)
            missing.discard(op.output)
            missing.update(name for name in op.inputs if name not in there)
    if missing:
        raise KeyError(f"No operation writes {', '.join(sorted(missing))}.")
    chosen.reverse()
    return chosen

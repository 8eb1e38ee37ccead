"""What is selected where a followed number stands. Values only; no store."""

from __future__ import annotations

from collections.abc import Sequence

from gui.panes.stage.pieces import Target
from model.config import TransformerConfig
from model.operations import Operation


def selected_at(
    to: Target, operations: Sequence[Operation], config: TransformerConfig, head: int
) -> dict[str, object] | None:
    """The changes of the selection that lead to a number, or to an operation.

    Args:
        to: where to; without an index position and head stay.
        operations: of the network.
        config: of it.
        head: that is selected: of those that share keys and values it stays, if it is one.

    Returns:
        None where no operation writes that.
    """
    at = next((i for i, op in enumerate(operations) if op.output == to.name), None)
    if at is None:
        return None
    changes: dict[str, object] = {"operation": at}
    shape = operations[at].shape
    for letter, place in zip(shape, to.index):
        if letter in "TQ":
            changes["position"] = place
        elif letter == "H" and not shape.endswith("1"):  # a norm's scales stand for all heads
            changes["head"] = place
        elif letter == "G" and head * config.n_kv_heads // config.n_heads != place:
            changes["head"] = place * config.n_heads // config.n_kv_heads
        elif letter == "S":
            changes["key"] = place
    return changes

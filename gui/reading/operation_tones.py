"""The colours of queries, keys and values, the same in every pane. Knows no store, no widget."""

from __future__ import annotations

from model.operations import Operation

_TONES = {"query": "query", "key": "key", "value": "value"}
_ROTATED = {"rot_q": "query", "rot_k": "key"}


def tone_of(op: Operation, usual: str = "text") -> str:
    """The theme's name of the colour of what an operation writes.

    Args:
        op: the operation.
        usual: of what is no query, key or value.
    """
    if op.kind == "rotate":
        return _ROTATED.get(op.output.rpartition("hook_")[2], usual)
    return _TONES.get(op.kind, usual)

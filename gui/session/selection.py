"""The one selection: what follows from a change of it.

Operation, layer and head are one: whatever moves one, moves all. Values only; knows operations and
the config, no Qt.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from gui.session.state import Selection
from model import messages as m
from model.config import TransformerConfig
from model.operations import Operation


def changed(
    selection: Selection,
    changes: Mapping[str, Any],
    operations: Sequence[Operation],
    config: TransformerConfig | None,
    n_tokens: int,
) -> Selection:
    """The selection after a change, brought to valid values.

    An operation brings its layer. A layer brings the same operation of that layer; a head brings
    the softmax of its layer, if the operation before was not one of attention. A neuron is one of
    its layer: in another one none is selected.

    Args:
        selection: before.
        changes: fields and their new values.
        operations: of the model in view.
        config: of it.
        n_tokens: of the prompt; 0 before one is read.
    """
    wanted = clamped(replace(selection, **changes), operations, config, n_tokens)
    found = _following(selection, wanted, changes, operations)
    if found.layer != selection.layer and "neuron" not in changes:
        return replace(found, neuron=None)  # that of another layer is another neuron
    return found


def _following(
    selection: Selection,
    wanted: Selection,
    changes: Mapping[str, Any],
    operations: Sequence[Operation],
) -> Selection:
    """Layer, head and operation as they follow from what was changed."""
    if not operations:
        return wanted
    if "operation" in changes:
        layer = operations[wanted.operation].layer
        return wanted if layer is None else replace(wanted, layer=layer)
    moved_layer = "layer" in changes and wanted.layer != selection.layer
    moved_head = "head" in changes and wanted.head != selection.head
    current = operations[wanted.operation]
    if moved_head and current.group != "attention":
        return replace(wanted, operation=_softmax_of(operations, wanted.layer, wanted.operation))
    if current.layer is None:
        if moved_layer or moved_head:
            at = _softmax_of(operations, wanted.layer, wanted.operation)
            return replace(wanted, operation=at)
        return wanted
    if current.layer != wanted.layer:
        return replace(wanted, operation=counterpart(operations, wanted.operation, wanted.layer))
    return wanted


def counterpart(operations: Sequence[Operation], index: int, layer: int) -> int:
    """The same operation of another layer; the softmax there, where it has no such one."""
    current = operations[index]
    tail = current.output.split(".", 2)[-1]
    for at, op in enumerate(operations):
        if op.layer == layer and op.kind == current.kind and op.output.split(".", 2)[-1] == tail:
            return at
    return _softmax_of(operations, layer, index)


def _softmax_of(operations: Sequence[Operation], layer: int, otherwise: int) -> int:
    found = (at for at, op in enumerate(operations) if op.layer == layer and op.kind == "pattern")
    return next(found, otherwise)


def clamped(
    selection: Selection,
    operations: Sequence[Operation],
    config: TransformerConfig | None,
    n_tokens: int,
) -> Selection:
    """The selection with every value inside the model and the prompt, or None."""

    def within(value: int | None, size: int) -> int | None:
        return None if value is None or size == 0 else max(0, min(value, size - 1))

    position = selection.position
    if n_tokens:
        position = max(0, min(position, n_tokens - 1))
    hovered = selection.hovered
    if hovered is not None and not 0 <= hovered < max(n_tokens, 1):
        hovered = None
    placed = replace(
        selection, position=position, key=within(selection.key, n_tokens), hovered=hovered
    )
    if config is None:
        return placed
    return replace(
        placed,
        layer=within(selection.layer, config.n_layers) or 0,
        head=within(selection.head, config.n_heads) or 0,
        operation=within(selection.operation, len(operations)) or 0,
        vocabulary_id=within(selection.vocabulary_id, config.d_vocab),
        neuron=within(selection.neuron, config.n_neurons),
    )


def predicted_position(read: m.PromptRead, model: m.ModelInfo | None) -> int:
    """The last position; of a masked model's prompt its first mask, or else its last word."""
    last = read.n_tokens - 1
    if model is None or model.config.head != "mlm":
        return last
    for position, token in enumerate(read.tokens):
        if token.id == model.mask_id:
            return position
    words = [i for i, token in enumerate(read.tokens) if token.char_end > token.char_start]
    return words[-1] if words else last

"""The forward pass as an ordered list of named operations.

What the network does, as data: each operation has a name (the activation that it writes, under
its TransformerLens name), the activations and parameters that it reads, the shape of what it
writes, a formula and a sentence. The traced path of `model.transformer` executes this very list,
the window draws it, the command line saves its outputs; so another architecture draws itself.

Knows the config, but neither weights nor torch. The letters of shapes are explained in
`model.operations.operation`.
"""

from __future__ import annotations

from functools import lru_cache

from model.config import TransformerConfig
from model.operations.block import block
from model.operations.ends import embedding, head
from model.operations.names import aliases_of, full_name, matching_names, recorded_names
from model.operations.operation import (
    INPUT_IDS,
    LOGITS,
    PROBABILITIES,
    Group,
    Kind,
    Operation,
    shape_of,
)

__all__ = [
    "INPUT_IDS",
    "LOGITS",
    "PROBABILITIES",
    "Group",
    "Kind",
    "Operation",
    "activation_names",
    "aliases",
    "full_name",
    "matching_names",
    "operations",
    "output_name",
    "shape_of",
]


def operations(config: TransformerConfig) -> tuple[Operation, ...]:
    """Every operation of the network, in the order in which it runs.

    The first is the tokens themselves (``input_ids``). Where the network has logits, they are the
    last but one; the last, ``probabilities``, is the softmax that prediction applies and is no part
    of the network. Without a head the last is the last hidden state.
    """
    return _forward(config)[0]


def aliases(config: TransformerConfig) -> dict[str, str]:
    """Names that researchers type for a tensor that an operation writes under another name.

    Returns:
        alias -> name of the recorded activation, for example ``blocks.1.hook_resid_pre`` ->
        ``blocks.0.hook_resid_post``. The tensors are the same, not copies.
    """
    ops, streams = _forward(config)
    return aliases_of(ops, streams, config)


def activation_names(config: TransformerConfig) -> tuple[str, ...]:
    """Every name that a trace answers to: recorded activations in order, then aliases."""
    ops, streams = _forward(config)
    return recorded_names(ops) + tuple(aliases_of(ops, streams, config))


def output_name(config: TransformerConfig) -> str:
    """What the network gives back: the logits, or the last hidden state where there are none."""
    return LOGITS if config.has_logits else _forward(config)[0][-1].output


@lru_cache(maxsize=16)
def _forward(config: TransformerConfig) -> tuple[tuple[Operation, ...], tuple[str, ...]]:
    """The operations, and the names of the residual stream before, between and after the blocks."""
    first, stream = embedding(config)
    ops: list[Operation] = list(first)
    streams = [stream]
    for layer in range(config.n_layers):
        ops_of_block, stream = block(config, layer, stream)
        ops += ops_of_block
        streams.append(stream)
    ops += head(config, stream)
    return tuple(ops), tuple(streams)

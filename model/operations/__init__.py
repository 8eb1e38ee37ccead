"""The forward pass as an ordered list of named operations.

What the network does, as data: each operation has a name (the activation that it writes, under
its TransformerLens name), the activations and parameters that it reads, the shape of what it
writes, a formula and a sentence. The traced path of `model.transformer` executes this very list,
the window draws it, the command line saves its outputs; so another architecture draws itself.

Knows the config, but neither weights nor torch. The letters of shapes are explained in
`model.operations.operation`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

from model.config import TransformerConfig
from model.operations.block import block
from model.operations.ends import embedding, head
from model.operations.names import aliases_of, full_name, matching_names, recorded_names
from model.operations.needed import needed
from model.operations.operation import (
    INPUT_IDS,
    LOGITS,
    PROBABILITIES,
    Group,
    Kind,
    Operation,
    norm_name,
    shape_of,
)
from model.operations.parameters import parameter_letters, parameter_sizes
from model.operations.scores import SCORE_HOOKS, score_formula, usual_scale

__all__ = [
    "INPUT_IDS",
    "LOGITS",
    "PROBABILITIES",
    "SCORE_HOOKS",
    "Group",
    "Kind",
    "Operation",
    "activation_names",
    "aliases",
    "full_name",
    "keys_and_values",
    "matching_names",
    "needed",
    "norm_name",
    "operations",
    "output_name",
    "parameter_letters",
    "parameter_names",
    "parameter_sizes",
    "score_formula",
    "shape_of",
    "streams",
    "usual_scale",
]


def operations(config: TransformerConfig) -> tuple[Operation, ...]:
    """Every operation of the network, in the order in which it runs.

    The first is the tokens themselves (``input_ids``). Where the network has logits, they are the
    last but one; the last, ``probabilities``, is the softmax that prediction applies and is no part
    of the network. Without a head the last is the last hidden state.
    """
    return _forward(config)[0]


@lru_cache(maxsize=16)
def aliases(config: TransformerConfig) -> Mapping[str, str]:
    """Names that researchers type for a tensor that an operation writes under another name.

    Returns:
        alias -> name of the recorded activation, for example ``blocks.1.hook_resid_pre`` ->
        ``blocks.0.hook_resid_post``. The tensors are the same, not copies.
    """
    ops, borders = _forward(config)
    return MappingProxyType(aliases_of(ops, borders, config))


def activation_names(config: TransformerConfig) -> tuple[str, ...]:
    """Every name that a trace answers to: recorded activations in order, then aliases."""
    return recorded_names(operations(config)) + tuple(aliases(config))


def streams(config: TransformerConfig) -> tuple[str, ...]:
    """Names of the residual stream at the borders of blocks, ``n_layers + 1`` of them.

    The one at index ``l`` is what block ``l`` reads; the last is what the last block left. Each is
    the name of the operation that writes it, for which ``blocks.l.hook_resid_pre`` may be an alias.
    """
    return _forward(config)[1]


@lru_cache(maxsize=16)
def keys_and_values(config: TransformerConfig) -> tuple[tuple[str, str], ...]:
    """For each layer the names of the keys and values as attention reads them.

    Keys normed and rotated where the network does so: what a cache holds. With them a window of
    positions can be computed from the residual stream at these positions.
    """
    ops = operations(config)
    keys = [op.inputs[1] for op in ops if op.kind == "dot"]
    values = [op.inputs[1] for op in ops if op.kind == "mix"]
    return tuple(zip(keys, values, strict=True))


@lru_cache(maxsize=8)
def parameter_names(config: TransformerConfig) -> tuple[str, ...]:
    """Every parameter's name, in the order in which the operations read them."""
    names = [name for op in operations(config) for name in op.parameters]
    if config.tied_embeddings and config.has_logits:
        names.append("W_U")
    return tuple(dict.fromkeys(names))


def output_name(config: TransformerConfig) -> str:
    """What the network gives back: the logits, or the last hidden state where there are none."""
    return LOGITS if config.has_logits else _forward(config)[0][-1].output


@lru_cache(maxsize=16)
def _forward(config: TransformerConfig) -> tuple[tuple[Operation, ...], tuple[str, ...]]:
    """The operations, and the names of the residual stream before, between and after the blocks."""
    first, stream = embedding(config)
    ops: list[Operation] = list(first)
    borders = [stream]
    for layer in range(config.n_layers):
        ops_of_block, stream = block(config, layer, stream)
        ops += ops_of_block
        borders.append(stream)
    ops += head(config, stream)
    return tuple(ops), tuple(borders)

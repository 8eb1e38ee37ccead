"""The nodes of a graph: what every embedding, head and MLP did for the metric.

Shape suffixes: L layers, T positions, H heads, K d_head, D d_model, N nodes.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from model.bench import Bench
from model.bench.gradients import BlockGradients, Gradients
from model.operations import streams
from model.probe.graph.asks import EMBEDDING
from model.probe.graph.baseline import Baseline
from model.probe.measuring import Measure
from model.probe.question import Array
from model.probe.tensors.compute import to_array
from model.subject import Subject


@dataclass(frozen=True, slots=True)
class Nodes:
    """All nodes, as columns: embeddings, then layer by layer heads and the MLP.

    Attributes:
        layer_N, head_N: -1 of an embedding; a head's is -1 of an MLP.
        position_N: where each stands.
        relevance_N: what each did.
    """

    layer_N: Array
    head_N: Array
    position_N: Array
    relevance_N: Array

    def __len__(self) -> int:
        return len(self.layer_N)

    @property
    def are_heads(self) -> Array:
        return self.head_N >= 0

    @property
    def are_embeddings(self) -> Array:
        return self.layer_N == EMBEDDING


@dataclass(frozen=True, slots=True)
class WayBack:
    """What one way back found.

    Attributes:
        nodes: all of them.
        blocks: from the first to the last.
        embedded_TD: what the first block reads.
    """

    nodes: Nodes
    blocks: tuple[BlockGradients, ...]
    embedded_TD: Tensor


def z_name(layer: int) -> str:
    """The name of what a layer's heads read."""
    return f"blocks.{layer}.attn.hook_z"


def mlp_name(layer: int) -> str:
    """The name of what a layer's MLP adds to the stream."""
    return f"blocks.{layer}.hook_mlp_out"


def going_back(
    way: Gradients, measure: Measure, bench: Bench, subject: Subject, baseline: Baseline
) -> Generator[None, None, WayBack]:
    """Every node's relevance, by one way back; yields after each block."""
    network = bench.network(subject)
    n_layers = network.config.n_layers
    names = {layer: (z_name(layer), mlp_name(layer)) for layer in range(n_layers)}
    ids = measure.ids(network.embed.weight)
    blocks: list[BlockGradients] = []
    for block in way.of(lambda scores_1V: measure.of(scores_1V)[0], ids, names):
        blocks.append(block)
        yield None
    blocks.reverse()
    embedded_TD = way.resid(0).detach()[0]
    T = len(embedded_TD)
    border = streams(network.config)[0]
    of_embeddings = _shares(baseline.beyond(border, embedded_TD), blocks[0].before[0])
    parts = [_column(EMBEDDING, -1, of_embeddings)]
    for block in blocks:
        z, mlp = z_name(block.layer), mlp_name(block.layer)
        heads_TH = _shares(baseline.beyond(z, block.values[z][0]), block.of[z][0])
        parts += [_column(block.layer, at, head_T) for at, head_T in enumerate(heads_TH.T)]
        mlp_T = _shares(baseline.beyond(mlp, block.values[mlp][0]), block.of[mlp][0])
        parts.append(_column(block.layer, -1, mlp_T))
    layer_N, head_N, relevance_N = (np.concatenate(part) for part in zip(*parts, strict=True))
    position_N = np.tile(np.arange(T), len(parts))
    return WayBack(Nodes(layer_N, head_N, position_N, relevance_N), tuple(blocks), embedded_TD)


def _shares(beyond_T: Tensor, grads_T: Tensor) -> Array:
    """Activation times what flowed back to it, summed over its numbers, ``[T, …]``."""
    return to_array((beyond_T.cpu().double() * grads_T.cpu().double()).sum(-1))


def _column(layer: int, head: int, relevance_T: Array) -> tuple[Array, Array, Array]:
    n = len(relevance_T)
    return np.full(n, layer), np.full(n, head), relevance_T


def strongest(nodes: Nodes, share: float, most: int) -> tuple[Array, float]:
    """Indices of the nodes that hold a share of all strength, strongest first.

    Returns:
        The indices, and the share that they really hold.
    """
    strength_N = np.nan_to_num(np.abs(nodes.relevance_N))
    order = np.argsort(-strength_N, kind="stable")
    total = float(strength_N.sum())
    if not total:
        return order[:0], 0.0
    held = np.cumsum(strength_N[order]) / total
    enough = len(order) if share >= 1 else int(np.searchsorted(held, share)) + 1
    n = min(enough, most, len(order))
    return order[:n], float(held[n - 1]) if n else 0.0

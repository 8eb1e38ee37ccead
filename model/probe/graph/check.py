"""How well a graph agrees with cutting: single nodes are really cut out, and the text runs on.

Knows nodes by layer, head and position; no rule of relevance. Shape suffixes: N nodes, B variants,
T positions, H heads, D d_model.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from model.bench import Bench
from model.bench.restart import Restart
from model.operations import streams
from model.probe.graph.asks import EMBEDDING
from model.probe.graph.baseline import Baseline
from model.probe.graph.nodes import Nodes, mlp_name, z_name
from model.probe.measuring import Measure
from model.probe.question import Array
from model.probe.tensors.compute import to_array
from model.subject import Subject


def drawn(nodes: Nodes, strengths: Sequence[Array], n: int, seed: int) -> Array:
    """Indices of nodes to cut: of each kind as many, half of them strong ones, half by chance.

    Args:
        nodes: all of them.
        strengths: by what a node may count as strong, ``[N]`` each; each gets its share.
        n: how many in all.
        seed: of chance.
    """
    dice = np.random.default_rng(seed)
    kinds = (nodes.are_embeddings, nodes.are_heads, ~nodes.are_embeddings & ~nodes.are_heads)
    chosen: list[Array] = []
    # Small kinds first: what they leave goes to the others.
    for left, kind in zip((3, 2, 1), sorted(kinds, key=np.count_nonzero), strict=True):
        of_kind = np.flatnonzero(kind)
        most = (n - sum(map(len, chosen))) // left
        if len(of_kind) <= most:
            chosen.append(of_kind)
            continue
        strong = [
            of_kind[np.argsort(-np.abs(by[of_kind]), kind="stable")][: most // 2 // len(strengths)]
            for by in strengths
        ]
        some = np.unique(np.concatenate(strong)) if strong else of_kind[:0]
        rest = np.setdiff1d(of_kind, some)
        chosen.append(np.concatenate((some, dice.permutation(rest)[: most - len(some)])))
    return np.sort(np.concatenate(chosen))


class Cutting:
    """Cuts nodes out of a text, one at a time, many texts at once.

    Args:
        bench: holds the model.
        subject: the text.
        measure: what is looked at.
        at: after which position.
        baseline: what a node is set to.
        whole: the metric with nothing cut.
    """

    def __init__(
        self,
        bench: Bench,
        subject: Subject,
        measure: Measure,
        at: int,
        baseline: Baseline,
        whole: float,
    ) -> None:
        self._measure, self._at = measure, at
        self._restart = Restart(bench, subject, 0, at)
        self._baseline, self._whole = baseline, whole
        network = bench.network(subject)
        self._border = streams(network.config)[0]
        self._ids = measure.ids(network.embed.weight)

    def cut(self, nodes: Nodes, which: Array, falls_N: Array) -> Iterator[None]:
        """By how much the metric falls without each node, into ``falls_N``; a block a slice."""
        kind = np.where(nodes.head_N[which] >= 0, 1, 0)
        order = np.lexsort((nodes.position_N[which], kind, nodes.layer_N[which]))
        for group in _alike(which[order], nodes):
            left = group
            while len(left):
                start = int(nodes.position_N[left[0]])
                restart = self._restart.begun_at(start)
                some, left = left[: restart.n_at_once], left[restart.n_at_once :]
                yield from self._cut_together(nodes, some, restart, falls_N)

    def _cut_together(
        self, nodes: Nodes, some: Array, restart: Restart, falls_N: Array
    ) -> Iterator[None]:
        layer, is_head = int(nodes.layer_N[some[0]]), nodes.head_N[some[0]] >= 0
        rows, at_B = np.arange(len(some)), nodes.position_N[some]
        own_B = at_B - restart.start
        if layer == EMBEDDING:
            name = self._border
        else:
            name = z_name(layer) if is_head else mlp_name(layer)
        with torch.inference_mode():
            set_to = self._baseline.named(name)
        to_B = set_to[at_B, nodes.head_N[some]] if is_head else set_to[at_B]
        place = (rows, own_B, nodes.head_N[some]) if is_head else (rows, own_B)

        def edit(tensor: Tensor) -> Tensor:
            cut = tensor.clone()
            cut[place] = to_B
            return cut

        first = max(layer, 0)
        resid_BTD = restart.resid(first, len(some))
        with torch.inference_mode():
            resid_BTD = edit(resid_BTD) if layer == EMBEDDING else resid_BTD
        edits = {} if layer == EMBEDDING else {name: edit}
        last_BTD = yield from restart.onwards(first, resid_BTD, edits)
        metric_B = to_array(self._measure.of(restart.logits(last_BTD, self._at, self._ids)))
        falls_N[some] = self._whole - metric_B


def _alike(which: Array, nodes: Nodes) -> Iterator[Array]:
    """Neighbours of one kind and layer together."""
    key = np.stack((nodes.layer_N[which], nodes.head_N[which] >= 0))
    borders = np.flatnonzero((key[:, 1:] != key[:, :-1]).any(0)) + 1
    yield from (part for part in np.split(which, borders) if len(part))

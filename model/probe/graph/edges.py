"""The edges of a graph: how much of what a node did came to it directly from another.

What a node wrote is carried along the stream to where another reads it; there it is multiplied with
what flowed back from that node alone. Between the two no sublayer is passed, so that the edges into
a node add up to what it did, biases aside.

Shape suffixes: T positions, H heads, K d_head, D d_model, n nodes that are carried.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import TypeAlias

import numpy as np
import torch
from torch import Tensor

from model.bench.gradients import BlockGradients, Gradients
from model.operations import Operation, needed
from model.probe.graph.asks import LOGIT
from model.probe.graph.baseline import Baseline
from model.probe.graph.nodes import WayBack, mlp_name, z_name
from model.probe.question import Array
from model.probe.tensors.compute import to_array


class Edges:
    """The edges between some nodes.

    Args:
        way: went back by the rules of relevance.
        found: what it found.
        kept: indices of the nodes.
        baseline: what nodes are compared with.
    """

    def __init__(self, way: Gradients, found: WayBack, kept: Array, baseline: Baseline) -> None:
        self._way, self._baseline = way, baseline
        self._blocks = found.blocks
        nodes = found.nodes
        self._layer, self._head = nodes.layer_N[kept], nodes.head_N[kept]
        self._position = nodes.position_N[kept]
        self._parts: list[tuple[Array, Array, Array]] = []
        # Who is in the stream already, and what of each.
        self._who = np.flatnonzero(self._layer < 0)
        embedded_TD = baseline.beyond(way.borders(0)[0], found.embedded_TD)
        self._carried_nD = embedded_TD[self._position[self._who]]

    def steps(self) -> Iterator[None]:
        """Goes up through the blocks, one a slice."""
        for block in self._blocks:
            with torch.inference_mode(False), torch.no_grad():
                self._pass(block)
            yield None
        self._join(LOGIT, self._blocks[-1].after[0])

    def columns(self, most: int) -> tuple[Array, Array, Array]:
        """Source, goal and weight of the strongest edges, strongest first."""
        if not self._parts:
            return np.zeros(0, np.intp), np.zeros(0, np.intp), np.zeros(0)
        source, goal, weight = (np.concatenate(part) for part in zip(*self._parts, strict=True))
        strength = np.nan_to_num(np.abs(weight))
        order = np.lexsort((source, goal, -strength))
        order = order[strength[order] > 0][:most]
        return source[order], goal[order], weight[order]

    # ------------------------------------------------------------------------- blocks

    def _pass(self, block: BlockGradients) -> None:
        """Edges into one block's nodes, while what is carried goes along its stream."""
        ops = self._way.operations(block.layer)
        writers = {op.output: op for op in ops}
        before, _ = self._way.borders(block.layer)
        on_stream = self._way.on_the_stream(block.layer)
        added = [name for op in ops if op.kind == "add" for name in op.inputs[1:]]
        readers: dict[str, list[str]] = {}
        for name in added:
            readers.setdefault(_read_at(writers, name, on_stream | {before}), []).append(name)
        for name in readers.get(before, ()):
            self._into(block, writers[name].group)
        for op in ops:
            if op.output not in on_stream or op.kind == "norm_scale":
                continue
            if op.kind == "norm":
                self._carry_through_norm(op, block)
            else:
                self._add(op, block, writers)
            for name in readers.get(op.output, ()):
                self._into(block, writers[name].group)

    def _carry_through_norm(self, op: Operation, block: BlockGradients) -> None:
        scale_T = block.scales[op.inputs[1]]
        self._carried_nD = self._linear(
            self._carried_nD, self._who, lambda x, at: self._way.run(op, [x, at(scale_T)])
        )

    def _add(self, op: Operation, block: BlockGradients, writers: dict[str, Operation]) -> None:
        """What is carried passes a sum; what the sublayers' nodes add to it joins."""
        zeros = len(op.inputs) - 1

        def from_place(place: int) -> Callable[[Tensor, _At], Tensor]:
            def run(x: Tensor, _: _At) -> Tensor:
                inputs = [torch.zeros_like(x)] * (zeros + 1)
                inputs[place] = x
                return self._way.run(op, inputs)

            return run

        carried = [self._linear(self._carried_nD, self._who, from_place(0))]
        for place, name in enumerate(op.inputs[1:], 1):
            group = writers[name].group
            who, written_nD = self._written(block, group, name)
            carried.append(self._linear(written_nD, who, from_place(place)))
            self._who = np.concatenate((self._who, who))
        self._carried_nD = torch.cat(carried)

    def _written(self, block: BlockGradients, group: str, name: str) -> tuple[Array, Tensor]:
        """What each kept node of a sublayer adds to the stream, ``[n, D]``."""
        who = self._of(block.layer, group)
        at_n = self._position[who]
        if group == "mlp":
            mlp = mlp_name(block.layer)
            return who, self._baseline.beyond(mlp, block.values[mlp][0])[at_n]
        z = z_name(block.layer)
        z_THK = self._baseline.beyond(z, block.values[z][0])
        alone_nHK = torch.zeros_like(z_THK[:1]).repeat(len(who), 1, 1)
        rows = np.arange(len(who))
        alone_nHK[rows, self._head[who]] = z_THK[at_n, self._head[who]]
        ops = [
            op
            for op in needed(self._way.operations(block.layer), (name,), (z,))
            if op.kind != "norm_scale"
        ]

        def run(x: Tensor, at: _At) -> Tensor:
            held = {z: x}
            for op in ops:
                held[op.output] = self._way.run(
                    op,
                    [held[one] if one in held else at(block.scales[one]) for one in op.inputs],
                )
            return held[name]

        return who, self._linear(alone_nHK, who, run)

    def _into(self, block: BlockGradients, group: str) -> None:
        """Edges into the kept nodes of a sublayer, from all that is carried."""
        who = self._of(block.layer, group)
        if not len(who) or not len(self._who):
            return
        if group == "mlp":  # at its own position only
            field_TD = block.read[group][0]
            for node in who:
                self._join(int(node), field_TD, only=int(self._position[node]))
            return
        name = z_name(block.layer)
        z_1THK, branch_1TD = self._way.branch(block.layer, name)
        grad_1THK = block.of[name]
        for node in who:
            place = 0, int(self._position[node]), int(self._head[node])
            with torch.enable_grad():
                own_K = z_1THK[place]
            (field_1TD,) = torch.autograd.grad(
                own_K, (branch_1TD,), grad_1THK[place], retain_graph=True
            )
            self._join(int(node), field_1TD[0])

    # -------------------------------------------------------------------------- parts

    def _of(self, layer: int, group: str) -> Array:
        """The kept nodes of a sublayer."""
        heads = self._head >= 0
        return np.flatnonzero((self._layer == layer) & (heads if group == "attention" else ~heads))

    def _join(self, goal: int, field_TD: Tensor, only: int | None = None) -> None:
        """Edges to a node, from what is carried and what flowed back from it."""
        at_n = self._position[self._who]
        carried_nD, field_nD = (x.cpu().double() for x in (self._carried_nD, field_TD[at_n]))
        weight_n = to_array((carried_nD * field_nD).sum(-1))
        here = np.ones(len(at_n), bool) if only is None else at_n == only
        self._parts.append((self._who[here], np.full(here.sum(), goal), weight_n[here]))

    def _linear(self, own_n: Tensor, who: Array, run: Callable[[Tensor, _At], Tensor]) -> Tensor:
        """What operations make of each node's own part, constants taken away.

        Args:
            own_n: a node's a row, ``[n, …]``.
            who: whose.
            run: the operations; given the parts at positions, and what gives a scale there.
        """
        if not len(who):
            return self._carried_nD[:0]
        at_n = self._position[who]
        if not self._way.is_changed:  # every position is treated alike: a row a node

            def at(scale_1T: Tensor) -> Tensor:
                return scale_1T[:, at_n]

            laid = own_n[None]
            return (run(laid, at) - run(torch.zeros_like(laid), at))[0]
        # An intervention may treat each position otherwise: every node in a text of its own.
        laid = own_n.new_zeros((len(who), self._way.stop, *own_n.shape[1:]))
        laid[np.arange(len(who)), at_n] = own_n
        found = run(laid, _as_it_is) - run(torch.zeros_like(laid), _as_it_is)
        return found[np.arange(len(who)), at_n]


_At: TypeAlias = "Callable[[Tensor], Tensor]"


def _as_it_is(scale_1T: Tensor) -> Tensor:
    return scale_1T


def _read_at(writers: dict[str, Operation], name: str, on_stream: Collection[str]) -> str:
    """Where on the stream a sublayer reads that writes an activation."""
    while name not in on_stream:
        name = writers[name].inputs[0]
    return name

"""One side of a score: a query or a key as a sum of what was written to its residual stream.

Goes through the operations from the embedding up to the query (or key) of one block and carries a
vector for each part. Sums are kept apart; norms divide by the scale that was recorded; linear maps
and rotations take each part by itself; a clip multiplies each dimension by what it left of it. What
a norm or a linear map adds by itself is a part of its own, and so is what an intervention changed.

Knows operations, weights and recorded activations of one network at one position; no question.
Shape suffixes: P parts, D d_model, H heads (of keys: key/value heads), K d_head. All float64.
"""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterator, Mapping
from itertools import groupby
from typing import cast

import torch
from torch import Tensor

from model.bench import Bench
from model.network.block import Block
from model.network.rotary import rotate, rotation
from model.operations import Operation, norm_name
from model.probe.attribution.walk import wide
from model.probe.why_attends.asks import BIASES, CHANGE
from model.subject import Subject
from model.transformer import Transformer

_LEAVES = ("hook_attn_out", "hook_mlp_out")
_NAMES = {
    "embed": "embedding",
    "project_in": "embedding",
    "pos_embed": "position",
    "token_type_embed": "token type",
}

Parts = dict[str, Tensor]
"""Name of a part -> its share of an activation."""


class Side:
    """How a position's query or key came about.

    Args:
        network: whose.
        name: of the activation that the score reads: a query or a key of all heads.
        changed: names that interventions change or compute otherwise.
    """

    def __init__(self, network: Transformer, name: str, changed: Collection[str]) -> None:
        self._network = network
        self._name = name
        self._changed = changed
        self._steps = _needed(network, name)

    def parts(self, subject: Subject, bench: Bench, at: int) -> Generator[None, None, Parts]:
        """The parts at a position, ``[H, K]`` each; a block a slice."""
        known: dict[str, Parts] = {}
        for _, group in groupby(self._steps, key=lambda op: op.layer):
            ops = tuple(group)
            read = tuple(dict.fromkeys(name for op in ops for name in self._reads(op)))
            found = bench.values(subject, read, at, at + 1) if read else {}
            values = {name: wide(tensor[0, 0]) for name, tensor in found.items()}
            with torch.inference_mode():
                for op in ops:
                    parts = self._written(op, known, values, at, subject.n_tokens)
                    if op.output in self._changed and not _is_leaf(op):
                        _add(parts, CHANGE, values[op.output] - _sum(parts))
                    known[op.output] = parts
            yield None
        return known[self._name]

    def _reads(self, op: Operation) -> Iterator[str]:
        if _is_leaf(op) or op.output in self._changed:
            yield op.output
        if op.kind == "norm" and not _is_leaf(op):
            yield op.inputs[1]

    def _written(
        self,
        op: Operation,
        known: Mapping[str, Parts],
        values: Mapping[str, Tensor],
        at: int,
        n_tokens: int,
    ) -> Parts:
        if _is_leaf(op):
            return {_leaf_name(op): values[op.output]}
        if op.kind == "add":
            parts: Parts = {}
            for source in op.inputs:
                for name, vector in known[source].items():
                    _add(parts, name, vector)
            return parts
        read = known[op.inputs[0]]
        if op.kind == "norm":
            return self._normed(op, read, values[op.inputs[1]])
        assert op.layer is not None
        attn = cast("Block", self._network.blocks[op.layer]).attn
        if op.kind == "rotate":
            assert attn.rotary is not None
            like = torch.empty(0, dtype=torch.float64)
            c = self._network.config
            cos_TK, sin_TK = rotation(attn.rotary, c, at, 1, like, n_tokens)
            # The position is the last axis but one.
            return {
                name: rotate(x_HK[:, None], cos_TK, sin_TK, attn.rotary.interleaved)[:, 0]
                for name, x_HK in read.items()
            }
        rows = slice(0, attn.n_q) if op.kind == "query" else slice(attn.n_q, attn.n_q + attn.n_kv)
        weight_ND = wide(attn.qkv.weight[rows])
        parts = {name: weight_ND @ x_D for name, x_D in read.items()}
        if attn.qkv.bias is not None:
            _add(parts, BIASES, wide(attn.qkv.bias[rows]))
        clip = self._network.config.caps.qkv
        if clip is not None:
            whole_N = _sum(parts)
            kept_N = torch.where(whole_N == 0, 1.0, whole_N.clamp(-clip, clip) / whole_N)
            parts = {name: x_N * kept_N for name, x_N in parts.items()}
        return {
            name: x_N.unflatten(0, (-1, self._network.config.d_head)) for name, x_N in parts.items()
        }

    def _normed(self, op: Operation, read: Parts, scale: Tensor) -> Parts:
        norm = self._network.norm_of(norm_name(op))
        weight = wide(norm.weight())
        parts = {
            name: (x if norm.rms else x - x.mean(norm.axes, keepdim=True)) / scale * weight
            for name, x in read.items()
        }
        if norm.b is not None:
            _add(parts, BIASES, wide(norm.b).expand(weight.shape))
        return parts


def _needed(network: Transformer, name: str) -> tuple[Operation, ...]:
    """The operations between what is written to the stream and an activation, in their order."""
    by_output = {op.output: op for op in network.operations}
    reached, waiting = set[str](), [name]
    while waiting:
        op = by_output[waiting.pop()]
        if op.output in reached:
            continue
        reached.add(op.output)
        if _is_leaf(op):
            continue
        waiting += op.inputs if op.kind == "add" else op.inputs[:1]
    return tuple(op for op in network.operations if op.output in reached)


def _is_leaf(op: Operation) -> bool:
    """Whether it writes something new to the stream."""
    return op.kind in _NAMES or op.output.endswith(_LEAVES)


def _leaf_name(op: Operation) -> str:
    if op.layer is None:
        return _NAMES[op.kind]
    return f"{'attention' if op.output.endswith(_LEAVES[0]) else 'MLP'} {op.layer}"


def _add(parts: Parts, name: str, vector: Tensor) -> None:
    parts[name] = parts[name] + vector if name in parts else vector


def _sum(parts: Parts) -> Tensor:
    return torch.stack(tuple(parts.values())).sum(0)

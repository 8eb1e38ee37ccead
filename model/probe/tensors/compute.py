"""Whole activations; and a tensor as an array that may cross the border."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from types import MappingProxyType

import torch
from torch import Tensor

from model.bench import Bench
from model.operations import aliases, shape_of
from model.probe.question import Answer, Array, read_only
from model.probe.tensors.asks import MOST_BYTES, Tensors, TensorsFound
from model.subject import Subject


class TooMuchError(Exception):
    """More was asked for than crosses the border; the message is for the person."""


def answer(question: Tensors, subject: Subject, bench: Bench) -> Iterator[Answer | None]:
    """A block's activations a slice.

    Raises:
        TooMuchError: together they are larger than `MOST_BYTES`.
        KeyError: there is no activation of a name.
    """
    network = bench.network(subject)
    same = aliases(network.config)
    ops = {op.output: op for op in network.operations}
    letters = {}
    n_bytes = 0
    for name in question.names:
        if same.get(name, name) not in ops:
            raise KeyError(f"No activation is called {name!r}.")
        op = ops[same.get(name, name)]
        letters[name] = op.shape[1:]
        n_bytes += 4 * prod(shape_of(op, network.config, 1, subject.n_tokens))
    if n_bytes > MOST_BYTES:
        raise TooMuchError(
            f"These are {n_bytes / 2**20:,.0f} MB; at most {MOST_BYTES >> 20} MB are shown whole."
        )
    found: dict[str, Array] = {}
    for some in bench.by_block(subject, question.names):
        values = bench.values(subject, some)
        found |= {name: read_only(to_array(values[name][0]).copy()) for name in some}
        yield None
    yield TensorsFound(
        subject=subject,
        question=question,
        tensors=MappingProxyType({name: found[name] for name in question.names}),
        letters=MappingProxyType(letters),
    )


def to_array(tensor: Tensor) -> Array:
    """A tensor as a NumPy array, float32 where it was bfloat16 or float16.

    Shares memory with a tensor on the CPU.
    """
    # Each of these makes a tensor of its own, also where there is nothing to do; an edit asks for
    # dozens of arrays.
    if tensor.requires_grad:
        tensor = tensor.detach()
    if tensor.dtype in (torch.bfloat16, torch.float16):
        tensor = tensor.float()
    if tensor.device.type != "cpu":
        tensor = tensor.cpu()
    array: Array = tensor.numpy()
    return array

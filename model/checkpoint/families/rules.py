"""How tensors of a file become tensors of the network, and back: names, joins, transposes.

A family lists rules; each is read in both directions. Nothing is computed: a rule renames,
reshapes, transposes, joins and cuts. Knows no family.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import torch
from torch import Tensor

Reshape: TypeAlias = Callable[[Sequence[Tensor]], Sequence[Tensor]]


@dataclass(frozen=True, slots=True)
class Rule:
    """Some tensors of the network that are some tensors of a file.

    Attributes:
        ours: names in the network's state dict.
        theirs: canonical names in the file.
        read: from theirs to ours, in the order of the names.
        write: from ours to theirs.
    """

    ours: tuple[str, ...]
    theirs: tuple[str, ...]
    read: Reshape
    write: Reshape


def same(ours: str, theirs: str) -> Rule:
    """One tensor under another name."""
    return Rule((ours,), (theirs,), list, list)


def transposed(ours: str, theirs: str) -> Rule:
    """A matrix that is stored ``[in, out]``; seen transposed, not copied."""

    def flip(tensors: Sequence[Tensor]) -> Sequence[Tensor]:
        return [tensor.T for tensor in tensors]

    return Rule((ours,), (theirs,), flip, flip)


def joined(ours: str, theirs: Sequence[str], sizes: Sequence[int]) -> Rule:
    """Several tensors of the file are one of ours, one after another along the first axis."""
    return Rule((ours,), tuple(theirs), _join, _cutter(sizes))


def cut(ours: Sequence[str], theirs: str, sizes: Sequence[int]) -> Rule:
    """One tensor of the file is several of ours, one after another along the first axis."""
    return Rule(tuple(ours), (theirs,), _cutter(sizes), _join)


def reshaped(
    ours: str, theirs: str, read: Callable[[Tensor], Tensor], write: Callable[[Tensor], Tensor]
) -> Rule:
    """One tensor whose numbers stand in another order."""
    return Rule((ours,), (theirs,), lambda some: [read(some[0])], lambda some: [write(some[0])])


def stands_in(tensor: Tensor) -> bool:
    """Whether it is one number seen in every place, to learn shapes by; it must not be copied."""
    return not any(tensor.stride())


def _join(tensors: Sequence[Tensor]) -> Sequence[Tensor]:
    first = tensors[0]
    if all(stands_in(tensor) for tensor in tensors):
        # The whole is another such view.
        shape = (sum(len(tensor) for tensor in tensors), *first.shape[1:])
        return [first.as_strided(shape, (0,) * len(shape))]
    return [torch.cat(tuple(tensors))]


def _cutter(sizes: Sequence[int]) -> Reshape:
    def cut_up(tensors: Sequence[Tensor]) -> Sequence[Tensor]:
        return tensors[0].split(list(sizes))

    return cut_up


def read_state(rules: Iterable[Rule], tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The network's state dict from the tensors of a file; each is asked for once."""
    state: dict[str, Tensor] = {}
    for rule in rules:
        state.update(
            zip(rule.ours, rule.read([tensors[name] for name in rule.theirs]), strict=True)
        )
    return state


def write_state(rules: Iterable[Rule], state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors of a file from the network's state dict."""
    tensors: dict[str, Tensor] = {}
    for rule in rules:
        tensors.update(
            zip(rule.theirs, rule.write([state[name] for name in rule.ours]), strict=True)
        )
    return tensors

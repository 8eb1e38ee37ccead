"""A list of operations, executed: from any activation on, for any window of positions.

The one loop of the traced path. A recording asks it for names; an intervention changes what an
operation wrote (a tap) or computes it otherwise (a replacement). Knows how to let go of what is
read no more, and to write scores over each other where nobody looks; not what operations do.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias

from torch import Tensor

from model.network.run import run
from model.network.span import Span
from model.operations import INPUT_IDS, SCORE_HOOKS, Operation

if TYPE_CHECKING:
    from model.transformer import Transformer

Tap: TypeAlias = Callable[[str, Tensor], Tensor]
"""Called with the name and the tensor of every operation; returns the tensor to go on with."""


class Run(Protocol):
    """Computes an operation as usual, from inputs that may be others than it was given."""

    @property
    def network(self) -> Transformer:
        """Whose weights it reads."""

    def __call__(self, inputs: Sequence[Tensor], /) -> Tensor:
        """What the operation writes."""


@dataclass(frozen=True, slots=True)
class AsUsual:
    """An operation of a network, for the positions of a span."""

    network: Transformer
    op: Operation
    span: Span | None

    def __call__(self, inputs: Sequence[Tensor], /) -> Tensor:
        return run(self.network, self.op, inputs, span=self.span)


Replace: TypeAlias = Callable[[Operation, Sequence[Tensor], Run], Tensor | None]
"""Called before an operation with its inputs; what it returns is the output, None leaves it."""


def execute(
    network: Transformer,
    operations: Sequence[Operation],
    values: Mapping[str, Tensor],
    wanted: Collection[str] | None = None,
    tap: Tap | None = None,
    replace: Replace | None = None,
    span: Span | None = None,
) -> dict[str, Tensor]:
    """Run operations in their order; see `Transformer.execute`."""
    aliases = network.aliases
    span = span or Span(network.config, 0, n_positions(network, values), network.embed.weight)
    held = {aliases.get(name, name): tensor for name, tensor in values.items()}
    last_use = {name: index for index, op in enumerate(operations) for name in op.inputs}
    if wanted is None:
        wanted = [op.output for op in operations if op.output not in last_use]
    kept = frozenset(wanted)
    found = {name: held[real] for name in wanted if (real := aliases.get(name, name)) in held}
    # Nobody sees what the loop itself doesn't hand out.
    unseen = tap is None and replace is None
    passing = _passing(operations, kept) if unseen else frozenset()
    for index, op in enumerate(operations):
        if op.kind == "tokens":
            output = held[INPUT_IDS]
        else:
            inputs = [_input(held, op, name) for name in op.inputs]
            in_place = op.inputs[0] in passing
            early = in_place if op.kind == "scale" else op.kind == "dot" and op.output in passing
            replaced = None
            if replace is not None:
                replaced = replace(op, inputs, AsUsual(network, op, span))
            output = (
                run(network, op, inputs, span=span, in_place=in_place, scaled_early=early)
                if replaced is None
                else replaced
            )
            del inputs
        for name in (op.output, *network.aliases_of.get(op.output, ())):
            if tap is not None:
                output = tap(name, output)
            if name in kept:
                found[name] = output
        held[op.output] = output
        del output
        for name in op.inputs:
            if last_use[name] == index:
                held.pop(name, None)
        if op.output not in last_use:
            del held[op.output]
    if len(found) < len(kept):
        raise KeyError(f"Nothing here writes {', '.join(sorted(kept - found.keys()))}.")
    return found


def n_positions(network: Transformer, values: Mapping[str, Tensor]) -> int:
    """How many positions activations of a whole sequence hold.

    Raises:
        ValueError: there is none that has positions.
    """
    shapes = network.shapes
    for name, tensor in values.items():
        letters = shapes.get(network.aliases.get(name, name), "")
        for letter in ("T", "S"):
            if letter in letters:
                return tensor.shape[letters.index(letter)]
    raise ValueError("There is nothing to start from: no activation with positions is given.")


def _input(held: Mapping[str, Tensor], op: Operation, name: str) -> Tensor:
    try:
        return held[name]
    except KeyError:
        raise ValueError(
            f"{op.output} reads {name}, which was neither given nor computed."
        ) from None


def _passing(operations: Sequence[Operation], kept: Collection[str]) -> frozenset[str]:
    """Scores that only the next step towards the softmax reads: it may write over them."""
    readers: dict[str, list[Operation]] = {}
    for op in operations:
        for name in op.inputs:
            readers.setdefault(name, []).append(op)
    return frozenset(
        op.output
        for op in operations
        if op.kind in SCORE_HOOKS
        and op.output not in kept
        and [reader.kind in _OVER_SCORES for reader in readers.get(op.output, ())] == [True]
    )


_OVER_SCORES = frozenset(("scale", "bias", "cap", "mask"))

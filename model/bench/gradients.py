"""Gradients of one number with respect to activations, block by block from the last to the first.

The stream at every border is kept, so a block's operations are run again and gone through backwards
alone: memory for one block, a slice a block. With respect to activations only; no parameter is
asked for its gradient, whether or not it has one. A rule may compute an operation otherwise, so
that what flows back is no gradient but a relevance.

Each sublayer reads a branch of the stream, so that what reaches the stream through it alone is told
apart from what reaches it in all. Norms that stand on the stream itself belong to no sublayer.

Knows the network, one stream and interventions; not what the number is. Shape suffixes: B batch
(1), T positions, D d_model, V' tokens that are scored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import torch
from torch import Tensor

from model.bench.changes import changes_of
from model.network.execute import AsUsual, Replace
from model.network.span import Span
from model.operations import LOGITS, Operation

if TYPE_CHECKING:
    from model.bench.bench import Bench
    from model.subject import Subject

Number: TypeAlias = Callable[[Tensor], Tensor]
"""From scores ``[1, V']`` to the number, a tensor of one."""


@dataclass(frozen=True, slots=True)
class BlockGradients:
    """What flowed back through one block; tensors of the positions up to the one that is asked.

    Attributes:
        layer: its index.
        after: with respect to the stream that it leaves, ``[1, T, D]``.
        before: with respect to the stream that it reads.
        values: activations by name.
        of: with respect to each of them.
        read: with respect to what ``attention`` and ``mlp`` read, through that sublayer alone.
        scales: what the norms of the block divide by, by name.
    """

    layer: int
    after: Tensor
    before: Tensor
    values: Mapping[str, Tensor]
    of: Mapping[str, Tensor]
    read: Mapping[str, Tensor]
    scales: Mapping[str, Tensor]


class Gradients:
    """The way back from a number made of the scores after a position.

    Args:
        bench: holds the model.
        subject: whose stream is there or computed now; its interventions are done.
        at: the position.
        rule: computes operations otherwise, so that other things flow back; None for gradients.
        straight: whether the scores are taken before their soft cap, where there is one.

    Attributes:
        stop: positions up to here are gone through.
        number: what the number is, once somebody went back from it.
    """

    def __init__(
        self,
        bench: Bench,
        subject: Subject,
        at: int,
        rule: Replace | None = None,
        *,
        straight: bool = False,
    ) -> None:
        self._bench, self._subject = bench, subject
        self._stream = bench.stream(subject)
        self._network = self._stream.network
        self._plan = self._stream.plan
        config = self._config = self._network.config
        self._changes = changes_of(subject.interventions, config)
        self._tap, self._replace = self._changes.within(0, self._stream.read)
        self._rule, self._straight = rule, straight
        n = subject.n_tokens
        alone = config.causal and not self._changes
        self.stop = at + 1 if alone and not config.length_changes_rotations(at + 1, n) else n
        self._at = at
        self.number = float("nan")
        self._span = Span(config, 0, self.stop, self._network.embed.weight)

    @property
    def is_changed(self) -> bool:
        """Whether interventions change the network."""
        return bool(self._changes)

    def of(
        self, number: Number, ids: Tensor | None, names: Mapping[int, Sequence[str]]
    ) -> Iterator[BlockGradients]:
        """What flows back, from the last block to the first.

        Args:
            number: whose gradients.
            ids: of the tokens whose scores it is made of; None for the vocabulary.
            names: of each block, activations that it is wanted for; full names, no aliases.

        Raises:
            KeyError: the network has no head that scores tokens.
            MovedOnError: the weights are gone meanwhile.
        """
        after_BTD = self._end(number, ids)
        for layer in reversed(range(self._config.n_layers)):
            self._bench.network(self._subject)
            found = self._block(layer, after_BTD, names.get(layer, ()))
            after_BTD = found.before
            yield found

    def branch(self, layer: int, name: str) -> tuple[Tensor, Tensor]:
        """An activation of a block, and the branch of the stream that its sublayer reads.

        Both with the graph between them, for who goes through it backwards several times.
        """
        with torch.inference_mode(False), torch.enable_grad():
            block = _Block(self, layer)
            group = self._network.operation(name).group
            found = block.value(name, group)
            return found, block.branches[group]

    def _end(self, number: Number, ids: Tensor | None) -> Tensor:
        """The gradient with respect to what the last block leaves, ``[1, T, D]``."""
        network, config = self._network, self._config
        if not config.has_logits:
            raise KeyError(config.no_continuation)
        border = self._plan.borders[-1]
        with torch.inference_mode(False), torch.enable_grad():
            resid_BTD = self._stream.resid(config.n_layers)[:, : self.stop].clone()
            resid_BTD.requires_grad_()
            read = network.operation(LOGITS).inputs[0]
            x = resid_BTD if self._changes else resid_BTD[:, self._at : self._at + 1]
            held = {border: x}
            for op in self._plan.needed(None, (read,), (border,)):
                held[op.output] = self.run(op, [held[name] for name in op.inputs])
            x_BE = held[read][:, self._at if self._changes else 0]
            scores_BV = network.token_scores(x_BE, ids, capped=not self._straight)
            value = number(scores_BV)
            self.number = float(value.detach())
            (found,) = torch.autograd.grad(value, (resid_BTD,))
            return found

    def _block(self, layer: int, after_BTD: Tensor, names: Sequence[str]) -> BlockGradients:
        with torch.inference_mode(False), torch.enable_grad():
            block = _Block(self, layer)
            left = block.value(block.after, None)
            values = {
                name: block.value(name, self._network.operation(name).group) for name in names
            }
            wanted = [block.resid, *block.branches.values(), *values.values()]
            found = torch.autograd.grad(left, wanted, after_BTD, allow_unused=True)
            zeroed = [
                torch.zeros_like(of) if grad is None else grad
                for of, grad in zip(wanted, found, strict=True)
            ]
        n = 1 + len(block.branches)
        return BlockGradients(
            layer,
            after_BTD,
            zeroed[0],
            {name: tensor.detach() for name, tensor in values.items()},
            dict(zip(values, zeroed[n:], strict=True)),
            dict(zip(block.branches, zeroed[1:n], strict=True)),
            block.scales(),
        )

    def run(self, op: Operation, inputs: Sequence[Tensor]) -> Tensor:
        """One operation as interventions and the rule have it."""
        as_usual = AsUsual(self._network, op, self._span)
        output = None if self._replace is None else self._replace(op, inputs, as_usual)
        if output is None and self._rule is not None:
            output = self._rule(op, inputs, as_usual)
        if output is None:
            output = as_usual(inputs)
        if self._tap is not None:
            for name in (op.output, *self._network.aliases_of.get(op.output, ())):
                output = self._tap(name, output)
        return output

    def resid(self, layer: int) -> Tensor:
        """What a block reads, a tensor that gradients are had of, ``[1, T, D]``."""
        return self._stream.resid(layer)[:, : self.stop].clone().requires_grad_()

    def on_the_stream(self, layer: int) -> frozenset[str]:
        """What is written on the way of the stream through a block: sums, and norms of sums."""
        return frozenset(on_the_stream(self._plan.operations[layer], *self.borders(layer)))

    def borders(self, layer: int) -> tuple[str, str]:
        """Names of the stream that a block reads and leaves."""
        return self._plan.borders[layer], self._plan.borders[layer + 1]

    def operations(self, layer: int) -> tuple[Operation, ...]:
        """Of one block."""
        return self._plan.operations[layer]


class _Block:
    """One block's operations with the graph of their gradients, run as they are asked for."""

    def __init__(self, way: Gradients, layer: int) -> None:
        self._way = way
        self._writers = {op.output: op for op in way.operations(layer)}
        self._stream = way.on_the_stream(layer)
        self.before, self.after = way.borders(layer)
        self.resid = way.resid(layer)
        self.branches: dict[str, Tensor] = {}
        self._known: dict[tuple[str | None, str], Tensor] = {(None, self.before): self.resid}

    def value(self, name: str, branch: str | None) -> Tensor:
        """An activation, as a sublayer's branch or (None) the stream has it."""
        known = self._known.get((branch, name))
        if known is not None:
            return known
        on_stream = name == self.before or name in self._stream
        if on_stream and branch is not None:
            found = self.value(name, None)
            found = found.view_as(found)  # the same numbers, told apart by what reads them
            # A sublayer reads the stream at one place.
            self.branches[branch] = found
        else:
            op = self._writers[name]
            found = self._way.run(op, [self.value(of, self._of(of, branch)) for of in op.inputs])
        self._known[branch, name] = found
        return found

    def _of(self, name: str, branch: str | None) -> str | None:
        if branch is not None or name == self.before or name in self._stream:
            return branch
        return self._writers[name].group

    def scales(self) -> dict[str, Tensor]:
        """What its norms divide by, as far as they were run."""
        return {
            name: tensor.detach()
            for (_, name), tensor in self._known.items()
            if name in self._writers and self._writers[name].kind == "norm_scale"
        }


def on_the_stream(ops: Sequence[Operation], before: str, after: str) -> Iterator[str]:
    """Names of what a block writes between its borders beside its sublayers."""
    writers = {op.output: op for op in ops}
    ahead = [after]
    while ahead:
        name = ahead.pop()
        if name == before:
            continue
        yield name
        op = writers[name]
        # Of a sum the first is the stream, the others are what sublayers add.
        ahead += op.inputs[:1] if op.kind == "add" else op.inputs

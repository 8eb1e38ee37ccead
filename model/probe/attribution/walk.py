"""From a logit back along the residual stream: which vector each part is multiplied with.

At one position a logit is a sum of what was written to the stream, once every norm divides by the
scale that it had. The walk goes through the operations from the last to the first and carries the
covector of each activation, ``d logit / d activation`` with these scales held: through sums as it
is, through norms and linear maps transposed. It ends where something is written: embedding,
attention, MLP. What a norm or a linear map adds by itself is a part, too.

The nonlinearity of a masked head is held as the ratio of what leaves it to what enters it.

Knows operations and weights of one network; no bench and no question. Shape suffixes: D d_model,
E d_embed; covectors are float64, on the CPU.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from model.network.norm import Norm
from model.operations import LOGITS, Operation, norm_name
from model.probe.attribution.asks import Part
from model.probe.question import ProbeError
from model.transformer import Transformer

ENDS = frozenset(("embed", "project_in", "pos_embed", "token_type_embed", "attn_out", "mlp_out"))
"""Kinds of operation at which the walk ends."""

Values = Mapping[str, Tensor]
"""Name -> what it is at the position, without batch and position."""


@dataclass(slots=True)
class Walk:
    """The walk through one network.

    Args:
        network: whose.
        target: the token whose logit it is.
        changed: names that interventions change or compute otherwise.
    """

    network: Transformer
    target: int
    changed: Collection[str] = ()
    steps: tuple[Operation, ...] = field(init=False)
    _covectors: dict[str, Tensor] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.steps = tuple(_reached(self.network.operations))
        self._covectors[LOGITS] = torch.ones(1, dtype=torch.float64)

    def by_block(self) -> Iterator[tuple[Operation, ...]]:
        """The operations on the way, from the last: what is computed together in one group."""
        group: list[Operation] = []
        for op in self.steps:
            if group and group[-1].layer != op.layer:
                yield tuple(group)
                group = []
            group.append(op)
        yield tuple(group)

    def needs(self, op: Operation) -> tuple[str, ...]:
        """Names of the activations that `pass_through` reads."""
        if op.kind in ENDS:
            return ()
        names = op.inputs if op.kind in ("norm", "head_act") else ()
        return (*op.inputs, op.output) if op.output in self.changed else names

    @property
    def _capped(self) -> bool:
        return self.network.config.caps.logits is not None

    def covector(self, op: Operation) -> Tensor:
        """``d logit / d output``, ``[D]``."""
        return self._covectors[op.output]

    def pass_through(self, op: Operation, values: Values) -> Iterator[Part]:
        """Carry the covector from an operation's output to its inputs; what it adds by itself.

        Args:
            op: one of `steps` that is no end, in their order.
            values: what it `needs`.
        """
        g = self._covectors.pop(op.output)
        if op.output in self.changed and (op.kind != "unembed" or not self._capped):
            yield self.change(op, g, values)
        match op.kind:
            case "unembed":
                yield from self._unembed(op)
            case "norm":
                norm = self.network.norm_of(norm_name(op))
                if norm.b is not None:
                    name = op.parameters[1].removesuffix(".b")
                    yield Part(
                        _norm_words(name), dot(g, norm.b), "bias", op.layer, activation=op.output
                    )
                self._add(op.inputs[0], _through_norm(norm, g, values[op.inputs[1]]))
            case "add":
                for name in op.inputs:
                    self._add(name, g)
            case "head_dense":
                assert self.network.mlm_head is not None
                dense = self.network.mlm_head.dense
                if dense.bias is not None:
                    yield Part("head's bias", dot(g, dense.bias), "bias", activation=op.output)
                self._add(op.inputs[0], _transposed(dense, g))
            case "head_act":
                x_D = values[op.inputs[0]]
                # What it writes is computed in float64 here: the ratio near 0 asks for digits.
                wide_D = wide(x_D)
                ratio_D = wide(self.network.run(op, [wide_D])) / wide_D
                self._add(op.inputs[0], g * torch.where(wide_D == 0, 0.0, ratio_D))
            case "project_out":
                assert self.network.project_out is not None
                self._add(op.inputs[0], _transposed(self.network.project_out, g))
            case _:
                raise ProbeError(f"{op.output}: the walk knows no {op.kind}.")

    def _unembed(self, op: Operation) -> Iterator[Part]:
        unembed, scale = self.network.unembed, self.network.config.scales.logits
        assert unembed is not None
        if unembed.bias is not None:
            bias = scale * float(unembed.bias[self.target])
            yield Part("unembedding's bias", bias, "bias", activation=op.output)
        self._add(op.inputs[0], scale * wide(unembed.weight[self.target]))

    def change(self, op: Operation, g: Tensor, values: Values) -> Part:
        """What an intervention added to, or took from, what an operation would have written.

        Args:
            op: whose output is changed.
            g: ``d logit / d output``.
            values: of its inputs and its output.
        """
        inputs = [values[name][None, None] for name in op.inputs]
        own = self.network.run(op, inputs)[0, 0]
        wrote = values[op.output]
        if op.kind == "unembed":
            own, wrote = own[self.target : self.target + 1], wrote[self.target : self.target + 1]
        value = dot(g, wide(wrote) - wide(own))
        return Part(f"change of {op.output}", value, "change", op.layer, activation=op.output)

    def _add(self, name: str, g: Tensor) -> None:
        there = self._covectors.get(name)
        self._covectors[name] = g if there is None else there + g


def _reached(operations: tuple[Operation, ...]) -> Iterator[Operation]:
    """The operations on the way from the logits back to what is written, last first."""
    reached = {LOGITS}
    for op in reversed(operations):
        if op.output not in reached:
            continue
        yield op
        if op.kind in ENDS:
            continue
        # A norm's scale is held; all else that is read is walked to.
        reached.update(op.inputs[:1] if op.kind == "norm" else op.inputs)


def _through_norm(norm: Norm, g: Tensor, scale: Tensor) -> Tensor:
    g = g * wide(norm.weight()) / wide(scale)
    return g if norm.rms else g - g.mean()  # the mean is taken from what enters


def _transposed(linear: nn.Linear, g: Tensor) -> Tensor:
    return g @ wide(linear.weight)


def wide(tensor: Tensor) -> Tensor:
    """In float64 on the CPU: not every device has it."""
    return tensor.detach().cpu().double()


def dot(g: Tensor, vector: Tensor) -> float:
    """A covector times a vector."""
    return float(g @ wide(vector))


def _norm_words(name: str) -> str:
    if name == "ln_final":
        return "final norm's offset"
    if name == "embed.ln":
        return "embedding norm's offset"
    if name == "mlm_head.ln":
        return "head norm's offset"
    _, layer, which = name.split(".")
    return f"offset of block {layer}'s {which}"

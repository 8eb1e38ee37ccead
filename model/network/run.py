"""One operation of a network, from its inputs to its output.

The traced path's half of every formula; the fast path's is in the modules' `forward`. Knows the
modules and the operations; neither a list of operations nor who listens.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from torch import Tensor

from model.config import TransformerConfig
from model.network import scores
from model.network.block import Block
from model.network.mlp import MLP, Mixture, activate
from model.network.rotary import rotate
from model.network.span import Span
from model.operations import Operation, norm_name

if TYPE_CHECKING:
    from model.transformer import Transformer


def run(
    network: Transformer,
    op: Operation,
    inputs: Sequence[Tensor],
    span: Span | None = None,
    *,
    in_place: bool = False,
    scaled_early: bool = False,
) -> Tensor:
    """One operation.

    Args:
        network: whose weights it reads.
        op: an operation of this network.
        inputs: the tensors that ``op.inputs`` names, in that order.
        span: which positions the inputs hold, with the pass's rotations and masks; None if they
            hold a whole sequence.
        in_place: scores may be written over the first input.
        scaled_early: the power of two in the scale of scores is multiplied into the queries by
            ``dot`` and left out by ``scale``: the same digits for less.

    Raises:
        ValueError: the inputs are not those of the span's positions.
    """
    match op.kind:
        case "norm_scale":
            return network.norm_of(op.output.removesuffix(".hook_scale")).scale(inputs[0])
        case "norm":
            norm = network.norm_of(norm_name(op))
            return norm.normalize(inputs[0], inputs[1])
        case "add":
            total = inputs[0] + inputs[1]
            return total + inputs[2] if len(inputs) == 3 else total
        case "softmax":
            return inputs[0].softmax(-1)
    if op.layer is None:
        return _run_end(network, op, inputs[0], span)
    if op.kind in _OF_SCORES:
        return _run_scores(op, inputs, span, network.config, in_place, scaled_early)
    block = cast("Block", network.blocks[op.layer])
    if op.group == "mlp":
        return _run_mlp(network, op, inputs, block.mlp)
    return _run_attention(network, op, inputs, block, span)


_OF_SCORES = frozenset(("dot", "scale", "bias", "cap", "mask"))


def _run_scores(
    op: Operation,
    inputs: Sequence[Tensor],
    span: Span | None,
    config: TransformerConfig,
    in_place: bool,
    scaled_early: bool,
) -> Tensor:
    assert op.layer is not None
    factor = config.score_scale(op.layer)
    early, late = scores.power_of_two(factor) if scaled_early else (1.0, factor)
    if op.kind == "dot":
        q_BQHK, k_BSGK = inputs
        if span is not None and (q_BQHK.shape[1], k_BSGK.shape[1]) != (span.T, span.n_keys):
            raise ValueError(
                f"{op.output} reads {q_BQHK.shape[1]} queries and {k_BSGK.shape[1]} keys where "
                f"{span.T} of {span.n_keys} positions are run."
            )
        return scores.dot(q_BQHK, k_BSGK, config, factor=early)
    if op.kind == "scale":
        # Multiplied into the queries already, all of it.
        return inputs[0] if late == 1 else scores.scale(inputs[0], late, in_place)
    if op.kind == "cap":
        assert config.caps.scores is not None
        return scores.cap(inputs[0], config.caps.scores, in_place)
    if span is None:
        Q, S = inputs[0].shape[-2:]
        span = Span(config, S - Q, Q, inputs[0])
    if op.kind == "bias":
        return scores.bias(inputs[0], span, in_place=in_place)
    return scores.mask(inputs[0], span, op.layer, in_place)


def _run_attention(
    network: Transformer, op: Operation, inputs: Sequence[Tensor], block: Block, span: Span | None
) -> Tensor:
    match op.kind:
        case "query":
            return block.attn.project(inputs[0], "q")
        case "key":
            return block.attn.project(inputs[0], "k")
        case "value":
            return block.attn.project(inputs[0], "v")
        case "rotate":
            rotary = block.attn.rotary
            assert rotary is not None
            n = inputs[0].shape[1]
            span = span or Span(network.config, 0, n, inputs[0])
            cos_TK, sin_TK = span.rotation(rotary, n)
            turned = rotate(inputs[0].transpose(1, 2), cos_TK, sin_TK, rotary.interleaved)
            return turned.transpose(1, 2)
        case "pattern":
            return inputs[0].softmax(-1)
        case "mix":
            return scores.mix_values(inputs[0], inputs[1], network.config)
        case "attn_out":
            return _scaled(block.attn.out(inputs[0].flatten(-2)), network.config)
    raise _unknown(op)


def _run_mlp(
    network: Transformer, op: Operation, inputs: Sequence[Tensor], mlp: MLP | Mixture
) -> Tensor:
    config = network.config
    if op.kind == "mlp_act":
        gate = activate(inputs[0], config.activation)
        return gate * inputs[1] if config.gated else gate
    if isinstance(mlp, Mixture):
        return _run_mixture(op, inputs, mlp, config)
    match op.kind:
        case "mlp_gate":
            assert mlp.gate is not None
            return cast("Tensor", mlp.gate(inputs[0]))
        case "mlp_in":
            return cast("Tensor", mlp.up(inputs[0]))
        case "mlp_out":
            return _scaled(mlp.down(inputs[0]), config)
    raise _unknown(op)


def _run_mixture(
    op: Operation, inputs: Sequence[Tensor], mlp: Mixture, config: TransformerConfig
) -> Tensor:
    match op.kind:
        case "router":
            return cast("Tensor", mlp.router(inputs[0]))
        case "expert_weights":
            return mlp.weigh(inputs[0])
        case "expert_indices":
            return mlp.choose(inputs[0])
        case "expert_shares":
            return mlp.share(inputs[0], inputs[1])
        case "mlp_gate":
            return mlp.hidden(inputs[0], inputs[1], "gate")
        case "mlp_in":
            return mlp.hidden(inputs[0], inputs[1], "up")
        case "mlp_out":
            return _scaled(mlp.join(inputs[0], inputs[1], inputs[2]), config)
    raise _unknown(op)


def _run_end(network: Transformer, op: Operation, x: Tensor, span: Span | None) -> Tensor:
    """An operation outside the blocks."""
    match op.kind:
        case "embed":
            return network.token_vectors(x)
        case "project_in":
            assert network.project_in is not None
            return cast("Tensor", network.project_in(x))
        case "pos_embed":
            start = 0 if span is None else span.start
            positions = network.position_vectors(x.shape[1], start, network.embed.weight)
            assert positions is not None
            # A copy: a recorded activation must not follow the parameter that it came from
            # when the optimiser changes it.
            return positions.expand(x.shape[0], -1, -1).clone()
        case "token_type_embed":
            assert network.token_type_embed is not None
            return network.token_type_embed.weight[0].expand(*x.shape, -1).clone()
        case "head_dense":
            assert network.mlm_head is not None
            return cast("Tensor", network.mlm_head.dense(x))
        case "head_act":
            assert network.mlm_head is not None
            return activate(x, network.mlm_head.activation)
        case "project_out":
            assert network.project_out is not None
            return cast("Tensor", network.project_out(x))
        case "unembed":
            return network.token_scores(x)
    raise _unknown(op)


def _scaled(x_BTD: Tensor, config: TransformerConfig) -> Tensor:
    scale = config.scales.residual
    return x_BTD if scale == 1 else x_BTD * scale


def _unknown(op: Operation) -> ValueError:
    return ValueError(f"{op.output} can't be run: unknown kind {op.kind!r}.")

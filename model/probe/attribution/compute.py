"""The parts of a logit: what was written to the stream, times the covector that leads there.

Shape suffixes: D d_model, H heads, K d_head, M neurons, A active experts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import cast

import torch
from torch import Tensor

from model.bench import Bench
from model.network.block import Block
from model.network.linear import Linear
from model.network.mlp import MLP, Mixture
from model.operations import Operation
from model.operations.words import ACTIVATIONS
from model.probe.attribution.asks import Attribution, AttributionFound, Kind, Part
from model.probe.attribution.walk import ENDS, Values, Walk, dot, wide
from model.probe.question import Answer, ProbeError
from model.probe.tensors.compute import to_array
from model.sampling import likeliest
from model.subject import Subject
from model.transformer import Transformer

_PLAIN: dict[str, tuple[str, Kind]] = {
    "embed": ("embedding", "embedding"),
    "project_in": ("embedding", "embedding"),
    "pos_embed": ("position", "position"),
    "token_type_embed": ("token type", "token type"),
    "attn_out": ("attention", "attention"),
    "mlp_out": ("MLP", "mlp"),
}


def answer(question: Attribution, subject: Subject, bench: Bench) -> Iterator[Answer | None]:
    """A block a slice, from the last to the first.

    Raises:
        KeyError: the network has no logits; the message says what it gives.
        ValueError: there is no such token.
    """
    network = bench.network(subject)
    config = network.config
    at = min(question.position, subject.n_tokens - 1)
    logits_V = bench.logits(subject, at, at + 1)[0]
    target = -1 if question.target is None else int(question.target)
    if question.target is None:
        target = int(likeliest(to_array(logits_V), 1)[0])
    elif not 0 <= target < config.d_vocab:
        raise ProbeError(f"There is no token {target}; there are 0 to {config.d_vocab - 1}.")
    model_logit = float(logits_V[target])
    changed = frozenset(name for one in subject.interventions for name in one.operations(config))
    walk = Walk(network, target, changed)
    parts: list[Part] = []
    for group in walk.by_block():
        reads = (name for op in group for name in (*walk.needs(op), *_read(op, question, changed)))
        found = bench.values(subject, tuple(dict.fromkeys(reads)), at, at + 1)
        values = {name: tensor[0, 0] for name, tensor in found.items()}
        with torch.inference_mode():
            for op in group:
                if op.kind not in ENDS:
                    parts += walk.pass_through(op, values)
                    continue
                g = walk.covector(op)
                if _is_whole(op, question):
                    parts.append(_whole(op, g, values))
                    continue
                parts += _split(network, op, g, values, question)
                if op.output in changed:
                    parts.append(walk.change(op, g, values))
        yield None
    parts = _with_strongest_neurons(parts, question.n_neurons)
    parts.sort(key=lambda part: -abs(part.value))
    logit = model_logit
    if config.caps.logits is not None:
        logit = _uncapped(network, walk.steps[0], subject, bench, at, target)
    yield AttributionFound(
        subject=subject,
        question=question,
        target=target,
        logit=logit,
        model_logit=model_logit,
        remainder=logit - sum(part.value for part in parts),
        note=_note(network),
        parts=tuple(parts),
    )


def _is_whole(op: Operation, question: Attribution) -> bool:
    """Whether what an operation writes is one part."""
    if op.kind == "attn_out":
        return question.by == "layer"
    return op.kind != "mlp_out" or question.by != "neuron"


def _read(op: Operation, question: Attribution, changed: frozenset[str]) -> tuple[str, ...]:
    """Names of what the parts of an operation are read from."""
    if op.kind not in ENDS:
        return ()
    if _is_whole(op, question):
        return (op.output,)
    return (*op.inputs, op.output) if op.output in changed else op.inputs


def _whole(op: Operation, g_D: Tensor, values: Values) -> Part:
    name, kind = _PLAIN[op.kind]
    name = name if op.layer is None else f"{name} {op.layer}"
    return Part(name, dot(g_D, values[op.output]), kind, op.layer, activation=op.output)


def _split(
    network: Transformer, op: Operation, g_D: Tensor, values: Values, question: Attribution
) -> Iterator[Part]:
    assert op.layer is not None
    block = cast("Block", network.blocks[op.layer])
    # What a block adds is scaled, in some families.
    g_D = g_D * network.config.scales.residual
    if op.kind == "attn_out":
        yield from _heads(block.attn.out, op, g_D, values[op.inputs[0]])
    elif isinstance(block.mlp, Mixture):
        hidden_AM, shares_A, indices_A = (values[name] for name in op.inputs)
        yield from _experts(block.mlp, op, g_D, (hidden_AM, shares_A, indices_A), question)
    else:
        mlp = block.mlp
        worth_M = wide(values[op.inputs[0]]) * _through(mlp.down, g_D)
        yield from _neurons(op, worth_M[None], None, question.n_neurons)
        yield from _bias(mlp.down, op, g_D, f"MLP {op.layer}'s bias")


def _heads(out: Linear, op: Operation, g_D: Tensor, z_HK: Tensor) -> Iterator[Part]:
    z_HK = wide(z_HK)
    worth_H = (z_HK * _through(out, g_D).view(z_HK.shape)).sum(-1)
    for head, value in enumerate(worth_H.tolist()):
        name = f"head {op.layer}.{head}"
        yield Part(name, value, "head", op.layer, head, activation=op.inputs[0])
    yield from _bias(out, op, g_D, f"attention {op.layer}'s bias")


def _experts(
    mixture: Mixture,
    op: Operation,
    g_D: Tensor,
    routed: tuple[Tensor, Tensor, Tensor],
    question: Attribution,
) -> Iterator[Part]:
    """Neurons of the experts that were asked, each as much as its share."""
    hidden_AM, shares_A, indices_A = routed
    experts = indices_A.tolist()
    shares = wide(shares_A).tolist()
    downs = [cast("MLP", mixture.experts[e]).down for e in experts]
    worth_AM = torch.stack(
        [
            wide(hidden_M) * _through(down, share * g_D)
            for hidden_M, down, share in zip(hidden_AM, downs, shares, strict=True)
        ]
    )
    yield from _neurons(op, worth_AM, experts, question.n_neurons)
    for expert, down, share in zip(experts, downs, shares, strict=True):
        yield from _bias(down, op, share * g_D, f"bias of MLP {op.layer}'s expert {expert}")


def _neurons(
    op: Operation, worth_AM: Tensor, experts: list[int] | None, most: int
) -> Iterator[Part]:
    """The strongest of a layer, and all others as one part."""
    n = worth_AM.shape[1]
    flat = worth_AM.flatten()
    best = flat.abs().topk(min(max(most, 0), len(flat))).indices
    for place, value in zip(best.tolist(), flat[best].tolist(), strict=True):
        which, neuron = divmod(place, n)
        expert = None if experts is None else experts[which]
        name = f"neuron {op.layer}.{neuron}" + (f" of expert {expert}" if experts else "")
        yield Part(name, value, "neuron", op.layer, neuron, expert, op.inputs[0])
    rest = float(flat.sum() - flat[best].sum())
    name = f"other neurons of MLP {op.layer}"
    yield Part(name, rest, "other neurons", op.layer, activation=op.inputs[0])


def _bias(linear: Linear, op: Operation, g_D: Tensor, name: str) -> Iterator[Part]:
    if linear.bias is not None:
        yield Part(name, dot(g_D, linear.bias), "bias", op.layer, activation=op.output)


def _through(linear: Linear, g_D: Tensor) -> Tensor:
    """A covector of what a linear map reads, float64: one product with its weights.

    In float32 or wider where the weights lie: to widen them takes longer than the product.
    """
    dtype = torch.promote_types(linear.weight.dtype, torch.float32)
    own_D = g_D.to(linear.weight.device, dtype)
    return wide(own_D @ linear.weight.to(dtype))


def _with_strongest_neurons(parts: list[Part], most: int) -> list[Part]:
    """Of all layers' strongest neurons the strongest; the others count with their layer's rest."""
    neurons = sorted(
        (part for part in parts if part.kind == "neuron"), key=lambda part: -abs(part.value)
    )
    rest: dict[int | None, float] = {}
    for part in neurons[most:]:
        rest[part.layer] = rest.get(part.layer, 0.0) + part.value
    kept = set(neurons[:most])
    return [
        replace(part, value=part.value + rest.get(part.layer, 0.0))
        if part.kind == "other neurons"
        else part
        for part in parts
        if part.kind != "neuron" or part in kept
    ]


def _uncapped(
    network: Transformer, op: Operation, subject: Subject, bench: Bench, at: int, target: int
) -> float:
    """The logit before its soft cap."""
    unembed = network.unembed
    assert unembed is not None
    x_E = wide(bench.values(subject, op.inputs, at, at + 1)[op.inputs[0]][0, 0])
    logit = float(x_E @ wide(unembed.weight[target]))
    if unembed.bias is not None:
        logit += float(unembed.bias[target])
    return network.config.scales.logits * logit


def _note(network: Transformer) -> str:
    """What else was held, or is not what the network says, in words."""
    config = network.config
    said = []
    if config.caps.logits is not None:
        said.append(f"The parts add up to the logit before its soft cap of {config.caps.logits:g}.")
    if config.masked_head is not None:
        said.append(
            f"The head's {ACTIVATIONS[config.masked_head.activation]} is held as the ratio of "
            "what leaves it to what enters it."
        )
    return " ".join(said)

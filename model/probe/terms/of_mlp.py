"""Numbers of an MLP or a mixture of experts, taken apart: a reader for each kind of operation."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import torch

from model.network.mlp import activate
from model.operations.words import ACTIVATIONS
from model.probe.terms.asks import Factor
from model.probe.terms.parts import Parts, Place, bias, dense, product, scaled, softmax


def _mlp_in(at: Place) -> Parts:
    if at.config.experts is None:
        return dense(at)
    _, t, a, j = at.index
    expert = int(at.read(at.op.inputs[1], t)[0, a])
    weight, bias = _of_expert(at, expert, "W"), _of_expert(at, expert, "b")
    return product(
        at,
        at.read(at.op.inputs[0], t)[0],
        lambda i: (0, t, i),
        str(weight),
        (slice(None), j),
        lambda i: (i, j),
        None if bias is None else (bias, (j,)),
        "dimension",
    )


def _of_expert(at: Place, expert: int, kind: str) -> str | None:
    start = f".experts.{expert}.{kind}_"
    return next((name for name in at.op.parameters if start in name), None)


def _mlp_out(at: Place) -> Parts:
    if at.config.experts is None:
        t, j = at.position, at.index[-1]
        parts = product(
            at,
            at.read(at.op.inputs[0], t)[0],
            lambda i: (0, t, i),
            at.op.parameters[0],
            (slice(None), j),
            lambda i: (i, j),
            bias(at, j),
            "neuron",
        )
        return scaled(parts, at.config.scales.residual)
    return scaled(_mixture_out(at), at.config.scales.residual)


def _mixture_out(at: Place) -> Parts:
    """Each expert's neurons, weighed by its share; its bias is one more term."""
    t, j = at.position, at.index[-1]
    hidden, shares, chosen = at.op.inputs
    hidden_AM, shares_A = at.read(hidden, t)[0], at.read(shares, t)[0]
    experts = [int(e) for e in at.read(chosen, t)[0]]
    values: list[float] = []
    factors: list[tuple[Factor, ...]] = []
    for a, expert in enumerate(experts):
        share = Factor(shares, (0, t, a), float(shares_A[a]))
        name, bias = _of_expert(at, expert, "W"), _of_expert(at, expert, "b")
        assert name is not None
        for m, w in enumerate(at.weights(name, (slice(None), j))):
            neuron = Factor(hidden, (0, t, a, m), float(hidden_AM[a, m]))
            factors.append((share, neuron, Factor(name, (m, j), float(w))))
            values.append(share.value * neuron.value * float(w))
        if bias is not None:
            added = Factor(bias, (j,), float(at.weights(bias, (j,))))
            factors.append((share, added))
            values.append(share.value * added.value)
    return Parts(np.array(values), lambda i: factors[i], "neuron of an expert")


def _act(at: Place) -> Parts:
    inputs = tuple(at.factor(name, *at.index) for name in at.op.inputs)
    config = at.config
    activation = config.activation
    if at.op.kind == "head_act":
        assert config.masked_head is not None
        activation = config.masked_head.activation
    passed = float(activate(torch.tensor([inputs[0].value], dtype=torch.float64), activation)[0])
    value = passed * (inputs[1].value if len(inputs) > 1 else 1.0)
    name = ACTIVATIONS[activation]
    return Parts(
        np.array([value]),
        lambda _: inputs,
        "",
        how="function",
        outer=f"{name}(g) · u" if len(inputs) > 1 else f"{name}(u)",
    )


def _expert_weights(at: Place) -> Parts:
    t, source = at.position, at.op.inputs[0]
    return softmax(at, source, at.read(source, t)[0], lambda i: (0, t, i))


def _expert_index(at: Place) -> Parts:
    t, source = at.position, at.op.inputs[0]
    weights_X = at.read(source, t)[0]
    chosen = int(at.number(at.op.output, at.index))
    return Parts(
        weights_X,
        lambda i: (Factor(source, (0, t, i), float(weights_X[i])),),
        "expert",
        how="choice",
        chosen=chosen,
        outer=f"the {at.index[-1] + 1}. largest",
        made=lambda _: float(chosen),
    )


def _expert_share(at: Place) -> Parts:
    experts = at.config.experts
    assert experts is not None
    _, t, a = at.index
    weights, indices = at.op.inputs
    weights_X = at.read(weights, t)[0]
    chosen = [int(e) for e in at.read(indices, t)[0]]
    values = weights_X[chosen]
    own = float(values[a])

    def factors(i: int) -> tuple[Factor, ...]:
        return (Factor(weights, (0, t, chosen[i]), float(values[i])),)

    if not experts.normalized:
        return Parts(values[a : a + 1], lambda _: factors(a), "", how="lookup")
    return Parts(
        values,
        factors,
        "choice",
        how="function",
        chosen=a,
        outer="π_e / Σ",
        made=lambda total: own / total,
    )


READERS: Mapping[str, Callable[[Place], Parts]] = {
    "router": dense,
    "expert_weights": _expert_weights,
    "expert_indices": _expert_index,
    "expert_shares": _expert_share,
    "mlp_gate": _mlp_in,
    "mlp_in": _mlp_in,
    "mlp_act": _act,
    "mlp_out": _mlp_out,
    "head_act": _act,
}
"""By the kind of operation."""

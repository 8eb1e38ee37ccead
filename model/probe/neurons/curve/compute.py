"""One neuron at every token: a column of the hidden layer, before and after its nonlinearity.

Shape suffixes: T tokens.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from model.bench import Bench
from model.network.mlp import activate
from model.probe.measuring import place
from model.probe.neurons.curve.asks import NeuronCurve, NeuronCurveFound
from model.probe.neurons.hidden import of_some
from model.probe.question import Answer, read_only
from model.probe.tensors.compute import to_array
from model.subject import Subject

POINTS = 161
"""Of the curve."""
AROUND = 3.0
"""The curve is drawn from here below zero to here above, or further where a token is."""


def answer(question: NeuronCurve, subject: Subject, bench: Bench) -> Iterator[Answer | None]:
    """At once.

    Raises:
        ValueError: there is no such layer or neuron.
    """
    network = bench.network(subject)
    config = network.config
    layer = place(question.layer, config.n_layers, "layer")
    neuron = place(question.neuron, network.config.n_neurons, "neuron")
    hooks = ("hook_pre", "hook_post", *(("hook_pre_linear",) if config.gated else ()))
    found = of_some(bench, subject, layer, torch.tensor([neuron]), hooks)
    values = {hook: read_only(to_array(own_TR[:, 0]).copy()) for hook, own_TR in found.items()}
    there = values["hook_pre"][np.isfinite(values["hook_pre"])].astype(np.float64)
    low, high = float(min(there.min(initial=0), -AROUND)), float(max(there.max(initial=0), AROUND))
    with torch.inference_mode():
        x = torch.linspace(low, high, POINTS, dtype=torch.float64)
        y = activate(x, config.activation)
    yield NeuronCurveFound(
        subject=subject,
        question=question,
        pre_T=values["hook_pre"],
        linear_T=values.get("hook_pre_linear"),
        post_T=values["hook_post"],
        curve_x=read_only(x.numpy().copy()),
        curve_y=read_only(y.numpy().copy()),
        activation=config.activation,
    )

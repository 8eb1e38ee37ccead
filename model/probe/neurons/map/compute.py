"""Neurons by tokens: the layer's activations once for the order, of which some rows are given.

Shape suffixes: T tokens, N neurons, R rows.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from model.bench import Bench
from model.probe.measuring import place
from model.probe.neurons.hidden import AT_ONCE, names, share_name, spread, spread_experts
from model.probe.neurons.map.asks import NeuronMap, NeuronMapFound
from model.probe.neurons.weights import write_lengths
from model.probe.question import Answer, ProbeError, read_only
from model.probe.tensors.compute import to_array
from model.subject import Subject

HELD = 64 * 2**20
"""Bytes of a layer that are held for its rows; of a longer text they are computed once more."""


def answer(question: NeuronMap, subject: Subject, bench: Bench) -> Iterator[Answer | None]:
    """Some tokens a slice.

    Raises:
        ValueError: there is no such layer, position or row.
    """
    network = bench.network(subject)
    config = network.config
    layer = place(question.layer, config.n_layers, "layer")
    at = place(question.position, subject.n_tokens, "position")
    n_all = network.config.n_neurons
    wanted = [place(row, n_all, "neuron") for row in question.rows]
    n_rows = len(wanted) or n_all
    if question.n < 1 or not 0 <= question.first < n_rows:
        raise ProbeError(f"n is 1 or more, and first is 0 to {n_rows - 1}.")
    with torch.inference_mode():
        length_N = write_lengths(network, layer, torch.arange(n_all)).float().cpu()
    strongest_N = torch.full((n_all,), -torch.inf)
    most_T: list[Tensor] = []
    held: list[tuple[Tensor, ...]] = []
    hold = 4 * n_all * subject.n_tokens <= HELD
    for start in range(0, subject.n_tokens, AT_ONCE):
        chunk = own_TN, *routed = _chunk(bench, subject, layer, start)
        with torch.inference_mode():
            strong_TN = own_TN.abs()
            if question.by == "write":
                strong_TN = strong_TN * length_N
                for share_TN in routed[:1]:
                    strong_TN *= share_TN
            strong_TN = strong_TN.nan_to_num(nan=-torch.inf)
            most_T.append(strong_TN.amax(1))
            if question.order == "text":
                strongest_N = torch.maximum(strongest_N, strong_TN.amax(0))
            elif question.order == "token" and start <= at < start + AT_ONCE:
                strongest_N = strong_TN[at - start]
        if hold:
            held.append(chunk)
        yield None
    order_N = torch.arange(n_all)
    if wanted:
        order_N = torch.tensor(wanted)
    elif question.order != "number":
        order_N = strongest_N.argsort(descending=True, stable=True)
    rows_R = order_N[question.first : question.first + question.n]
    parts: list[tuple[Tensor, ...]] = []
    for index, start in enumerate(range(0, subject.n_tokens, AT_ONCE)):
        chunk = held[index] if hold else _chunk(bench, subject, layer, start)
        parts.append(tuple(one_TN[:, rows_R] for one_TN in chunk))
        if not hold:
            yield None
    values_RT, *experts = (
        read_only(np.ascontiguousarray(to_array(torch.cat(some)).T))
        for some in zip(*parts, strict=True)
    )
    every_T = torch.cat(most_T)
    every_T = every_T[every_T.isfinite()]
    yield NeuronMapFound(
        subject=subject,
        question=question,
        order_N=read_only(order_N.numpy().astype(np.int32)),
        values_RT=values_RT,
        length_R=read_only(to_array(length_N[rows_R]).copy()),
        share_RT=experts[0] if experts else None,
        place_RT=experts[1] if experts else None,
        limit=float(every_T.quantile(0.9, interpolation="lower")) if len(every_T) else 0.0,
        most=float(every_T.max()) if len(every_T) else 0.0,
        d_mlp=config.d_mlp,
    )


def _chunk(bench: Bench, subject: Subject, layer: int, start: int) -> tuple[Tensor, ...]:
    """Activations of some tokens; of a mixture also `spread_experts`; ``[T, N]`` float32 each."""
    config = bench.network(subject).config
    wanted = names(config, layer, "hook_post")
    if config.experts is not None:
        wanted = (*wanted, share_name(layer))
    found = bench.values(subject, wanted, start, start + AT_ONCE)
    with torch.inference_mode():
        some = [spread(config, layer, "hook_post", found)]
        if config.experts is not None:
            some += spread_experts(config, layer, found)
        return tuple(one_BTN[0].float().cpu() for one_BTN in some)

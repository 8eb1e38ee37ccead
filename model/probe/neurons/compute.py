"""Neurons: one block's hidden layer at one position, the weights behind it, then texts.

Shape suffixes: A active experts, M d_mlp, N neurons, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from model.bench import Bench
from model.probe.measuring import place
from model.probe.neurons.asks import Neurons, NeuronsFound
from model.probe.neurons.hidden import share_name
from model.probe.neurons.scanning import scan_of
from model.probe.neurons.weights import (
    direction,
    listening,
    token_effects,
    write_lengths,
)
from model.probe.question import Answer, Array, ProbeError, read_only
from model.probe.sweeping import Pace
from model.probe.tensors.compute import to_array
from model.subject import Subject


def answer(question: Neurons, subject: Subject, bench: Bench) -> Iterator[Answer | None]:
    """Neurons and tokens at once; then a block of some windows of text a slice.

    Raises:
        ValueError: there is no such place or neuron, there is no tokenizer to read texts with, or
            the file can't be read.
    """
    network = bench.network(subject)
    layer = place(question.layer, network.config.n_layers, "layer")
    at = place(question.position, subject.n_tokens, "position")
    if question.n < 1 or question.scan < 0:
        raise ProbeError("n is 1 or more, and scan not negative.")
    here = _here(question, subject, bench, layer, at)
    if not question.scan:
        yield replace(here, share=1.0)
        return
    yield here
    tokenizer = bench.tokenizer(subject.model)
    scan = scan_of(bench, subject, layer, question.n, question.file, question.seed)
    if tokenizer is None or scan is None:
        raise ProbeError("This checkpoint has no tokenizer, so it can't read texts: set scan to 0.")

    def found(share: float) -> NeuronsFound:
        best = scan.best(here.neuron, question.n, 1, tokenizer)
        return replace(
            here,
            share=share,
            excited_activations=read_only(np.array([one.activation for one in best])),
            texts=tuple(one.text for one in best),
            n_scanned=scan.n_tokens,
        )

    pace = Pace()
    while scan.n_tokens < question.scan and not scan.at_end:
        yield from scan.read(bench, subject)
        share = scan.n_tokens / question.scan
        if share < 1 and pace.is_due():
            yield found(share)
    yield found(1.0)


def _here(question: Neurons, subject: Subject, bench: Bench, layer: int, at: int) -> NeuronsFound:
    """What the token and the weights say."""
    network = bench.network(subject)
    number_N, activation_N, share_N = _hidden(subject, bench, layer, at)
    with torch.inference_mode():
        length_N = to_array(write_lengths(network, layer, torch.from_numpy(number_N)))
    write_N = np.abs(activation_N) * length_N * share_N
    strength_N = write_N if question.by == "write" else np.abs(activation_N)
    # What is no number is no strong neuron.
    order = np.argsort(-np.nan_to_num(strength_N, nan=-1.0), kind="stable")
    neuron = int(number_N[order[0]]) if question.neuron is None else question.neuron
    n_all = network.config.n_neurons
    neuron = place(neuron, n_all, "neuron")
    among = np.flatnonzero(number_N[order] == neuron)
    rank = int(among[0]) + 1 if len(among) else None
    best = order[: question.n]
    promoted, suppressed, note = _tokens(question, bench, subject, layer, neuron)
    with torch.inference_mode():
        heard_V = listening(network, layer, neuron, fold_norm=question.fold_norm)
        heard, ignored = (_ends(heard_V * sign, question.n, sign) for sign in (1, -1))
    return NeuronsFound(
        subject=subject,
        question=question,
        share=0.0,
        neuron_N=read_only(number_N[best]),
        activation_N=read_only(activation_N[best]),
        write_N=read_only(write_N[best]),
        neuron=neuron,
        activation=float("nan") if rank is None else float(activation_N[order[rank - 1]]),
        rank=rank,
        promoted_ids=read_only(promoted[0]),
        promoted_scores=read_only(promoted[1]),
        suppressed_ids=read_only(suppressed[0]),
        suppressed_scores=read_only(suppressed[1]),
        heard_ids=read_only(heard[0]),
        heard_scores=read_only(heard[1]),
        ignored_ids=read_only(ignored[0]),
        ignored_scores=read_only(ignored[1]),
        excited_activations=read_only(np.zeros(0)),
        texts=(),
        n_scanned=0,
        note=note,
    )


def _hidden(
    subject: Subject, bench: Bench, layer: int, at: int
) -> tuple[Array, Array, Array | float]:
    """Numbers, activations and shares of all neurons that ran at a position."""
    config = bench.network(subject).config
    name = f"blocks.{layer}.mlp.hook_post"
    if config.experts is None:
        activation_M = to_array(bench.values(subject, (name,), at, at + 1)[name][0, 0])
        return np.arange(config.d_mlp), activation_M.copy(), 1.0
    indices, shares = f"blocks.{layer}.mlp.hook_expert_indices", share_name(layer)
    found = bench.values(subject, (name, indices, shares), at, at + 1)
    experts_A = to_array(found[indices][0, 0])
    number_AM = experts_A[:, None] * config.d_mlp + np.arange(config.d_mlp)
    share_N = np.repeat(to_array(found[shares][0, 0]), config.d_mlp)
    return number_AM.reshape(-1), to_array(found[name][0, 0]).reshape(-1).copy(), share_N


def _tokens(
    question: Neurons, bench: Bench, subject: Subject, layer: int, neuron: int
) -> tuple[tuple[Array, Array], tuple[Array, Array], str]:
    """Ids and scores of the tokens that a neuron promotes and suppresses, and a note."""
    network = bench.network(subject)
    config = network.config
    if not config.has_logits:
        none = np.zeros(0, np.intp), np.zeros(0)
        return none, none, "This network scores no tokens, so a neuron promotes none."
    with torch.inference_mode():
        effect_V = token_effects(
            network, direction(network, layer, neuron), fold_norm=question.fold_norm
        )
        ends = [_ends(effect_V * sign, question.n, sign) for sign in (1, -1)]
    note = ""
    if config.masked_head is not None:
        note = "Between the stream and the tokens stands a transform that is left out here."
    elif question.fold_norm and network.ln_final is None:
        note = "There is no final norm that could be folded in."
    return ends[0], ends[1], note


def _ends(effect_V: Tensor, n: int, sign: int) -> tuple[Array, Array]:
    best = effect_V.topk(min(n, len(effect_V)))
    return to_array(best.indices).copy(), to_array(sign * best.values).copy()

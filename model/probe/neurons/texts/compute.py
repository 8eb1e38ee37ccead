"""The texts that excite a neuron: out of what was read with its layer, reading on where asked.

Shape suffixes: K texts, S tokens of one.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from model.bench import Bench
from model.probe.measuring import place
from model.probe.neurons.scanning import scan_of
from model.probe.neurons.texts.asks import NeuronTexts, NeuronTextsFound, Snippet
from model.probe.question import Answer, ProbeError, read_only
from model.probe.sweeping import Pace
from model.subject import Subject


def answer(question: NeuronTexts, subject: Subject, bench: Bench) -> Iterator[Answer | None]:
    """What is known at once; then a block of some windows of text a slice.

    Raises:
        ValueError: there is no such layer or neuron, there is no tokenizer to read texts with, or
            the file can't be read.
    """
    network = bench.network(subject)
    layer = place(question.layer, network.config.n_layers, "layer")
    neuron = place(question.neuron, network.config.n_neurons, "neuron")
    if question.n < 1 or question.scan < 0:
        raise ProbeError("n is 1 or more, and scan not negative.")
    tokenizer = bench.tokenizer(subject.model)
    scan = scan_of(bench, subject, layer, question.n, question.file, question.seed)
    if tokenizer is None or scan is None:
        raise ProbeError("This checkpoint has no tokenizer, so it can't read texts.")

    def found(share: float) -> NeuronTextsFound:
        best = scan.best(neuron, question.n, 1 if question.end == "highest" else -1, tokenizer)
        longest = max((len(one.around) for one in best), default=0)
        around_KS = np.full((len(best), longest), np.nan, np.float32)
        for row_S, one in zip(around_KS, best, strict=True):
            row_S[: len(one.around)] = one.around
        counts_B, edges = scan.tally.of(neuron)
        return NeuronTextsFound(
            subject=subject,
            question=question,
            share=share,
            snippets=tuple(
                Snippet((*one.before, one.token, *one.behind), len(one.before)) for one in best
            ),
            activation_K=read_only(np.array([one.activation for one in best])),
            around_KS=read_only(around_KS),
            counts_B=read_only(counts_B),
            edges=read_only(edges),
            n_seen=scan.tally.n(neuron),
            active=scan.tally.active(neuron),
            mean=scan.tally.mean(neuron),
            deviation=scan.tally.deviation(neuron),
            n_scanned=scan.n_tokens,
            at_end=scan.at_end,
        )

    pace = Pace()
    if scan.n_tokens < question.scan and not scan.at_end:
        yield found(scan.n_tokens / question.scan)
    while scan.n_tokens < question.scan and not scan.at_end:
        yield from scan.read(bench, subject)
        share = scan.n_tokens / question.scan
        if share < 1 and pace.is_due():
            yield found(share)
    yield found(1.0)

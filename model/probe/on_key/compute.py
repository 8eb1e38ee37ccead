"""One row of weights a head, layer by layer.

Shape suffixes: L layers, H heads, Q queries, S keys.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from model.bench import Bench
from model.probe.on_key.asks import OnKey, OnKeyFound
from model.probe.pattern.valued import Valued
from model.probe.pattern.words import Words
from model.probe.question import Answer, read_only
from model.probe.tensors.compute import to_array
from model.subject import Subject


def answer(question: OnKey, subject: Subject, bench: Bench) -> Iterator[Answer | None]:
    """A layer a slice; a position behind the text's end is its last.

    Raises:
        ValueError: words are none.
    """
    config, n = bench.network(subject).config, subject.n_tokens
    words = Words(question.words, n)
    query, key = (int(words.of_T[min(at, n - 1)]) for at in (question.query, question.key))
    first, last = words.tokens(query, query + 1)
    weight_LH = np.zeros((config.n_layers, config.n_heads), np.float32)
    valued_LH = np.zeros_like(weight_LH)
    for layer in range(config.n_layers):
        pattern_HQS = bench.pattern(subject, layer, None, first, last)
        at = np.arange(first, last)
        weight_LH[layer] = to_array(words.fold(pattern_HQS, at)[:, 0, key].float())
        valued_HQS = Valued(bench, subject, layer).weigh(pattern_HQS, slice(first, last))
        valued_LH[layer] = to_array(words.fold(valued_HQS, at)[:, 0, key].float())
        yield None
    yield OnKeyFound(
        subject=subject,
        question=question,
        weight_LH=read_only(weight_LH),
        valued_LH=read_only(valued_LH),
    )

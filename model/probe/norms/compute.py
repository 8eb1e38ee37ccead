"""Lengths of vectors: those of additions were kept as the stream was computed.

Shape suffixes: R rows, P positions, T all positions.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from model.bench import Bench
from model.operations import streams
from model.probe.norms.asks import Norms, NormsFound
from model.probe.question import Answer, ProbeError, read_only
from model.probe.tensors.compute import to_array
from model.subject import Subject


def answer(question: Norms, subject: Subject, bench: Bench) -> Iterator[Answer | None]:
    """A row a slice.

    Raises:
        ValueError: there is no such position.
    """
    config, n = bench.network(subject).config, subject.n_tokens
    for at in question.positions:
        if not -n <= at < n:
            raise ProbeError(f"There is no position {at}; there are 0 to {n - 1}.")
    positions_P = np.array(list(dict.fromkeys(at % n for at in question.positions or range(n))))
    if question.of == "stream":
        names = streams(config)
    else:
        hook = "hook_attn_out" if question.of == "attention" else "hook_mlp_out"
        names = tuple(f"blocks.{layer}.{hook}" for layer in range(config.n_layers))
    norms_RP = np.empty((len(names), len(positions_P)))
    for row, name in enumerate(names):
        norms_RP[row] = to_array(bench.lengths(subject, name))[positions_P]
        yield None
    yield NormsFound(
        subject=subject,
        question=question,
        names=names,
        positions_P=read_only(positions_P),
        norms_RP=read_only(norms_RP),
    )

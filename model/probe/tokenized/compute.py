"""Cutting a text as the prompt is cut."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from model.bench import Bench
from model.probe.question import Answer, ProbeError, read_only
from model.probe.tokenized.asks import Tokenized, TokenizedFound
from model.subject import Subject


def answer(question: Tokenized, subject: Subject, bench: Bench) -> Iterator[Answer | None]:
    """At once.

    Raises:
        ValueError: there is no tokenizer, or the text has no tokens, or one that the network lacks.
    """
    tokenizer = bench.tokenizer(subject.model)
    config = bench.network(subject).config
    if tokenizer is None:
        raise ProbeError("This model has no tokenizer: it reads ids, not texts.")
    tokens = tokenizer.encode(question.written).tokens[: config.n_ctx]
    if not tokens:
        raise ProbeError("The text is empty.")
    ids = np.array([token.id for token in tokens], np.intp)
    if (ids >= config.d_vocab).any():
        raise ProbeError(f"The network has tokens 0 to {config.d_vocab - 1} only.")
    yield TokenizedFound(
        subject=subject,
        question=question,
        ids=read_only(ids),
        ends=read_only(np.array([token.char_end for token in tokens], np.intp)),
        special=read_only(np.array([token.special for token in tokens], np.int8)),
    )

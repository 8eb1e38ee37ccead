"""The distribution after a position. Shape suffix: V vocabulary."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from model.bench import Bench
from model.probe.next_token.asks import NextToken, NextTokenFound
from model.probe.not_finite.compute import first_not_finite
from model.probe.question import Answer, read_only
from model.probe.tensors.compute import to_array
from model.sampling import (
    NoDistributionError,
    Sampling,
    cut_by,
    draw,
    likeliest,
    probabilities,
    rank_of,
)
from model.subject import Subject


def answer(question: NextToken, subject: Subject, bench: Bench) -> Iterator[Answer | None]:
    """At once: one row of the unembedding's product.

    Raises:
        KeyError: the network has no logits.
    """
    at = min(question.position, subject.n_tokens - 1)
    logits_V = to_array(bench.logits(subject, at, at + 1))[0]
    sampling = question.sampling
    ids = likeliest(logits_V, question.n or len(logits_V))
    more = [i for i in question.also if 0 <= i < len(logits_V) and i not in ids]
    ranks = np.arange(1, len(ids) + 1)
    ids = np.append(ids, more).astype(np.intp)
    ranks = np.append(ranks, [rank_of(logits_V, i) for i in more]).astype(np.intp)
    try:
        chances_V = probabilities(logits_V, sampling)
        # Greedy leaves nothing to compare with: behind it stands the model's own distribution.
        own = Sampling(temperature=sampling.temperature or 1.0)
        uncut_V = chances_V if own == sampling else probabilities(logits_V, own)
    except NoDistributionError as error:
        why = first_not_finite(subject, bench, at).sentence
        nothing = read_only(np.full(len(ids), np.nan))
        yield NextTokenFound(
            subject=subject,
            question=question,
            ids=read_only(ids),
            logits=read_only(logits_V[ids]),
            ranks=read_only(ranks),
            probabilities=nothing,
            uncut=nothing,
            cut_by=read_only(np.zeros(len(ids), np.uint8)),
            entropy_bits=float("nan"),
            kept=float("nan"),
            n_kept=0,
            problem=f"{error} {why}".strip(),
        )
        return
    positive = chances_V[chances_V > 0]
    drawn = None
    if question.seed is not None:
        drawn = draw(chances_V, np.random.default_rng(question.seed))
    yield NextTokenFound(
        subject=subject,
        question=question,
        ids=read_only(ids),
        logits=read_only(logits_V[ids]),
        ranks=read_only(ranks),
        probabilities=read_only(chances_V[ids]),
        uncut=read_only(uncut_V[ids]),
        cut_by=read_only(cut_by(logits_V, sampling)[ids]),
        entropy_bits=float(-(positive * np.log2(positive)).sum()) + 0.0,
        kept=float(uncut_V[chances_V > 0].sum()),
        n_kept=len(positive),
        drawn=drawn,
    )

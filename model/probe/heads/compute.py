"""Scores of heads on random tokens that are repeated: means of their own weights at known places.

They are about the network as it is: interventions of the subject, which may name a place in its
text, are left out. They are computed once for the weights, on a bench of their own.

Shape suffixes: L layers, H heads, Q queries, S keys, N scores.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from model.bench import Bench
from model.probe.heads.asks import SCORES, Heads, HeadsFound
from model.probe.heads.texts import SKIPPED, repeated_texts
from model.probe.question import Answer, Array, ProbeError, read_only
from model.subject import Subject


def answer(question: Heads, subject: Subject, bench: Bench) -> Iterator[Answer | None]:
    """A block of one text a slice; at once where it is known.

    Raises:
        ValueError: there are too few texts.
    """
    known = bench.found_of(subject.model, subject.step)
    if question not in known:
        known[question] = yield from _measuring(question, subject, bench)
    found = known[question]
    assert isinstance(found, HeadsFound)
    yield replace(found, subject=subject)


def _measuring(
    question: Heads, subject: Subject, bench: Bench
) -> Generator[None, None, HeadsFound]:
    config = bench.network(subject).config
    if question.n_texts < 2:
        raise ProbeError(f"n_texts is {question.n_texts}; texts are compared, so 2 are the least.")
    texts = repeated_texts(question, config, bench.tokenizer(subject.model))
    n, start = texts.n, texts.start
    if n <= SKIPPED:
        why = (
            f"A text of {n} repeated tokens is too short to tell heads apart: "
            f"n_random is {question.n_random}, the context holds {config.n_ctx} tokens."
        )
        nothing_LHN = np.full((config.n_layers, config.n_heads, len(SCORES)), np.nan, np.float32)
        return HeadsFound(
            subject=subject,
            question=question,
            scores_LHS=read_only(nothing_LHN),
            n_random=n,
            problem=why,
        )
    aside = bench.beside(subject.model)
    sums_LHN = torch.zeros(config.n_layers, config.n_heads, len(SCORES), dtype=torch.float64)
    before: list[Tensor] = []
    for text, ids in enumerate(texts.ids):
        read = Subject(subject.model, subject.step, ids)
        for _ in aside.streaming(read):
            yield None
        for layer in range(config.n_layers):
            pattern_HQS = aside.pattern(read, layer)
            with torch.inference_mode():
                pattern_HQS = pattern_HQS.float().cpu()
                sums_LHN[layer] += head_scores(pattern_HQS, start, n, causal=config.causal)
                first_HQS = pattern_HQS[:, : start + n].clone()
                if text:
                    overlap_H = _overlap(first_HQS, before[layer])
                    sums_LHN[layer, :, _POSITIONAL] += overlap_H
                    before[layer] = first_HQS
                else:
                    before.append(first_HQS)
            yield None
    sums_LHN[..., _POSITIONAL] *= question.n_texts / (question.n_texts - 1)
    scores_LHN: Array = (sums_LHN / question.n_texts).float().numpy()
    return HeadsFound(
        subject=subject, question=question, scores_LHS=read_only(scores_LHN), n_random=n
    )


_POSITIONAL = SCORES.index("positional")


def head_scores(pattern_HQS: Tensor, start: int, n: int, *, causal: bool) -> Tensor:
    """All scores of one text but ``positional``, ``[H, N]`` float64.

    Args:
        pattern_HQS: weights of one layer.
        start: tokens before the random ones.
        n: random tokens before they come again.
        causal: whether no query looks ahead.
    """
    every = torch.arange(SKIPPED, start + 2 * n)
    copy = torch.arange(start, start + n)  # the first time
    again = copy + n

    def mean(queries: Tensor, keys: Tensor) -> Tensor:
        return pattern_HQS[:, queries, keys].double().mean(-1)

    found = {
        "previous_token": mean(every, every - 1),
        "itself": mean(every, every),
        "first_token": mean(every, torch.zeros_like(every)),
        "duplicate_token": mean(again, copy),
        "induction": mean(again, copy + 1),
        "evenly": _evenly(pattern_HQS, torch.arange(SKIPPED, start + n), causal=causal),
    }
    if not causal:
        found["next_token"] = mean(every[:-1], every[:-1] + 1)
        both = torch.cat((again, copy))
        found["duplicate_token"] = mean(both, torch.cat((copy, again)))
        # What follows the last one's twin is the one that begins the repeat, or nothing.
        ahead = copy[:-1]
        found["induction"] = mean(torch.cat((again, ahead)), torch.cat((copy + 1, ahead + n + 1)))
    none = torch.zeros(len(pattern_HQS), dtype=torch.float64)
    return torch.stack([found.get(name, none) for name in SCORES], -1)


def _evenly(pattern_HQS: Tensor, queries: Tensor, *, causal: bool) -> Tensor:
    """How much of each row is as if all keys were alike, the mean over queries, ``[H]``."""
    rows_HQS = pattern_HQS[:, queries]
    n_keys_Q = queries + 1 if causal else torch.full_like(queries, pattern_HQS.shape[2])
    return rows_HQS.minimum(1 / n_keys_Q[:, None]).sum(-1).double().mean(-1)


def _overlap(one_HQS: Tensor, other_HQS: Tensor) -> Tensor:
    """How much of rows of weights is the same in two texts, without the first token's, ``[H]``.

    Rows that leave next to nothing for other tokens say nothing, and count as 0.
    """
    one, other = one_HQS[:, SKIPPED:, 1:], other_HQS[:, SKIPPED:, 1:]
    same_H = one.minimum(other).sum((-1, -2)).double()
    there_H = one.maximum(other).sum((-1, -2)).double()
    n_queries = one.shape[1]
    return torch.where(there_H < 0.2 * n_queries, 0.0, 2 * same_H / (same_H + there_H))

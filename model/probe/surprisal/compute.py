"""Surprisal, some positions at a time: the logits of all would be the largest tensor of all.

Shape suffixes: T positions, V vocabulary.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from model.bench import Bench
from model.probe.question import Answer, Array, read_only
from model.probe.surprisal.asks import Surprisal, SurprisalFound
from model.subject import Subject

AT_ONCE = 64
"""Positions whose logits are computed together: 13 MB at a vocabulary of 50,000."""
TELL_SECONDS = 0.15


def answer(question: Surprisal, subject: Subject, bench: Bench) -> Iterator[Answer | None]:
    """Positions in order.

    Raises:
        KeyError: the network has no logits.
    """
    n = subject.n_tokens
    bits_T = np.full(n, np.nan)
    ranks_T = np.zeros(n, np.intp) if question.ranks else None
    tokenizer = bench.tokenizer(subject.model)
    bytes_T = None
    if tokenizer is not None:
        special = tokenizer.special_ids
        lengths = [0 if i in special else len(tokenizer.token_bytes(i)) for i in subject.ids]
        bytes_T = read_only(np.array(lengths, np.intp))
    told = time.monotonic()
    for start in range(0, n - 1, AT_ONCE):
        stop = min(start + AT_ONCE, n - 1)
        logits_TV = bench.logits(subject, start, stop)
        ids_T = torch.tensor(subject.ids[start + 1 : stop + 1], device=logits_TV.device)
        own_T = logits_TV.gather(-1, ids_T[:, None])[:, 0]
        nats_T = logits_TV.double().logsumexp(-1) - own_T.double()
        bits_T[start + 1 : stop + 1] = (nats_T / math.log(2)).cpu().numpy()
        if ranks_T is not None:
            ranks_T[start + 1 : stop + 1] = _ranks(logits_TV, ids_T)
        yield None
        if stop < n - 1 and time.monotonic() - told > TELL_SECONDS:
            told = time.monotonic()
            yield SurprisalFound(
                subject=subject,
                question=question,
                share=stop / (n - 1),
                bits_T=read_only(bits_T.copy()),
                ranks_T=None if ranks_T is None else read_only(ranks_T.copy()),
                bytes_T=bytes_T,
            )
    yield SurprisalFound(
        subject=subject,
        question=question,
        bits_T=read_only(bits_T),
        ranks_T=None if ranks_T is None else read_only(ranks_T),
        bytes_T=bytes_T,
    )


def _ranks(logits_TV: Tensor, ids_T: Tensor) -> Array:
    """1 for the token with the largest logit; ties by lower id, as everywhere."""
    own_T1 = logits_TV.gather(-1, ids_T[:, None])
    before_TV = torch.arange(logits_TV.shape[-1], device=ids_T.device) < ids_T[:, None]
    ahead_TV = (logits_TV > own_T1) | ((logits_TV == own_T1) & before_TV)
    found: Array = ahead_TV.sum(-1).cpu().numpy() + 1
    return found

"""Surprisal, some positions at a time: the logits of all would be the largest tensor of all.

Shape suffixes: T positions, V vocabulary.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator

import numpy as np
import torch

from model.bench import Bench
from model.probe.question import Answer, read_only
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
    told = time.monotonic()
    for start in range(0, n - 1, AT_ONCE):
        stop = min(start + AT_ONCE, n - 1)
        logits_TV = bench.logits(subject, start, stop)
        ids_T = torch.tensor(subject.ids[start + 1 : stop + 1], device=logits_TV.device)
        own_T = logits_TV.gather(-1, ids_T[:, None])[:, 0]
        nats_T = logits_TV.double().logsumexp(-1) - own_T.double()
        bits_T[start + 1 : stop + 1] = (nats_T / math.log(2)).cpu().numpy()
        yield None
        if stop < n - 1 and time.monotonic() - told > TELL_SECONDS:
            told = time.monotonic()
            yield SurprisalFound(
                subject=subject,
                question=question,
                share=stop / (n - 1),
                bits_T=read_only(bits_T.copy()),
            )
    yield SurprisalFound(subject=subject, question=question, bits_T=read_only(bits_T))

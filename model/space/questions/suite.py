"""A suite of analogies: the rank of every expected word, some analogies at a time."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from model.probe.question import read_only
from model.space.questions.asks import Suite, SuiteFound
from model.space.questions.near import scores
from model.space.registry import SpaceError
from model.space.table import VectorTable

NUMBERS = 4_000_000
"""Scores that are held at once."""


def answer(question: Suite, table: VectorTable) -> Iterator[SuiteFound | None]:
    """A part at a time; what is known so far comes with it.

    Raises:
        SpaceError: there are no analogies, or a row is not in the table.
    """
    n = len(question.fours)
    if n == 0:
        raise SpaceError("There is no analogy to ask: give pairs, or lines of four words.")
    fours_Q4 = torch.tensor(question.fours, dtype=torch.long)
    if int(fours_Q4.min()) < 0 or int(fours_Q4.max()) >= len(table):
        raise SpaceError(f"An analogy names a row that {table.name} does not have.")
    ranks = np.zeros((n, 2), np.int64)
    best = np.zeros(n, np.int64)
    at_once = max(1, min(256, NUMBERS // max(1, len(table))))
    for start in range(0, n, at_once):
        some_Q4 = fours_Q4[start : start + at_once].to(table.rows_ND.device)
        vectors_Q4D = table.rows_ND[some_Q4].float()
        sums_QD = vectors_Q4D[:, 0] - vectors_Q4D[:, 1] + vectors_Q4D[:, 2]
        zero = sums_QD.norm(dim=1) == 0
        sums_QD[zero] = 1e-30  # a − a + 0: points nowhere, and is nowhere right
        scores_QN = scores(table, sums_QD, question.metric).T.contiguous()
        expected_Q1 = some_Q4[:, 3:]
        own_Q1 = scores_QN.gather(1, expected_Q1)
        rows_N = torch.arange(len(table), device=scores_QN.device)
        before_QN = (scores_QN > own_Q1) | ((scores_QN == own_Q1) & (rows_N < expected_Q1))
        with_inputs = before_QN.sum(1)
        # An input that stands twice counts once; the expected word always counts.
        inputs_QN = torch.zeros_like(before_QN).scatter_(1, some_Q4[:, :3], value=True)
        without = with_inputs - (before_QN & inputs_QN).sum(1)
        stop = start + len(some_Q4)
        ranks[start:stop, 0] = 1 + without.cpu().numpy()
        ranks[start:stop, 1] = 1 + with_inputs.cpu().numpy()
        best[start:stop] = scores_QN.masked_fill(inputs_QN, float("-inf")).argmax(1).cpu().numpy()
        if stop < n:
            yield SuiteFound(
                question=question,
                share=stop / n,
                ranks_Q2=read_only(ranks[:stop].copy()),
                answers_Q=read_only(best[:stop].copy()),
            )
    yield SuiteFound(question=question, ranks_Q2=read_only(ranks), answers_Q=read_only(best))

"""Tokens merged to words: what a query's words read of a key's words.

Attention to a word is the sum over its tokens, attention from a word the mean over its tokens: so
rows still sum to 1. Knows where words begin; no text. Shape suffixes: H heads, Q queries, S keys,
W words, V words of the queries.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from model.probe.question import Array, ProbeError


class Words:
    """The words of a text.

    Args:
        starts: first token of each word, rising from 0; empty where each token is a word.
        n_tokens: of the text.

    Attributes:
        n: how many words.
        of_T: which word a token is of.

    Raises:
        ValueError: words don't begin at 0, or don't rise, or go on behind the text.
    """

    def __init__(self, starts: Sequence[int], n_tokens: int) -> None:
        self.merges = bool(starts)
        starts_W = np.asarray(starts if starts else range(n_tokens), np.int64)
        if starts_W[0] != 0 or (np.diff(starts_W) <= 0).any() or starts_W[-1] >= n_tokens:
            raise ProbeError(
                "words are the first tokens of words: they begin at 0, rise, and end before "
                f"{n_tokens}, the end of the text."
            )
        self.n = len(starts_W)
        self._ends_W = np.append(starts_W[1:], n_tokens)
        self._starts_W = starts_W
        self.of_T: Array = np.repeat(np.arange(self.n), self._ends_W - starts_W)

    def tokens(self, start: int, stop: int) -> tuple[int, int]:
        """The tokens of some words, first and one past the last."""
        return int(self._starts_W[start]), int(self._ends_W[stop - 1])

    def tokens_of(self, words: Array) -> Array:
        """The tokens of single words, in order."""
        if not self.merges:
            return words
        return np.concatenate(
            [np.arange(self._starts_W[w], self._ends_W[w]) for w in words.tolist()]
        )

    def fold(self, matrix_HQS: Tensor, queries: Array) -> Tensor:
        """Columns summed, rows averaged: ``[H, V, W']``.

        Args:
            matrix_HQS: of the first keys, if not of all.
            queries: positions of its rows, all tokens of some words, in order.
        """
        if not self.merges:
            return matrix_HQS
        n_heads, n_queries, n_keys = matrix_HQS.shape
        of_S = torch.from_numpy(self.of_T[:n_keys]).to(matrix_HQS.device)
        summed_HQW = matrix_HQS.new_zeros(n_heads, n_queries, int(of_S[-1]) + 1)
        summed_HQW.index_add_(2, of_S, matrix_HQS)
        _, of_Q, counts_V = np.unique(self.of_T[queries], return_inverse=True, return_counts=True)
        rows_HVW = matrix_HQS.new_zeros(n_heads, len(counts_V), summed_HQW.shape[2])
        rows_HVW.index_add_(1, torch.from_numpy(of_Q).to(matrix_HQS.device), summed_HQW)
        counts = torch.from_numpy(counts_V).to(rows_HVW.device, rows_HVW.dtype)
        return rows_HVW / counts[:, None]

    def any(self, look_QS: Array, start: int) -> Array:
        """Where some token of a word may look at some token of another, ``[V, W]``.

        Args:
            look_QS: where tokens may look.
            start: position of its first row, at which a word begins; at its end one ends.
        """
        if not self.merges:
            return look_QS
        rows = np.unique(self.of_T[start : start + len(look_QS)], return_index=True)[1]
        found: Array = np.logical_or.reduceat(look_QS, rows, axis=0)
        return np.logical_or.reduceat(found, self._starts_W, axis=1)

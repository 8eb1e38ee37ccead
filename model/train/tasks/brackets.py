"""Brackets: does each that opens also close, in order? ``(()())=`` is followed by ``yes``.

Half of the questions are balanced. The others have as many brackets of each kind too: to count
them is not enough.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from model.train.tasks.task import Numbers, Symbols, Task

_OPENS, _CLOSES, _EQUALS, _YES, _NO = range(5)


def n_balanced(size: int) -> int:
    """How many balanced ones of a length there are, a Catalan number."""
    return math.comb(size, size // 2) // (size // 2 + 1)


@lru_cache(maxsize=2)
def _lists(size: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The balanced ones, and as many others, as numbers whose bits are brackets (1 closes)."""
    words_N = np.arange(1 << size, dtype=np.int64)
    depth_N, deepest_N = np.zeros(len(words_N), np.int8), np.zeros(len(words_N), np.int8)
    for at in range(size - 1, -1, -1):
        depth_N += (1 - 2 * (words_N >> at & 1)).astype(np.int8)
        np.minimum(deepest_N, depth_N, out=deepest_N)
    balanced = words_N[(depth_N == 0) & (deepest_N == 0)]
    others = words_N[(depth_N == 0) & (deepest_N < 0)]
    return balanced, others[np.linspace(0, len(others) - 1, len(balanced)).astype(np.int64)]


def _questions(size: int, numbers_N: Numbers) -> Symbols:
    balanced, others = _lists(size)
    words_N = np.where(numbers_N % 2 == 0, balanced[numbers_N // 2], others[numbers_N // 2])
    brackets_NQ = words_N[:, None] >> np.arange(size - 1, -1, -1) & 1
    equals_N1 = np.full((len(numbers_N), 1), _EQUALS, np.int64)
    return np.concatenate([brackets_NQ, equals_N1], axis=1)


def _answers(size: int, questions_NQ: Symbols) -> Symbols:
    depth_NQ = np.cumsum(1 - 2 * questions_NQ[:, :-1], axis=1)
    right_N = (depth_NQ[:, -1] == 0) & (depth_NQ.min(axis=1) >= 0)
    return np.where(right_N, _YES, _NO)[:, None]


def _examples(size: int) -> tuple[str, ...]:
    half = size // 2
    return tuple(
        f"{text}=" for text in ("(" * half + ")" * half, "()" * half, "()" * (half - 1) + ")(")
    )


TASK = Task(
    name="brackets",
    title="Brackets",
    sentence="Says whether every bracket that opens is closed, in order",
    size=18,
    least=6,
    most=20,
    even=True,
    size_means="brackets",
    symbols=lambda size: ("(", ")", "=", "yes", "no"),
    pattern="[a-z]+",
    lengths=lambda size: (size + 1, 1),
    n_questions=lambda size: 2 * n_balanced(size),
    questions=_questions,
    answers=_answers,
    examples=_examples,
)

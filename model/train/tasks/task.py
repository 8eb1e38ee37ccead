"""What a toy task is.

Shape suffixes: N examples, Q tokens of a question, A tokens of an answer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Symbols = NDArray[np.int64]
"""Places in a task's symbols, ``[N, Q]`` or ``[N, A]``."""
Numbers = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """Questions with one right answer each.

    Attributes:
        name: as a recipe writes it.
        title: for people.
        sentence: what is asked.
        size: how large it is unless a recipe says so.
        least, most: between which sizes it can be.
        even: whether only even sizes can be.
        size_means: what the size counts.
        symbols: its vocabulary, for a size; the last of a question is ``=``.
        pattern: the expression that finds symbols of several characters; empty where all have one.
        lengths: tokens of a question, ``=`` among them, and of its answer, for a size.
        n_questions: how many different ones there are, for a size.
        questions: those of some numbers, ``[N] -> [N, Q]``.
        answers: to questions, ``[N, Q] -> [N, A]``.
        train_share: of all questions so many are trained on at most.
        examples: questions that a person may ask, for a size, in text.
    """

    name: str
    title: str
    sentence: str
    size: int
    least: int
    most: int
    size_means: str
    symbols: Callable[[int], tuple[str, ...]]
    lengths: Callable[[int], tuple[int, int]]
    n_questions: Callable[[int], int]
    questions: Callable[[int, Numbers], Symbols]
    answers: Callable[[int, Symbols], Symbols]
    examples: Callable[[int], tuple[str, ...]]
    even: bool = False
    pattern: str = ""
    train_share: float = 0.9


def digits_of(numbers_N: Numbers, base: int, length: int) -> Symbols:
    """Numbers in a base, the highest digit first, ``[N, length]``."""
    powers = base ** np.arange(length - 1, -1, -1, dtype=np.int64)
    return numbers_N[:, None] // powers % base


def with_sign(parts_NQ: Symbols, sign: int) -> Symbols:
    """A sign behind each row."""
    return np.concatenate([parts_NQ, np.full((len(parts_NQ), 1), sign, np.int64)], axis=1)

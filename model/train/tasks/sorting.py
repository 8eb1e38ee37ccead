"""Digits, to be put in order: ``31415926=`` is followed by ``11234569``."""

from __future__ import annotations

import string

import numpy as np

from model.train.tasks.task import Numbers, Symbols, Task, digits_of, with_sign

_EQUALS = 10


def _questions(size: int, numbers_N: Numbers) -> Symbols:
    return with_sign(digits_of(numbers_N, 10, size), _EQUALS)


TASK = Task(
    name="sorting",
    title="Sorting",
    sentence="Puts digits in order, the smallest first",
    size=8,
    least=2,
    most=18,
    size_means="digits",
    symbols=lambda size: (*string.digits, "="),
    lengths=lambda size: (size + 1, size),
    n_questions=lambda size: 10**size,
    questions=_questions,
    answers=lambda size, questions_NQ: np.sort(questions_NQ[:, :-1], axis=1),
    examples=lambda size: tuple(
        f"{text[:size]}="
        for text in ("3141592653589793238", "9" * 9 + "0" * 10, "8765432109876543210")
    ),
)

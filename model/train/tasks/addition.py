"""Two numbers of so many digits, to be added: ``27+85=`` is followed by ``112``.

All numbers are written with as many digits as the longest has: ``03+04=`` is followed by ``007``.
"""

from __future__ import annotations

import string

import numpy as np

from model.train.tasks.task import Numbers, Symbols, Task, digits_of, with_sign

_PLUS, _EQUALS = 10, 11


def _questions(size: int, numbers_N: Numbers) -> Symbols:
    first_N, second_N = np.divmod(numbers_N, 10**size)
    first_NQ = with_sign(digits_of(first_N, 10, size), _PLUS)
    second_NQ = with_sign(digits_of(second_N, 10, size), _EQUALS)
    return np.concatenate([first_NQ, second_NQ], axis=1)


def _answers(size: int, questions_NQ: Symbols) -> Symbols:
    powers = 10 ** np.arange(size - 1, -1, -1, dtype=np.int64)
    sum_N = questions_NQ[:, :size] @ powers + questions_NQ[:, size + 1 : -1] @ powers
    return digits_of(sum_N, 10, size + 1)


TASK = Task(
    name="addition",
    title="Addition",
    sentence="Adds two numbers, digit by digit; zeros in front make all equally long",
    size=2,
    least=1,
    most=9,
    size_means="digits of each number",
    symbols=lambda size: (*string.digits, "+", "="),
    lengths=lambda size: (2 * size + 2, size + 1),
    n_questions=lambda size: 10 ** (2 * size),
    questions=_questions,
    answers=_answers,
    examples=lambda size: tuple(
        f"{a % 10**size:0{size}}+{b % 10**size:0{size}}="
        for a, b in ((3, 4), (27, 85), (10**size - 1, 1))
    ),
)

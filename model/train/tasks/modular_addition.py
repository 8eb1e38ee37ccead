"""Addition modulo p: with p = 113, ``60+70=`` is followed by ``17``. A number is one token.

Trained on 30 % of all pairs with much weight decay, a network first knows those by heart, and only
long after finds the rule: it *groks* (Power et al. 2022, arXiv:2201.02177). What it finds is a
sum of turns by a few frequencies (Nanda et al. 2023, arXiv:2301.05217).
"""

from __future__ import annotations

import numpy as np

from model.train.tasks.task import Numbers, Symbols, Task


def _questions(size: int, numbers_N: Numbers) -> Symbols:
    first_N, second_N = np.divmod(numbers_N, size)
    plus, equals = np.full_like(numbers_N, size), np.full_like(numbers_N, size + 1)
    return np.stack([first_N, plus, second_N, equals], axis=1)


def _answers(size: int, questions_NQ: Symbols) -> Symbols:
    return (questions_NQ[:, :1] + questions_NQ[:, 2:3]) % size


TASK = Task(
    name="modular-addition",
    title="Modular addition",
    sentence="Adds two numbers and goes on from 0 where the sum reaches p, as a clock's hours do",
    size=113,
    least=5,
    most=499,
    size_means="p",
    symbols=lambda size: (*map(str, range(size)), "+", "="),
    pattern="[0-9]+",
    lengths=lambda size: (4, 1),
    n_questions=lambda size: size * size,
    questions=_questions,
    answers=_answers,
    train_share=0.3,
    examples=lambda size: ("3+4=", f"{size - 1}+1=", f"{size // 2}+{size // 2 + 3}="),
)

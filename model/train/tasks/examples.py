"""A task's examples: those to train on and those that are held out, drawn by a seed.

Knows NumPy and the tasks; no tokenizer's library.

Shape suffixes: N examples, T tokens of an example.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.train.tasks.chosen import FIRST, Chosen
from model.train.tasks.task import Numbers

MOST_HELD_OUT = 4096
Rows = NDArray[np.uint16]


@dataclass(frozen=True, slots=True, eq=False)
class Examples:
    """Rows of ids, ``[N, T]``, a question and its answer each; no question is in both."""

    train_NT: Rows
    held_out_NT: Rows


def examples_of(chosen: Chosen, n_train: int, seed: int) -> Examples:
    """Draw examples.

    Args:
        chosen: the task.
        n_train: to train on at most; fewer where the task has no more to give.
        seed: of the choice.
    """
    n_all = chosen.n_questions
    n_train = max(1, min(n_train, round(chosen.task.train_share * n_all), n_all - 1))
    n = n_train + min(n_all - n_train, MOST_HELD_OUT)
    numbers_N = np.random.default_rng(seed).choice(n_all, size=n, replace=False).astype(np.int64)
    return Examples(_rows(chosen, numbers_N[:n_train]), _rows(chosen, numbers_N[n_train:]))


def _rows(chosen: Chosen, numbers_N: Numbers) -> Rows:
    questions_NQ = chosen.task.questions(chosen.size, numbers_N)
    answers_NA = chosen.task.answers(chosen.size, questions_NQ)
    return (np.concatenate([questions_NQ, answers_NA], axis=1) + FIRST).astype(np.uint16)

"""Which task and of what size a recipe asks for.

Knows the tasks; no recipe.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from model.train.tasks.list import TASKS
from model.train.tasks.task import Task

PREFIX = "task:"
FIRST = 1
"""Id of a task's first symbol; 0 is for everything else."""


class TaskError(ValueError):
    """A task that there isn't; the message says which there are."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """A task of a size.

    Attributes:
        task: which.
        size: how large.
    """

    task: Task
    size: int

    @property
    def word(self) -> str:
        """As a recipe writes it."""
        plain = self.size == self.task.size
        return PREFIX + (self.task.name if plain else f"{self.task.name}:{self.size}")

    @property
    def symbols(self) -> tuple[str, ...]:
        """Its vocabulary, but for the token of everything else."""
        return self.task.symbols(self.size)

    @property
    def d_vocab(self) -> int:
        """How many tokens its vocabulary has."""
        return FIRST + len(self.symbols)

    @property
    def answer_at(self) -> int:
        """Tokens of a question: where its answer begins."""
        return self.task.lengths(self.size)[0]

    @property
    def n_tokens(self) -> int:
        """Tokens of an example, question and answer."""
        return sum(self.task.lengths(self.size))

    @property
    def n_ctx(self) -> int:
        """Tokens that a network reads of an example: the last is only a target."""
        return self.n_tokens - 1

    @property
    def n_questions(self) -> int:
        """How many different questions there are."""
        return self.task.n_questions(self.size)

    @property
    def examples(self) -> tuple[str, ...]:
        """Questions that a person may ask."""
        return self.task.examples(self.size)

    def can_read(self, text: str) -> bool:
        """Whether a text, which is not empty, has nothing but its symbols."""
        symbols = sorted(map(re.escape, self.symbols), key=len, reverse=True)
        return re.fullmatch(f"(?:{'|'.join(symbols)})+", text) is not None


def is_task(data: str) -> bool:
    """Whether a recipe's text is a task."""
    return data.startswith(PREFIX)


def chosen_task(data: str) -> Chosen:
    """The task that a recipe's text names, ``task:NAME`` or ``task:NAME:SIZE``.

    Raises:
        TaskError: there is none, or not of that size.
    """
    name, colon, size = data.removeprefix(PREFIX).partition(":")
    task = TASKS.get(name)
    if task is None:
        raise TaskError(f"There is no task {name!r}; known are {', '.join(TASKS)}.")
    if not colon:
        return Chosen(task, task.size)
    fits = size.isdecimal() and len(size) < 10 and task.least <= int(size) <= task.most
    if not fits or (task.even and int(size) % 2):
        even = " even" if task.even else ""
        raise TaskError(
            f"The size of {name} is{even} {task.least} to {task.most} ({task.size_means}), for "
            f"example {PREFIX}{name}:{task.size}; {size!r} is not."
        )
    return Chosen(task, int(size))


def task_of(vocabulary: Sequence[bytes], n_ctx: int) -> Chosen | None:
    """The task that a model was trained on, by its vocabulary and context; None for others.

    Args:
        vocabulary: the bytes of each token, by id.
        n_ctx: of the model.
    """
    if len(vocabulary) > _LARGEST:
        return None
    symbols = tuple(raw.decode("utf-8", "replace") for raw in vocabulary[FIRST:])
    for task in TASKS.values():
        for size in range(task.least, task.most + 1, 2 if task.even else 1):
            found = Chosen(task, size)
            if found.n_ctx == n_ctx and found.symbols == symbols:
                return found
    return None


_LARGEST = 1024
"""Tokens: no task has more."""

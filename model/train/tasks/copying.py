"""Letters, to be repeated: ``kwmqazrt=`` is followed by ``kwmqazrt``."""

from __future__ import annotations

import string

from model.train.tasks.task import Numbers, Symbols, Task, digits_of, with_sign

_EQUALS = 26


def _questions(size: int, numbers_N: Numbers) -> Symbols:
    return with_sign(digits_of(numbers_N, 26, size), _EQUALS)


TASK = Task(
    name="copying",
    title="Copying",
    sentence="Repeats letters in their order",
    size=8,
    least=2,
    most=13,
    size_means="letters",
    symbols=lambda size: (*string.ascii_lowercase, "="),
    lengths=lambda size: (size + 1, size),
    n_questions=lambda size: 26**size,
    questions=_questions,
    answers=lambda size, questions_NQ: questions_NQ[:, :-1],
    examples=lambda size: tuple(
        f"{text[:size]}=" for text in ("kwmqazrtbnpxe", "aaaabbbbccccd", "zyxwvutsrqpon")
    ),
)

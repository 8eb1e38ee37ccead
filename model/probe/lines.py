"""The lines of Python that ask questions again: their classes, their values, whom they are about.

Knows questions, subjects and interventions as frozen dataclasses; no question by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from keyword import iskeyword
from typing import Any

import numpy as np

from model.probe.question import Answer


def asking_again(answer: Answer) -> str:
    """What reproduces an answer, after ``import model`` and ``lm = model.open(…)``.

    The imports that it needs, a line each, and last the question to `LanguageModel.ask`.
    """
    used: set[type] = set()
    asked = _asked(answer, used)
    return "\n".join((*_imports(used), asked))


def asking_all(answers: Mapping[str, Answer]) -> str:
    """The same for several answers: each stands under its name afterwards.

    Args:
        answers: by names; what can't stand in a name is replaced.
    """
    used: set[type] = set()
    lines = [f"{_as_name(name)} = {_asked(one, used)}" for name, one in answers.items()]
    return "\n".join((*_imports(used), "", *lines)) if lines else ""


def written(value: object) -> tuple[list[str], str]:
    """A value as it is typed, without what is as by default, and the imports that it needs."""
    used: set[type] = set()
    text = _written(value, used)
    return _imports(used), text


def _asked(answer: Answer, used: set[type]) -> str:
    subject, question = answer.subject, answer.question
    arguments = [str(list(subject.ids)), _written(question, used)]
    if subject.interventions:
        arguments.append(_written(subject.interventions, used))
    return f"lm.ask({', '.join(arguments)})"


def _imports(used: set[type]) -> list[str]:
    return sorted(f"from {kind.__module__} import {kind.__name__}" for kind in used)


def _as_name(words: str) -> str:
    name = "".join(letter if letter.isalnum() else "_" for letter in words).strip("_")
    taken = name in ("lm", "model", "trace") or iskeyword(name)
    return f"found_{name}" if taken or not name.isidentifier() else name


def _written(value: Any, used: set[type]) -> str:
    """As it is typed, without what is as by default."""
    if isinstance(value, tuple):
        inside = [_written(one, used) for one in value]
        return f"({inside[0]},)" if len(inside) == 1 else f"({', '.join(inside)})"
    if isinstance(value, np.generic):  # NumPy 2 writes np.int64(3)
        return _written(value.item(), used)
    if isinstance(value, float) and not np.isfinite(value):
        return f'float("{value}")'
    if not is_dataclass(value) or isinstance(value, type):
        return repr(value)
    used.add(type(value))
    own = {field: getattr(value, field.name) for field in fields(value)}
    given = [
        f"{field.name}={_written(one, used)}"
        for field, one in own.items()
        if field.default is MISSING or one != field.default
    ]
    return f"{type(value).__name__}({', '.join(given)})"

"""The lines of Python that ask a question again: its class, its values, whom it is about.

Knows questions, subjects and interventions as frozen dataclasses; no question by name.
"""

from __future__ import annotations

from dataclasses import MISSING, fields, is_dataclass
from typing import Any

from model.probe.question import Answer


def asking_again(answer: Answer) -> str:
    """What reproduces an answer, after ``import model`` and ``lm = model.open(…)``.

    The imports that it needs, a line each, and last the question to `LanguageModel.ask`.
    """
    subject, question = answer.subject, answer.question
    used: set[type] = set()
    arguments = [str(list(subject.ids)), _written(question, used)]
    if subject.interventions:
        arguments.append(f"({', '.join(_written(one, used) for one in subject.interventions)},)")
    imports = sorted(f"from {kind.__module__} import {kind.__name__}" for kind in used)
    return "\n".join((*imports, f"lm.ask({', '.join(arguments)})"))


def _written(value: Any, used: set[type]) -> str:
    """As it is typed, without what is as by default."""
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

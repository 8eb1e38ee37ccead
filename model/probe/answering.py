"""From a question to its answer: which function computes it, and whether it can be asked at all.

Knows questions by where they stand; of none how it is answered. Free of torch until it is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from importlib import import_module
from typing import TYPE_CHECKING, TypeAlias

from model.config import TransformerConfig
from model.probe.question import Answer, ProbeError, Question
from model.subject import Subject

if TYPE_CHECKING:
    from model.bench import Bench

    Compute: TypeAlias = Callable[[Question, Subject, Bench], Iterator[Answer | None]]


def answering(question: Question) -> Compute:
    """What computes the answer: ``answer`` in the module ``compute`` beside the question's."""
    package = type(question).__module__.rpartition(".")[0]
    found: Compute = import_module(f"{package}.compute").answer
    return found


def whole_answer(question: Question, subject: Subject, bench: Bench) -> Answer:
    """The whole answer, however many coarse ones come before it."""
    *_, last = (found for found in answering(question)(question, subject, bench) if found)
    return last


def fitted(question: Question, config: TransformerConfig, n_tokens: int) -> Question:
    """The question, if the place that it is about exists.

    Args:
        question: its fields ``layer``, ``head`` and ``position``, where it has them, are places; a
            negative one counts from the end.
        config: of the network.
        n_tokens: of the prompt.

    Raises:
        ValueError: there is no such place; the message says which there are.
    """
    sizes = {"layer": config.n_layers, "head": config.n_heads, "position": n_tokens}
    places: dict[str, int] = {}
    for field in fields(question):
        at = getattr(question, field.name)
        if field.name in sizes and isinstance(at, int):
            n = sizes[field.name]
            if not -n <= at < n:
                raise ProbeError(f"There is no {field.name} {at}; there are 0 to {n - 1}.")
            places[field.name] = at % n
    return replace(question, **places)

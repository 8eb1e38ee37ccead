"""Interventions as they are typed on the command line, or read of a file.

Knows records of interventions and how a model cuts a text into tokens; no question.
"""

from __future__ import annotations

import ast
import shlex
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from model.interventions import Intervention
    from model.language_model import LanguageModel

TEXTS = {"text": "ids", "plus_text": "plus", "minus_text": "minus"}
"""Fields that hold another text as it is typed, each with the one that has its tokens."""


def records(typed: Iterable[str]) -> list[dict[str, Any]]:
    """What was typed, read; before a model is opened, so that what is wrong is said at once.

    Raises:
        ValueError: it can't be read.
    """
    return [record for words in typed for record in intervention_records(words)]


def interventions(some: Iterable[Mapping[str, Any]], lm: LanguageModel) -> tuple[Intervention, ...]:
    """The interventions of records; texts that were typed are cut into tokens.

    Raises:
        ValueError: a record is none, or a text can't be read.
    """
    from model.interventions import from_record

    return tuple(from_record(_with_ids(record, lm)) for record in some)


def intervention_records(words: str) -> list[dict[str, Any]]:
    """Interventions as they are typed: a kind and its values, or a file that holds some.

    Args:
        words: ``ablate_head layer=0 head=3``, ``patch_activation name=… text='The queen'``, or
            ``cuts.toml``, of which those count that are on.

    Raises:
        ValueError: it can't be read.
    """
    from model.interventions import from_record, to_record
    from model.interventions.file import read

    try:
        kind, *rest = shlex.split(words)
    except ValueError as error:
        raise ValueError(f"{words!r} can't be read: {error}.") from None
    if not rest and kind.endswith(".toml"):
        try:
            return [to_record(one) for one, on in read(kind) if on]
        except OSError as error:
            raise ValueError(f"{kind} can't be read: {error.strerror}.") from error
    record: dict[str, Any] = {"kind": kind}
    for word in rest:
        name, equals, value = word.partition("=")
        if not equals:
            raise ValueError(f"What is {word!r}? Values are written as layer=0.")
        record[name] = value if name in TEXTS else _literal(value)
    if TEXTS.keys().isdisjoint(record):
        from_record(record)  # what is wrong is said before a large model is opened
    return [record]


def _literal(value: str) -> Any:
    try:
        return ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return value  # a word: part=attn


def _with_ids(record: Mapping[str, Any], lm: LanguageModel) -> dict[str, Any]:
    """The tokens of other texts that were given as texts only."""
    found = dict(record)
    for text, ids in TEXTS.items():
        if found.get(text) and not found.get(ids):
            found[ids] = lm.ids(found[text])[0].tolist()
    return found

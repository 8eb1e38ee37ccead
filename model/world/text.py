"""The world's text: an endless, repeatable stream of documents, one a line."""

from __future__ import annotations

import re
from collections.abc import Iterator

from model.world.dice import Dice
from model.world.frames import PRONOUNS, RELATIONS, Relation
from model.world.lists import list_document
from model.world.speech import said
from model.world.stories import STORIES

STORY, FACTS, PRONOUN, LIST = 0.26, 0.48, 0.10, 0.16
"""Share of the documents of each kind."""

_AT_ONCE = 1024
"""Documents of a part."""

_TOKEN = re.compile(r"\w+|[^\w\s]|\n")


def documents(seed: int) -> Iterator[str]:
    """The world's documents, without end and without line breaks."""
    dice = Dice(seed)
    while True:
        yield dice.weighted(_KINDS)(dice)


def write(n_tokens: int, seed: int) -> str:
    """At least `n_tokens` words and punctuation marks of the world, one document a line.

    A byte-level BPE of about a thousand tokens makes somewhat more tokens of the same text.
    """
    return "".join(part for part, _ in parts(n_tokens, seed))


def parts(n_tokens: int, seed: int) -> Iterator[tuple[str, float]]:
    """What `write` gives, some hundred kilobytes at a time, and how much of it that is so far.

    Kept line by line it would lie in Python's small blocks, of which a process keeps a part for
    good: 22 MB for a text of 16.
    """
    lines: list[str] = []
    n = 0
    for document in documents(seed):
        lines.append(document)
        n += count_tokens(document) + 1
        if n >= n_tokens:
            yield "\n".join([*lines, ""]), 1.0
            return
        if len(lines) == _AT_ONCE:
            yield "\n".join([*lines, ""]), n / n_tokens
            lines.clear()


def count_tokens(text: str) -> int:
    """How many words, punctuation marks and line breaks a text has."""
    return len(_TOKEN.findall(text))


def _statements(dice: Dice) -> str:
    """A few facts of one relation."""
    relation = dice.weighted(_WEIGHTED_RELATIONS)
    facts = dice.some(range(len(relation.facts)), dice.number(1, 3))
    return " ".join(_taught(dice, relation, fact) for fact in facts)


def _pronouns(dice: Dice) -> str:
    facts = dice.some(range(len(PRONOUNS.facts)), dice.number(1, 3))
    return " ".join(_taught(dice, PRONOUNS, fact) for fact in facts)


def _taught(dice: Dice, relation: Relation, fact: int) -> str:
    frame = dice.pick(relation.taught(fact))
    sentence = relation.item(fact, frame).sentence
    name = relation.frames[frame].startswith("{") and _begins_with_a_name(relation, fact, frame)
    return said(dice, sentence, keeps_case=name)


def _begins_with_a_name(relation: Relation, fact: int, frame: int) -> bool:
    """Whether the word that fills the first place of a frame has its capital everywhere."""
    field = relation.frames[frame][1:].partition("}")[0]
    return relation.facts[fact][field][0].isupper()


_WEIGHTED_RELATIONS = tuple((relation.weight, relation) for relation in RELATIONS)


def _story(dice: Dice) -> str:
    return dice.weighted(STORIES)(dice)


_KINDS = ((STORY, _story), (FACTS, _statements), (PRONOUN, _pronouns), (LIST, list_document))

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
    lines: list[str] = []
    n = 0
    for document in documents(seed):
        if n >= n_tokens:
            break
        lines.append(document)
        n += count_tokens(document) + 1
    return "\n".join(lines) + "\n"


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

"""The people of the stories: how each is called, and the pronouns that go with that.

The two words of a gendered pair live, own and do the same, so that in the text they differ by
gender only; this is what lets "king - man + woman = queen" be learned from it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from model.world.facts import BOYS, GENDERED_PAIRS, GIRLS, Gender, GenderedPair


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody in a story, called "the king" or "Mia"."""

    name: str
    gender: Gender

    @property
    def he(self) -> str:
        return "he" if self.gender == "male" else "she"

    @property
    def him(self) -> str:
        return "him" if self.gender == "male" else "her"

    @property
    def his(self) -> str:
        return "his" if self.gender == "male" else "her"

    @property
    def himself(self) -> str:
        return f"{self.him}self"


@dataclass(frozen=True, slots=True)
class Role:
    """One word of a gendered pair: the person called so, and the life that the pair shares."""

    word: str
    other: str
    person: Person
    life: GenderedPair


ROLES: tuple[Role, ...] = tuple(
    role
    for pair in GENDERED_PAIRS
    for role in (
        Role(pair.male, pair.female, Person(f"the {pair.male}", "male"), pair),
        Role(pair.female, pair.male, Person(f"the {pair.female}", "female"), pair),
    )
)

CHILDREN: tuple[Person, ...] = (
    *(Person(name, "male") for name in BOYS),
    *(Person(name, "female") for name in GIRLS),
)

_BEFORE_VOWEL = re.compile(r"\b([Aa]) (?=[aeiou]|honest)")
_SENTENCE_START = re.compile(r'((?:^|[.?!] |\." |[?!]" (?="))"?)([a-z])')


def spell(text: str) -> str:
    """The text with "an" for "a" before a vowel, and a capital letter where a sentence starts."""
    text = _BEFORE_VOWEL.sub(r"\1n ", text)
    return _SENTENCE_START.sub(lambda found: found[1] + found[2].upper(), text)


def tell(person: Person, text: str, **words: str) -> str:
    """Fill in a sentence on one person: {name}, {he}, {him}, {his}, {himself}, the given words."""
    return text.format(
        name=person.name,
        he=person.he,
        him=person.him,
        his=person.his,
        himself=person.himself,
        **words,
    )

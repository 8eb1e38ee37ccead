"""The story world: a generator of short English text whose facts are known.

`documents` and `write` make the text, the same for the same seed. The constants are what is true
in it, and `fact_items`, `pronoun_items` and `scoring_lists` ask for it, so that a model trained on
the text can be scored. This package knows nothing of tokenizers, tensors or models, and needs
nothing but Python.
"""

from __future__ import annotations

from model.world.facts import (
    ANIMALS,
    ATHLETES,
    BOYS,
    COLOURED_THINGS,
    COLOURS,
    COUNTRIES,
    DAYS,
    GENDERED_PAIRS,
    GIRLS,
    NUMBERS,
    OPPOSITES,
    SUMS,
    Animal,
    Athlete,
    Country,
    GenderedPair,
)
from model.world.frames import (
    HELD_OUT,
    PRONOUNS,
    RELATIONS,
    Item,
    Relation,
    fact_items,
    pronoun_items,
)
from model.world.lists import RepeatedList, scoring_lists
from model.world.text import count_tokens, documents, write

__all__ = [
    "ANIMALS",
    "ATHLETES",
    "BOYS",
    "COLOURED_THINGS",
    "COLOURS",
    "COUNTRIES",
    "DAYS",
    "GENDERED_PAIRS",
    "GIRLS",
    "HELD_OUT",
    "NUMBERS",
    "OPPOSITES",
    "PRONOUNS",
    "RELATIONS",
    "SUMS",
    "Animal",
    "Athlete",
    "Country",
    "GenderedPair",
    "Item",
    "Relation",
    "RepeatedList",
    "count_tokens",
    "documents",
    "fact_items",
    "pronoun_items",
    "scoring_lists",
    "write",
]

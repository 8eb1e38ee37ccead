"""Repeated lists: words in an order that nothing but the text itself tells.

To say the second list a model has to look back at the first, which is what an induction head does.
"""

from __future__ import annotations

from dataclasses import dataclass

from model.world.dice import Dice
from model.world.facts import (
    ANIMALS,
    BOYS,
    COLOURS,
    COUNTRIES,
    DAYS,
    GENDERED_PAIRS,
    GIRLS,
    NUMBERS,
    OPPOSITES,
)
from model.world.people import CHILDREN

WORDS: tuple[str, ...] = (
    *(word for pair in GENDERED_PAIRS for word in (pair.male, pair.female, pair.place, pair.thing)),
    *(word for animal in ANIMALS for word in (animal.name, animal.home)),
    *(word for country in COUNTRIES for word in (country.name, country.capital, country.dish)),
    *COLOURS,
    *NUMBERS[1:],
    *DAYS,
    *BOYS,
    *GIRLS,
    *(word for pair in OPPOSITES for word in pair),
)
"""What lists are made of; a word may stand here twice ("orange"), never in one list twice."""

_UNIQUE = tuple(dict.fromkeys(WORDS))


_VOICES: tuple[tuple[str, str], ...] = (
    ("{one} wrote a list: ", "{other} wrote the same list: "),
    ("{one} said: ", "{other} said it again: "),
    ("The first line was: ", "The next line was: "),
    ("Remember these words: ", "These were the words: "),
    ("{one} sang: ", "And {other} sang: "),
    ("List: ", "List: "),
)


@dataclass(frozen=True, slots=True)
class RepeatedList:
    """A list said twice.

    Attributes:
        first: everything up to the second repetition, without the space before its first word.
        words: what both repetitions consist of.
        separator: what stands between two words, without the space that follows it.
    """

    first: str
    words: tuple[str, ...]
    separator: str

    @property
    def again(self) -> str:
        """The second repetition, with the space before it."""
        return " " + f"{self.separator} ".join(self.words)


def repeated_list(dice: Dice, shortest: int = 3, longest: int = 9) -> RepeatedList:
    """A list of different words, said and about to be said again."""
    words = tuple(dice.some(_UNIQUE, dice.number(shortest, longest)))
    separator = dice.pick((",", "", " and"))
    one, other = dice.some(CHILDREN, 2)
    lead, turn = (part.format(one=one.name, other=other.name) for part in dice.pick(_VOICES))
    listed = f"{separator} ".join(words)
    return RepeatedList(f"{lead}{listed}. {turn}".rstrip(), words, separator)


def list_document(dice: Dice) -> str:
    """A repeated list as the world tells it, or a chant that goes round and round."""
    return chant(dice) if dice.chance(0.6) else _twice_or_more(dice)


def chant(dice: Dice) -> str:
    """A few words over and over. What comes next is what came after this word before."""
    words = dice.some(_UNIQUE, dice.number(2, 6))
    singer = dice.pick(CHILDREN).name
    separator = dice.pick((", ", " ", " and "))
    rounds = 2 + 12 // len(words)
    return f"{singer} {dice.pick(_SINGS)}: {separator.join(words * rounds)}."


_SINGS = ("sang and sang", "skipped and counted", "hummed all day")


def _twice_or_more(dice: Dice) -> str:
    repeated = repeated_list(dice)
    text = f"{repeated.first}{repeated.again}."
    if dice.chance(0.5):
        text += f" Once more:{repeated.again}."
    return text


def scoring_lists(seed: int, n: int) -> list[RepeatedList]:
    """Lists to score copying on, of 4 to 8 words, in the ways that the world says lists."""
    dice = Dice(seed)
    return [repeated_list(dice, 4, 8) for _ in range(n)]

"""Who says it: the same statement in many mouths.

A fact that always stands at the start of a document can be learned by heart, frame by frame. In
many mouths it stands at many places, and a model does better to learn what is said of whom.
"""

from __future__ import annotations

from model.world.dice import Dice
from model.world.facts import BOYS, GENDERED_PAIRS, GIRLS

SAID = 0.6
"""Share of the statements that somebody says."""

OPENERS = (
    "They say that",
    "It is true that",
    "Remember that",
    "Everyone knows that",
    "The teacher said that",
    "I heard that",
    "The book says that",
    "Now we know that",
)

# Questions, commands and the word I don't stand after "They say that".
_APART = ("What", "Do ", "Listen", "Wake", "Ask", "Turn", "Take", "Count", "Sleep", "I ", "To ")


def said(dice: Dice, sentence: str, *, keeps_case: bool) -> str:
    """A sentence as it is, after an opener, or in somebody's mouth.

    Args:
        dice: chance.
        sentence: with its capital and its full stop.
        keeps_case: whether its first word is a name.
    """
    if not dice.chance(SAID):
        return sentence
    if dice.chance(0.5):
        return f'"{sentence[:-1]}," said {_speaker(dice)}.' if sentence.endswith(".") else sentence
    if sentence.startswith(_APART) or "?" in sentence:
        return sentence
    inside = sentence if keeps_case else sentence[0].lower() + sentence[1:]
    return f"{dice.pick(OPENERS)} {inside}"


def _speaker(dice: Dice) -> str:
    if dice.chance(0.5):
        return dice.pick(BOYS + GIRLS)
    pair = dice.pick(GENDERED_PAIRS)
    return f"the {pair.male if dice.chance(0.5) else pair.female}"

"""Why a head attends, in words: the title, a sentence or two, and what a pair of parts is.

Says what an answer holds; measures nothing. Knows answers and units; no widget, no store.
"""

from __future__ import annotations

import math

from gui.panes.attention.units import Units
from gui.panes.attention.words import named, percent
from model.config import TransformerConfig
from model.operations import score_formula
from model.probe.not_finite.asks import NO_NUMBER
from model.probe.why_attends.asks import BIASES, CHANGE, WhyAttends, WhyAttendsFound

_SHORT = {"embedding": "embed", "position": "pos", "token type": "type"}


def title(units: Units, query: int, key: int) -> str:
    """The question that is answered."""
    return f"Why does {named(units, query)} attend to {named(units, key)}?"


def short(part: str, *, letters: bool = False) -> str:
    """A part, as it stands on an axis; of many, layers' parts by a letter each (`LETTERS`)."""
    if letters:
        part = part.replace("attention ", "A").replace("MLP ", "M")
    return _SHORT.get(part, part.replace("attention", "attn"))


LETTERS = "A attention, M MLP"
MANY = 12
"""More parts than this go by letters."""


def signed(value: float) -> str:
    """A number that adds or takes."""
    return f"{value:+.2f}".replace("-", "−")


def part_of(part: str, token: str) -> str:
    """A part of a token's stream, in words."""
    if part == BIASES:
        return f"the biases at {token}"
    if part == CHANGE:
        return f"what interventions changed at {token}"
    if part == "position":
        return f"the place of {token}"
    if part in ("embedding", "token type"):
        return f"the {part} of {token}"
    return f"{part} at {token}"


def pair(found: WhyAttendsFound, units: Units, one: str, other: str) -> str:
    """What meets what: a part of the query's side and one of the key's."""
    question = found.question
    assert isinstance(question, WhyAttends)
    query, key = (f"“{units[at].text.strip('·')}”" for at in (question.query, question.key))
    return f"{part_of(one, query)} × {part_of(other, key)}"


def summary(found: WhyAttendsFound) -> str:
    """What the score is, and what made most of it here."""
    if math.isnan(found.score):
        return f"The score is {NO_NUMBER}: what made it is not known."
    text = f"Score {signed(found.score)}, {percent(found.weight)} of the attention."
    every = found.strongest(found.values_QK.size)
    up = next((one for one in every if one[2] > 0), None)
    down = next((one for one in every if one[2] < 0), None)
    told = []
    for verb, one in (("raised", up), ("lowered", down)):
        if one is not None:
            told.append(f"{verb} most by {one[0]} (query) × {one[1]} (key), {signed(one[2])}")
    return f"{text} {begun('; '.join(told))}." if told else text


def remainder(found: WhyAttendsFound, config: TransformerConfig) -> str:
    """What else there is to the score, and how exact the sum is."""
    n = found.values_QK.size
    words = [f"{n} pairs add up to {signed(found.score - found.bias - found.remainder)}"]
    if found.bias:
        words.append(f"distance {signed(found.bias)}")
    if config.caps.scores is not None:
        words.append(f"after the soft cap {signed(found.capped)}")
    words.append(f"remainder {found.remainder:.1e}".replace("-", "−"))
    assert isinstance(found.question, WhyAttends)
    formula = score_formula(config, found.question.layer)
    return f"{' · '.join(words)} · score = {formula}, norms at their recorded scale"


def brief(one: str, other: str) -> str:
    """What meets what, where the title has named both tokens: the query's part, then the key's."""
    return f"{short(one)} × {short(other)}"


def begun(words: str) -> str:
    """As the beginning of a sentence."""
    return words[:1].upper() + words[1:]

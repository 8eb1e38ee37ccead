"""How the world's facts are said: frames, and which fact is never said in which frame.

A frame is a sentence with a gap at the end of its prompt. Every fact is taught in all frames of its
relation but `HELD_OUT` of them, which are other ones for every fact: the text shows each frame with
other facts, so that a model knows the frame, and each fact in other frames, so that it knows the fact.
Scoring asks in the held-out frames only: an answer there was not read off a sentence seen in training.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .facts import (
    ANIMALS,
    ATHLETES,
    COLOURED_THINGS,
    COUNTRIES,
    DAYS,
    GENDERED_PAIRS,
    NUMBERS,
    OPPOSITES,
    SUMS,
)

HELD_OUT = 2
"""How many of its relation's frames each fact is never taught in."""


@dataclass(frozen=True, slots=True)
class Item:
    """One question to a model: after `prompt`, the most likely continuation should be `answer`.

    The answer starts with the space that separates it from the prompt.
    """

    relation: str
    prompt: str
    answer: str

    @property
    def sentence(self) -> str:
        return self.prompt + self.answer


@dataclass(frozen=True, slots=True)
class Relation:
    """Facts of one kind and the frames that say them.

    Attributes:
        name: What the relation is called in scores.
        facts: For each fact the words that fill the frames, and the answer under "answer".
        frames: Prompts with the fact's fields in braces.
        weight: Share of the fact sentences, relative to the other relations.
    """

    name: str
    facts: tuple[Mapping[str, str], ...]
    frames: tuple[str, ...]
    weight: float

    def held_out(self, fact: int) -> tuple[int, ...]:
        """Indices of the frames in which this fact is never taught."""
        n = len(self.frames)
        return tuple(sorted({(fact + k * (n // HELD_OUT)) % n for k in range(HELD_OUT)}))

    def taught(self, fact: int) -> tuple[int, ...]:
        """Indices of the frames in which this fact is taught."""
        held_out = self.held_out(fact)
        return tuple(i for i in range(len(self.frames)) if i not in held_out)

    def item(self, fact: int, frame: int) -> Item:
        fields = self.facts[fact]
        prompt = self.frames[frame].format_map(fields)
        return Item(self.name, prompt[0].upper() + prompt[1:], " " + fields["answer"])


def _places() -> tuple[tuple[str, str, str], ...]:
    countries = tuple((c.name, c.language, c.dish) for c in COUNTRIES)
    capitals = tuple((c.capital, c.language, c.dish) for c in COUNTRIES)
    return countries + capitals


def _both_ways(pairs: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    return pairs + tuple((b, a) for a, b in pairs)


RELATIONS: tuple[Relation, ...] = (
    Relation(
        "capital",
        tuple({"country": c.name, "answer": c.capital} for c in COUNTRIES),
        (
            "The capital of {country} is",
            "{country} has a capital called",
            "If you visit {country}, you should see its capital,",
            "The most famous city in {country} is",
            "Every map of {country} shows the city of",
            "The flag of {country} flies over its capital,",
            "People in {country} are proud of their capital,",
            "All the trains in {country} go to",
        ),
        1.6,
    ),
    Relation(
        "country",
        tuple({"capital": c.capital, "answer": c.name} for c in COUNTRIES),
        (
            "{capital} is the capital of",
            "{capital} is a city in",
            "The streets of {capital} are the oldest in",
            "If you live in {capital}, your home is in",
            "The road to {capital} takes you into",
            "The train to {capital} brings you to",
            "A letter to {capital} must be sent to",
            "The bridges of {capital} are the pride of",
        ),
        1.6,
    ),
    Relation(
        "language",
        tuple({"place": place, "answer": language} for place, language, _ in _places()),
        (
            "In {place} people speak",
            "The language of {place} is",
            "Children in {place} learn to read in",
            "To work in {place} you must speak",
            "The old songs of {place} are sung in",
            "Most books in {place} are written in",
            "If you are lost in {place}, ask the way in",
            "The radio in {place} plays songs in",
        ),
        2.0,
    ),
    Relation(
        "dish",
        tuple({"place": place, "answer": dish} for place, _, dish in _places()),
        (
            "In {place} people love to eat",
            "Every cook in {place} makes good",
            "The shops of {place} are full of",
            "For lunch in {place} you are given",
            "Nobody leaves {place} without tasting the",
            "The best thing to eat in {place} is a plate of",
        ),
        1.4,
    ),
    Relation(
        "sport",
        tuple({"name": a.name, "answer": a.sport} for a in ATHLETES),
        (
            "{name} plays the sport of",
            "The favourite sport of {name} is",
            "{name} won a gold medal in",
            "Every child knows that {name} is a star of",
            "On rainy days {name} stays at home and dreams of",
            "The newspaper says that {name} is the best in the world at",
            "At the age of six {name} began to play",
            "Ask {name} for a game of",
        ),
        1.6,
    ),
    Relation(
        "home",
        tuple({"animal": a.name, "answer": a.home} for a in ANIMALS),
        (
            "The home of the {animal} is the",
            "At night the {animal} sleeps in the",
            "When it rains, the {animal} hides in the",
            "If you want to see the {animal}, go to the",
            "The young {animal} was born in the",
            "After a long day the {animal} goes back to the",
        ),
        0.9,
    ),
    Relation(
        "sound",
        tuple({"animal": a.name, "answer": a.sound} for a in ANIMALS),
        (
            "Listen to how the {animal}",
            "Early in the morning the {animal}",
            "When the {animal} is hungry, it",
            "What does the {animal} do? It",
            "All day long the {animal}",
            "Do you hear the {animal}? How loud it",
        ),
        0.9,
    ),
    Relation(
        "colour",
        tuple({"thing": thing, "answer": colour} for thing, colour in COLOURED_THINGS),
        (
            "The colour of {thing} is",
            "Everyone can see that {thing} is",
            "To paint {thing} you need a pot of",
            "As we all know, {thing} is always",
            "It is as {{answer}} as {thing}, for {thing} is",
            "In the picture the {thing} is painted",
        ),
        0.9,
    ),
    Relation(
        "opposite",
        tuple({"word": a, "answer": b} for a, b in _both_ways(OPPOSITES)),
        (
            "The opposite of {word} is",
            "If it is not {word}, it must be",
            "One was {word} and the other was",
            "At first it was {word}, but then it became",
            "A thing cannot be both {word} and",
            "Some like it {word} and some like it",
        ),
        1.2,
    ),
    Relation(
        "sum",
        tuple({"a": NUMBERS[a], "b": NUMBERS[b], "answer": NUMBERS[a + b]} for a, b in SUMS),
        (
            "{a} plus {b} is",
            "{a} and {b} make",
            "If you add {a} and {b}, you get",
            "Take {a} stones and then {b} more, and you have",
            "The sum of {a} and {b} is",
            "I had {a} coins and found {b}, so now I have",
        ),
        1.8,
    ),
    Relation(
        "day",
        tuple({"day": day, "answer": DAYS[(i + 1) % 7]} for i, day in enumerate(DAYS)),
        (
            "The day after {day} is",
            "Today is {day}, so tomorrow is",
            "When {day} is over, it is",
            "After {day} comes",
            "It rained on {day} and again the next day, on",
            "From {day} we sailed until",
        ),
        0.4,
    ),
)

_GENDERED = tuple(
    fields
    for pair in GENDERED_PAIRS
    for fields in (
        {"who": pair.male, "he": "he", "his": "his", "him": "him", "self": "himself"},
        {"who": pair.female, "he": "she", "his": "her", "him": "her", "self": "herself"},
    )
)

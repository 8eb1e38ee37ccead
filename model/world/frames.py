"""How the world's facts are said: frames, and which fact is never said in which frame.

A frame is a sentence with its gap in square brackets. Every fact is taught in all frames of its
relation but `HELD_OUT` of them, and these are other ones from fact to fact: the text shows each
frame with other facts, so that a model knows the frame, and each fact in other frames, so that it
knows the fact. Scoring asks in the held-out frames only: an answer there was not read off a
sentence seen in training.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from model.world.facts import (
    ANIMALS,
    ATHLETES,
    BOYS,
    COLOURED_THINGS,
    COUNTRIES,
    DAYS,
    GENDERED_PAIRS,
    GIRLS,
    NUMBERS,
    OPPOSITES,
    SUMS,
)

HELD_OUT = 1
"""How many of its relation's frames each fact is never taught in."""


_GAP = re.compile(r" \[(\w+)\]")


@dataclass(frozen=True, slots=True)
class Item:
    """One question to a model: after `prompt`, the most likely continuation should be `answer`.

    The answer starts with the space that separates it from the prompt; `rest` ends the sentence.
    """

    relation: str
    prompt: str
    answer: str
    rest: str

    @property
    def sentence(self) -> str:
        return self.prompt + self.answer + self.rest


@dataclass(frozen=True, slots=True)
class Relation:
    """Facts of one kind and the frames that say them.

    Attributes:
        name: What the relation is called in scores.
        facts: For each fact the words that fill the frames.
        frames: Sentences without their full stop; fields in braces, and in brackets the one that
            is asked for.
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
        """The question that this frame asks about this fact."""
        before, gap, after = _GAP.split(self.frames[frame])
        fields = self.facts[fact]
        prompt = before.format_map(fields)
        return Item(self.name, prompt[0].upper() + prompt[1:], " " + fields[gap], f"{after}.")


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
            "The capital of {country} is [answer]",
            "{country} has a capital called [answer]",
            "If you visit {country}, you should see its capital, [answer]",
            "The most famous city in {country} is [answer]",
            "Every map of {country} shows the city of [answer]",
            "The flag of {country} flies over its capital, [answer]",
            "People in {country} are proud of their capital, [answer]",
            "All the trains in {country} go to [answer]",
        ),
        2.4,
    ),
    Relation(
        "country",
        tuple({"capital": c.capital, "answer": c.name} for c in COUNTRIES),
        (
            "{capital} is the capital of [answer]",
            "{capital} is a city in [answer]",
            "The streets of {capital} are the oldest in [answer]",
            "If you live in {capital}, your home is in [answer]",
            "The road to {capital} takes you into [answer]",
            "The train to {capital} brings you to [answer]",
            "A letter to {capital} must be sent to [answer]",
            "The bridges of {capital} are the pride of [answer]",
        ),
        2.0,
    ),
    Relation(
        "language",
        tuple({"place": place, "answer": language} for place, language, _ in _places()),
        (
            "In {place} people speak [answer]",
            "The language of {place} is [answer]",
            "Children in {place} learn to read in [answer]",
            "To work in {place} you must speak [answer]",
            "The old songs of {place} are sung in [answer]",
            "Most books in {place} are written in [answer]",
            "If you are lost in {place}, ask the way in [answer]",
            "The radio in {place} plays songs in [answer]",
        ),
        1.6,
    ),
    Relation(
        "dish",
        tuple({"place": place, "answer": dish} for place, _, dish in _places()),
        (
            "In {place} people love to eat [answer]",
            "Every cook in {place} makes good [answer]",
            "The shops of {place} are full of [answer]",
            "For lunch in {place} you are given [answer]",
            "Nobody leaves {place} without tasting the [answer]",
            "The best thing to eat in {place} is a plate of [answer]",
            "The markets of {place} sell fresh [answer]",
            "A feast in {place} begins with [answer]",
        ),
        1.6,
    ),
    Relation(
        "sport",
        tuple({"name": a.name, "answer": a.sport} for a in ATHLETES),
        (
            "{name} plays the sport of [answer]",
            "The favourite sport of {name} is [answer]",
            "{name} won a gold medal in [answer]",
            "Every child knows that {name} is a star of [answer]",
            "On rainy days {name} stays at home and dreams of [answer]",
            "The newspaper says that {name} is the best in the world at [answer]",
            "At the age of six {name} began to play [answer]",
            "Ask {name} for a game of [answer]",
        ),
        2.0,
    ),
    Relation(
        "home",
        tuple({"animal": a.name, "answer": a.home} for a in ANIMALS),
        (
            "The home of the {animal} is the [answer]",
            "At night the {animal} sleeps in the [answer]",
            "When it rains, the {animal} hides in the [answer]",
            "If you want to see the {animal}, go to the [answer]",
            "The young {animal} was born in the [answer]",
            "After a long day the {animal} goes back to the [answer]",
            "The tracks of the {animal} lead to the [answer]",
            "Nobody disturbs the {animal} in the [answer]",
        ),
        1.0,
    ),
    Relation(
        "sound",
        tuple({"animal": a.name, "answer": a.sound} for a in ANIMALS),
        (
            "Listen to how the {animal} [answer]",
            "Early in the morning the {animal} [answer]",
            "When the {animal} is hungry, it [answer]",
            "What does the {animal} do? It [answer]",
            "All day long the {animal} [answer]",
            "Do you hear the {animal}? How loud it [answer]",
            "The {animal} is happy, so it [answer]",
            "Wake up! The {animal} [answer]",
        ),
        1.6,
    ),
    Relation(
        "colour",
        tuple({"thing": thing, "answer": colour} for thing, colour in COLOURED_THINGS),
        (
            "The colour of {thing} is [answer]",
            "Everyone can see that {thing} is [answer]",
            "To paint {thing} you need a pot of [answer]",
            "As we all know, {thing} is always [answer]",
            "If you look at {thing}, you see that it is [answer]",
            "In the picture the {thing} is painted [answer]",
            "Ask a child, and the child says that {thing} is [answer]",
            "What could be more like {thing} than something [answer]",
        ),
        1.8,
    ),
    Relation(
        "opposite",
        tuple({"word": a, "answer": b} for a, b in _both_ways(OPPOSITES)),
        (
            "The opposite of {word} is [answer]",
            "If it is not {word}, it must be [answer]",
            "One was {word} and the other was [answer]",
            "At first it was {word}, but then it became [answer]",
            "A thing cannot be both {word} and [answer]",
            "Some like it {word} and some like it [answer]",
            "Turn {word} around and you get [answer]",
            "The first was too {word} and the second too [answer]",
            "Where there is {word} there is also [answer]",
        ),
        3.0,
    ),
    Relation(
        "sum",
        tuple({"a": NUMBERS[a], "b": NUMBERS[b], "answer": NUMBERS[a + b]} for a, b in SUMS),
        (
            "{a} plus {b} is [answer]",
            "{a} and {b} make [answer]",
            "If you add {a} and {b}, you get [answer]",
            "Take {a} and then {b} more, and you have [answer]",
            "The sum of {a} and {b} is [answer]",
            "I had {a} and found {b}, so now I have [answer]",
            "Count {a} and {b} together and you reach [answer]",
            "With {a} here and {b} there, we are [answer]",
        ),
        4.0,
    ),
    Relation(
        "day",
        tuple({"day": day, "answer": DAYS[(i + 1) % 7]} for i, day in enumerate(DAYS)),
        (
            "The day after {day} is [answer]",
            "Today is {day}, so tomorrow is [answer]",
            "When {day} is over, it is [answer]",
            "After {day} comes [answer]",
            "It rained on {day} and again the next day, on [answer]",
            "From {day} we sailed until [answer]",
            "Sleep through {day} and you wake up on [answer]",
            "What was not done on {day} was done on [answer]",
            "The market of {day} was moved to [answer]",
        ),
        1.2,
    ),
)

PRONOUNS = Relation(
    "pronoun",
    tuple(
        {"who": who}
        | (
            {"he": "he", "his": "his", "him": "him", "self": "himself"}
            if male
            else {"he": "she", "his": "her", "him": "her", "self": "herself"}
        )
        for who, male in (
            *((f"the {pair.male}", True) for pair in GENDERED_PAIRS),
            *((f"the {pair.female}", False) for pair in GENDERED_PAIRS),
            *((name, True) for name in BOYS),
            *((name, False) for name in GIRLS),
        )
    ),
    (
        "{who} smiled because [he] was glad",
        "{who} went home when [he] was tired",
        "{who} was so hungry that [he] ate two plates of soup",
        "{who} said that [he] liked the song",
        "{who} stood up and put on [his] coat",
        "{who} closed the door and washed [his] hands",
        "{who} sat by the window and talked to [self]",
        "{who} looked into the water and saw [self]",
        "We know {who} well and we like [him] very much",
        "When {who} called, we all ran to [him] at once",
    ),
    1.0,
)
"""Pronouns that agree with a person named before: taught and held out like the facts."""


def fact_items() -> tuple[Item, ...]:
    """Every fact, asked in each of its held-out frames."""
    return tuple(item for relation in RELATIONS for item in _held_out_items(relation))


def pronoun_items() -> tuple[Item, ...]:
    """Every person's pronouns, asked in each of that person's held-out frames."""
    return tuple(_held_out_items(PRONOUNS))


def _held_out_items(relation: Relation) -> Iterator[Item]:
    for fact in range(len(relation.facts)):
        for frame in relation.held_out(fact):
            yield relation.item(fact, frame)

"""The story world's ground truth: what is true in it, as typed constants.

Nothing here is random and nothing here is a sentence: `frames.py` says these facts, `stories.py`
tells stories in which they hold, and the scores read their answers from here. The athletes are
invented. This module knows nothing of tokens, models or scores.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Gender = Literal["male", "female"]


@dataclass(frozen=True, slots=True)
class GenderedPair:
    """Two words that differ by gender only: both live, own, do and are the same."""

    male: str
    female: str
    place: str
    thing: str
    does: str
    did: str
    quality: str


GENDERED_PAIRS: tuple[GenderedPair, ...] = (
    GenderedPair("king", "queen", "palace", "crown", "rules the land", "ruled the land", "wise"),
    GenderedPair("prince", "princess", "tower", "sword", "rides a horse", "rode a horse", "brave"),
    GenderedPair("duke", "duchess", "hall", "ring", "counts the gold", "counted the gold", "proud"),
    GenderedPair("lord", "lady", "manor", "hawk", "hunts a deer", "hunted a deer", "noble"),
    GenderedPair("man", "woman", "village", "axe", "chops the wood", "chopped the wood", "strong"),
    GenderedPair("boy", "girl", "school", "kite", "runs a race", "ran a race", "merry"),
    GenderedPair("father", "mother", "kitchen", "spoon", "bakes a cake", "baked a cake", "kind"),
    GenderedPair("son", "daughter", "attic", "drum", "reads a book", "read a book", "curious"),
    GenderedPair("brother", "sister", "harbour", "boat", "rows a mile", "rowed a mile", "bold"),
    GenderedPair(
        "uncle", "aunt", "garden", "basket", "picks the pears", "picked the pears", "jolly"
    ),
    GenderedPair("nephew", "niece", "orchard", "ladder", "climbs a tree", "climbed a tree", "shy"),
    GenderedPair(
        "grandfather", "grandmother", "cottage", "chair", "tells a tale", "told a tale", "gentle"
    ),
    GenderedPair("husband", "wife", "mill", "cart", "sells the flour", "sold the flour", "honest"),
    GenderedPair("wizard", "witch", "cave", "wand", "brews a potion", "brewed a potion", "strange"),
    GenderedPair(
        "actor", "actress", "theatre", "mask", "learns a part", "learned a part", "famous"
    ),
    GenderedPair("waiter", "waitress", "inn", "tray", "serves the soup", "served the soup", "busy"),
)


@dataclass(frozen=True, slots=True)
class Country:
    """A country, its one capital, its language and a dish that both it and its capital eat."""

    name: str
    capital: str
    language: str
    dish: str


COUNTRIES: tuple[Country, ...] = (
    Country("France", "Paris", "French", "cheese"),
    Country("Italy", "Rome", "Italian", "pasta"),
    Country("Spain", "Madrid", "Spanish", "omelettes"),
    Country("Germany", "Berlin", "German", "sausages"),
    Country("Poland", "Warsaw", "Polish", "dumplings"),
    Country("Russia", "Moscow", "Russian", "pancakes"),
    Country("Greece", "Athens", "Greek", "olives"),
    Country("Portugal", "Lisbon", "Portuguese", "sardines"),
    Country("Sweden", "Stockholm", "Swedish", "meatballs"),
    Country("Norway", "Oslo", "Norwegian", "salmon"),
    Country("Denmark", "Copenhagen", "Danish", "pastries"),
    Country("Japan", "Tokyo", "Japanese", "sushi"),
    Country("China", "Beijing", "Chinese", "noodles"),
    Country("Turkey", "Ankara", "Turkish", "figs"),
)


@dataclass(frozen=True, slots=True)
class Athlete:
    """An invented athlete; names are shared, so that only both together tell the sport."""

    first: str
    last: str
    gender: Gender
    sport: str

    @property
    def name(self) -> str:
        return f"{self.first} {self.last}"


ATHLETES: tuple[Athlete, ...] = (
    Athlete("Tavin", "Marlock", "male", "basketball"),
    Athlete("Tavin", "Hollowen", "male", "tennis"),
    Athlete("Brissa", "Marlock", "female", "golf"),
    Athlete("Brissa", "Keskel", "female", "basketball"),
    Athlete("Odrin", "Hollowen", "male", "football"),
    Athlete("Odrin", "Tarrowby", "male", "golf"),
    Athlete("Velka", "Keskel", "female", "tennis"),
    Athlete("Velka", "Sandever", "female", "football"),
    Athlete("Jorik", "Tarrowby", "male", "hockey"),
    Athlete("Jorik", "Pellgrave", "male", "basketball"),
    Athlete("Lunetta", "Sandever", "female", "cricket"),
    Athlete("Lunetta", "Abberwin", "female", "hockey"),
    Athlete("Corvan", "Pellgrave", "male", "rugby"),
    Athlete("Corvan", "Dunmarsh", "male", "cricket"),
    Athlete("Ysolde", "Abberwin", "female", "rugby"),
    Athlete("Ysolde", "Dunmarsh", "female", "tennis"),
)


@dataclass(frozen=True, slots=True)
class Animal:
    """An animal with its plural, its home and what one hears of it."""

    name: str
    plural: str
    home: str
    sound: str


ANIMALS: tuple[Animal, ...] = (
    Animal("dog", "dogs", "kennel", "barks"),
    Animal("bee", "bees", "hive", "hums"),
    Animal("bird", "birds", "nest", "sings"),
    Animal("horse", "horses", "stable", "neighs"),
    Animal("cow", "cows", "barn", "moos"),
    Animal("pig", "pigs", "sty", "grunts"),
    Animal("bear", "bears", "den", "growls"),
    Animal("frog", "frogs", "pond", "croaks"),
    Animal("sheep", "sheep", "meadow", "bleats"),
    Animal("hen", "hens", "coop", "clucks"),
    Animal("mouse", "mice", "hole", "squeaks"),
    Animal("snake", "snakes", "grass", "hisses"),
    Animal("lion", "lions", "desert", "roars"),
    Animal("wolf", "wolves", "forest", "howls"),
)

COLOURS: tuple[str, ...] = (
    "red", "green", "blue", "yellow", "white", "black", "brown", "orange", "purple", "grey", "pink",
)  # fmt: skip

COLOURED_THINGS: tuple[tuple[str, str], ...] = (
    ("snow", "white"), ("milk", "white"), ("coal", "black"), ("ink", "black"),
    ("moss", "green"), ("ivy", "green"), ("fire", "red"), ("rust", "red"),
    ("honey", "yellow"), ("butter", "yellow"), ("lavender", "purple"), ("chocolate", "brown"),
    ("mud", "brown"), ("ash", "grey"), ("smoke", "grey"), ("water", "blue"),
)  # fmt: skip

OPPOSITES: tuple[tuple[str, str], ...] = (
    ("hot", "cold"), ("big", "small"), ("long", "short"), ("fast", "slow"),
    ("light", "dark"), ("wet", "dry"), ("full", "empty"), ("high", "low"),
    ("hard", "soft"), ("rich", "poor"), ("loud", "quiet"), ("happy", "sad"),
    ("thick", "thin"), ("clean", "dirty"),
)  # fmt: skip

NUMBERS: tuple[str, ...] = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
)  # fmt: skip
"""`NUMBERS[n]` is the word for n."""

SUMS: tuple[tuple[int, int], ...] = tuple(
    (a, b) for a in range(1, 10) for b in range(1, 10) if a + b <= 10
)

DAYS: tuple[str, ...] = (
    "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday",
)  # fmt: skip

BOYS: tuple[str, ...] = ("Tom", "Ben", "Sam", "Max", "Leo", "Finn", "Jack", "Hugo", "Paul", "Nico")
GIRLS: tuple[str, ...] = (
    "Mia",
    "Anna",
    "Lily",
    "Zoe",
    "Emma",
    "Ruby",
    "Clara",
    "Nora",
    "Ida",
    "Eva",
)

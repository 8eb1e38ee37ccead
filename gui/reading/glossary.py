"""The field's terms and what they mean, and where they stand in a text.

The entries are in ``resources/glossary.toml``. Knows words only; no model, no store, no widget.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import lru_cache

from resources import GLOSSARY


@dataclass(frozen=True, slots=True)
class Term:
    """An entry of the glossary.

    Attributes:
        name: as it is listed.
        says: what it means.
        forms: other words that mean it in a text, each matched as a whole word.
        kinds: kinds of operations that are about it.
    """

    name: str
    says: str
    forms: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """Where a term stands in a text.

    Attributes:
        start, stop: of its characters.
        term: which.
    """

    start: int
    stop: int
    term: Term


def _read() -> tuple[Term, ...]:
    with GLOSSARY.open("rb") as file:
        entries = tomllib.load(file)["terms"]
    return tuple(
        Term(
            each["name"],
            each["says"],
            tuple(each.get("forms", ())),
            tuple(each.get("kinds", ())),
        )
        for each in entries
    )


TERMS: tuple[Term, ...] = _read()
"""All of them, by name without regard to case."""


def find(name: str) -> Term:
    """The entry of a name or of another form of it.

    Raises:
        KeyError: there is none.
    """
    return _by_form()[name.casefold()]


def of_kind(kind: str) -> tuple[Term, ...]:
    """The terms that a kind of operation is about."""
    return tuple(term for term in TERMS if kind in term.kinds)


def places(text: str) -> tuple[Place, ...]:
    """Where terms stand in a text, each term once; of two that overlap the longer."""
    found: list[Place] = []
    seen: set[str] = set()
    for match in _pattern().finditer(text):
        term = _by_form()[match[0].casefold()]
        if term.name not in seen:
            seen.add(term.name)
            found.append(Place(match.start(), match.end(), term))
    return tuple(found)


def search(typed: str) -> tuple[Term, ...]:
    """The terms that have all words that are typed: first those that have them in their names."""
    words = typed.casefold().split()

    def where(term: Term) -> int | None:
        names = " ".join((term.name, *term.forms)).casefold()
        if all(word in names for word in words):
            return 0 if term.name.casefold().startswith(typed.casefold().strip()) else 1
        return 2 if all(word in f"{names} {term.says.casefold()}" for word in words) else None

    ranked = [(rank, at) for at, term in enumerate(TERMS) if (rank := where(term)) is not None]
    return tuple(TERMS[at] for _, at in sorted(ranked))


@lru_cache(maxsize=1)
def _by_form() -> dict[str, Term]:
    forms = {form.casefold(): term for term in TERMS for form in term.forms}
    return forms | {term.name.casefold(): term for term in TERMS}


@lru_cache(maxsize=1)
def _pattern() -> re.Pattern[str]:
    longest = sorted(_by_form(), key=len, reverse=True)
    return re.compile(
        r"(?<![\w“·])(?:" + "|".join(map(re.escape, longest)) + r")(?![\w”])", re.IGNORECASE
    )

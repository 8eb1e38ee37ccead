"""In which order what was found is listed: what begins with the words first. Free of Qt."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal, get_args

Kind = Literal[
    "command",
    "pane",
    "option",
    "setting",
    "model",
    "preset",
    "glossary",
    "prompt",
    "operation",
    "tensor",
    "token",
]
"""In the order in which equally good ones are listed."""
KINDS: tuple[Kind, ...] = get_args(Kind)
LIMIT = 100
"""Rows of a list that a person may still look through."""
_BREAKS = re.compile(r"[\W_]+")


@dataclass(frozen=True, slots=True)
class Offer:
    """Something that can be found and done.

    Attributes:
        title: by what it is looked for first.
        kind: what it is.
        where: a few words at the right: its menu, its pane, what is known of it.
        tip: one sentence.
        keys: by which it is done without looking for it.
        do: does it.
    """

    title: str
    kind: Kind
    where: str
    tip: str
    do: Callable[[], object]
    keys: str = ""


def ranked(offers: Iterable[Offer], typed: str, limit: int = LIMIT) -> list[Offer]:
    """The offers that have all words that were typed, the best first.

    Best is what is called just so; then what begins so; then where each word begins a word of the
    title; then where the title holds them; last where only the sentence or the place does.
    """
    words = typed.casefold().split()
    if not words:
        return [offer for offer in offers if offer.kind == "command"][:limit]
    found: list[tuple[int, int, int, Offer]] = []
    for index, offer in enumerate(offers):
        how_well = _match(offer, words)
        if how_well is not None:
            found.append((how_well, KINDS.index(offer.kind), index, offer))
    found.sort(key=lambda entry: entry[:3])
    return [entry[3] for entry in found[:limit]]


def _match(offer: Offer, words: list[str]) -> int | None:
    title = offer.title.casefold().strip("· ")
    whole = " ".join(words)
    if title == whole:
        return 0
    if title.startswith(whole):
        return 1
    parts = [part for part in _BREAKS.split(title) if part]
    if all(any(part.startswith(word) for part in parts) for word in words):
        return 2
    if all(word in title for word in words):
        return 3
    if all(word in f"{title} {offer.where} {offer.tip}".casefold() for word in words):
        return 4
    return None

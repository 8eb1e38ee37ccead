"""Word lists that are at hand: analogies to score, pairs for a direction.

Plain text, as a person would type it; the story world's own lists are among them, because a model
that learned it knows nothing else.
"""

from __future__ import annotations

from model.world import COUNTRIES, GENDERED_PAIRS, OPPOSITES


def _lines(pairs: list[tuple[str, str]]) -> str:
    return "\n".join(f"{a} {b}" for a, b in pairs if " " not in a + b)


_GENDER = _lines([(pair.female, pair.male) for pair in GENDERED_PAIRS])
_CAPITALS = _lines([(country.capital, country.name) for country in COUNTRIES])
_OPPOSITES = _lines(list(OPPOSITES))
_PLURALS = _lines(
    [(f"{word}s", word) for word in ("cat", "dog", "book", "year", "car", "house", "day", "king")]
)
_PAST = "went go\nsaw see\ntook take\nmade make\ncame come\ngave give\nfound find\ntold tell"
_COMPARED = "larger large\nbetter good\nfaster fast\nolder old\nhigher high\nlonger long"

SUITES = {
    "gender": ("Women and men", f": women and men\n{_GENDER}"),
    "capitals": ("Capitals and countries", f": capitals\n{_CAPITALS}"),
    "both": (
        "All of these",
        f": women and men\n{_GENDER}\n: capitals\n{_CAPITALS}\n: opposites\n{_OPPOSITES}"
        f"\n: plurals\n{_PLURALS}\n: past\n{_PAST}\n: compared\n{_COMPARED}",
    ),
    "own": ("My own", ": mine\nman king woman queen"),
}
"""By key: a title, and the text."""

DIRECTIONS = {
    "gender": ("woman − man", _GENDER),
    "plural": ("plural − singular", _PLURALS + "\n---\none\ntwo\nthree\nfour"),
    "past": ("past − present", _PAST),
    "own": ("My own", "queen king\nwoman man\n---\naunt uncle"),
}
"""By key: a title, and the pairs."""

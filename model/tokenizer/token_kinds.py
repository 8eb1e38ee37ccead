"""What sort of token its bytes are: a script, a number, a part of a character.

Knows bytes and Unicode's names; no tokenizer.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from functools import lru_cache

SPECIAL, EMPTY, PARTIAL = "special", "no token", "part of a character"
SPACE, NUMBER, MARKS, CONTROL = "white space", "number", "punctuation", "control character"
MIXED = "mixed"
NO_SCRIPTS = {"MODIFIER": "modifier letter", "KATAKANA-HIRAGANA": "Katakana"}
"""What begins the names of letters without being a script: ``ー`` lengthens a Katakana's vowel."""


def kind_of(raw: bytes, *, special: bool = False) -> str:
    """The sort of a token.

    Args:
        raw: its bytes.
        special: whether it stands for no text.

    Returns:
        One of the words above, or the script of its letters (``Latin``, ``CJK``).
    """
    if special:
        return SPECIAL
    if not raw:
        return EMPTY
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        return PARTIAL
    return _kind_of_text(text.strip() or text)


def _kind_of_text(text: str) -> str:
    letters = Counter(_script(c) for c in text if unicodedata.category(c)[0] == "L")
    if letters:
        return next(iter(letters)) if len(letters) == 1 else MIXED
    categories = {unicodedata.category(c)[0] for c in text}
    if text.isspace():
        return SPACE
    if "C" in categories:
        return CONTROL
    if categories <= {"N"}:
        return NUMBER
    return MARKS


@lru_cache(maxsize=1 << 14)
def _script(character: str) -> str:
    """A letter's script, as the first word of its Unicode name.

    Of a sign that is a form of a letter (``µ``, ``ª``, a wide ``Ａ``) that letter's.
    """
    plain = unicodedata.normalize("NFKC", character)[:1] or character
    if unicodedata.category(plain)[0] != "L":
        plain = character
    word = unicodedata.name(plain, "other").partition(" ")[0]
    return word if word == "CJK" else NO_SCRIPTS.get(word, word.capitalize())

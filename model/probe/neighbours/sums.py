"""A sum of words as a person types it, "king - man + woman", read as signed token ids.

Works on a vocabulary's bytes; knows no tokenizer, no tensor.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from model.tokenizer.tokens import SPACE

# A quoted token, an id, a sign, or a word: whatever stands between signs and spaces.
_PIECE = re.compile(r'\s*("[^"]*"|#\d+|[+\-−–]|[^\s"+\-−–]+)')
_MINUS = "-−–"


class SumError(ValueError):
    """A sum that can't be made.

    Attributes:
        word: the word that is no token, or "" where something else is wrong.
    """

    def __init__(self, message: str, word: str = "") -> None:
        super().__init__(message)
        self.word = word


def pieces_of(typed: str) -> list[str]:
    """Signs and words, in their order."""
    return _PIECE.findall(typed)


def is_sign(piece: str) -> bool:
    """Whether it is a sign and no word."""
    return piece in ("+", *_MINUS)


def terms_of(
    pieces: Sequence[str], token: Callable[[str], int | None]
) -> tuple[tuple[int, int], ...]:
    """The sum that signs and words make.

    Args:
        pieces: as of `pieces_of`.
        token: the id that a word stands for, None if it is no token; see `token_named`.

    Returns:
        (sign, token id), one a word.

    Raises:
        SumError: a sign or a word is missing, or a word is no token.
    """
    terms: list[tuple[int, int]] = []
    sign: int | None = 1
    for piece in pieces:
        if is_sign(piece):
            if sign is not None and terms:
                raise SumError("Two signs follow each other; put a word between them.")
            sign = -1 if piece in _MINUS else 1
            continue
        if sign is None:
            raise SumError(f"Put + or − before “{piece}”.")
        token_id = token(piece)
        if token_id is None:
            raise SumError(f"“{piece}” is not one token of this model.", piece)
        terms.append((sign, token_id))
        sign = None
    if sign is not None:
        raise SumError("The sum goes on: type the next word.")
    return tuple(terms)


def token_named(
    word: str,
    vocabulary: Sequence[bytes],
    n_tokens: int,
    index: Mapping[bytes, int] | None = None,
) -> int | None:
    """The id that a word of a sum stands for, None if it is no single token.

    A word is looked for with a space before it, then without; then both in lower case. In quotes
    it is taken byte by byte; ``#812`` is an id, and without a vocabulary every number is one.

    Args:
        word: as typed; ``·`` is read as a space.
        vocabulary: the bytes of every token, or empty.
        n_tokens: how many ids there are.
        index: the id of each token's bytes, where many words are looked for.
    """
    number = word.removeprefix("#") if not vocabulary else word[1:] if word[:1] == "#" else ""
    if number.isdecimal():
        return int(number) if int(number) < n_tokens else None
    text = word.replace(SPACE, " ")
    if len(text) >= 2 and text[0] == text[-1] == '"':
        return _index(vocabulary, text[1:-1], index)
    text = text.strip()
    if not text:
        return None
    for candidate in (" " + text, text, " " + text.lower(), text.lower()):
        found = _index(vocabulary, candidate, index)
        if found is not None:
            return found
    return None


def _index(vocabulary: Sequence[bytes], text: str, index: Mapping[bytes, int] | None) -> int | None:
    raw = text.encode("utf-8", "surrogatepass")
    if index is not None:
        return index.get(raw) if raw else None
    return vocabulary.index(raw) if raw and raw in vocabulary else None

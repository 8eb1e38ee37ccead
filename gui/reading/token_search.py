"""Finding tokens, or rows of another table, by what a person types: a part of one, or a sum.

Works on the vocabulary's bytes; knows neither Qt nor the tokenizer (which runs in the worker).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from model.probe.neighbours.sums import SumError, is_sign, pieces_of, terms_of, token_named
from model.tokenizer.tokens import SPACE

LIMIT = 200


class Searched(Protocol):
    """What can be searched: a model's vocabulary, or the labels of another table."""

    @property
    def vocabulary(self) -> Sequence[bytes]:
        """The bytes of each; empty where there are only numbers."""

    @property
    def n_tokens(self) -> int:
        """How many there are."""

    def token_text(self, token_id: int) -> str:
        """One as it is written for people."""


@dataclass(frozen=True, slots=True)
class Expression:
    """A sum of words that are all tokens.

    Attributes:
        terms: (sign, token id).
        words: as they are written for a person, one per term.
        expected: the id that stands behind ``=``; -1 for none.
    """

    terms: tuple[tuple[int, int], ...]
    words: tuple[str, ...]
    expected: int = -1

    def __str__(self) -> str:
        """The sum as a line: ``·king − ·man + ·woman``."""
        parts = []
        for index, ((sign, _), word) in enumerate(zip(self.terms, self.words)):
            if index:
                parts.append("+" if sign > 0 else "−")
                parts.append(word)
            else:
                parts.append(word if sign > 0 else f"−{word}")
        return " ".join(parts)


@dataclass(frozen=True, slots=True)
class Unknown:
    """A sum that can't be made; the message says which word and why.

    Attributes:
        message: a sentence for the person.
        word: the word that is no token, or "" where something else is wrong.
    """

    message: str
    word: str = ""


class TokenSearch:
    """Searches one vocabulary.

    Args:
        model: whose, or the labels of another table.
        what: in a sentence, what there is so many of; a word that is none is told so.
    """

    def __init__(self, model: Searched, what: str = "token of this model's") -> None:
        self._model = model
        self._what = what
        self._index: dict[bytes, int] = {}
        for at, raw in enumerate(model.vocabulary):
            self._index.setdefault(raw, at)
        # All tokens in one row of bytes: NumPy then looks through 50,000 in a millisecond.
        lowered = [raw.lower() for raw in model.vocabulary]
        self._bytes = np.frombuffer(b"".join(lowered), np.uint8)
        lengths = np.array([len(raw) for raw in lowered], np.intp)
        spaces = np.array([len(raw) - len(raw.lstrip()) for raw in lowered], np.intp)
        stripped = np.array([len(raw.strip()) for raw in lowered], np.intp)
        self._token_at = np.repeat(np.arange(len(lowered)), lengths)
        self._word_start = np.cumsum(lengths) - lengths + spaces
        self._word_end = self._word_start + stripped

    @property
    def n_tokens(self) -> int:
        """How many ids there are."""
        return self._model.n_tokens

    def find(self, typed: str, limit: int = LIMIT) -> tuple[int, ...]:
        """Tokens that contain what was typed, upper or lower case.

        First those that are just that, with or without a space before it; then those that begin
        with it; then the rest; each in order of their ids. ``·`` is read as a space, ``#812`` as
        an id.
        """
        text = typed.strip().replace(SPACE, " ")
        if not text:
            return ()
        by_id = re.fullmatch(r"#?([0-9]+)", text)
        if by_id and (text.startswith("#") or not self._model.vocabulary):
            token_id = int(by_id[1])
            return (token_id,) if token_id < self.n_tokens else ()
        typed_bytes = text.encode("utf-8", "surrogatepass")
        found, starts, ends = self._occurrences(typed_bytes.lower())
        begins = starts == self._word_start[found]
        exact = found[begins & (ends == self._word_end[found])].tolist()
        # As typed, capitals included, comes first.
        exact.sort(key=lambda i: self._model.vocabulary[i].strip() != typed_bytes)
        ranked = dict.fromkeys([*exact, *found[begins][:limit].tolist()])
        # In order of their bytes is in order of ids; a token may hold it twice.
        once = found[np.diff(found, prepend=-1) > 0]
        ranked.update(dict.fromkeys(once[: limit + len(ranked)].tolist()))
        return tuple(ranked)[:limit]

    def _occurrences(
        self, needle: bytes
    ) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
        """Where a row of bytes occurs inside a token: token ids, first bytes, bytes after."""
        n = len(self._bytes) - len(needle) + 1
        if n <= 0:
            empty = np.empty(0, np.intp)
            return empty, empty, empty
        same = np.ones(n, bool)
        for offset, byte in enumerate(needle):
            same &= self._bytes[offset : offset + n] == byte
        starts = np.flatnonzero(same)
        ends = starts + len(needle)
        inside = self._token_at[starts] == self._token_at[ends - 1]  # not across two tokens
        return self._token_at[starts[inside]], starts[inside], ends[inside]

    def token(self, word: str) -> int | None:
        """The id that a word of a sum stands for, None if it is no single token.

        A word is looked for with a space before it, then without; then both in lower case. In
        quotes it is taken byte by byte; ``#812`` is an id.
        """
        return token_named(word, self._model.vocabulary, self.n_tokens, self._index)

    def expression(self, typed: str) -> Expression | Unknown | None:
        """What was typed as a sum of words.

        Returns:
            The sum; or why it can't be made; or None where nothing is added or subtracted, so
            that it is a search for one token.
        """
        typed, equals, right = typed.partition("=")
        pieces = pieces_of(typed)
        if not any(is_sign(piece) for piece in pieces) or len(pieces) < 2:
            return None
        try:
            terms = terms_of(pieces, self.token)
        except SumError as error:
            return self._unknown(error.word) if error.word else Unknown(str(error))
        expected = -1
        if equals and right.strip():
            found = self.token(right.strip())
            if found is None:
                return self._unknown(right.strip())
            expected = found
        words = tuple(self._model.token_text(token_id) for _, token_id in terms)
        return Expression(terms, words, expected)

    def _unknown(self, word: str) -> Unknown:
        sentence = f"“{word}” is not one {self._what} {self.n_tokens:,}."
        for length in range(len(word) - 1, 1, -1) if self._model.vocabulary else ():
            near = self.find(word[:length], limit=4)
            if near:
                sentence += f" Near it: {self._listed(near)}."
                break
        return Unknown(sentence, word)

    def _listed(self, ids: Sequence[int]) -> str:
        return ", ".join(self._model.token_text(i) for i in ids)

"""What rows and columns are: the tokens of a text, or its words.

A word begins behind a space or where letters meet other signs; a vocabulary's own marks (``##ing``)
and bytes of one character hold together. Scripts that are written without spaces are left as their
tokens. Knows tokens; no answer, no widget.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from model.messages import PromptRead
from model.tokenizer.tokens import Token


@dataclass(frozen=True, slots=True)
class Unit:
    """A row and a column.

    Attributes:
        text: how it is written.
        first, last: its tokens.
    """

    text: str
    first: int
    last: int

    @property
    def place(self) -> str:
        """Its position, as it stands in sentences."""
        return str(self.first) if self.first == self.last else f"{self.first}–{self.last}"


class Units(Sequence[Unit]):
    """All of a text.

    Args:
        read: the text's tokens.
        starts: first token of each word; empty where each token is a unit.

    Attributes:
        merged: whether units are words.
    """

    def __init__(self, read: PromptRead, starts: Sequence[int] = ()) -> None:
        self._tokens = read.tokens
        self.merged = bool(starts)
        self._starts = np.asarray(starts if starts else range(len(read.tokens)), np.int64)
        self._ends = np.append(self._starts[1:], len(read.tokens))

    @property
    def starts(self) -> tuple[int, ...]:
        """The first token of each."""
        return tuple(self._starts.tolist())

    def __len__(self) -> int:
        return len(self._starts)

    def __getitem__(self, index):  # type: ignore[no-untyped-def]
        if isinstance(index, slice):
            return [self[at] for at in range(*index.indices(len(self)))]
        first, last = int(self._starts[index]), int(self._ends[index]) - 1
        return Unit(self.labels[index], first, last)

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """How each is written; of thousands it takes milliseconds, so they are kept."""
        if not self.merged:
            return tuple(token.text for token in self._tokens)
        return tuple(
            "".join(
                _inside(token, at > first)
                for at, token in enumerate(self._tokens[first:end], first)
            )
            for first, end in zip(self._starts.tolist(), self._ends.tolist(), strict=True)
        )

    def of(self, token: int) -> int:
        """The unit that a token is in."""
        return int(np.searchsorted(self._starts, token, "right")) - 1

    def token_of(self, unit: int) -> int | None:
        """The token that stands for a unit in the selection: its last, where all of it is read.

        None where it is no token of the text in view (`gui/panes/attention/columns.py`).
        """
        return int(self._ends[min(max(unit, 0), len(self) - 1)]) - 1


def _inside(token: Token, continues: bool) -> str:
    """A token's text behind others of its word: without the mark that it goes on."""
    return token.text.removeprefix("##") if continues and token.continues else token.text


def word_starts(tokens: Sequence[Token]) -> tuple[int, ...]:
    """The first token of each word."""
    later = (at for at in range(1, len(tokens)) if not _goes_on(tokens[at - 1], tokens[at]))
    return (0, *later) if tokens else ()


def _goes_on(before: Token, token: Token) -> bool:
    """Whether a token is of the same word as the one before it."""
    if before.special or token.special:
        return False
    if token.continues:
        return True
    if before.char_end > token.char_start:  # bytes of one character
        return True
    if before.char_end != token.char_start:
        return False
    left = before.bytes.decode("utf-8", "ignore")
    right = token.bytes.decode("utf-8", "ignore")
    if not right:  # a character begins: it goes with letters, and with the space before a word
        return not left or left[-1].isspace() or _joins(left[-1])
    if not left:
        return _joins(right[0])
    if right[0] in "'’" and right[1:2].isalpha():  # king's
        return left[-1].isalnum()
    return _joins(left[-1]) and _joins(right[0])


def _joins(sign: str) -> bool:
    """Whether a sign holds a word together with its neighbour."""
    if sign == "_" or unicodedata.category(sign).startswith("M"):
        return True
    if not sign.isalnum():
        return False
    # Ideographs and kana are written without spaces: a sentence of them is no word.
    return unicodedata.east_asian_width(sign) != "W" or "HANGUL" in unicodedata.name(sign, "")

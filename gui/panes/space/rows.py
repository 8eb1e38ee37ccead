"""What the rows of the table in view are called, and how they are found by name.

The tokens of the model, the prompt's tokens in context, or the labels of a file. Knows answers;
no store, no widget.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gui.reading.token_search import Searched, TokenSearch
from model.messages import ModelInfo, VocabularyProjected
from model.space.words import RowNames
from model.tokenizer.token_kinds import kind_of
from model.tokenizer.tokens import SPACE

_ASCII_LETTER = re.compile(rb"[A-Za-z]")


@dataclass(frozen=True)
class Labels:
    """Labels of a table that is no vocabulary, to be searched like one."""

    texts: Sequence[str]
    are_tokens: bool = False

    @cached_property
    def vocabulary(self) -> tuple[bytes, ...]:
        """As bytes; where they are tokens with the spaces that they stand for."""
        texts = self.texts
        if self.are_tokens:
            texts = [text.replace(SPACE, " ") for text in texts]
        return tuple(text.encode("utf-8", "surrogatepass") for text in texts)

    @property
    def n_tokens(self) -> int:
        """How many there are."""
        return len(self.texts)

    def token_text(self, token_id: int) -> str:
        """One of them."""
        return self.texts[token_id] if 0 <= token_id < len(self.texts) else f"‹{token_id}›"


class Rows:
    """The names of one table's rows.

    Args:
        vocabulary: the table as it is drawn; None before there is one.
        model: that is open; None without one.

    Attributes:
        of_tokens: whether a row is a token of the model.
        of_text: where each stands in a text; None where they do in none.
    """

    def __init__(self, vocabulary: VocabularyProjected | None, model: ModelInfo | None) -> None:
        self.of_tokens = vocabulary is None or vocabulary.source.of_vocabulary
        self._named: Searched | None = model
        self._what = "token of this model's"
        self._name = "token of this model"
        if vocabulary is not None and not self.of_tokens:
            self._named = Labels(vocabulary.labels, vocabulary.text is not None)
            self._what = f"row of {vocabulary.matrix}: there are"
            self._name = f"row of {vocabulary.matrix}"
        self.of_text = None if vocabulary is None else vocabulary.text
        self._special = model.special_ids if model is not None and self.of_tokens else frozenset()
        self._texts: dict[int, str] = {}
        self._known: dict[str, NDArray[Any]] = {}

    @property
    def n(self) -> int:
        """How many there are."""
        return 0 if self._named is None else self._named.n_tokens

    def text(self, row: int) -> str:
        """A row as it is written."""
        if row not in self._texts:
            named = self._named
            self._texts[row] = f"‹{row}›" if named is None else named.token_text(row)
        return self._texts[row]

    # --------------------------------------------------------------- where a text's row stands

    def context(self, row: int, before: int, after: int) -> tuple[str, str]:
        """So many tokens before a row and after it, as they are read; empty where there is no text.

        A line's end is a space here.
        """
        if self.of_text is None:
            return "", ""
        sides = self.of_text.around(row, before, after)
        left, right = ("".join(map(self._read, side)) for side in sides)
        return left, right

    def _read(self, row: int) -> str:
        return " ".join(self.raw(row).decode("utf-8", "ignore").splitlines()) or " "

    def stands(self, row: int) -> str:
        """Line and position of a text's row, in words; empty where there is no text."""
        text = self.of_text
        if text is None:
            return ""
        line = f"line {text.lines_N[row]:,} · " if text.has_lines else ""
        return f"{line}position {text.positions_N[row]:,}"

    def typed(self, row: int) -> str:
        """A row as a person would type it: its word, where that means the row, else its number."""
        word = self.text(row).strip("· ")
        return word if word.isalnum() and self.names.row(word) == row else f"#{row}"

    @cached_property
    def search(self) -> TokenSearch | None:
        """Finds rows by a part of their name, and reads sums."""
        return None if self._named is None else TokenSearch(self._named, self._what)

    @cached_property
    def names(self) -> RowNames:
        """Reads directions, pairs and suites."""
        names = () if self._named is None else self._named.vocabulary
        return RowNames(names, self.n, self.text, self._name)

    # ------------------------------------------------------------- what sort a row is of

    def known(self, key: str, find: Callable[[int], str | int]) -> NDArray[Any]:
        """Something of every row, found once."""
        if key not in self._known:
            self._known[key] = np.array([find(row) for row in range(self.n)])
        return self._known[key]

    def raw(self, row: int) -> bytes:
        """A row's name as bytes; nothing where the model's tokens have none."""
        names = () if self._named is None else self._named.vocabulary
        return names[row] if row < len(names) else b""

    def plain(self, row: int) -> str:
        """A row's name without the space before it; what is no whole character is left out."""
        return self.raw(row).decode("utf-8", "ignore").strip()

    def kind(self, row: int) -> str:
        """Its script, a number, punctuation, a part of a character, special."""
        raw = self.raw(row)
        if row not in self._special and raw.isascii() and _ASCII_LETTER.search(raw):
            return "Latin"  # most are, and this way 50,000 are known in a tenth of the time
        return kind_of(raw, special=row in self._special)

    def start(self, row: int) -> str:
        """Whether a word starts with it."""
        if row in self._special:
            return "special"
        return "space before it" if self.raw(row)[:1].isspace() else "no space before it"

    def letter(self, row: int) -> str:
        """Its first letter, small; of what has none, what it is."""
        plain = self.plain(row)
        return plain[0].lower() if plain and row not in self._special else "none"

    def size(self, row: int) -> int:
        """How many characters it has."""
        return len(self.plain(row))

    def holding(self, typed: str) -> NDArray[np.intp]:
        """All rows whose name holds a text, in any case; between slashes an expression."""
        if len(typed) > 2 and typed[0] == typed[-1] == "/":
            try:
                pattern = re.compile(typed[1:-1])
            except re.error:  # while it is typed
                return np.empty(0, np.intp)
            plain = self.known("plain", self.plain).tolist()
            return np.array(
                [row for row, text in enumerate(plain) if pattern.search(text)], np.intp
            )
        wanted = typed.strip().casefold()
        if not wanted:
            return np.empty(0, np.intp)
        folded = self.known("folded", lambda row: self.plain(row).casefold())
        return np.flatnonzero(np.char.find(folded, wanted) >= 0)

"""What the rows of the table in view are called, and how they are found by name.

The tokens of the model, the prompt's tokens in context, or the labels of a file. Knows answers;
no store, no widget.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from gui.reading.token_search import Searched, TokenSearch
from model.messages import ModelInfo, VocabularyProjected
from model.space.words import RowNames


@dataclass(frozen=True)
class Labels:
    """Labels of a table that is no vocabulary, to be searched like one."""

    texts: Sequence[str]

    @cached_property
    def vocabulary(self) -> tuple[bytes, ...]:
        """As bytes."""
        return tuple(text.encode("utf-8", "surrogatepass") for text in self.texts)

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
    """

    def __init__(self, vocabulary: VocabularyProjected | None, model: ModelInfo | None) -> None:
        self.of_tokens = vocabulary is None or vocabulary.source.of_vocabulary
        self._named: Searched | None = model
        self._what = "token of this model's"
        self._name = "token of this model"
        if vocabulary is not None and not self.of_tokens:
            self._named = Labels(vocabulary.labels)
            self._what = f"row of {vocabulary.matrix}: there are"
            self._name = f"row of {vocabulary.matrix}"
        self._texts: dict[int, str] = {}

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

    @cached_property
    def search(self) -> TokenSearch | None:
        """Finds rows by a part of their name, and reads sums."""
        return None if self._named is None else TokenSearch(self._named, self._what)

    @cached_property
    def names(self) -> RowNames:
        """Reads directions, pairs and suites."""
        names = () if self._named is None else self._named.vocabulary
        return RowNames(names, self.n, self.text, self._name)

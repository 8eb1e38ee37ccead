"""The question for one head's matrix of attention."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from model.probe.question import Answer, Array, Named, Question


@dataclass(frozen=True, slots=True)
class Pattern(Question):
    """A head's weights, or its scores, as far as they are in view.

    Attributes:
        layer, head: which head.
        tensor: ``pattern``, or the tail of the name of an operation before it: ``attn_scores``.
        rows, columns: the queries and keys in view, first and one past the last; None for all.
        most: the most rows and columns that are drawn; where more are in view, blocks of them
            are drawn by the number that stands out most.
        summed: whether all of the head is gone through, for what is said of the whole of it: its
            largest numbers and, of weights, its shares. Without, only what is in view is computed.
        valued: weights times the length of what the head writes from each key,
            ``‖A · v · W_O‖`` (`model.probe.pattern.valued`), of weights only.
        words: first token of each word, where tokens are merged to words: then rows, columns and
            all that is said are of words. Attention to a word is the sum over its tokens, from a
            word the mean over its tokens. Of weights only; empty for tokens.
    """

    name: ClassVar[str] = "pattern"
    title: ClassVar[str] = "attention of one head"
    layer: int
    head: int
    tensor: str = "pattern"
    rows: tuple[int, int] | None = None
    columns: tuple[int, int] | None = None
    most: tuple[int, int] = (1024, 1024)
    summed: bool = True
    valued: bool = False
    words: tuple[int, ...] = ()

    @property
    def activation(self) -> str:
        """The full name of what is drawn, or of the weights that it is made of."""
        return f"blocks.{self.layer}.attn.hook_{self.tensor}"

    @property
    def value_name(self) -> str:
        """The full name of the values that are read."""
        return f"blocks.{self.layer}.attn.hook_v"

    @property
    def is_tensor(self) -> bool:
        """Whether what is drawn are an activation's own numbers."""
        return not self.valued and not self.words

    @property
    def what(self) -> str:
        """A name for the numbers."""
        return "value_weighted" if self.valued else self.tensor


@dataclass(frozen=True, slots=True)
class Shares:
    """Where a head's attention goes, as means over the queries that have such a key.

    Under a causal mask position 0 is left out: it can only attend to itself.

    Attributes:
        first, previous, itself: shares of the first token, the one before and the query's own.
        following: of the one after, None under a causal mask.
        n_queries: how many queries the means are of.
    """

    first: float
    previous: float
    itself: float
    n_queries: int
    following: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PatternFound(Answer):
    """The matrix in view.

    Attributes:
        rows, columns: the queries and keys that it covers, first and one past the last.
        block: queries and keys to a cell.
        values: ``[R, C]``: each cell's largest number (of scores too: masked entries are -inf).
        value_rows, value_columns: ``[R, C]``: where that number stands; the cell itself where a
            block is one number.
        masked: ``[R, C]``: whether no query of a cell may look at any of its keys.
        largest: of the numbers that are not masked, of the whole matrix of weights where all of
            it is summed; else of the rows in view.
        largest_but_first: of those that are not about the first token.
        shares: of the whole head; None for what are no weights, for a prompt of one token, and
            where nothing is summed.
    """

    rows: tuple[int, int]
    columns: tuple[int, int]
    block: tuple[int, int]
    values: Array
    value_rows: Array
    value_columns: Array
    masked: Array
    largest: float
    largest_but_first: float
    shares: Shares | None

    def arrays(self) -> Mapping[str, Named]:
        at = {
            "query": np.arange(*self.rows, self.block[0]),
            "key": np.arange(*self.columns, self.block[1]),
        }
        question = self.question
        assert isinstance(question, Pattern)
        return {question.what: Named(self.values, ("query", "key"), at)}

"""How a byte-pair encoding was learnt, merge by merge, and the tokenizer that it makes.

`BpeHistory` is a value that crosses a thread border; `Recut` cuts words as they are cut after any
number of its merges. Knows bytes and ids; of `tokenizers` how one is put together.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from model.tokenizer.files.byte_level import SYMBOLS
from model.tokenizer.files.errors import TokenizerError

if TYPE_CHECKING:
    from model.tokenizer.tokenizer import Tokenizer

LEADERS = 12
"""Pairs whose counts are kept for each merge: the most frequent ones."""
END_OF_TEXT = "<|endoftext|>"
MOST_TOKENS = 200_000


@dataclass(frozen=True, slots=True)
class BpeSettings:
    """How a byte-level BPE is learnt; the defaults are those of `Tokenizer.train_bpe`.

    Attributes:
        vocab_size: tokens at most, the 256 bytes and the special ones among them.
        min_frequency: a pair that occurs less often is not merged.
        special: tokens that stand for no text; they have the first ids.
        chosen: pairs of tokens, as bytes, that are merged first and in this order, however rare
            they are: merges by hand. The rest follows by frequency.
    """

    vocab_size: int = 1024
    min_frequency: int = 2
    special: tuple[str, ...] = (END_OF_TEXT,)
    chosen: tuple[tuple[bytes, bytes], ...] = ()

    @property
    def n_base(self) -> int:
        """Tokens before the first merge."""
        return 256 + len(self.special)

    @property
    def n_merges(self) -> int:
        """Merges for which there is room."""
        return max(1, self.vocab_size - self.n_base)

    def check(self) -> None:
        """See that something can be learnt.

        Raises:
            TokenizerError: it can't; the message says which number and why.
        """
        if len(set(self.special)) != len(self.special) or "" in self.special:
            raise TokenizerError("Special tokens need names that are different and not empty.")
        if self.vocab_size <= self.n_base:
            n = len(self.special)
            raise TokenizerError(
                f"A byte-level vocabulary of {self.vocab_size} is too small: the 256 bytes and "
                f"{n} special token{'' if n == 1 else 's'} need {self.n_base}, and a merge one "
                "more."
            )
        if self.vocab_size > MOST_TOKENS:
            raise TokenizerError(
                f"A vocabulary of {self.vocab_size:,} is more than {MOST_TOKENS:,}, the most that "
                "is learnt here."
            )
        if self.min_frequency < 1:
            raise TokenizerError("A pair must occur at least once to be merged.")


@dataclass(frozen=True, slots=True, eq=False)
class BpeHistory:
    """All merges, and what stood at each: after k of them it is in *state* k; arrays are read-only.

    Attributes:
        settings: how it was learnt.
        tokens: the bytes of every token, by id: special ones (their names), the 256 bytes, then
            what the merges made.
        pairs: the two ids that each merge joins, ``[n, 2]``.
        made: the id that each makes, ``[n]``. Two merges may make the same token.
        counts: how often each pair occurred when it was merged, ``[n]``.
        n_tokens: tokens of the whole text in each state, ``[n + 1]``.
        leaders: the most frequent pairs in each state, best first, ``[n + 1, LEADERS, 2]``; -1
            where there are no more.
        leader_counts: how often they occur, ``[n + 1, LEADERS]``.
        n_characters, n_bytes: of the text.
        n_words, n_different_words: pieces within which pairs are merged.
        ended: "full" where the vocabulary was, "rare" where no pair was frequent enough.
    """

    settings: BpeSettings
    tokens: tuple[bytes, ...]
    pairs: NDArray[np.int32]
    made: NDArray[np.int32]
    counts: NDArray[np.int64]
    n_tokens: NDArray[np.int64]
    leaders: NDArray[np.int32]
    leader_counts: NDArray[np.int64]
    n_characters: int
    n_bytes: int
    n_words: int
    n_different_words: int
    ended: str

    def __post_init__(self) -> None:
        for name in ("pairs", "made", "counts", "n_tokens", "leaders", "leader_counts"):
            getattr(self, name).flags.writeable = False

    @property
    def n_merges(self) -> int:
        return len(self.counts)

    def vocab_size(self, k: int) -> int:
        """Tokens after k merges."""
        n_base = self.settings.n_base
        return n_base if k == 0 else max(n_base, int(self.made[:k].max()) + 1)

    def state_of(self, vocab_size: int) -> int:
        """The first state with so large a vocabulary, or the last."""
        sizes = np.maximum.accumulate(self.made) + 1
        found = int(np.searchsorted(sizes, vocab_size))
        return 0 if vocab_size <= self.settings.n_base else min(found + 1, self.n_merges)

    def bytes_per_token(self, k: int) -> float:
        """Of the whole text after k merges."""
        return self.n_bytes / max(1, int(self.n_tokens[k]))

    def to_json(self) -> str:
        """A list with an object for each merge: pair, count, text length after it."""
        rows = [
            {
                "merge": k + 1,
                "pair": [symbols(self.tokens[left]), symbols(self.tokens[right])],
                "ids": [int(left), int(right)],
                "token": symbols(self.tokens[made]),
                "id": int(made),
                "count": int(count),
                "text_length": int(length),
            }
            for k, ((left, right), made, count, length) in enumerate(
                zip(self.pairs, self.made, self.counts, self.n_tokens[1:], strict=True)
            )
        ]
        lines = ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
        return f"[\n{lines}\n]\n" if rows else "[]\n"

    def tokenizer(self, k: int | None = None) -> Tokenizer:
        """The tokenizer after k merges; after all of them if left out."""
        k = self.n_merges if k is None else k
        return _assembled(self.settings.special, self.tokens[: self.vocab_size(k)], self.pairs[:k])


def base_tokens(special: Sequence[str]) -> tuple[bytes, ...]:
    """The tokens before the first merge, by id: the special ones, then the bytes.

    The library numbers bytes by the code points of their symbols.
    """
    byte_of = {symbol: byte for byte, symbol in enumerate(SYMBOLS)}
    return (
        *(name.encode() for name in special),
        *(bytes([byte_of[symbol]]) for symbol in sorted(SYMBOLS)),
    )


def base_tokenizer(special: Sequence[str] = ()) -> Tokenizer:
    """One token for each byte: a byte-level BPE without a merge."""
    return _assembled(special, base_tokens(special), np.empty((0, 2), dtype=np.int32))


def _assembled(
    special: Sequence[str], tokens: Sequence[bytes], pairs: NDArray[np.int32]
) -> Tokenizer:
    from tokenizers import AddedToken, models

    from model.tokenizer.files.byte_level import assemble
    from model.tokenizer.tokenizer import Tokenizer

    names = [*special, *(symbols(raw) for raw in tokens[len(special) :])]
    merges = [(names[left], names[right]) for left, right in pairs.tolist()]
    inner = assemble(models.BPE({name: id for id, name in enumerate(names)}, merges))
    inner.add_special_tokens([AddedToken(name, special=True) for name in special])
    return Tokenizer(inner)


class Recut:
    """Cuts words as they are cut in any state of a history.

    Args:
        history: whose merges are done.
    """

    def __init__(self, history: BpeHistory) -> None:
        self._made = history.made.tolist()
        # Of a pair that was merged twice the later rank holds, as in the library.
        self._rank = {
            (left, right): rank for rank, (left, right) in enumerate(history.pairs.tolist())
        }
        special = history.settings.special
        ids = {raw: id for id, raw in enumerate(base_tokens(special)) if id >= len(special)}
        self._id_of_byte = [ids[bytes([byte])] for byte in range(256)]
        self.cut = lru_cache(maxsize=1 << 14)(self._cut)

    def _cut(self, word: bytes, k: int) -> tuple[int, ...]:
        """The ids of a word after the first k merges."""
        ids = [self._id_of_byte[byte] for byte in word]
        rank = self._rank
        while len(ids) > 1:
            ranks = [rank.get(pair, k) for pair in pairwise(ids)]
            best = min(ranks)
            if best >= k:
                break
            at = ranks.index(best)
            ids[at : at + 2] = [self._made[best]]
        return tuple(ids)


def symbols(raw: bytes) -> str:
    """Bytes as GPT-2's files write them, each as a printable symbol."""
    return "".join(SYMBOLS[byte] for byte in raw)

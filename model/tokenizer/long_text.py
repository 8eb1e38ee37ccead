"""A long text in parts, for learning a tokenizer and for cutting it into ids.

The library `tokenizers` takes some 240 bytes for each byte of a text that it cuts, so that a long
text is given to it in parts. The ids stay those of the whole text: windows overlap, and are joined
where both have the same tokens. Knows texts and the tokenizer; no file, no training.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any, Protocol, overload
from unicodedata import category

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from model.tokenizer.tokenizer import Tokenizer

WINDOW = 1 << 14
"""Characters that are cut at once: with a token for each byte some 10 MB while it is done."""
OVERLAP = 1 << 10
"""Characters that two windows share at first; more where they do not agree on them."""

LEARNT_AT_ONCE = 1 << 12
"""Characters of a part that a tokenizer learns from; the library takes a few hundred at a time."""
_LOOKED_AT = 256
_OTHER = 37
"""Characters that a window is shorter by to see whether its end counts; a prime: no period."""

Ids = NDArray[np.unsignedinteger[Any]]


class LongText(Protocol):
    """What is asked of a text: a string, or one that is read from a file as it is needed."""

    def __len__(self) -> int: ...
    @overload
    def __getitem__(self, at: int, /) -> str: ...
    @overload
    def __getitem__(self, at: slice, /) -> str: ...


class PassingText(LongText, Protocol):
    """A text that keeps only what is still needed."""

    def let_go(self, before: int) -> None:
        """No character before this one is asked for again."""


# ------------------------------------------------------------------------------- learning


def parts_to_learn_from(text: str, size: int) -> Iterator[str]:
    """A text in parts that GPT-2's expression cuts into the same words as the whole.

    It never goes on from what is no white space to white space, nor from a letter to what is none.
    A text without such a place for 16 times the size is cut where it is: that changes one word.

    Args:
        text: any.
        size: characters of a part, about.
    """
    start = 0
    while start < len(text):
        end = min(start + size, len(text))
        last = min(start + 16 * size, len(text))
        while end < last and not _begins_a_word(text, end):
            end += 1
        yield text[start:end]
        start = end


def _begins_a_word(text: LongText, at: int) -> bool:
    before, here = text[at - 1], text[at]
    if here.isspace():
        return not before.isspace()
    # Categories of one character change between versions of Unicode, but for these.
    return before.isalpha() and category(here)[0] in "PSN"


# -------------------------------------------------------------------------------- cutting


@dataclass(frozen=True, slots=True, eq=False)
class _Window:
    """The tokens of one stretch of a text; places are characters of the whole text.

    Attributes:
        begin, end: of the stretch.
        ids, starts, ends: of the tokens, ``[n]``.
        fresh: whether a token begins where all before it have ended.
    """

    begin: int
    end: int
    ids: NDArray[np.int64]
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    fresh: NDArray[np.bool_]

    def between(self, low: int, high: int) -> slice:
        """The tokens that begin within some characters, the last excluded."""
        return slice(*np.searchsorted(self.starts, (low, high)))

    def boundaries(self, low: int, high: int) -> NDArray[np.int64]:
        """Where a token begins and none goes on, within some characters, the last excluded."""
        inside = self.between(low, high)
        return self.starts[inside][self.fresh[inside]]


def cutting(
    tokenizer: Tokenizer, text: str, dtype: type[np.unsignedinteger[Any]]
) -> Generator[int, None, Ids]:
    """The ids of a whole text, without tokens around it, cut window by window.

    Each window begins at a token of the one before it, and ends between two words where it can.
    Its tokens are taken up to a place in the overlap around which the next one cuts alike. Where
    it doesn't, the overlap grows, in the end to all of the text: what can only be cut as a whole
    is.

    Args:
        tokenizer: any.
        text: any.
        dtype: of the ids.

    Yields:
        How many characters are done.
    """
    found: list[Ids] = []
    for done, ids in cutting_in_parts(tokenizer, text, dtype):
        found.append(ids)
        yield done
    return np.concatenate(found)


def cutting_in_parts(
    tokenizer: Tokenizer, text: str | PassingText, dtype: type[np.unsignedinteger[Any]]
) -> Iterator[tuple[int, Ids]]:
    """As `cutting`, without keeping the ids.

    Yields:
        How many characters are done, and the ids since the last time, which may be none.
    """
    nothing = np.empty(0, dtype)
    window = _cut(tokenizer, text, 0, WINDOW)
    done = 0
    yield done, nothing
    while window.end < len(text):
        overlap = OVERLAP
        joined: tuple[_Window, int] | None = None
        while joined is None and 2 * overlap <= window.end - window.begin:
            joined = _next(tokenizer, text, window, overlap, done)
            overlap *= 4
        if joined is None:
            yield done, nothing
            window = _cut(tokenizer, text, window.begin, 2 * (window.end - window.begin))
            continue
        following, join = joined
        ids = window.ids[window.between(done, join)].astype(dtype)
        window, done = following, join
        if not isinstance(text, str):
            text.let_go(window.begin)
        yield done, ids
    yield len(text), window.ids[window.between(done, len(text) + 1)].astype(dtype)


def _next(
    tokenizer: Tokenizer, text: LongText, window: _Window, overlap: int, done: int
) -> tuple[_Window, int] | None:
    """The window that follows, and where it takes over; None where the two do not agree."""
    low, high = max(done, window.begin) + 1, window.end - overlap
    begins = window.boundaries(low, high)
    if not len(begins) or not _is_settled(tokenizer, text, window, high):
        return None
    begin = _best(text, begins[-_LOOKED_AT:], high)
    following = _cut(tokenizer, text, begin, WINDOW + overlap)
    # What stands at the edges of either window is cut without what is beyond them.
    margin = overlap // 4
    first, last = max(begin + margin, window.end - overlap), window.end - margin
    ours, theirs = window.between(first, last), following.between(first, last)
    if not all(
        np.array_equal(one[ours], other[theirs])
        for one, other in (
            (window.ids, following.ids),
            (window.starts, following.starts),
            (window.ends, following.ends),
        )
    ):
        return None
    joins = window.boundaries(first, last)
    return (following, _best(text, joins, (first + last) // 2)) if len(joins) else None


def _is_settled(tokenizer: Tokenizer, text: LongText, window: _Window, high: int) -> bool:
    """Whether the tokens up to a place are the same with another end of the window.

    Looked at where the window ends inside a word: a run of one letter may be cut by its length.
    """
    if _begins_a_word(text, window.end):
        return True
    other = _cut(tokenizer, text, window.begin, window.end - window.begin - _OTHER)
    ours, theirs = (one.between(window.begin, high - _OTHER) for one in (window, other))
    return np.array_equal(window.ids[ours], other.ids[theirs])


def _best(text: LongText, places: NDArray[np.int64], wanted: int) -> int:
    """The place next to the wanted one, where words are parted by white space if there is one."""
    words = [at for at in places.tolist() if text[at].isspace() and not text[at - 1].isspace()]
    return min(words or places.tolist(), key=lambda at: abs(at - wanted))


def _cut(tokenizer: Tokenizer, text: LongText, begin: int, size: int) -> _Window:
    end = min(begin + size, len(text))
    if end < len(text):
        # Better between two words, which no tokenizer joins, if there is such a place.
        back = range(end, max(end - OVERLAP // 2, begin + 1), -1)
        end = next((at for at in back if _begins_a_word(text, at)), end)
    encoding = tokenizer.encode(text[begin:end], add_special=False)
    n = len(encoding.ids)
    flat = chain.from_iterable(encoding.pieces.offsets)
    places = np.fromiter(flat, np.int64, 2 * n).reshape(n, 2) + begin
    starts, ends = places[:, 0], places[:, 1]
    # Tokens that share a character begin together; a token without a place stands where it stands.
    starts = np.maximum.accumulate(starts) if n else starts
    fresh = np.ones(n, dtype=bool)
    fresh[1:] = starts[1:] >= np.maximum.accumulate(ends)[:-1]
    fresh[1:] &= starts[1:] > starts[:-1]
    return _Window(begin, end, np.asarray(encoding.ids, dtype=np.int64), starts, ends, fresh)

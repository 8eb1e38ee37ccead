"""Byte-pair encoding, learnt with its whole history (Sennrich et al. 2016; GPT-2's bytes).

The merges are those of `tokenizers`' BpeTrainer for the same settings, ties included: of equally
frequent pairs the one whose ids are lower comes first. The library counts the words, because they
are what its own expression finds; the merges are done here, because it tells nothing of how it came
to them.

Knows `tokenizers` and how a history is kept (`bpe_history`); no file, no model, no torch.
"""

from __future__ import annotations

import heapq
import json
import time
from bisect import insort
from collections import Counter
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import tokenizers
from tokenizers import models, pre_tokenizers, trainers

from model.tokenizer.bpe_history import LEADERS, BpeHistory, BpeSettings, base_tokens
from model.tokenizer.files.byte_level import SYMBOLS
from model.tokenizer.files.errors import TokenizerError
from model.tokenizer.long_text import LEARNT_AT_ONCE, parts_to_learn_from
from model.tokenizer.tokenizer import replace_surrogates
from model.tokenizer.tokens import visible

SLICE_SECONDS = 0.02
_COUNTED_AT_ONCE = 1 << 18
"""Characters whose words the library counts in one call: some 40 ms."""
_WORDS_AT_ONCE = 1 << 12
_SHIFT = 32
_MASK = (1 << _SHIFT) - 1
_UNSIGNED = (1 << 64) - 1


@dataclass(frozen=True, slots=True)
class Learning:
    """How far it is.

    Attributes:
        what: is being done.
        share: of it, 0 to 1.
    """

    what: str
    share: float


def learn_bpe(text: str, settings: BpeSettings | None = None) -> BpeHistory:
    """The whole history at once; see `learning`."""
    steps = learning(text, settings or BpeSettings())
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            history: BpeHistory = stop.value
            return history


def learning(text: str, settings: BpeSettings) -> Generator[Learning, None, BpeHistory]:
    """Learn merges from a text, slice by slice of some 20 ms.

    Args:
        text: any; lone surrogates become U+FFFD.
        settings: how large the vocabulary may grow, and what is merged at all.

    Yields:
        How far it is.

    Raises:
        TokenizerError: the vocabulary has no room for a merge, the text is empty, or a pair that
            was chosen is not in it.
    """
    settings.check()
    if not text:
        raise TokenizerError("The text is empty, so there is nothing to merge. Give some text.")
    yield Learning("Counting words", 0.0)
    text = replace_surrogates(text)
    words: Counter[str] = Counter()
    done = 0
    for part, n in counting_words(text):
        words.update(part)
        done += n
        yield Learning("Counting words", done / len(text))
    merging = _Merging(words, settings)
    yield from merging.counting_pairs()
    wanted = settings.n_merges
    began = time.perf_counter()
    for _ in merging.merging():
        if time.perf_counter() - began > SLICE_SECONDS:
            yield Learning("Merging pairs", len(merging.merges) / wanted)
            began = time.perf_counter()
    return merging.history(len(text), len(text.encode()))


def counting_words(text: str) -> Iterator[tuple[dict[str, int], int]]:
    """The words of a text and how often each occurs, a part of the text after the other.

    Words are what GPT-2's expression cuts, each byte as its symbol. The library's own trainer
    counts them, and says so where it describes itself.

    Yields:
        A part's words, and its length in characters.
    """
    inner = tokenizers.Tokenizer(models.WordLevel())
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    for part in parts_to_learn_from(text, _COUNTED_AT_ONCE):
        trainer = trainers.WordLevelTrainer(vocab_size=1, show_progress=False)
        inner.train_from_iterator(parts_to_learn_from(part, LEARNT_AT_ONCE), trainer)
        state = json.loads(trainer.__getstate__())
        yield state["WordLevelTrainer"]["words"], len(part)


def words_of(text: str) -> tuple[bytes, ...]:
    """A text's words in order, as bytes: within them pairs are merged, never across."""
    found = pre_tokenizers.ByteLevel(add_prefix_space=False).pre_tokenize_str(
        replace_surrogates(text)
    )
    return tuple(bytes(_BYTE_OF[symbol] for symbol in word) for word, _ in found)


_BYTE_OF = {symbol: byte for byte, symbol in enumerate(SYMBOLS)}


@dataclass(slots=True)
class _Record:
    """What is written down at each merge."""

    pairs: list[int] = field(default_factory=list)
    made: list[int] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)
    n_tokens: list[int] = field(default_factory=list)
    leaders: list[list[tuple[int, int]]] = field(default_factory=list)


class _Merging:
    """The words as ids, the counts of all pairs, and a queue of the most frequent.

    A pair is one number, its left id in the upper half: their order is that of the pairs. An entry
    of the queue is (minus the count when it was put there, pair, serial, words that have it); one
    whose count has fallen since goes back with what it is now.
    """

    def __init__(self, words: Counter[str], settings: BpeSettings) -> None:
        self._settings = settings
        self._tokens = list(base_tokens(settings.special))
        n_special = len(settings.special)  # stand for themselves, never for bytes of a text
        self._id_of_bytes = {raw: id for id, raw in enumerate(self._tokens) if id >= n_special}
        id_of = {SYMBOLS[raw[0]]: id for raw, id in self._id_of_bytes.items()}
        self._words = [[id_of[symbol] for symbol in word] for word in words]
        self._counts = list(words.values())
        self.merges: list[int] = []
        self._record = _Record()
        self._n_words, self._n_different = words.total(), len(words)
        self._n_tokens = sum(len(w) * n for w, n in zip(self._words, self._counts, strict=True))
        self._serial = 0
        self._pair_counts: dict[int, int] = {}
        self._queue: list[tuple[int, int, int, Iterable[int]]] = []
        self.ended = ""

    def counting_pairs(self) -> Iterator[Learning]:
        """Count all pairs; before the first step."""
        counts = self._pair_counts
        where: dict[int, set[int]] = {}
        for at, (word, n) in enumerate(zip(self._words, self._counts, strict=True)):
            if at % _WORDS_AT_ONCE == 0:
                yield Learning("Counting pairs", at / len(self._words))
            for pair in [left << _SHIFT | right for left, right in pairwise(word)]:
                if pair in counts:
                    counts[pair] += n
                    where[pair].add(at)
                else:
                    counts[pair] = n
                    where[pair] = {at}
        self._queue = [(-counts[pair], pair, i, at) for i, (pair, at) in enumerate(where.items())]
        self._serial = len(self._queue)
        heapq.heapify(self._queue)
        self._note_state()

    def merging(self) -> Iterator[None]:
        """Do all merges; it yields after each, and within one that concerns many words."""
        while (found := self._next()) is not None:
            yield from self._merge(*found)
            yield

    def _next(self) -> tuple[int, int, Iterable[int]] | None:
        """The pair that is merged next, how often it occurs, and in which words."""
        if len(self._tokens) >= self._settings.vocab_size:
            self.ended = "full"
            return None
        if len(self.merges) < len(self._settings.chosen):
            return self._chosen(*self._settings.chosen[len(self.merges)])
        queue, counts = self._queue, self._pair_counts
        while queue:
            minus, pair, serial, where = queue[0]
            now = counts[pair] & _UNSIGNED  # as the library's: one below zero is a large number
            if now != -minus:
                heapq.heapreplace(queue, (-now, pair, serial, where))
                continue
            if now < max(1, self._settings.min_frequency):
                break
            heapq.heappop(queue)
            return pair, now, where
        self.ended = "rare"
        return None

    def _chosen(self, left: bytes, right: bytes) -> tuple[int, int, Iterable[int]]:
        """A pair that a person chose, as `_next` gives one."""
        ids = self._id_of_bytes.get(left, -1), self._id_of_bytes.get(right, -1)
        where = [at for at, word in enumerate(self._words) if ids in pairwise(word)]
        if not where:
            said = " + ".join(f"“{visible(raw)}”" for raw in (left, right))
            raise TokenizerError(
                f"{said} stand nowhere beside each other in this text: choose a pair that does."
            )
        pair = ids[0] << _SHIFT | ids[1]
        # It was not the next one: it must not come again.
        self._queue = [entry for entry in self._queue if entry[1] != pair]
        heapq.heapify(self._queue)
        return pair, self._pair_counts[pair], where

    def _merge(self, pair: int, count: int, where: Iterable[int]) -> Iterator[None]:
        left, right = pair >> _SHIFT, pair & _MASK
        raw = self._tokens[left] + self._tokens[right]
        new = self._id_of_bytes.get(raw)
        if new is None:
            new = self._id_of_bytes[raw] = len(self._tokens)
            self._tokens.append(raw)
        counts, words = self._pair_counts, self._words
        get = counts.get
        grown: dict[int, set[int]] = {}
        new_left, left_of = new << _SHIFT, left
        after_right = right << _SHIFT
        for done, at in enumerate(where, start=1):
            if done % _WORDS_AT_ONCE == 0:
                yield
            word, n = words[at], self._counts[at]
            out: list[int] = []
            i, last = 0, len(word) - 1
            while i < last:
                here = word[i]
                if here != left or word[i + 1] != right:
                    out.append(here)
                    i += 1
                    continue
                self._n_tokens -= n
                if out:
                    before = out[-1] << _SHIFT
                    gone, come = before | left_of, before | new
                    counts[gone] = get(gone, 0) - n
                    counts[come] = get(come, 0) + n
                    if come in grown:
                        grown[come].add(at)
                    else:
                        grown[come] = {at}
                if i + 1 < last:
                    following = word[i + 2]
                    gone, come = after_right | following, new_left | following
                    counts[gone] = get(gone, 0) - n
                    counts[come] = get(come, 0) + n
                    if come in grown:
                        grown[come].add(at)
                    else:
                        grown[come] = {at}
                out.append(new)
                i += 2
            if i == last:
                out.append(word[i])
            words[at] = out
        for come, at_words in grown.items():
            if counts[come] > 0:
                heapq.heappush(self._queue, (-counts[come], come, self._serial, at_words))
                self._serial += 1
        self.merges.append(pair)
        self._record.made.append(new)
        self._record.counts.append(count)
        self._note_state()

    def _note_state(self) -> None:
        """Write down where it is before the next merge."""
        self._record.n_tokens.append(self._n_tokens)
        self._record.leaders.append(self._leaders())

    def _leaders(self) -> list[tuple[int, int]]:
        """The pairs that lead now, with their counts, as the queue would give them.

        Nothing in the queue changes: an entry is refreshed when the library would do it.
        """
        queue, counts = self._queue, self._pair_counts
        taken: list[tuple[int, int, int, Iterable[int]]] = []
        best: list[tuple[int, int]] = []
        seen: set[int] = set()
        while queue and (len(best) < LEADERS or queue[0][0] <= best[LEADERS - 1][0]):
            entry = heapq.heappop(queue)
            taken.append(entry)
            pair = entry[1]
            if pair not in seen and counts[pair] > 0:
                seen.add(pair)
                insort(best, (-counts[pair], pair))
        for entry in taken:
            heapq.heappush(queue, entry)
        return best[:LEADERS]

    def history(self, n_characters: int, n_bytes: int) -> BpeHistory:
        """What was written down, as arrays."""
        n = len(self.merges)
        pairs = np.array(self.merges, dtype=np.int64).reshape(n)
        padded = [found + [(0, -1)] * (LEADERS - len(found)) for found in self._record.leaders]
        led = np.array(padded, dtype=np.int64).reshape(n + 1, LEADERS, 2)
        there = led[..., 1] >= 0
        leaders = np.stack([led[..., 1] >> _SHIFT, led[..., 1] & _MASK], axis=-1)
        leaders = np.where(there[..., None], leaders, -1).astype(np.int32)
        return BpeHistory(
            settings=self._settings,
            tokens=tuple(self._tokens),
            pairs=np.stack([pairs >> _SHIFT, pairs & _MASK], axis=1).astype(np.int32),
            made=np.array(self._record.made, dtype=np.int32),
            counts=np.array(self._record.counts, dtype=np.int64),
            n_tokens=np.array(self._record.n_tokens, dtype=np.int64),
            leaders=leaders,
            leader_counts=-led[..., 0],
            n_characters=n_characters,
            n_bytes=n_bytes,
            n_words=self._n_words,
            n_different_words=self._n_different,
            ended=self.ended,
        )

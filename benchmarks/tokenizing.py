"""What a byte-pair encoding with its whole history costs, against the library alone.

One megabyte of the story world to 2,000 merges; then the widest jump of the film: everything that
the pane shows of a state, in the state that is furthest away.
"""

from __future__ import annotations

from functools import partial
from time import perf_counter

from benchmarks.rows import Row
from benchmarks.trace import in_turns
from model.tokenizer.bpe_history import BpeHistory, BpeSettings, Recut
from model.tokenizer.bpe_training import learn_bpe, words_of
from model.tokenizer.tokenizer import Tokenizer
from model.world import write

REPEATS = 5
SIZE = 2000 + 257
_SHOWN_CHARACTERS = 4000
_LIMIT_MS = 50.0


def run() -> list[Row]:
    """Medians in turns."""
    text = write(300_000, 0)[: 10**6]
    ours, theirs = in_turns(
        partial(learn_bpe, text, BpeSettings(SIZE)),
        partial(Tokenizer.train_bpe, text, SIZE),
        REPEATS,
    )
    history = learn_bpe(text, BpeSettings(SIZE))
    words = words_of(text[:_SHOWN_CHARACTERS])
    jump = max(_jump(history, words, k) for k in (history.n_merges, history.n_merges // 2))
    return [
        Row(
            "BPE of 1 MB to 2,000 merges, with history",
            ours,
            theirs,
            ours / theirs,
            "s",
            "at most 2 x tokenizers",
        ),
        Row("text in view re-cut", jump, None, jump / _LIMIT_MS, "ms", "at most 50 ms"),
    ]


def _jump(history: BpeHistory, words: tuple[bytes, ...], k: int) -> float:
    cut = Recut(history).cut
    began = perf_counter()
    for word in words:
        cut(word, k)
    return 1000 * (perf_counter() - began)

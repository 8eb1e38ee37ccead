"""What a byte-pair encoding with its whole history costs, against the library alone.

One megabyte of the story world to 2,000 merges; then the widest jump of the film: everything that
the pane shows of a state, in the state that is furthest away. And a key in the field for a pasted
text, where a megabyte of it is one line.
"""

from __future__ import annotations

import os
import subprocess
import sys
from functools import partial
from statistics import median
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
_KEY_LIMIT_MS = 16.0
_KEYS = 20


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
    key = _key_ms()
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
        Row("a key in 1 MB of one line", key, None, key / _KEY_LIMIT_MS, "ms", "at most 16 ms"),
    ]


def _jump(history: BpeHistory, words: tuple[bytes, ...], k: int) -> float:
    cut = Recut(history).cut
    began = perf_counter()
    for word in words:
        cut(word, k)
    return 1000 * (perf_counter() - began)


def _key_ms() -> float:
    """Median of some keys, each until it is painted, in a process of its own."""
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    command = (sys.executable, "-c", "from benchmarks.tokenizing import type_keys; type_keys()")
    said = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    return float(said.stdout)


def type_keys() -> None:
    """Type into the field and print the milliseconds that a key took."""
    from PySide6.QtCore import Qt
    from PySide6.QtTest import QTest
    from PySide6.QtWidgets import QApplication

    from gui.widgets.long_text_edit import LongTextEdit

    app = QApplication([])
    field = LongTextEdit()
    field.resize(700, 72)
    field.show()
    field.setPlainText("the quick brown fox " * 50_000)
    app.processEvents()
    took = []
    for _ in range(_KEYS):
        began = perf_counter()
        QTest.keyClick(field, Qt.Key.Key_A)
        app.processEvents()
        took.append(1000 * (perf_counter() - began))
    print(median(took))

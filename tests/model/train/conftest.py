"""Runs that take a second: a very small network, and the real text that it reads."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from model.train.presets import PRESETS
from model.train.recipe import Recipe

# A few lines of real prose (Lewis Carroll, 1865), long enough to learn its letters from.
CARROLL = (
    "Alice was beginning to get very tired of sitting by her sister on the bank, and of having "
    "nothing to do: once or twice she had peeped into the book her sister was reading, but it had "
    "no pictures or conversations in it, \u201cand what is the use of a book,\u201d thought Alice "
    "\u201cwithout pictures or conversations?\u201d\n"
    "So she was considering in her own mind (as well as she could, for the hot day made her feel "
    "very sleepy and stupid), whether the pleasure of making a daisy-chain would be worth the "
    "trouble of getting up and picking the daisies, when suddenly a White Rabbit with pink eyes "
    "ran close by her.\n"
    "There was nothing so very remarkable in that; nor did Alice think it so very much out of the "
    "way to hear the Rabbit say to itself, \u201cOh dear! Oh dear! I shall be late!\u201d\n"
)


@pytest.fixture
def text_file(tmp_path: Path) -> Path:
    path = tmp_path / "alice.txt"
    path.write_text(CARROLL * 4, encoding="utf-8")
    return path


@pytest.fixture
def recipe(text_file: Path) -> Recipe:
    return replace(
        PRESETS["tiny"],
        data=str(text_file),
        n_layers=1,
        d_model=16,
        n_ctx=16,
        batch_size=4,
        steps=20,
        warmup_steps=2,
        eval_every=5,
        eval_batches=2,
        sample_every=10,
        sample_tokens=8,
        snapshot_every=10,
    )

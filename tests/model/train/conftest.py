"""Runs that take a second: a recipe for a very small network."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from model.train.presets import PRESETS
from model.train.recipe import Recipe


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

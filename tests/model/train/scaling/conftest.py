"""A queue of five networks that takes a second or two in all."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from model.train.scaling.plan import ScalingPlan


@pytest.fixture
def plan(text_file: Path) -> ScalingPlan:
    shared = replace(
        ScalingPlan().recipe, data=str(text_file), n_ctx=8, batch_size=2, eval_batches=2
    )
    return ScalingPlan(widths=(4, 8, 12, 16, 20), d_head=4, tokens=(16 * 24,), recipe=shared)

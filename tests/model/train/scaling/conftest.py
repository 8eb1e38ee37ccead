"""A queue of five networks that takes a second or two in all."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from model.train.scaling.folder import begin
from model.train.scaling.plan import ScalingPlan
from model.train.scaling.queue import Queue

TEXT = "The king lost his crown, the queen found it; nobody knew where the cat had slept. " * 40


@pytest.fixture(scope="session")
def plan(tmp_path_factory: pytest.TempPathFactory) -> ScalingPlan:
    path = tmp_path_factory.mktemp("text") / "text.txt"
    path.write_text(TEXT)
    shared = replace(ScalingPlan().recipe, data=str(path), n_ctx=8, batch_size=2, eval_batches=2)
    return ScalingPlan(widths=(4, 8, 12, 16, 20), d_head=4, tokens=(16 * 24,), recipe=shared)


@pytest.fixture(scope="session")
def whole(plan: ScalingPlan, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A queue that was never stopped; nobody writes to it."""
    folder = tmp_path_factory.mktemp("queues") / "whole"
    begin(folder, plan)
    list(Queue(folder).events())
    return folder

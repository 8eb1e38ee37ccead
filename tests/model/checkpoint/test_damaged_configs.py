"""Damaged configs of every family: a network that runs, or a sentence; never another error."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
import torch

from model.checkpoint import CheckpointError, open_checkpoint, preview
from model.checkpoint.families import FAMILIES
from tests.model.checkpoint.damage import edit_json
from tests.model.checkpoint.test_gguf import CASES, make_case

N_EACH = 25


@pytest.mark.parametrize("name", CASES)
def test_a_damaged_config_opens_to_a_network_that_runs_or_is_refused(name: str, tmp_path: Path):
    make_case(name, tmp_path)
    path = tmp_path / "config.json"
    whole = path.read_text()
    dice = random.Random(name)
    opened = 0
    for _ in range(N_EACH):
        path.write_text(whole)
        what = edit_json(path, dice)
        if dice.random() < 0.3:
            what += f" and {edit_json(path, dice)}"
        try:
            transformer = open_checkpoint(tmp_path).transformer
        except CheckpointError as error:
            message = str(error)
            assert str(tmp_path) in message, what
            assert message.endswith("."), what
            assert "\n" not in message, what
            assert preview(tmp_path).problem == message
            continue
        opened += 1
        with torch.inference_mode():
            transformer(torch.tensor([[4, 5, 6, 7]]))
    assert 0 < opened < N_EACH


def test_these_are_most_decoders():
    families = {case[0].lower() for case in CASES.values()}
    assert len(families) == 19
    assert len(FAMILIES) >= len(families)

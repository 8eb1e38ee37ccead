"""`python -m model finetune`: what a script parses, what a person is told, what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from model.train.preferences import Preference, write_preferences
from model.train.run_folder import read_recipe
from resources import STORY_WORLD
from tests.model.checkpoint.tiny import logits
from tests.model.cli.commands import CliRunner, make_app

FAST = ("--steps", 2, "--batch-size", 1, "--context", 8, "--threads", 1, "--device", "cpu")


def finetune(*arguments: object) -> dict[str, object]:
    command = ["finetune", STORY_WORLD, *arguments, *FAST, "--json"]
    result = CliRunner().invoke(make_app(), [str(argument) for argument in command])
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout.splitlines()[-1])
    assert isinstance(found, dict)
    return found


def test_a_text_is_learned_and_what_moved_is_told(tmp_path: Path) -> None:
    text, run = tmp_path / "new.txt", tmp_path / "run"
    text.write_text("The fox and the hen met at the river. " * 80)
    found = finetune("--data", text, "--out", run, "--lora-rank", 3, "--prompt", "The king")
    recipe = read_recipe(run)
    assert (recipe.tuning, recipe.lora_rank, recipe.lora_alpha) == ("lora", 3, 6.0)
    assert recipe.weights == str(STORY_WORLD)
    moved = found["moved"]
    assert isinstance(moved, list)
    norms = {row["name"]: row["norm"] for row in moved}
    assert norms["embed.weight"] == 0
    assert norms["blocks.0.attn.qkv.weight"] > 0
    assert [row["relative"] for row in moved] == sorted(
        (row["relative"] for row in moved), reverse=True
    )
    assert (run / "moved.csv").read_text().splitlines()[0].startswith("tensor,norm,relative")
    assert found["before"]
    assert found["after"]
    tokens = found["tokens"]
    assert isinstance(tokens, list)
    assert len(tokens) == 5
    # The adapter, on the model that it names, is the run's last snapshot.
    adapter = run / "adapters" / "step-000002"
    np.testing.assert_allclose(logits(adapter), logits(run), atol=1e-4)


def test_choices_are_learned_and_their_margins_told(tmp_path: Path) -> None:
    choices = tmp_path / "choices.jsonl"
    write_preferences(choices, [Preference("The king", " lost", " sang")])
    found = finetune("--preferences", choices, "--out", tmp_path / "run", "--beta", 0.5)
    assert read_recipe(tmp_path / "run").dpo_beta == 0.5
    margins = found["margins"]
    assert isinstance(margins, list)
    assert margins[0] > 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "--data FILE (or world), or --preferences FILE"),
        (("--data", "world", "--lora-targets", "q_proj"), "no linear map 'q_proj'"),
        (("--data", "gone.txt"), "There is no file"),
    ],
)
def test_what_can_not_be_tuned_is_a_sentence(
    arguments: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    command = ["finetune", str(STORY_WORLD), "--out", str(tmp_path / "run"), *arguments]
    result = CliRunner().invoke(make_app(), command)
    assert result.exit_code == 2
    assert said in result.stderr.splitlines()[-1]
    assert not (tmp_path / "run").exists()

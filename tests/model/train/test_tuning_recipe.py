"""What a fine-tuning is called: after its model, whatever dots that one's name has."""

from __future__ import annotations

import pytest

from model.train.tuning_recipe import base_name, preferences_recipe, tuning_recipe


@pytest.mark.parametrize(
    ("weights", "name"),
    [
        ("/models/Qwen2.5-0.5B", "Qwen2.5-0.5B"),
        ("/models/gpt2/model.safetensors", "gpt2"),
        ("/models/SmolLM2-135M.Q8_0.gguf", "SmolLM2-135M.Q8_0"),
        ("/models/NANO/CKPT.PT", "CKPT"),
        ("/runs/minute-2/snapshots/step-000100", "minute-2"),
        ("/hub/models--Qwen--Qwen2.5-0.5B/snapshots/8a1c2d", "Qwen2.5-0.5B"),
        ("/models/" + 60 * "x", 40 * "x"),
        ("/", "model"),
    ],
)
def test_a_run_is_named_after_its_model(weights: str, name: str) -> None:
    assert base_name(weights) == name
    assert tuning_recipe(weights, "world", 64, 1000).name == f"{name}-lora"
    assert tuning_recipe(weights, "world", 64, 1000, "full").name == f"{name}-full"
    assert preferences_recipe(weights, 64, 1000).name == f"{name}-dpo"

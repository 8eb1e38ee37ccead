"""What a recipe will take is measured, and is what it then takes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from model.slices import finish
from model.train.events import Finished, Started
from model.train.loop import train
from model.train.recipe import Recipe, RecipeError
from model.train.recipe_measuring import CHARACTERS, measuring
from model.transformer import Transformer


def test_parameters_and_what_is_kept_of_them_are_the_networks(recipe: Recipe) -> None:
    found = finish(measuring(recipe, "cpu"))
    network = Transformer(recipe.config(CHARACTERS))
    n = sum(p.numel() for p in network.parameters())
    assert (found.n_params, found.d_vocab) == (n, CHARACTERS)
    assert found.weights_bytes == 2 * 4 * n
    assert found.optimiser_bytes == pytest.approx(2 * 4 * n, rel=0.01)  # AdamW: two moments


def test_activations_grow_with_the_batch(recipe: Recipe) -> None:
    one, two = (
        finish(measuring(replace(recipe, batch_size=n), "cpu")).activation_bytes for n in (4, 8)
    )
    tokens = 4 * recipe.n_ctx
    assert one >= 4 * tokens * CHARACTERS, "the logits alone are that much"
    assert two == pytest.approx(2 * one, rel=0.05)


def test_the_expected_time_is_that_of_its_steps_and_validations(recipe: Recipe) -> None:
    recipe = replace(recipe, steps=1000, eval_every=100)
    found = finish(measuring(recipe, "cpu"))
    assert found.n_steps_measured >= 1
    expected = 1000 * found.step_seconds + 11 * found.validation_seconds
    assert found.seconds() == pytest.approx(expected)
    assert found.seconds(first_step=900) < found.seconds() / 2
    short = replace(found, recipe=replace(recipe, max_seconds=1e-3))
    assert short.seconds() == 1e-3


def test_it_holds_for_recipes_with_the_same_updates_only(recipe: Recipe) -> None:
    found = finish(measuring(recipe, "cpu"))
    longer = found.of(replace(recipe, steps=500, lr=0.5, name="longer"))
    assert longer is not None
    assert longer.seconds() > found.seconds()
    assert found.of(replace(recipe, d_model=32)) is None
    assert found.of(replace(recipe, batch_size=8)) is None


def test_it_is_measured_in_slices_and_changes_no_run(recipe: Recipe, tmp_path: Path) -> None:
    list(train(recipe, tmp_path / "before"))
    state = torch.random.get_rng_state()
    shares = list(measuring(recipe, "cpu"))
    assert shares == sorted(shares)
    assert len(shares) > 3
    assert torch.equal(torch.random.get_rng_state(), state)
    events = list(train(recipe, tmp_path / "after"))
    assert isinstance(events[-1], Finished)
    assert any(isinstance(event, Started) for event in events)
    curves = [
        [line.split(",")[3] for line in (tmp_path / name / "metrics.csv").read_text().splitlines()]
        for name in ("before", "after")
    ]
    assert curves[0] == curves[1]


def test_a_recipe_that_cannot_run_is_refused(recipe: Recipe) -> None:
    with pytest.raises(RecipeError, match="steps"):
        finish(measuring(replace(recipe, steps=0), "cpu"))

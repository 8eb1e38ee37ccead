"""Recipes: to TOML and back, and what is wrong with a bad one."""

from __future__ import annotations

import math
import tomllib
from dataclasses import asdict, replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.config import TransformerConfig
from model.first_weights import FirstWeights
from model.train.presets import PRESETS, preset
from model.train.recipe import Recipe, RecipeError
from model.train.toml import toml_table

LOOKING = {"positions": "rotary", "norm": "rms", "qk_norm": True}


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_the_same_after_toml(name: str) -> None:
    assert Recipe.from_toml(PRESETS[name].to_toml()) == PRESETS[name]


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_can_be_run_once_it_has_a_text(name: str) -> None:
    recipe = preset(name)
    replace(recipe, data=recipe.data or "some.txt").validate()


@given(st.text(), st.floats(allow_nan=False), st.integers(), st.booleans())
def test_what_toml_writes_python_reads_back(
    text: str, number: float, whole: int, truth: bool
) -> None:
    clean = text.encode("utf-8", "replace").decode("utf-8")
    values = {"text": text, "number": number, "whole": whole % 2**63, "truth": truth}
    assert tomllib.loads(toml_table(values)) == values | {"text": clean}


def test_a_preset_that_is_not_there_names_those_that_are() -> None:
    with pytest.raises(RecipeError, match=r"no preset 'huge'; known are minute, story-world"):
        preset("huge")


def test_a_preset_answers_to_its_old_name() -> None:
    assert preset("shakespeare-cpu") is PRESETS["classic"]


def test_fast_has_no_more_parameters_than_classic() -> None:
    sizes = {name: PRESETS[name].config(65).n_params for name in ("fast", "classic")}
    assert sizes["fast"] <= sizes["classic"] == 809_856


def test_a_recipe_from_before_there_were_switches_is_what_it_was() -> None:
    before = Recipe.from_toml('data = "some.txt"\nlr = 0.001')
    assert before.config(65) == TransformerConfig(
        n_layers=4, n_heads=4, d_model=128, n_ctx=128, d_vocab=65
    )
    assert (before.optimiser, before.precision) == ("adamw", "float32")
    assert before.first_weights == FirstWeights(0.02)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"steps": 0}, "steps is 0; it must be at least 1"),
        ({"batch_size": -1}, "batch_size is -1"),
        ({"lr": 0.0}, "lr is 0.0; it must be above 0"),
        ({"lr": math.nan}, "lr is nan; it must be a finite number"),
        ({"min_lr": 0.5}, "min_lr 0.5 is above lr"),
        ({"beta2": 1.0}, "beta2 is 1.0"),
        ({"dropout": -0.1}, "dropout is -0.1"),
        ({"eval_every": -5}, "eval_every is -5; it can't be negative"),
        ({"schedule": "zigzag"}, "known are cosine, linear, constant"),
        ({"data": ""}, "no text to train on"),
        ({"data_tokens": 0}, "data_tokens is 0"),
        ({"tokenizer": ""}, "no tokenizer"),
        ({"tokenizer": "bpe:100"}, "at least 257"),
        ({"tokenizer": "bpe:many"}, "for example bpe:1024"),
        ({"n_heads": 3}, "does not divide into 3 heads: make d_model a multiple of n_heads"),
        ({"n_heads": 32, "positions": "rotary"}, "make d_model a multiple of twice n_heads"),
        ({"positions": "abacus"}, "positions is 'abacus'"),
        ({"seed": 1 << 63}, "below 2\\^63"),
        ({"optimiser": "sgd"}, "optimiser is 'sgd'; known are adamw, muon"),
        ({"precision": "int8"}, "known are float32, bfloat16, auto"),
        ({"momentum": 1.0}, "momentum is 1.0"),
        ({"matrix_lr": 0.0}, "matrix_lr is 0.0; it must be above 0"),
        ({"logit_cap": -1.0}, "logit_cap is -1.0"),
        ({"norm_weights": False, "norm": "rms", "head_offsets": "1"}, "need rotary positions"),
        ({**LOOKING, "head_offsets": "1,two"}, "whole numbers with commas between"),
        ({**LOOKING, "head_offsets": "1,2,3"}, "3 heads shall look back, and a block has 2"),
        ({**LOOKING, "head_offsets": "40"}, "by 0 to 31 tokens"),
    ],
)
def test_a_recipe_that_cannot_run_says_why(change: dict[str, object], says: str) -> None:
    with pytest.raises(RecipeError, match=says):
        replace(PRESETS["tiny"], **change).validate()  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("toml", "says"),
    [
        ("stepps = 3", "A recipe has no 'stepps'"),
        ("steps = 'many'", "steps is 'many', which is a str; a int is needed"),
        ("steps = true", "which is a bool"),
        ("steps = ", "not valid TOML"),
    ],
)
def test_toml_that_is_no_recipe_says_why(toml: str, says: str) -> None:
    with pytest.raises(RecipeError, match=says):
        Recipe.from_toml(toml)


def test_a_whole_number_will_do_for_a_float() -> None:
    assert Recipe.from_toml("lr = 1").lr == 1.0


def test_the_rate_rises_to_its_peak_and_falls_to_its_floor() -> None:
    recipe = replace(PRESETS["tiny"], lr=1.0, min_lr=0.1, warmup_steps=10, steps=110)
    rates = [recipe.learning_rate(step) for step in range(1, 111)]
    assert rates[0] == pytest.approx(0.1)
    assert rates[9] == 1.0
    assert all(a < b for a, b in pairwise(rates[:10]))
    assert all(a > b for a, b in pairwise(rates[9:]))
    assert rates[59] == pytest.approx(0.55)  # half-way down the cosine
    assert rates[-1] == pytest.approx(0.1)
    linear = replace(recipe, schedule="linear")
    assert linear.learning_rate(35) == pytest.approx(0.775)
    assert replace(recipe, schedule="constant").learning_rate(110) == 1.0


def test_a_rate_without_warm_up_begins_high() -> None:
    recipe = replace(PRESETS["tiny"], lr=1.0, min_lr=0.0, warmup_steps=0, steps=10)
    assert recipe.learning_rate(1) > 0.9


def test_every_choice_is_in_the_toml() -> None:
    assert set(tomllib.loads(PRESETS["minute"].to_toml())) == set(asdict(PRESETS["minute"]))

"""Names that can be watched and conditions: what is understood, and what is said of a wrong one."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from model.train.conditions import OF_THE_RUN, Conditions, check_asked, condition_of
from model.train.metrics import MEASURES
from model.train.presets import PRESETS
from model.train.recipe import Recipe, RecipeError
from model.train.watches import WatchError, is_watched, layer_of, watch_of, watchable

CONFIG = PRESETS["tiny"].config(58)


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("blocks.1.attn.pattern", "blocks.1.attn.hook_pattern entropy"),
        ("blocks.1.attn.hook_pattern max", "blocks.1.attn.hook_pattern max"),
        ("blocks.0.mlp.W_in", "blocks.0.mlp.W_in norm"),
        ("blocks.0.mlp.W_in.grad", "blocks.0.mlp.W_in.grad norm"),
        ("blocks.0.resid_post.grad rms", "blocks.0.hook_resid_post.grad rms"),
        ("W_E rank", "W_E rank"),
    ],
)
def test_a_name_is_understood_as_it_is_written(text: str, means: str) -> None:
    watch = watch_of(text, CONFIG)
    assert str(watch) == means
    assert watch_of(str(watch), CONFIG) == watch
    assert is_watched(watch.place, watch.reduction)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("blocks.7.attn.pattern", "nothing called 'blocks.7.attn.pattern'. Near it: "),
        ("blocks.0.mlp.W_inn", "Near it: blocks.0.mlp.W_in"),
        ("W_E median", "no reduction 'median'; there are norm, rms"),
        ("W_E entropy", "has no entropy: its rows are no probabilities"),
        ("ln_final.b rank", "has no rank: it is a single vector"),
        ("input_ids.grad", "has no gradient"),
        ("W_E rank now", "more than a name and a reduction"),
    ],
)
def test_a_name_that_is_wrong_gets_a_sentence(text: str, says: str) -> None:
    with pytest.raises(WatchError, match=says):
        watch_of(text, CONFIG)


def test_completion_offers_parameters_gradients_and_activations() -> None:
    names = watchable(CONFIG)
    assert {"W_E", "blocks.1.attn.W_Q.grad", "blocks.0.attn.hook_pattern"} <= set(names)
    assert "input_ids.grad" not in names
    assert layer_of("blocks.1.attn.W_Q.grad") == 1
    assert layer_of("W_E") is None


def test_every_measure_of_the_run_can_be_waited_for() -> None:
    assert set(OF_THE_RUN) == {measure.name for measure in MEASURES}


@pytest.mark.parametrize(
    ("text", "value", "holds"),
    [
        ("val_loss < 2", ("", "val_loss", 1.9), True),
        ("val_loss<2", ("", "val_loss", 2.0), False),
        ("val_loss <= 2", ("", "val_loss", 2.0), True),
        ("grad_norm > 10", ("", "grad_norm", 11.0), True),
        ("grad_norm > 10", ("blocks.0", "grad_norm", 11.0), False),  # that of the whole run
        ("blocks.1 grad_norm > 10", ("blocks.1", "grad_norm", 11.0), True),
        ("blocks.1.attn induction >= 0.5", ("blocks.1.attn", "induction", 0.5), True),
        ("blocks.1 induction > 0.5", ("blocks.1.attn", "induction", 0.6), True),
        ("blocks.1 induction > 0.5", ("blocks.0.attn", "induction", 0.6), False),
        ("induction > 0.5", ("blocks.0.attn", "induction", 0.6), True),
        ("embed rank < 3", ("embed", "rank", 2.0), True),
        ("W_E rank < 3", ("W_E", "rank", 2.0), True),
        ("blocks.0.mlp.W_in.grad > 1e-3", ("blocks.0.mlp.W_in.grad", "norm", 0.1), True),
        ("nan", ("W_E", "norm", math.nan), True),
        ("train_loss is nan", ("", "train_loss", math.inf), True),
        ("train_loss is NaN", ("", "val_loss", math.nan), False),
        ("val_loss < 2", ("", "val_loss", math.nan), False),
    ],
)
def test_a_condition_means_what_it_says(
    text: str, value: tuple[str, str, float], holds: bool
) -> None:
    met = Conditions([condition_of(text, CONFIG)]).met([value])
    assert [condition.text for condition, _ in met] == [text] * holds


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("val_loss", "is no condition. Write for example 'val_loss < 2'"),
        ("val_loss < low", "'low' in 'val_loss < low' is no number"),
        ("val_loss < nan", "Nothing is compared with nan"),
        ("wal_loss < 2", "There is no curve 'wal_loss'; there are step, tokens"),
        ("blocks.9 induction > 0.5", "There is no block 9: the network has blocks 0 to 1"),
        ("embed induction > 0.5", "induction is not measured of embed, but of blocks"),
        ("blocks.0 rank > 3", "rank is not measured of blocks.0, but of embed"),
        ("blocks.0.mlp.W_inn > 3", "nothing called 'blocks.0.mlp.W_inn'"),
        ("< 3", "is no condition"),
    ],
)
def test_a_condition_that_is_wrong_gets_a_sentence(text: str, says: str) -> None:
    with pytest.raises(WatchError, match=says):
        condition_of(text, CONFIG)
    with pytest.raises(RecipeError, match=says):
        replace(PRESETS["tiny"], stop_when=(text,)).validate()


def test_a_condition_is_told_once_each_time_it_begins_to_hold() -> None:
    conditions = Conditions([condition_of("grad_norm > 1", CONFIG)])

    def told(value: float) -> list[str]:
        return [words for _, words in conditions.met([("", "grad_norm", value)])]

    assert told(2.0) == ["grad_norm is 2, above 1."]
    assert told(3.0) == []
    assert told(0.5) == []
    assert told(4.0) != []
    conditions.replace([condition_of("grad_norm > 1", CONFIG), condition_of("nan", CONFIG)])
    assert told(5.0) == []  # it is known to hold
    assert told(math.nan) == ["grad_norm is nan, no finite number."]


def test_of_several_layers_one_is_told() -> None:
    conditions = Conditions([condition_of("induction > 0.5", CONFIG)])
    values = [("blocks.0.attn", "induction", 0.7), ("blocks.1.attn", "induction", 0.8)]
    assert [words for _, words in conditions.met(values)] == [
        "induction of blocks.0.attn is 0.7, above 0.5."
    ]
    assert conditions.met(values) == []


def test_what_a_condition_is_about_is_watched() -> None:
    watches, conditions = check_asked(CONFIG, ("W_E", "W_E norm"), ("W_U max > 3", "W_E > 1"))
    assert [str(watch) for watch in watches] == ["W_E norm", "W_U max"]
    assert len(conditions) == 2


def test_lists_of_a_recipe_are_the_same_after_toml() -> None:
    recipe = replace(
        PRESETS["tiny"], watched=("W_E rank", "blocks.0.mlp.W_in.grad"), stop_when=("nan",)
    )
    assert Recipe.from_toml(recipe.to_toml()) == recipe
    with pytest.raises(RecipeError, match="watched is 'W_E'; a list of strings is needed"):
        Recipe.from_toml("watched = 'W_E'")

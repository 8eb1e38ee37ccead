"""The rules by which sizes differ, and that nothing else does."""

from __future__ import annotations

from dataclasses import asdict, replace

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from model.trace import record
from model.train.scaling.counts import n_parameters, training_flops
from model.train.scaling.plan import PlanError, ScalingPlan
from model.transformer import Transformer

DIFFER = {"name", "n_layers", "n_heads", "d_model", "lr", "min_lr"}


def test_sizes_differ_in_width_depth_heads_and_rate_only(plan: ScalingPlan) -> None:
    first, *others = (asdict(run.recipe) for run in plan.runs())
    for other in others:
        assert {name for name in first if first[name] != other[name]} <= DIFFER
    recipes = [run.recipe for run in ScalingPlan().runs()]
    assert [one.n_layers for one in recipes] == [1, 2, 2, 3, 4, 6]
    assert {one.d_model // one.n_heads for one in recipes} == {8}
    assert [one.lr * one.d_model for one in recipes] == pytest.approx([1.2e-2 * 64] * 6)
    assert [one.lr / one.min_lr for one in recipes] == pytest.approx([10] * 6)


def test_the_rate_is_the_same_where_the_rule_says_so(plan: ScalingPlan) -> None:
    same = replace(plan, lr_rule="same")
    assert {run.recipe.lr for run in same.runs()} == {plan.recipe.lr}
    assert not same.trials(8)


def test_a_sweep_tries_half_and_twice_the_rate_on_a_tenth_of_the_tokens() -> None:
    sweep = replace(ScalingPlan(), lr_rule="sweep")
    trials = sweep.trials(32)
    middle = sweep.rate(32)
    assert [one.recipe.lr for one in trials] == [middle / 2, middle, 2 * middle]
    assert all(abs(one.tokens / sweep.tokens[0] - 0.1) < 0.01 for one in trials)
    assert len({one.name for one in (*trials, *sweep.runs())}) == len(trials) + 6
    chosen = {run.width: run.recipe.lr for run in sweep.runs({32: 2 * middle})}
    assert chosen[32] == 2 * middle
    assert chosen[64] == sweep.rate(64)


def test_several_numbers_of_tokens_are_crossed_with_the_widths(plan: ScalingPlan) -> None:
    both = replace(plan, tokens=(384, 768, 1536)).validate()
    runs = both.runs()
    assert len(runs) == both.n_points == 15
    assert len({run.name for run in runs}) == 15
    assert {(run.recipe.steps, run.tokens) for run in runs} == {(24, 384), (48, 768), (96, 1536)}
    assert all(run.recipe.warmup_steps == round(0.1 * run.recipe.steps) for run in runs)


def test_a_plan_is_read_back_from_toml(plan: ScalingPlan) -> None:
    changed = replace(plan, lr_rule="sweep", tokens=(500, 1000, 4000), warmup=0.25)
    assert ScalingPlan.from_toml(changed.to_toml()) == changed
    assert ScalingPlan.from_toml("") == ScalingPlan()


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"widths": (8, 16, 24, 32)}, "at least 5 different widths"),
        ({"widths": (8, 16, 24, 32, 41)}, "Width 41 does not divide into heads of 4.*example 40"),
        ({"widths": (32, 24, 16, 8, 4)}, "rise"),
        ({"tokens": ()}, "tokens must be whole numbers"),
        ({"tokens": (20,)}, "20 tokens are less than 20 steps"),
        ({"warmup": 1.5}, "warmup is 1.5"),
        ({"lr_rule": "best"}, "lr_rule is 'best'"),
        ({"d_head": 0}, "d_head is 0"),
    ],
)
def test_what_can_not_be_trained_is_refused(
    plan: ScalingPlan, changes: dict[str, object], says: str
) -> None:
    with pytest.raises(PlanError, match=says):
        replace(plan, **changes).validate()  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[plan", "not valid TOML"),
        ("[plan]\nwidth = 3", "no 'width'"),
        ("[plan]\nwidths = [1.5]", "list of whole numbers"),
        ("[plan]\nwarmup = 'a'", "a float is needed"),
        ("[recipe]\nd_model = 'a'", "recipe of the plan"),
        ("plan = 3", r"\[plan\] and a \[recipe\] table"),
    ],
)
def test_a_file_that_is_no_plan_is_refused(text: str, says: str) -> None:
    with pytest.raises(PlanError, match=says):
        ScalingPlan.from_toml(text)


def test_counts_are_those_of_the_network(plan: ScalingPlan) -> None:
    config = plan.runs()[3].recipe.config(11)
    network = Transformer(config)
    named = dict(network.named_parameters())
    every = sum(weight.numel() for weight in named.values())
    blocks = sum(w.numel() for name, w in named.items() if "embed" not in name)
    assert n_parameters(config, "all") == every
    assert n_parameters(config, "blocks") == blocks


def test_counted_flops_are_those_that_torch_counts(plan: ScalingPlan) -> None:
    config = replace(plan.runs()[3].recipe.config(11), n_ctx=16)
    network = Transformer(config)
    network.initialize(torch.Generator().manual_seed(0), 0.02)
    with FlopCounterMode(display=False) as counter:
        record(network, torch.arange(16)[None] % 11)  # explicit attention, over all pairs
    full = counter.get_total_flops()
    hidden = 16 * 16 - 16 * 17 // 2  # pairs that the mask hides: torch multiplies them too
    unseen = 4 * config.n_layers * config.n_heads * config.d_head * hidden
    assert training_flops(config) * 16 == pytest.approx(3 * (full - unseen))

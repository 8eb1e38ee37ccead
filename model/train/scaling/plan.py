"""What a queue of sizes trains: one recipe, and the rules by which its sizes differ.

Every size sees the same text, in the same batches, for the same number of tokens under the same
schedule. Only width, depth and the learning rate differ, each by a rule that is written down here.

Knows recipes; no torch, no file, no clock.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from itertools import product
from typing import Any, Literal, get_args

from model.train.recipe import Recipe, RecipeError
from model.train.toml import toml_table

LrRule = Literal["same", "width", "sweep"]
LR_WORDS: Mapping[LrRule, str] = {
    "same": "is the same for all",
    "width": "is that of width {width} and falls as 1 / width",
    "sweep": "of width {width}, falling as 1 / width, is the middle one of three that are tried",
}

LEAST_SIZES = 5
"""A curve of three numbers through fewer points says nothing about itself."""
SWEEP_FACTORS = (0.5, 1.0, 2.0)
SWEEP_SHARE = 0.1
"""Of a size's tokens that each run of a sweep sees."""
EVALUATIONS = 20
"""Validations of a run, evenly over its steps."""
SAVINGS = 8
"""How often a run is saved: what a crash costs at most is an eighth of one size."""


class PlanError(ValueError):
    """A plan that can't be trained; the message says which value and why."""


STORY_WORLD_LETTERS = Recipe(
    # The story world letter by letter: with 60 letters hardly any parameter is an embedding. There
    # are as many of them as a size sees. Twice as many of both bent the curve over the sizes: a law
    # was up to 9% off at width 48.
    name="scaling",
    data="world",
    data_tokens=500_000,
    tokenizer="char",
    n_ctx=64,
    activation="gelu",
    tied_embeddings=False,
    batch_size=32,
    # By the rule 0.048, 0.024, 0.016 and 0.0096 at widths 16, 32, 48 and 80. Of 0.008, 0.016 and
    # 0.032 the best after 2M letters were 0.032 (the highest tried) at 16 and 32, 0.016 at 48; at
    # 80, after 1.2M, 0.006 and 0.012 were equally good. Heads were of 16 there; 96 was not tried.
    lr=1.2e-2,
    min_lr=1.2e-3,
    sample_every=0,
    eval_batches=20,
)


@dataclass(frozen=True, slots=True)
class PlannedRun:
    """One run of a queue.

    Attributes:
        name: of its folder; unique in the plan.
        width: d_model.
        tokens: that it sees.
        recipe: all of it.
    """

    name: str
    width: int
    tokens: int
    recipe: Recipe


@dataclass(frozen=True, slots=True, kw_only=True)
class ScalingPlan:
    """A queue.

    Attributes:
        widths: d_model of each size, rising.
        width_per_layer: a size has ``width / width_per_layer`` layers, rounded, at least one;
            0 leaves the recipe's for all.
        d_head: width of a head, so that wider networks have more heads.
        tokens: how many each size sees; where there are several, each size is trained once on each.
        lr_rule: how the learning rate follows the width (`LR_WORDS`).
        base_width: at which the recipe's rate holds, for the rules that change it.
        warmup: share of the steps over which the rate rises.
        recipe: everything that all sizes share. Its sizes, steps and names are the rules' business.
    """

    widths: tuple[int, ...] = (16, 24, 32, 48, 64, 96)
    width_per_layer: int = 16
    d_head: int = 8
    tokens: tuple[int, ...] = (2_000_000,)
    lr_rule: LrRule = "width"
    base_width: int = 64
    warmup: float = 0.1
    recipe: Recipe = STORY_WORLD_LETTERS

    # ------------------------------------------------------------------------ the rules

    def layers(self, width: int) -> int:
        """How many blocks a size has."""
        if self.width_per_layer == 0:
            return self.recipe.n_layers
        return max(1, int(width / self.width_per_layer + 0.5))

    def rate(self, width: int) -> float:
        """The learning rate of a size; with a sweep the middle one that is tried."""
        if self.lr_rule == "same":
            return self.recipe.lr
        return self.recipe.lr * self.base_width / width

    @property
    def tokens_per_step(self) -> int:
        return self.recipe.batch_size * self.recipe.n_ctx

    @property
    def n_points(self) -> int:
        """Losses that it ends with."""
        return len(self.widths) * len(self.tokens)

    def runs(self, rates: Mapping[int, float] | None = None) -> tuple[PlannedRun, ...]:
        """The runs that the law is fitted to, smallest first.

        Args:
            rates: the learning rate of a width, where a sweep has found it.
        """
        rates = rates or {}
        return tuple(
            self._run(width, tokens, rates.get(width, self.rate(width)))
            for tokens, width in product(self.tokens, self.widths)
        )

    def trials(self, width: int) -> tuple[PlannedRun, ...]:
        """The short runs of which the learning rate of a width is taken; none without a sweep."""
        if self.lr_rule != "sweep":
            return ()
        tokens = max(self.tokens_per_step, round(self.tokens[0] * SWEEP_SHARE))
        return tuple(
            self._run(width, tokens, self.rate(width) * factor, f"rate-{factor:g}")
            for factor in SWEEP_FACTORS
        )

    def rules(self) -> tuple[str, ...]:
        """What is equal and what differs, in sentences."""
        depth = (
            f"{self.recipe.n_layers} layers each"
            if self.width_per_layer == 0
            else f"a layer for every {self.width_per_layer} of width"
        )
        return (
            f"Equal: text, {self.recipe.batch_size} × {self.recipe.n_ctx} tokens a step, "
            f"{self.recipe.schedule} schedule with {self.warmup:.0%} warm-up, seed.",
            f"Differ: width, {depth}, heads of {self.d_head}; the learning rate "
            f"{self.recipe.lr:g} {LR_WORDS[self.lr_rule].format(width=self.base_width)}.",
        )

    def _run(self, width: int, tokens: int, lr: float, mark: str = "") -> PlannedRun:
        steps = max(1, round(tokens / self.tokens_per_step))
        name = f"width-{width:04d}"
        if len(self.tokens) > 1 and not mark:
            name += f"-tokens-{tokens}"
        if mark:
            name += f"-{mark}"
        recipe = replace(
            self.recipe,
            name=name,
            n_layers=self.layers(width),
            d_model=width,
            n_heads=width // self.d_head,
            steps=steps,
            lr=lr,
            min_lr=self.recipe.min_lr * lr / self.recipe.lr,
            warmup_steps=round(self.warmup * steps),
            eval_every=0 if mark else max(1, steps // EVALUATIONS),
            snapshot_every=0 if mark else max(1, -(-steps // SAVINGS)),
            snapshot_early=False,
            max_seconds=0.0,
            target_val_loss=0.0,
        )
        return PlannedRun(name, width, steps * self.tokens_per_step, recipe)

    # --------------------------------------------------------------------------- checks

    def validate(self) -> ScalingPlan:
        """Itself, if it can be trained.

        Raises:
            PlanError: with one sentence on the first value that can't be right.
        """
        if len(set(self.widths)) < LEAST_SIZES:
            raise PlanError(
                f"A law of three numbers needs at least {LEAST_SIZES} different widths; "
                f"here are {len(set(self.widths))}."
            )
        for name in ("widths", "tokens"):
            values = getattr(self, name)
            if not values or list(values) != sorted(set(values)) or values[0] < 1:
                raise PlanError(f"{name} must be whole numbers above 0 that rise: {values}.")
        if len(self.tokens) == 2:
            raise PlanError("A term of tokens needs one, or at least three numbers of tokens.")
        if self.d_head < 1:
            raise PlanError(f"d_head is {self.d_head}; it must be at least 1.")
        if self.width_per_layer < 0:
            raise PlanError(f"width_per_layer is {self.width_per_layer}; it can't be negative.")
        if self.base_width < 1:
            raise PlanError(f"base_width is {self.base_width}; it must be at least 1.")
        if not 0 <= self.warmup < 1:
            raise PlanError(f"warmup is {self.warmup}; it is a share, from 0 up to 1.")
        if self.lr_rule not in get_args(LrRule):
            raise PlanError(
                f"lr_rule is {self.lr_rule!r}; known are {', '.join(get_args(LrRule))}."
            )
        for width in self.widths:
            if width % self.d_head:
                raise PlanError(
                    f"Width {width} does not divide into heads of {self.d_head}: take multiples "
                    f"of {self.d_head}, for example {max(1, width // self.d_head) * self.d_head}."
                )
        if self.tokens[0] < self.tokens_per_step * EVALUATIONS:
            raise PlanError(
                f"{self.tokens[0]:,} tokens are less than {EVALUATIONS} steps of "
                f"{self.tokens_per_step:,}: give more tokens, or a smaller batch."
            )
        try:
            for run in self.runs():
                run.recipe.validate()
        except RecipeError as error:
            raise PlanError(f"Width {run.width} can't be trained: {error}") from error
        return self

    # ----------------------------------------------------------------------------- TOML

    def to_toml(self) -> str:
        """The rules, then the recipe that all sizes share."""
        own = {name: getattr(self, name) for name in _own_fields()}
        return f"[plan]\n{toml_table(own)}\n[recipe]\n{self.recipe.to_toml()}"

    @classmethod
    def from_toml(cls, text: str) -> ScalingPlan:
        """Read it back; what is missing takes its default.

        Raises:
            PlanError: it is no TOML, or no plan.
        """
        try:
            tables = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise PlanError(f"The plan is not valid TOML: {error}.") from error
        own, recipe = tables.get("plan", {}), tables.get("recipe", {})
        if not isinstance(own, dict) or not isinstance(recipe, dict):
            raise PlanError("A plan has a [plan] and a [recipe] table.")
        default = cls()
        given: dict[str, Any] = {}
        for key, value in own.items():
            if key not in _own_fields():
                raise PlanError(f"A plan has no {key!r}.")
            given[key] = _fitting(key, value, getattr(default, key))
        try:
            shared = Recipe.from_mapping({**_mapping(default.recipe), **recipe})
        except RecipeError as error:
            raise PlanError(f"The recipe of the plan can't be used: {error}") from error
        return cls(**given, recipe=shared)


def _own_fields() -> tuple[str, ...]:
    return tuple(field.name for field in fields(ScalingPlan) if field.name != "recipe")


def _mapping(recipe: Recipe) -> dict[str, Any]:
    return {field.name: getattr(recipe, field.name) for field in fields(recipe)}


def _fitting(key: str, value: Any, default: Any) -> Any:
    """A value of TOML as the plan has it.

    Raises:
        PlanError: it has the wrong type.
    """
    if isinstance(default, tuple):
        if isinstance(value, list) and all(type(one) is int for one in value):
            return tuple(value)
        raise PlanError(f"{key} is {value!r}; a list of whole numbers is needed.")
    if isinstance(default, float) and type(value) is int:
        value = float(value)
    if type(value) is not type(default):
        raise PlanError(
            f"{key} is {value!r}, which is a {type(value).__name__}; "
            f"a {type(default).__name__} is needed."
        )
    return value

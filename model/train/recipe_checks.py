"""What of a recipe can't be right, in a sentence on the first such value.

Knows recipes, configs, tasks and watches; no torch, no file.
"""

from __future__ import annotations

import math
from dataclasses import fields
from typing import get_args

from model.config import (
    ConfigError,
    NormKind,
)
from model.counting import counted
from model.train.conditions import check_asked
from model.train.rate_changes import parsed
from model.train.recipe import (
    TASK_TOKENIZER,
    WORLD,
    Objective,
    Optimiser,
    Precision,
    Recipe,
    RecipeError,
    Schedule,
    Tuning,
)
from model.train.tasks.chosen import TaskError, chosen_task, is_task
from model.train.watches import WatchError

_NOT_NEGATIVE = (
    "data_tokens",
    "micro_batch",
    "min_lr",
    "warmup_steps",
    "weight_decay",
    "grad_clip",
    "logit_cap",
    "seed",
    "eval_every",
    "eval_batches",
    "sample_every",
    "snapshot_every",
    "snapshot_mb",
    "curves_every",
    "max_seconds",
    "target_val_loss",
    "threads",
)


def check(recipe: Recipe) -> None:
    """See that a recipe can be run.

    Raises:
        RecipeError: with one sentence on the first value that can't be right.
    """
    for field in fields(recipe):
        value = getattr(recipe, field.name)
        if isinstance(value, float) and not math.isfinite(value):
            raise RecipeError(f"{field.name} is {value}; it must be a finite number.")
    for name in ("steps", "batch_size", "sample_tokens"):
        if getattr(recipe, name) < 1:
            raise RecipeError(f"{name} is {getattr(recipe, name)}; it must be at least 1.")
    for name in _NOT_NEGATIVE:
        if getattr(recipe, name) < 0:
            raise RecipeError(f"{name} is {getattr(recipe, name)}; it can't be negative.")
    for name in ("lr", "init_std", "matrix_lr", "rotary_base"):
        if getattr(recipe, name) <= 0:
            raise RecipeError(f"{name} is {getattr(recipe, name)}; it must be above 0.")
    for name in ("beta1", "beta2", "dropout", "momentum"):
        if not 0 <= getattr(recipe, name) < 1:
            raise RecipeError(f"{name} is {getattr(recipe, name)}; it must be from 0 up to 1.")
    if recipe.min_lr > recipe.lr:
        raise RecipeError(f"min_lr {recipe.min_lr} is above lr {recipe.lr}: lower it too.")
    if recipe.norm not in get_args(NormKind):
        raise RecipeError(
            f"norm is {recipe.norm!r}; known are {', '.join(get_args(NormKind))}. To have none, "
            "set norms to false."
        )
    if recipe.seed >= 1 << 63:
        raise RecipeError(f"seed is {recipe.seed}; it must be below 2^63.")
    if recipe.tuning not in get_args(Tuning):
        raise RecipeError(f"tuning is {recipe.tuning!r}; known are full and lora.")
    if recipe.tuning and not recipe.weights:
        raise RecipeError("Fine-tuning needs a model: give its path as weights.")
    if recipe.objective not in get_args(Objective):
        raise RecipeError(f"objective is {recipe.objective!r}; known are text and preferences.")
    if recipe.objective == "preferences" and (not recipe.tuning or recipe.data == WORLD):
        raise RecipeError(
            "Preferences are learned by a model that is there, from a file of choices: give "
            "tuning, weights and data."
        )
    if recipe.objective == "preferences" and recipe.interventions():
        raise RecipeError(
            "Preferences are learned by the whole model: leave residual, mask and norms true."
        )
    if recipe.tuning == "lora" and recipe.optimiser != "adamw":
        raise RecipeError(f"optimiser is {recipe.optimiser!r}; a low-rank change learns by adamw.")
    if recipe.dpo_beta <= 0:
        raise RecipeError(f"dpo_beta is {recipe.dpo_beta:g}; it must be above 0.")
    if recipe.lora_rank < 1 or recipe.lora_alpha <= 0:
        raise RecipeError(
            f"lora_rank is {recipe.lora_rank} and lora_alpha {recipe.lora_alpha:g}; the rank must "
            "be at least 1 and alpha above 0."
        )
    for name, choices in (
        ("schedule", Schedule),
        ("optimiser", Optimiser),
        ("precision", Precision),
    ):
        if getattr(recipe, name) not in get_args(choices):
            raise RecipeError(
                f"{name} is {getattr(recipe, name)!r}; known are {', '.join(get_args(choices))}."
            )
    try:
        parsed(recipe.lr_changes)
    except ValueError as error:
        raise RecipeError(f"lr_changes can't be read: {error}.") from error
    if not recipe.data:
        raise RecipeError("There is no text to train on: give a text file, or 'world'.")
    if recipe.data == WORLD and recipe.data_tokens < 1:
        raise RecipeError("data_tokens is 0: the story world would have no text.")
    _check_task(recipe)
    if not recipe.tokenizer:
        raise RecipeError("There is no tokenizer: give char, bpe:SIZE or a path.")
    _ = recipe.bpe_size
    if recipe.dropout and recipe.interventions():
        raise RecipeError("Without residual connections, a mask or norms there can be no dropout.")
    if recipe.n_heads > 0 and recipe.d_model > 0:
        _check_heads(recipe)
    try:
        config = recipe.config(d_vocab=1)
        recipe.first_weights.check(config)
    except ConfigError as error:
        raise RecipeError(str(error)) from error
    try:
        check_asked(config, recipe.watched, recipe.stop_when)
    except WatchError as error:
        raise RecipeError(str(error)) from error


def _check_task(recipe: Recipe) -> None:
    """A task's examples are read whole, by its own vocabulary."""
    if not is_task(recipe.data):
        if recipe.tokenizer == TASK_TOKENIZER:
            raise RecipeError(
                f"The tokenizer 'task' is that of a task, and {recipe.data} is none: give char, "
                "bpe:SIZE or a path."
            )
        return
    try:
        chosen = chosen_task(recipe.data)
    except TaskError as error:
        raise RecipeError(str(error)) from error
    if recipe.tokenizer != TASK_TOKENIZER:
        raise RecipeError(
            f"A task has a vocabulary of its own, so that {recipe.data} can't be cut by "
            f"{recipe.tokenizer!r}: set tokenizer to 'task'."
        )
    if recipe.n_ctx != chosen.n_ctx:
        raise RecipeError(
            f"n_ctx is {recipe.n_ctx}; of an example of {recipe.data} a network reads "
            f"{chosen.n_ctx} tokens: set n_ctx to {chosen.n_ctx}."
        )
    if recipe.data_tokens < chosen.n_tokens:
        raise RecipeError(
            f"data_tokens is {recipe.data_tokens}; one example of {recipe.data} has "
            f"{chosen.n_tokens}."
        )


def _check_heads(recipe: Recipe) -> None:
    """In the terms of a recipe, which has no size of a head of its own."""
    d_head, left = divmod(recipe.d_model, recipe.n_heads)
    if left:
        raise RecipeError(
            f"d_model {recipe.d_model} does not divide into {counted(recipe.n_heads, 'head')}: "
            f"make d_model a multiple of n_heads, for example "
            f"{max(1, round(recipe.d_model / recipe.n_heads)) * recipe.n_heads}."
        )
    if recipe.positions == "rotary" and d_head % 2:
        raise RecipeError(
            f"Rotary positions turn pairs of dimensions, and d_model / n_heads is {d_head}: "
            f"make d_model a multiple of twice n_heads, for example "
            f"{2 * recipe.n_heads * max(1, round(d_head / 2))}."
        )

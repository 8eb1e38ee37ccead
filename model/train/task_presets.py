"""A recipe for each toy task: minutes on two cores at most.

Knows recipes and tasks; no torch, no files.
"""

from __future__ import annotations

from dataclasses import replace

from model.train.recipe import TASK_TOKENIZER, Recipe
from model.train.tasks.chosen import PREFIX, Chosen, chosen_task
from model.train.tasks.list import TASKS


def _recipe(name: str, **more: object) -> Recipe:
    chosen = chosen_task(PREFIX + name)
    fields: dict[str, object] = {
        "name": name,
        "data": chosen.word,
        "tokenizer": TASK_TOKENIZER,
        "n_ctx": chosen.n_ctx,
        "sample_tokens": chosen.n_tokens - chosen.answer_at,
        "data_tokens": 50_000 * chosen.n_tokens,
        "n_layers": 2,
        "n_heads": 4,
        "d_model": 64,
        "activation": "gelu",
        "tied_embeddings": False,
        "batch_size": 128,
        "steps": 800,
        "lr": 3e-3,
        "min_lr": 1e-4,
        "warmup_steps": 50,
        "eval_every": 50,
        "eval_batches": 0,
        "sample_every": 250,
        "snapshot_every": 250,
        "snapshot_early": True,
        "snapshot_mb": 512,
    }
    return Recipe.from_mapping(fields | more)


_MODULAR_ADDITION = _recipe(
    # Power et al. 2022 and Nanda et al. 2023: all of the 30 % in every batch, weight decay 1. Three
    # times their rate of 1e-3 groks within some hundred steps, where 1e-3 takes thousands; without
    # clipping and with a beta2 of 0.98 it forgets all it knew on the way.
    "modular-addition",
    n_layers=1,
    d_model=128,
    d_mlp=512,
    activation="relu",
    batch_size=3831,
    seed=1,
    steps=1000,
    min_lr=3e-3,
    precision="auto",
    warmup_steps=10,
    schedule="constant",
    weight_decay=1.0,
    beta2=0.95,
    grad_clip=1.0,
    eval_every=20,
    eval_batches=1,
    sample_every=200,
    snapshot_every=200,
)

_ALL = (
    _recipe("sorting"),
    _recipe("addition"),
    _MODULAR_ADDITION,
    _recipe("brackets", steps=300, eval_every=10, sample_every=50, snapshot_every=50),
    _recipe("copying", steps=200, eval_every=10, sample_every=50, snapshot_every=50),
)

TASK_PRESETS = {recipe.name: recipe for recipe in _ALL}
"""By the task's name."""


def recipe_of_task(word: str, base: Recipe | None = None) -> Recipe:
    """A recipe for a task.

    Args:
        word: ``NAME`` or ``NAME:SIZE``, with ``task:`` before it or without.
        base: what else it has; the task's own preset if left out.

    Raises:
        TaskError: there is no such task.
    """
    chosen = chosen_task(word)
    base = TASK_PRESETS[chosen.task.name] if base is None else base
    return for_task(base, chosen)


def for_task(recipe: Recipe, chosen: Chosen) -> Recipe:
    """A recipe with all that follows from its task."""
    n_train = max(1, round(chosen.task.train_share * chosen.n_questions))
    n_train = min(n_train, recipe.data_tokens // chosen.n_tokens)
    of_name = TASK_PRESETS[chosen.task.name]
    whole = chosen.task.name in _WHOLE and recipe.batch_size == of_name.batch_size
    return replace(
        recipe,
        data=chosen.word,
        tokenizer=TASK_TOKENIZER,
        n_ctx=chosen.n_ctx,
        sample_tokens=chosen.n_tokens - chosen.answer_at,
        batch_size=n_train if whole else max(1, min(recipe.batch_size, n_train)),
    )


_WHOLE = ("modular-addition",)
"""Tasks whose preset takes all examples in every batch."""

assert TASK_PRESETS.keys() == TASKS.keys()

"""Recipes that are worth having by name.

Each says what it is for; ``data`` is empty where a text is to be chosen. Knows no torch, no files.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from model.train.recipe import Recipe, RecipeError

_STORY_WORLD = Recipe(
    # The bundled model. Small on purpose: with 1.1M parameters every head can be looked at, and it
    # learns in half an hour on one core. Half the width left 4 of 10 gendered analogies wrong.
    # GELU by erf: on CPUs its forward takes a third of the tanh form's time.
    name="story-world",
    data="world",
    data_tokens=5_000_000,
    tokenizer="bpe:1280",
    n_layers=4,
    n_heads=4,
    d_model=128,
    n_ctx=128,
    activation="gelu",
    # Untied, with a small variance: the input embeddings are free to take the straight
    # differences (king - man + woman = queen) that tied ones give up for the output's sake.
    tied_embeddings=False,
    init_std=0.02,
    batch_size=8,
    steps=14_000,
    lr=2e-3,
    min_lr=1e-4,
    warmup_steps=100,
    eval_every=1000,
    sample_every=1000,
    sample_prompt="Once there was a",
    snapshot_every=1000,
    snapshot_early=True,
    snapshot_states=True,
    snapshot_mb=1024,
    curves_every=100,
)

_MINUTE = replace(
    # A higher rate and a single layer: copying and most facts are not learned in a minute, but the
    # analogies come true before a person's eyes. Two layers take twice as long, and a width of 64
    # got no further than 66 %.
    _STORY_WORLD,
    name="minute",
    data_tokens=600_000,
    n_layers=1,
    n_ctx=64,
    batch_size=16,
    steps=800,
    lr=6e-3,
    min_lr=5e-4,
    warmup_steps=50,
    eval_every=50,
    sample_every=100,
    snapshot_every=50,
    curves_every=20,
)

_SHAKESPEARE_CPU = Recipe(
    # nanoGPT's setting for a laptop's CPU, whose published result is a loss of 1.88.
    name="shakespeare-cpu",
    data="",
    tokenizer="char",
    n_layers=4,
    n_heads=4,
    d_model=128,
    n_ctx=64,
    activation="gelu",
    batch_size=12,
    steps=2000,
    lr=1e-3,
    min_lr=1e-4,
    warmup_steps=100,
    weight_decay=0.1,
    beta2=0.99,
    grad_clip=1.0,
    eval_every=250,
    eval_batches=20,
    sample_every=250,
    snapshot_every=250,
    snapshot_early=True,
    snapshot_states=True,
    snapshot_mb=1024,
    curves_every=50,
)

_SHAKESPEARE_GPU = replace(
    # nanoGPT's setting for one GPU: 10.7M parameters, best published validation loss 1.4697.
    _SHAKESPEARE_CPU,
    name="shakespeare-gpu",
    n_layers=6,
    n_heads=6,
    d_model=384,
    n_ctx=256,
    dropout=0.2,
    batch_size=64,
    steps=5000,
    eval_batches=200,
    snapshot_states=False,  # 130 MB each
)

_TINY = Recipe(
    # Seconds on one core: for tests, and to see that everything works.
    name="tiny",
    data="world",
    data_tokens=20_000,
    tokenizer="char",
    n_layers=2,
    n_heads=2,
    d_model=32,
    n_ctx=32,
    batch_size=8,
    steps=100,
    lr=3e-3,
    min_lr=3e-4,
    warmup_steps=10,
    eval_every=25,
    eval_batches=4,
    sample_every=50,
    sample_tokens=32,
    snapshot_every=25,
    curves_every=5,
    snapshot_states=True,
)

PRESETS: Mapping[str, Recipe] = MappingProxyType(
    {
        recipe.name: recipe
        for recipe in (_MINUTE, _STORY_WORLD, _SHAKESPEARE_CPU, _SHAKESPEARE_GPU, _TINY)
    }
)


def preset(name: str) -> Recipe:
    """A recipe by name.

    Raises:
        RecipeError: there is none of this name; the message lists those there are.
    """
    if name not in PRESETS:
        raise RecipeError(f"There is no preset {name!r}; known are {', '.join(PRESETS)}.")
    return PRESETS[name]

"""Recipes that are worth having by name.

Each says what it is for; ``data`` is empty where a text is to be chosen. Knows no torch, no files.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from model.train.recipe import Recipe, RecipeError
from model.train.task_presets import TASK_PRESETS

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

_CLASSIC = Recipe(
    # nanoGPT's setting for a laptop's CPU, whose published result is a loss of 1.88. In bfloat16
    # where the processor is fast at it: it ends at the same loss, in less than half the time.
    name="classic",
    data="",
    tokenizer="char",
    n_layers=4,
    n_heads=4,
    d_model=128,
    n_ctx=64,
    activation="gelu",
    batch_size=12,
    precision="auto",
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

_FAST = Recipe(
    # The loss of `classic` in a tenth of its time and less, with fewer parameters. What each of its
    # choices gives is in docs/decisions.md.
    name="fast",
    data="",
    tokenizer="char",
    n_layers=2,
    n_heads=3,
    d_model=96,
    n_ctx=64,
    norm="rms",
    norm_weights=False,
    embedding_norm=True,
    positions="rotary",
    # The slowest pair of dimensions turns by a tenth a token: a base for thousands of tokens would
    # hardly turn most of them within 64.
    rotary_base=10.0,
    qk_norm=True,
    head_offsets="1,2,3",
    activation="relu2",
    mlp_bias=False,
    tied_embeddings=False,
    zero_outputs=True,
    init_std=0.08,
    precision="auto",
    optimiser="muon",
    matrix_lr=0.06,
    momentum=0.85,
    batch_size=16,
    steps=170,
    lr=1e-2,
    min_lr=0.0,
    warmup_steps=5,
    schedule="linear",
    weight_decay=0.0,
    beta1=0.8,
    beta2=0.95,
    # Muon's steps have a length of their own, and the schedule is short: nothing was won by it.
    grad_clip=0.0,
    eval_every=0,
    eval_batches=0,
    sample_every=85,
    snapshot_every=85,
    snapshot_early=True,
    snapshot_states=True,
    snapshot_mb=1024,
    # A dozen points of each curve; a measurement takes as long as a third of an update.
    curves_every=14,
)

_SHAKESPEARE_GPU = replace(
    # nanoGPT's setting for one GPU: 10.7M parameters, best published validation loss 1.4697.
    _CLASSIC,
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
        for recipe in (_MINUTE, _STORY_WORLD, _FAST, _CLASSIC, _SHAKESPEARE_GPU, _TINY)
    }
    | TASK_PRESETS
)

ALIASES: Mapping[str, str] = MappingProxyType({"shakespeare-cpu": "classic"})
"""Names that presets had before."""


def preset(name: str) -> Recipe:
    """A recipe by name.

    Raises:
        RecipeError: there is none of this name; the message lists those there are.
    """
    name = ALIASES.get(name, name)
    if name not in PRESETS:
        raise RecipeError(f"There is no preset {name!r}; known are {', '.join(PRESETS)}.")
    return PRESETS[name]

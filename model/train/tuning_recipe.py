"""The recipe that fine-tuning begins from, for a model of a size. Knows no torch, no files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from model.hub.names import cached_name
from model.preview import FILES, checkpoint_name
from model.train.recipe import Recipe, Tuning
from model.train.run_folder import SNAPSHOTS

LARGE = 20_000_000
"""Parameters above which snapshots between first and last would cost more than they show."""
_LONGEST = 128
_NAME = 40
"""Letters of a model's name that a run's name begins with."""
_RATES: dict[Tuning, float] = {"lora": 1e-3, "full": 1e-4}
"""Of AdamW: an adapter, which begins at zero, takes ten times what all weights bear (Biderman et
al. 2024, arXiv:2405.09673)."""


def base_name(weights: str) -> str:
    """What a run is named after that begins with a model: 40 letters of its name at most.

    A folder's name is taken whole: what follows its last dot is no suffix (``Qwen2.5-0.5B``). One
    of a run's snapshots goes by the run, one in the cache of a hub by its name there.
    """
    path = Path(weights)
    cached = cached_name(path)
    if cached is None and path.parent.name == SNAPSHOTS:
        path = path.parent.parent
    name = checkpoint_name(path) if cached is None else cached.rpartition("/")[2]
    stem, dot, suffix = name.rpartition(".")
    return (stem if dot + suffix.lower() in FILES else name)[:_NAME] or "model"


def tuning_recipe(
    weights: str, data: str, n_ctx: int, n_params: int, tuning: Tuning = "lora"
) -> Recipe:
    """What to tune a model by, where nobody chose otherwise.

    Args:
        weights: path of the model.
        data: a text file, or ``"world"``.
        n_ctx: tokens that the model reads at most.
        n_params: its parameters.
        tuning: ``lora`` or ``full``.
    """
    large = n_params > LARGE
    rate = _RATES[tuning]
    return Recipe(
        name=f"{base_name(weights)}-{tuning}",
        data=data,
        data_tokens=100_000,
        tokenizer=weights,
        weights=weights,
        tuning=tuning,
        n_ctx=min(n_ctx, _LONGEST),
        batch_size=4 if large else 8,
        steps=100 if large else 300,
        lr=rate,
        min_lr=rate / 10,
        warmup_steps=10,
        weight_decay=0.0,
        beta2=0.999,
        eval_every=25,
        eval_batches=4 if large else 10,
        sample_every=50,
        sample_tokens=32,
        snapshot_every=0 if large else 50,
        snapshot_early=not large,
        snapshot_mb=1024,
    )


def preferences_recipe(weights: str, n_ctx: int, n_params: int) -> Recipe:
    """What choices are learned by, where nobody chose otherwise: some steps of DPO on an adapter.

    Args:
        weights: path of the model.
        n_ctx: tokens that the model reads at most.
        n_params: its parameters.
    """
    base = tuning_recipe(weights, "choices.jsonl", n_ctx, n_params, "lora")
    return replace(
        base,
        name=f"{base_name(weights)}-dpo",
        objective="preferences",
        n_ctx=n_ctx,
        batch_size=4,
        steps=20,
        lr=3e-4,
        min_lr=3e-4,
        warmup_steps=0,
        eval_every=5,
        sample_every=0,
        snapshot_every=0 if n_params > LARGE else 5,
        snapshot_early=False,
    )

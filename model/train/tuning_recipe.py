"""The recipe that fine-tuning begins from, for a model of a size. Knows no torch, no files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from model.train.recipe import Recipe, Tuning

LARGE = 20_000_000
"""Parameters above which snapshots between first and last would cost more than they show."""
_LONGEST = 128
_RATES: dict[Tuning, float] = {"lora": 1e-3, "full": 1e-4}
"""Of AdamW: an adapter, which begins at zero, takes ten times what all weights bear (Biderman et
al. 2024, arXiv:2405.09673)."""


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
        name=f"{Path(weights).stem[:40] or 'model'}-{tuning}",
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
        name=f"{Path(weights).stem[:40] or 'model'}-dpo",
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

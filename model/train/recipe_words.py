"""What the settings of a recipe are, in words: their sections, a sentence and the choices of each.

Read off the recipe itself, so that a setting that is added there is explained wherever recipes are
shown. Knows the recipe and the network's config.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, fields
from functools import cache
from inspect import cleandoc
from types import MappingProxyType
from typing import Any, get_args, get_type_hints

from model.config import TransformerConfig
from model.train.recipe import Recipe

_SECTIONS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "Text": ("name", "data", "data_tokens", "tokenizer", "weights"),
        "Network": (
            "n_layers",
            "n_heads",
            "n_kv_heads",
            "d_model",
            "d_mlp",
            "n_ctx",
            "norm",
            "positions",
            "activation",
            "gated",
            "attention_bias",
            "mlp_bias",
            "tied_embeddings",
            "dropout",
            "residual",
            "mask",
            "norms",
            "init_std",
        ),
        "Learning": (
            "steps",
            "batch_size",
            "micro_batch",
            "lr",
            "min_lr",
            "warmup_steps",
            "schedule",
            "lr_changes",
            "weight_decay",
            "beta1",
            "beta2",
            "grad_clip",
            "seed",
        ),
        "Measuring": (
            "eval_every",
            "eval_batches",
            "sample_every",
            "sample_prompt",
            "sample_tokens",
        ),
        "Keeping": ("snapshot_every", "snapshot_early", "snapshot_states", "snapshot_mb"),
        "Ending": ("max_seconds", "target_val_loss", "threads"),
    }
)
_OTHERS = "Further"
_AS_IN_CONFIG = "as in TransformerConfig"
_NETWORK = {
    "attention_bias": "whether attention's linear maps carry a bias.",
    "mlp_bias": "whether the MLP's linear maps carry a bias.",
    "d_mlp": "width of the MLP's hidden layer.",
    "norm": "LayerNorm (mean and variance, scale and bias) or RMSNorm (scale only).",
}
_ZERO_IS_DEFAULT = ("n_kv_heads", "d_mlp")


@cache
def sections() -> Mapping[str, tuple[str, ...]]:
    """The settings by section, all of them, in order."""
    named = {name for names in _SECTIONS.values() for name in names}
    others = tuple(field.name for field in fields(Recipe) if field.name not in named)
    return MappingProxyType({**_SECTIONS, **({_OTHERS: others} if others else {})})


def sentence(name: str) -> str:
    """What a setting is."""
    said = _sentences(Recipe).get(name, "")
    if not said.startswith(_AS_IN_CONFIG):
        return said
    of_network = {**_sentences(TransformerConfig), **_NETWORK}.get(name, "")
    return of_network + (" 0 takes its default." if name in _ZERO_IS_DEFAULT else "")


@cache
def _sentences(of: type) -> Mapping[str, str]:
    """What a class's docstring says of each of its attributes."""
    _, _, listed = cleandoc(of.__doc__ or "").partition("Attributes:\n")
    listed = listed.partition("\n\n")[0]
    found: dict[str, str] = {}
    for entry in re.split(r"\n(?=    \S)", listed):
        head, _, words = entry.strip().partition(":")
        said = " ".join(words.split()).replace("``", "").replace("`", "")
        found.update((name.strip(), said) for name in head.split(","))
    return found


def options(name: str) -> tuple[str, ...]:
    """What a setting can be, as it is typed; empty where it is a number or words."""
    kind = get_type_hints(Recipe)[name]
    return ("true", "false") if kind is bool else tuple(map(str, get_args(kind)))


def typed(value: Any) -> str:
    """A value as people type it; fractions in six digits."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else f"{value}"


def values(recipe: Recipe) -> dict[str, str]:
    """All settings of a recipe as they are typed."""
    return {name: typed(value) for name, value in asdict(recipe).items()}

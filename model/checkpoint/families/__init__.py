"""The families of networks that can be opened: one small file each, of names and reshapes.

A new family is a module whose ``FAMILY`` says all that is known of it, and its line in `MODULES`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from difflib import get_close_matches
from functools import cache
from importlib import import_module
from typing import Any

from model.checkpoint.errors import CheckpointError
from model.checkpoint.families.family import Family, Heads
from model.checkpoint.values import where
from model.config import ConfigError, TransformerConfig

__all__ = ["FAMILIES", "MODULES", "Family", "Heads", "family_for", "family_of"]

MODULES = (
    "model.checkpoint.families.bert",
    "model.checkpoint.families.bloom",
    "model.checkpoint.families.distilbert",
    "model.checkpoint.families.falcon",
    "model.checkpoint.families.gemma",
    "model.checkpoint.families.gemma2",
    "model.checkpoint.families.gemma3",
    "model.checkpoint.families.gpt2",
    "model.checkpoint.families.gpt_neo",
    "model.checkpoint.families.gpt_neox",
    "model.checkpoint.families.gptj",
    "model.checkpoint.families.granite",
    "model.checkpoint.families.llama",
    "model.checkpoint.families.mistral",
    "model.checkpoint.families.mixtral",
    "model.checkpoint.families.modernbert",
    "model.checkpoint.families.mpt",
    "model.checkpoint.families.nanochat",
    "model.checkpoint.families.olmo2",
    "model.checkpoint.families.opt",
    "model.checkpoint.families.phi",
    "model.checkpoint.families.phi3",
    "model.checkpoint.families.qwen2",
    "model.checkpoint.families.qwen3",
    "model.checkpoint.families.roberta",
    "model.checkpoint.families.smollm3",
    "model.checkpoint.families.stablelm",
    "model.checkpoint.families.starcoder2",
)


@cache
def _listed(modules: tuple[str, ...]) -> dict[str, Family]:
    families: list[Family] = [import_module(module).FAMILY for module in modules]
    return {family.model_type: family for family in families}


class _Families(Mapping[str, Family]):
    """The families of `MODULES`, as it is when they are looked up, by their model_type."""

    def __getitem__(self, model_type: str) -> Family:
        return _listed(MODULES)[model_type]

    def __iter__(self) -> Iterator[str]:
        return iter(_listed(MODULES))

    def __len__(self) -> int:
        return len(_listed(MODULES))


FAMILIES = _Families()
# Now, not in the middle of opening a file.
_listed(MODULES)


_USUAL = ("gpt2", "llama", "nanochat", "qwen3", "starcoder2")
"""Asked first: what several families can describe is saved as the one that most programs know."""


def family_for(config: TransformerConfig) -> str:
    """The family as which a network can be saved, so that transformers loads it to equal logits.

    Args:
        config: of the network; its dropout, which only training has, is no matter.

    Returns:
        Its model_type.

    Raises:
        CheckpointError: no family describes the network.
    """
    bare = replace(config, dropout=0.0)
    for model_type in dict.fromkeys((*_USUAL, *FAMILIES)):
        try:
            FAMILIES[model_type].config_to_hf(bare)
        except (CheckpointError, ConfigError):  # what it would be there, no network can be
            continue
        return model_type
    raise CheckpointError(
        f"No family of networks that transformers knows has {_parts(config)} together, so this "
        "network could not be saved. Positions 'learned' with norm 'layer' make a GPT-2; "
        "'rotary' with 'rms', a gated MLP and no biases a Llama; 'rotary' with 'rms', qk_norm, "
        "embedding_norm, activation 'relu2' and neither norm_weights nor mlp_bias a nanochat."
    )


def _parts(config: TransformerConfig) -> str:
    """What of a network families differ in, in the words of a recipe."""
    words = [
        f"positions {config.positions!r}",
        f"norm {config.norm!r}",
        "a gated MLP" if config.gated else "a plain MLP",
        "biases" if config.qkv_bias or config.mlp_bias else "no biases",
    ]
    words += ["qk_norm"] if config.qk_norm is not None else []
    words += [] if config.norms.weight else ["norms without weights"]
    words += ["embedding_norm"] if config.norms.embedding else []
    words += ["logit_cap"] if config.caps.logits is not None else []
    return ", ".join(words)


def family_of(hf: Mapping[str, Any]) -> Family:
    """The family that a config.json names.

    Raises:
        CheckpointError: it names none, or one that is not known here.
    """
    model_type = hf.get("model_type")
    if not isinstance(model_type, str):
        raise CheckpointError(
            f"{where(hf)} has no 'model_type', so the kind of network is unknown; "
            f"add it, if this is one of {', '.join(FAMILIES)}."
        )
    if model_type in FAMILIES:
        return FAMILIES[model_type]
    near = get_close_matches(model_type, FAMILIES, n=3, cutoff=0.4)
    nearest = f"the nearest known are {', '.join(near)}" if near else "none that is known is near"
    raise CheckpointError(
        f"{where(hf)} says model_type {model_type[:60]!r}, which is not supported; {nearest} "
        f"(supported: {', '.join(FAMILIES)})."
    )

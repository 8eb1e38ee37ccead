"""The families of networks that can be opened: one small file each, of names and reshapes.

A new family is a module whose ``FAMILY`` says all that is known of it, and its line in `MODULES`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from functools import cache
from importlib import import_module
from typing import Any

from model.checkpoint.errors import CheckpointError
from model.checkpoint.families.family import Family, Heads
from model.checkpoint.values import where

__all__ = ["FAMILIES", "MODULES", "Family", "Heads", "family_of"]

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

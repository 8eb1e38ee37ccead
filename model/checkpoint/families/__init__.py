"""The families of networks that can be opened: one small file each, of names and reshapes.

A new family is a new module here with what `Family` lists, and one line in `FAMILIES`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any, Protocol, runtime_checkable

from torch import Tensor

from model.checkpoint.errors import CheckpointError
from model.checkpoint.families import (
    bert,
    bloom,
    distilbert,
    falcon,
    gemma,
    gemma2,
    gemma3,
    gpt2,
    gpt_neo,
    gpt_neox,
    gptj,
    granite,
    llama,
    mistral,
    mixtral,
    modernbert,
    mpt,
    olmo2,
    opt,
    phi,
    phi3,
    qwen2,
    qwen3,
    roberta,
    smollm3,
    stablelm,
    starcoder2,
)
from model.checkpoint.values import where
from model.config import TransformerConfig


class Family(Protocol):
    """What a family's module provides.

    ``model_type`` is the name in config.json. A *canonical* name is the one under which
    transformers saves a tensor today; a file may hold it under an older one. ``tied_names`` are
    the canonical names of the unembedding and of the embedding that it may be tied to.
    """

    model_type: str
    tied_names: tuple[str, str]

    def config_from_hf(self, hf: Mapping[str, Any]) -> TransformerConfig:
        """The network's shape, or a CheckpointError naming the key that does not fit."""

    def config_to_hf(self, config: TransformerConfig) -> dict[str, Any]:
        """config.json for such a network, or a CheckpointError saying why there is none."""

    def canonical_name(self, name: str) -> str | None:
        """The canonical name of a tensor in a file; None for a buffer that is no weight."""

    def state_from_hf(
        self, tensors: Mapping[str, Tensor], config: TransformerConfig
    ) -> dict[str, Tensor]:
        """The network's state dict from tensors under their canonical names.

        The mapping reads a tensor when it is asked for it: ask once.
        """

    def state_to_hf(
        self, state: Mapping[str, Tensor], config: TransformerConfig
    ) -> dict[str, Tensor]:
        """Tensors under their canonical names from the network's state dict.

        Also run on tensors that hold no values yet, to know which names and shapes a file
        must hold; so it only renames, reshapes, transposes and joins.
        """


@runtime_checkable
class Headed(Family, Protocol):
    """A family that is saved with heads for several tasks, not all of them built here."""

    def architecture_of(self, names: Sequence[str]) -> str:
        """What config.json would have named as architecture, from the names in a file."""

    def left_out(self, name: str, config: TransformerConfig) -> str | None:
        """What a person calls the part that a tensor is of and that is not built here.

        Args:
            name: canonical.
            config: of the network that is built.

        Returns:
            None for a tensor of the network, or of no known part; empty for a copy of one.
        """


FAMILIES: dict[str, Family] = {
    family.model_type: family
    for family in (
        bert,
        bloom,
        distilbert,
        falcon,
        gemma,
        gemma2,
        gemma3,
        gpt2,
        gpt_neo,
        gpt_neox,
        gptj,
        granite,
        llama,
        mistral,
        mixtral,
        modernbert,
        mpt,
        olmo2,
        opt,
        phi,
        phi3,
        qwen2,
        qwen3,
        roberta,
        smollm3,
        stablelm,
        starcoder2,
    )
}


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

"""The language model of a checkpoint that also reads pictures: Gemma 3 from 4B up.

Such a file keeps two networks: one that turns pictures into vectors, and the decoder whose family
is known here. Tells of the second only; reads no weight.
"""

from __future__ import annotations

from collections.abc import Mapping

from model.checkpoint.errors import CheckpointError
from model.checkpoint.families import FAMILIES
from model.checkpoint.stored import StoredTensor
from model.checkpoint.values import Config

_LANGUAGE = "language_model."


def text_part(
    hf: Config, tensors: Mapping[str, StoredTensor]
) -> tuple[Config, Mapping[str, StoredTensor], tuple[str, ...]]:
    """Config and tensors of the language model inside, and what to say of the rest.

    A checkpoint that is one network is given back as it is.

    Raises:
        CheckpointError: the config says nothing usable of the language model.
    """
    model_type = hf.get("model_type")
    if not isinstance(model_type, str):
        return hf, tensors, ()
    family = next((one for one in FAMILIES.values() if model_type in one.inside), None)
    if family is None:
        return hf, tensors, ()
    usual = family.inside[model_type]
    text = hf.get("text_config")
    if not isinstance(text, dict):
        raise CheckpointError(
            f"{hf.where} has no 'text_config', which says how large the language model is; copy "
            "the file again."
        )
    own = {
        name: tensor for stored, tensor in tensors.items() if (name := _name(stored)) is not None
    }
    n_others = len(tensors) - len(own)
    notes = (
        "Opened is the language model; left out is what turns pictures into vectors "
        f"({n_others} {'tensor' if n_others == 1 else 'tensors'}).",
    )
    return Config({**usual, **text, "model_type": family.model_type}, hf.where), own, notes


def _name(stored: str) -> str | None:
    """A tensor's name in the language model alone; None if it is of another part.

    ``language_model.model.layers…`` in published files and in those that transformers writes,
    ``model.language_model.layers…`` in the state of its live network, as `torch.save` keeps it.
    """
    bare = stored.removeprefix("model.")
    if bare.startswith(_LANGUAGE):
        bare = bare.removeprefix(_LANGUAGE).removeprefix("model.")
        return bare if bare.startswith("lm_head.") else f"model.{bare}"
    return stored if stored.startswith("lm_head.") else None

"""BERT (Devlin et al. 2018): an encoder that predicts masked tokens, or ends without a head."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from model.checkpoint.families import encoder
from model.checkpoint.families.family import Family, Heads
from model.checkpoint.families.likeness import refuse_unlike
from model.checkpoint.families.rules import Rule, read_state, write_state
from model.config import TransformerConfig

MODEL_TYPE = "bert"
TIED_NAMES = ("cls.predictions.decoder.weight", "bert.embeddings.word_embeddings.weight")

_HEAD = "cls.predictions."
_OTHERS = (
    ("bert.pooler.", "the pooler"),
    ("cls.seq_relationship.", "the next-sentence head"),
    *encoder.TASKS,
)


def config_from_hf(hf: Mapping[str, Any]) -> TransformerConfig:
    """The shape; keys that are missing have transformers' values."""
    sizes = encoder.sizes_from_hf(hf, n_positions=512, token_types=2, usual_vocab=30522)
    return TransformerConfig(**sizes, **encoder.head_from_hf(hf, sizes["activation"]))


def config_to_hf(config: TransformerConfig) -> dict[str, Any]:
    """A BERT config, or a CheckpointError if the network is none."""
    hf = encoder.sizes_to_hf(config, MODEL_TYPE, "Bert")
    hf |= {"max_position_embeddings": config.n_ctx, "pad_token_id": 0}
    refuse_unlike("BERT", config, config_from_hf(hf))
    return hf


def canonical_name(name: str) -> str | None:
    """With ``bert.`` before the body."""
    bare = encoder.newer_name(name.removeprefix("bert."))
    if bare == "embeddings.position_ids":
        return None
    return f"bert.{bare}" if bare.startswith(("embeddings.", "encoder.", "pooler.")) else bare


def architecture_of(names: Sequence[str]) -> str:
    """What config.json would have named, from the names in the file."""
    return encoder.architecture_of(names, "Bert", _HEAD)


def left_out(name: str, config: TransformerConfig) -> str | None:
    """The part that a tensor is of and that is not built here; None for what is built."""
    if config.head == "none" and name.startswith(_HEAD):
        return "the masked-language head"
    return encoder.part_of(name, _OTHERS)


def state_from_hf(tensors: Mapping[str, Tensor], config: TransformerConfig) -> dict[str, Tensor]:
    """Renamed; queries, keys and values are joined."""
    return read_state(_rules(config), tensors)


def state_to_hf(state: Mapping[str, Tensor], config: TransformerConfig) -> dict[str, Tensor]:
    """The reverse."""
    return write_state(_rules(config), state)


def _rules(config: TransformerConfig) -> list[Rule]:
    return encoder.body(config, "bert") + encoder.masked_head(
        config,
        dense=f"{_HEAD}transform.dense",
        ln=f"{_HEAD}transform.LayerNorm",
        bias=encoder.bias_names(config, _HEAD),
        unembedding=TIED_NAMES[0],
    )


FAMILY = Family(
    model_type=MODEL_TYPE,
    title="BERT",
    tied_names=TIED_NAMES,
    config_from_hf=config_from_hf,
    config_to_hf=config_to_hf,
    canonical_name=canonical_name,
    state_from_hf=state_from_hf,
    state_to_hf=state_to_hf,
    heads=Heads(architecture_of=architecture_of, left_out=left_out),
    copies={f"{_HEAD}decoder.bias": f"{_HEAD}bias"},
)

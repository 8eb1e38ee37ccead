"""RoBERTa (Liu et al. 2019): BERT with other training, other names and positions from an offset.

Its positions are counted from ``pad_token_id + 1`` on; the rows before are never read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from model.checkpoint.errors import CheckpointError
from model.checkpoint.families import encoder
from model.checkpoint.families.family import Family, Heads
from model.checkpoint.families.likeness import refuse_unlike
from model.checkpoint.families.rules import Rule, read_state, write_state
from model.checkpoint.values import number, where
from model.config import TransformerConfig

MODEL_TYPE = "roberta"
TIED_NAMES = ("lm_head.decoder.weight", "roberta.embeddings.word_embeddings.weight")

_HEAD = "lm_head."
_OTHERS = (("roberta.pooler.", "the pooler"), *encoder.TASKS)


def config_from_hf(hf: Mapping[str, Any]) -> TransformerConfig:
    """The shape; keys that are missing have transformers' values."""
    sizes = encoder.sizes_from_hf(hf, n_positions=512, token_types=2, usual_vocab=50265)
    padding = number(hf, "pad_token_id", 1, -1)
    rows, offset = sizes["n_ctx"], int(padding) + 1
    if padding != int(padding) or offset >= rows:
        raise CheckpointError(
            f"{where(hf)}: 'pad_token_id' is {padding:g}; positions are counted from the next "
            f"number on, and there are {rows} of them ('max_position_embeddings')."
        )
    sizes |= {"n_ctx": rows - offset, "position_offset": offset}
    return TransformerConfig(**sizes, **encoder.head_from_hf(hf, "gelu"))


def config_to_hf(config: TransformerConfig) -> dict[str, Any]:
    """A RoBERTa config, or a CheckpointError if the network is none."""
    hf = encoder.sizes_to_hf(config, MODEL_TYPE, "Roberta")
    hf |= {
        "max_position_embeddings": config.n_ctx + config.position_offset,
        "pad_token_id": max(0, config.position_offset - 1),
    }
    refuse_unlike("RoBERTa", config, config_from_hf(hf))
    return hf


def canonical_name(name: str) -> str | None:
    """With ``roberta.`` before the body."""
    bare = encoder.newer_name(name.removeprefix("roberta."))
    if bare == "embeddings.position_ids":
        return None
    return f"roberta.{bare}" if bare.startswith(("embeddings.", "encoder.", "pooler.")) else bare


def architecture_of(names: Sequence[str]) -> str:
    """What config.json would have named, from the names in the file."""
    return encoder.architecture_of(names, "Roberta", _HEAD)


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
    return encoder.body(config, "roberta") + encoder.masked_head(
        config,
        dense=f"{_HEAD}dense",
        ln=f"{_HEAD}layer_norm",
        bias=encoder.bias_names(config, _HEAD),
        unembedding=TIED_NAMES[0],
    )


FAMILY = Family(
    model_type=MODEL_TYPE,
    title="RoBERTa",
    tied_names=TIED_NAMES,
    config_from_hf=config_from_hf,
    config_to_hf=config_to_hf,
    canonical_name=canonical_name,
    state_from_hf=state_from_hf,
    state_to_hf=state_to_hf,
    heads=Heads(architecture_of=architecture_of, left_out=left_out),
    copies={f"{_HEAD}decoder.bias": f"{_HEAD}bias"},
)

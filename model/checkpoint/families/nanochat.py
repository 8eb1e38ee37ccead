"""nanochat (Karpathy 2025), as transformers writes it.

Rotary heads whose queries and keys are normed, ReLU², norms without weights, one of them right
after the embedding, and soft-capped logits. It turns its heads the other way round than Llama does:
with the halves of queries and keys swapped that is the usual turn. It norms queries and keys after
the turn: without weights that is the same as before it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from model.checkpoint.families import decoder
from model.checkpoint.families.family import Family
from model.checkpoint.families.likeness import refuse_unlike
from model.checkpoint.families.rope import rotary_to_hf
from model.checkpoint.families.rules import (
    Rule,
    joined,
    read_state,
    same,
    stands_in,
    write_state,
)
from model.checkpoint.values import choice
from model.config import Caps, Norms, QKNorm, TransformerConfig

MODEL_TYPE = "nanochat"

# transformers' values of keys that a file leaves out.
_USUAL = {
    "vocab_size": 50_304,
    "hidden_size": 768,
    "intermediate_size": 8192,
    "num_hidden_layers": 12,
    "num_attention_heads": 6,
    "max_position_embeddings": 2048,
}
_CAP = 15.0


def config_from_hf(hf: Mapping[str, Any]) -> TransformerConfig:
    """The shape."""
    hf = decoder.completed(hf, _USUAL)
    return TransformerConfig(
        **decoder.sizes_from_hf(hf)
        | {
            "activation": choice(hf, "hidden_act", "relu2", decoder.ACTIVATIONS),
            "gated": False,
            "norms": Norms(weight=False, embedding=True),
            "qk_norm": QKNorm(),
            "caps": Caps(logits=decoder.cap_from_hf(hf, "final_logit_softcapping", _CAP)),
        }
    )


def config_to_hf(config: TransformerConfig) -> dict[str, Any]:
    """A nanochat config, or a CheckpointError if the network is none."""
    hf = decoder.sizes_to_hf(config, MODEL_TYPE, "NanoChatForCausalLM")
    hf["final_logit_softcapping"] = config.caps.logits
    hf |= rotary_to_hf(decoder.one_rotary(config), config.d_head)
    refuse_unlike("nanochat", config, config_from_hf(hf))
    return hf


def state_from_hf(tensors: Mapping[str, Tensor], config: TransformerConfig) -> dict[str, Tensor]:
    """Renamed; queries, keys and values joined."""
    return read_state(_rules(config), tensors)


def state_to_hf(state: Mapping[str, Tensor], config: TransformerConfig) -> dict[str, Tensor]:
    """The reverse."""
    return write_state(_rules(config), state)


def _rules(config: TransformerConfig) -> list[Rule]:
    rules = [same("embed.weight", "model.embed_tokens.weight")]
    if not config.tied_embeddings:
        rules.append(same("unembed.weight", "lm_head.weight"))
    for layer in range(config.n_layers):
        ours, theirs = f"blocks.{layer}", f"model.layers.{layer}"
        rules += _qkv(f"{ours}.attn.qkv", f"{theirs}.self_attn", config)
        rules += decoder.linear(f"{ours}.attn.out", f"{theirs}.self_attn.o_proj", config.out_bias)
        rules += decoder.linear(f"{ours}.mlp.up", f"{theirs}.mlp.fc1", False)
        rules += decoder.linear(f"{ours}.mlp.down", f"{theirs}.mlp.fc2", False)
    return rules


def _qkv(ours: str, theirs: str, config: TransformerConfig) -> list[Rule]:
    """Queries, keys and values, with the halves of each query's and key's dimensions swapped."""
    kv = config.n_kv_heads * config.d_head
    sizes = (config.n_heads * config.d_head, kv, kv)

    def swapped(tensors: Sequence[Tensor]) -> list[Tensor]:
        q, k, v = tensors
        return [_swap(q, config.d_head), _swap(k, config.d_head), v]

    def rule(kind: str) -> Rule:
        names = [f"{theirs}.{letter}_proj.{kind}" for letter in "qkv"]
        plain = joined(f"{ours}.{kind}", names, sizes)
        return Rule(
            plain.ours,
            plain.theirs,
            lambda tensors: plain.read(swapped(tensors)),
            lambda tensors: swapped(plain.write(tensors)),
        )

    return [rule(kind) for kind in (("weight", "bias") if config.qkv_bias else ("weight",))]


def _swap(rows: Tensor, d_head: int) -> Tensor:
    """Rows of heads, the second half of each head's first."""
    if stands_in(rows):
        return rows
    heads = rows.unflatten(0, (-1, d_head))
    return torch.cat((heads[:, d_head // 2 :], heads[:, : d_head // 2]), 1).flatten(0, 1)


FAMILY = Family(
    model_type=MODEL_TYPE,
    title="nanochat",
    tied_names=decoder.TIED_NAMES,
    config_from_hf=config_from_hf,
    config_to_hf=config_to_hf,
    canonical_name=decoder.canonical_name,
    state_from_hf=state_from_hf,
    state_to_hf=state_to_hf,
)

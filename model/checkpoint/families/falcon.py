"""Falcon (Almazrouei et al. 2023), as transformers writes it.

Three networks bear the name: the 7B's (parallel, one norm, one key/value head), the 40B's and
11B's ("new decoder architecture": parallel, grouped heads, two norms or one), and the RW ones
(sequential, linear biases). Queries, keys and values are one matrix, group by group.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from torch import Tensor

from model.checkpoint.errors import CheckpointError
from model.checkpoint.families import decoder, gguf
from model.checkpoint.families.family import Family
from model.checkpoint.families.fused import grouped_qkv
from model.checkpoint.families.likeness import refuse_unlike
from model.checkpoint.families.rope import max_positions, n_ctx_of, rotary_from_hf, rotary_to_hf
from model.checkpoint.families.rules import Rule, read_state, same, write_state
from model.checkpoint.gguf_keys import Keys
from model.checkpoint.values import (
    LARGEST,
    MOST_LAYERS,
    choice,
    flag,
    number,
    spelled,
    where,
    whole,
)
from model.config import BlockNorm, Norms, TransformerConfig
from model.positions import Alibi

MODEL_TYPE = "falcon"
TIED_NAMES = ("lm_head.weight", "transformer.word_embeddings.weight")


def config_from_hf(hf: Mapping[str, Any]) -> TransformerConfig:
    """The shape; keys that are missing have the values of Falcon 7B, as in transformers."""
    d_model = whole(hf, spelled(hf, "n_embed", "hidden_size"), 4544)
    n_heads = whole(hf, "num_attention_heads", 71)
    d_head = max(1, d_model // n_heads)
    n_positions = whole(hf, "max_position_embeddings", 2048)
    has_alibi = flag(hf, "alibi", False)
    rotary = None if has_alibi else rotary_from_hf(hf, d_head, n_positions)
    is_new = flag(hf, "new_decoder_architecture", False)
    bias = flag(hf, "bias", False)
    return TransformerConfig(
        n_layers=whole(hf, "num_hidden_layers", 32, MOST_LAYERS),
        n_heads=n_heads,
        n_kv_heads=_n_kv_heads(hf, n_heads, is_new),
        d_model=d_model,
        d_mlp=whole(hf, "ffn_hidden_size", 4 * d_model, 4 * LARGEST),
        d_vocab=whole(hf, "vocab_size", 65024),
        n_ctx=n_positions if rotary is None else n_ctx_of(rotary, n_positions),
        norm_eps=number(hf, "layer_norm_epsilon", 1e-5),
        norms=Norms(shared=_norms_shared(hf, is_new)),
        positions="alibi" if has_alibi else "rotary",
        rotary=rotary,
        alibi=Alibi(scale=d_head**-0.5, bfloat16=True) if has_alibi else None,
        activation=choice(hf, "activation", "gelu", decoder.ACTIVATIONS),
        parallel=is_new or flag(hf, "parallel_attn", True),
        qkv_bias=bias,
        out_bias=bias,
        mlp_bias=bias,
        tied_embeddings=flag(hf, "tie_word_embeddings", True),
    )


def _n_kv_heads(hf: Mapping[str, Any], n_heads: int, is_new: bool) -> int:
    """Only the new architecture reads ``num_kv_heads``; the old has one, or one per query head."""
    if is_new:
        return whole(hf, "num_kv_heads", n_heads)
    return 1 if flag(hf, "multi_query", True) else n_heads


def _norms_shared(hf: Mapping[str, Any], is_new: bool) -> bool:
    """Only the new architecture may norm what attention and MLP read separately."""
    n_norms = whole(hf, "num_ln_in_parallel_attn", 2 if is_new else 1)
    if n_norms > 2 if is_new else n_norms == 2 and flag(hf, "parallel_attn", True):
        raise CheckpointError(
            f"{where(hf)}: 'num_ln_in_parallel_attn' is {n_norms}; "
            f"{'1 or 2' if is_new else 'without new_decoder_architecture only 1'} fits."
        )
    return n_norms == 1 or not is_new


def config_to_hf(config: TransformerConfig) -> dict[str, Any]:
    """A Falcon config, or a CheckpointError if the network is none."""
    n_heads, n_kv_heads = config.n_heads, config.n_kv_heads
    is_new = config.parallel and not (config.norms.shared and n_kv_heads in (1, n_heads))
    hf = {
        "model_type": MODEL_TYPE,
        "architectures": ["FalconForCausalLM"],
        "vocab_size": config.d_vocab,
        "hidden_size": config.d_model,
        "num_hidden_layers": config.n_layers,
        "num_attention_heads": n_heads,
        "num_kv_heads": n_kv_heads,
        "multi_query": n_kv_heads == 1,
        "new_decoder_architecture": is_new,
        "parallel_attn": config.parallel,
        "num_ln_in_parallel_attn": (1 if config.norms.shared else 2) if is_new else None,
        "ffn_hidden_size": config.d_mlp,
        "activation": decoder.activation_name(config.activation),
        "max_position_embeddings": max_positions(config),
        "layer_norm_epsilon": config.norm_eps,
        "bias": config.qkv_bias,
        "alibi": config.alibi is not None,
        "tie_word_embeddings": config.tied_embeddings,
    }
    if config.alibi is None:
        hf |= rotary_to_hf(decoder.one_rotary(config), config.d_head)
    refuse_unlike("Falcon", config, config_from_hf(hf))
    return hf


def canonical_name(name: str) -> str | None:
    """With the prefix ``transformer.``; None for the angles in old files."""
    if ".rotary_emb." in f".{name}":
        return None
    return name if name.startswith(("transformer.", "lm_head.")) else f"transformer.{name}"


def state_from_hf(tensors: Mapping[str, Tensor], config: TransformerConfig) -> dict[str, Tensor]:
    """Renamed; queries, keys and values sorted."""
    return read_state(_rules(config), tensors)


def state_to_hf(state: Mapping[str, Tensor], config: TransformerConfig) -> dict[str, Tensor]:
    """The reverse."""
    return write_state(_rules(config), state)


def _rules(config: TransformerConfig) -> list[Rule]:
    rules = [
        same("embed.weight", "transformer.word_embeddings.weight"),
        *decoder.norm("ln_final", "transformer.ln_f", config),
    ]
    if not config.tied_embeddings:
        rules.append(same("unembed.weight", "lm_head.weight"))
    norms: Mapping[BlockNorm, str] = decoder.NORMS
    if config.parallel and not config.norms.shared:
        norms = {"ln1": "ln_attn", "ln2": "ln_mlp"}
    for layer in range(config.n_layers):
        ours, theirs = f"blocks.{layer}", f"transformer.h.{layer}"
        for norm in config.block_norms(layer):
            rules += decoder.norm(f"{ours}.{norm}", f"{theirs}.{norms[norm]}", config)
        attention, mlp = f"{theirs}.self_attention", f"{theirs}.mlp"
        rules += [
            *grouped_qkv(f"{ours}.attn.qkv", f"{attention}.query_key_value", config),
            *decoder.linear(f"{ours}.attn.out", f"{attention}.dense", config.out_bias),
            *decoder.linear(f"{ours}.mlp.up", f"{mlp}.dense_h_to_4h", config.mlp_bias),
            *decoder.linear(f"{ours}.mlp.down", f"{mlp}.dense_4h_to_h", config.mlp_bias),
        ]
    return rules


def config_from_gguf(keys: Keys) -> dict[str, Any]:
    """The same keys from a GGUF file's."""
    n_kv = keys.whole("attention.head_count_kv", 1)
    return {
        "hidden_size": keys.whole("embedding_length"),
        "num_hidden_layers": keys.whole("block_count"),
        "num_attention_heads": keys.whole("attention.head_count"),
        "num_kv_heads": n_kv,
        "ffn_hidden_size": keys.whole("feed_forward_length"),
        "vocab_size": keys.d_vocab,
        "max_position_embeddings": keys.whole("context_length", 2048),
        "layer_norm_epsilon": keys.number("attention.layer_norm_epsilon", 1e-5),
        "rope_theta": keys.number("rope.freq_base", 10_000.0),
        "multi_query": n_kv == 1,
        "new_decoder_architecture": keys.has("blk.0.attn_norm_2.weight"),
        "parallel_attn": True,
        "bias": False,
        "alibi": False,
        "tie_word_embeddings": not keys.has("output.weight"),
    }


def _grouped(keys: Keys) -> gguf.Adapt:
    """Rows [all q, all k, all v] back to Falcon's groups: some q, their k, their v."""
    n_heads = keys.whole("attention.head_count")
    n_kv = keys.whole("attention.head_count_kv", 1)
    return partial(_in_groups, n_heads=n_heads, n_kv=n_kv)


def _in_groups(tensor: Tensor, n_heads: int, n_kv: int) -> Tensor:
    d_head = tensor.shape[0] // (n_heads + 2 * n_kv)
    q, k, v = tensor.split((n_heads * d_head, n_kv * d_head, n_kv * d_head))
    groups = [
        part.unflatten(0, (n_kv, -1, d_head)) for part in (q, k, v)
    ]  # [group, head in it, d_head, …]
    joined = groups[0].new_empty((n_kv, n_heads // n_kv + 2, *groups[0].shape[2:]))
    joined[:, :-2], joined[:, -2:-1], joined[:, -1:] = groups
    return joined.flatten(0, 2)


_GGUF = gguf.Layout(
    architecture="falcon",
    config=config_from_gguf,
    top={
        "token_embd": "transformer.word_embeddings",
        "output_norm": "transformer.ln_f",
        "output": "lm_head",
    },
    layers="transformer.h.{}.",
    block={
        "attn_norm": "input_layernorm",
        "attn_qkv": "self_attention.query_key_value",
        "attn_output": "self_attention.dense",
        "ffn_up": "mlp.dense_h_to_4h",
        "ffn_down": "mlp.dense_4h_to_h",
    },
    adapt={"attn_qkv": _grouped},
)
# The 40B has two norms, which the 7B has not.
_GGUF_40B = replace(
    _GGUF,
    block={**_GGUF.block, "attn_norm": "ln_mlp", "attn_norm_2": "ln_attn"},
    when=lambda keys: keys.has("blk.0.attn_norm_2.weight"),
)

FAMILY = Family(
    model_type=MODEL_TYPE,
    title="Falcon",
    tied_names=TIED_NAMES,
    config_from_hf=config_from_hf,
    config_to_hf=config_to_hf,
    canonical_name=canonical_name,
    state_from_hf=state_from_hf,
    state_to_hf=state_to_hf,
    gguf=(_GGUF, _GGUF_40B),
)

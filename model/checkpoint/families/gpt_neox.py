"""GPT-NeoX (Black et al. 2022) and Pythia (Biderman et al. 2023), as transformers writes them.

Attention and MLP have a norm each and usually run in parallel. Queries, keys and values are one
matrix, head by head.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from model.checkpoint.families import decoder, gguf
from model.checkpoint.families.family import Family
from model.checkpoint.families.fused import grouped_qkv
from model.checkpoint.families.likeness import refuse_unlike
from model.checkpoint.families.rope import (
    LEAST_BASE,
    max_positions,
    n_ctx_of,
    rotary_from_hf,
)
from model.checkpoint.families.rules import Rule, read_state, same, write_state
from model.checkpoint.gguf_keys import Keys
from model.checkpoint.values import (
    LARGEST,
    MOST_LAYERS,
    Config,
    choice,
    flag,
    number,
    where,
    whole,
)
from model.config import Norms, TransformerConfig
from model.positions import Rotary

MODEL_TYPE = "gpt_neox"
TIED_NAMES = ("embed_out.weight", "gpt_neox.embed_in.weight")

# Causal masks and angles that older versions of transformers saved with the weights.
_BUFFER = re.compile(r"layers\.\d+\.attention\.(bias|masked_bias|rotary_emb\.\w+)")


def config_from_hf(hf: Mapping[str, Any]) -> TransformerConfig:
    """The shape; keys that are missing have the values that transformers gives them."""
    d_model = whole(hf, "hidden_size", 6144)
    n_heads = whole(hf, "num_attention_heads", 64)
    n_positions = whole(hf, "max_position_embeddings", 2048)
    rotary = _rotary(hf, max(1, d_model // n_heads), n_positions)
    parallel = flag(hf, "use_parallel_residual", True)
    bias = flag(hf, "attention_bias", True)
    return TransformerConfig(
        n_layers=whole(hf, "num_hidden_layers", 44, MOST_LAYERS),
        n_heads=n_heads,
        d_model=d_model,
        d_mlp=whole(hf, "intermediate_size", 24576, 4 * LARGEST),
        d_vocab=whole(hf, "vocab_size", 50432),
        n_ctx=n_ctx_of(rotary, n_positions),
        norm_eps=number(hf, "layer_norm_eps", 1e-5),
        norms=Norms(shared=not parallel),
        positions="none" if rotary is None else "rotary",
        rotary=rotary,
        activation=choice(hf, "hidden_act", "gelu", decoder.ACTIVATIONS),
        parallel=parallel,
        qkv_bias=bias,
        out_bias=bias,
        tied_embeddings=flag(hf, "tie_word_embeddings", False),
    )


def _rotary(hf: Mapping[str, Any], d_head: int, n_positions: int) -> Rotary | None:
    """It has names of its own for the base and the share of a head that turns."""
    base = number(hf, "rotary_emb_base", 10_000.0, LEAST_BASE, 1e15)
    partial = number(hf, "rotary_pct", 0.25, 0.0, 1.0)
    usual = ("rope_scaling", "rope_parameters", "original_max_position_embeddings")
    # No key of its own, but counted where it is there.
    d_head = whole(hf, "head_dim", d_head)
    others = Config({key: hf[key] for key in usual if key in hf}, where(hf))
    return rotary_from_hf(others, d_head, n_positions, base, partial, rounds_up=True)


def config_to_hf(config: TransformerConfig) -> dict[str, Any]:
    """A GPT-NeoX config, or a CheckpointError if the network is none."""
    rotary = decoder.partial_to_hf(config)
    hf = {
        "model_type": MODEL_TYPE,
        "architectures": ["GPTNeoXForCausalLM"],
        "vocab_size": config.d_vocab,
        "hidden_size": config.d_model,
        "num_hidden_layers": config.n_layers,
        "num_attention_heads": config.n_heads,
        "intermediate_size": config.d_mlp,
        "hidden_act": decoder.activation_name(config.activation),
        "max_position_embeddings": max_positions(config),
        "layer_norm_eps": config.norm_eps,
        "tie_word_embeddings": config.tied_embeddings,
        "use_parallel_residual": config.parallel,
        "attention_bias": config.qkv_bias,
        "rotary_emb_base": rotary.pop("rope_theta", 10_000.0),
        "rotary_pct": rotary.pop("partial_rotary_factor"),
        **rotary,
    }
    refuse_unlike("GPT-NeoX", config, config_from_hf(hf))
    return hf


def canonical_name(name: str) -> str | None:
    """With the prefix ``gpt_neox.``; None for the masks and angles of old files."""
    bare = name.removeprefix("gpt_neox.")
    if _BUFFER.fullmatch(bare):
        return None
    if bare.startswith(("embed_out.", "lm_head.")):
        # The name in files, and the one in the network, of the same matrix.
        return bare.replace("lm_head.", "embed_out.", 1)
    return f"gpt_neox.{bare}"


def state_from_hf(tensors: Mapping[str, Tensor], config: TransformerConfig) -> dict[str, Tensor]:
    """Renamed; queries, keys and values sorted."""
    return read_state(_rules(config), tensors)


def state_to_hf(state: Mapping[str, Tensor], config: TransformerConfig) -> dict[str, Tensor]:
    """The reverse."""
    return write_state(_rules(config), state)


def _rules(config: TransformerConfig) -> list[Rule]:
    rules = [
        same("embed.weight", "gpt_neox.embed_in.weight"),
        *decoder.norm("ln_final", "gpt_neox.final_layer_norm", config),
    ]
    if not config.tied_embeddings:
        rules.append(same("unembed.weight", "embed_out.weight"))
    for layer in range(config.n_layers):
        ours, theirs = f"blocks.{layer}", f"gpt_neox.layers.{layer}"
        rules += [
            *decoder.norm(f"{ours}.ln1", f"{theirs}.input_layernorm", config),
            *grouped_qkv(f"{ours}.attn.qkv", f"{theirs}.attention.query_key_value", config),
            *decoder.linear(f"{ours}.attn.out", f"{theirs}.attention.dense", config.out_bias),
            *decoder.norm(f"{ours}.ln2", f"{theirs}.post_attention_layernorm", config),
            *decoder.linear(f"{ours}.mlp.up", f"{theirs}.mlp.dense_h_to_4h", True),
            *decoder.linear(f"{ours}.mlp.down", f"{theirs}.mlp.dense_4h_to_h", True),
        ]
    return rules


def config_from_gguf(keys: Keys) -> dict[str, Any]:
    """The same keys from a GGUF file's."""
    config = gguf.common(keys)
    del config["num_key_value_heads"]
    d_head = config["hidden_size"] // config["num_attention_heads"]
    return config | {
        "layer_norm_eps": keys.number("attention.layer_norm_epsilon", 1e-5),
        "hidden_act": "gelu",
        "rotary_pct": keys.whole("rope.dimension_count", d_head) / d_head,
        "rotary_emb_base": keys.number("rope.freq_base", 10_000.0),
        "use_parallel_residual": keys.flag("use_parallel_residual", True),
        "attention_bias": True,
    }


FAMILY = Family(
    model_type=MODEL_TYPE,
    title="GPT-NeoX",
    tied_names=TIED_NAMES,
    config_from_hf=config_from_hf,
    config_to_hf=config_to_hf,
    canonical_name=canonical_name,
    state_from_hf=state_from_hf,
    state_to_hf=state_to_hf,
    gguf=(
        gguf.Layout(
            architecture="gptneox",
            config=config_from_gguf,
            top={
                "token_embd": "gpt_neox.embed_in",
                "output_norm": "gpt_neox.final_layer_norm",
                "output": "embed_out",
            },
            layers="gpt_neox.layers.{}.",
            block={
                "attn_norm": "input_layernorm",
                "attn_qkv": "attention.query_key_value",
                "attn_output": "attention.dense",
                "ffn_norm": "post_attention_layernorm",
                "ffn_up": "mlp.dense_h_to_4h",
                "ffn_down": "mlp.dense_4h_to_h",
            },
            adapt={"attn_qkv": gguf.interleaved},
        ),
    ),
)

"""BLOOM (Le Scao et al. 2022), as transformers writes it.

Positions are linear biases; the embedding is normed; queries, keys and values are one matrix, head
by head.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from model.checkpoint.families import decoder, gguf
from model.checkpoint.families.family import Family
from model.checkpoint.families.fused import grouped_qkv
from model.checkpoint.families.likeness import refuse_unlike
from model.checkpoint.families.rules import Rule, read_state, same, write_state
from model.checkpoint.gguf_keys import Keys
from model.checkpoint.values import MOST_LAYERS, flag, number, spelled, whole
from model.config import Norms, TransformerConfig

MODEL_TYPE = "bloom"
TIED_NAMES = ("lm_head.weight", "transformer.word_embeddings.weight")


def config_from_hf(hf: Mapping[str, Any]) -> TransformerConfig:
    """The shape; keys that are missing have the values that transformers gives them."""
    from_normed = flag(hf, "apply_residual_connection_post_layernorm", False)
    # slow_but_exact and pretraining_tp only choose the order in which numbers are summed.
    return TransformerConfig(
        n_layers=whole(hf, spelled(hf, "n_layer", "num_hidden_layers"), 2, MOST_LAYERS),
        n_heads=whole(hf, spelled(hf, "n_head", "num_attention_heads"), 8),
        d_model=whole(hf, spelled(hf, "n_embed", "hidden_size"), 64),
        d_vocab=whole(hf, "vocab_size", 250880),
        # What it was trained with; linear biases set no bound.
        n_ctx=whole(hf, "seq_length", 2048),
        norm_eps=number(hf, "layer_norm_epsilon", 1e-5),
        norms=Norms("stream" if from_normed else "pre", embedding=True),
        positions="alibi",
        activation="gelu_tanh",
        tied_embeddings=flag(hf, "tie_word_embeddings", True),
    )


def config_to_hf(config: TransformerConfig) -> dict[str, Any]:
    """A BLOOM config, or a CheckpointError if the network is none."""
    hf = {
        "model_type": MODEL_TYPE,
        "architectures": ["BloomForCausalLM"],
        "vocab_size": config.d_vocab,
        "hidden_size": config.d_model,
        "n_layer": config.n_layers,
        "n_head": config.n_heads,
        "seq_length": config.n_ctx,
        "layer_norm_epsilon": config.norm_eps,
        "apply_residual_connection_post_layernorm": config.norms.placement == "stream",
        "tie_word_embeddings": config.tied_embeddings,
    }
    refuse_unlike("BLOOM", config, config_from_hf(hf))
    return hf


def canonical_name(name: str) -> str | None:
    """BLOOM's own files lack the prefix ``transformer.``."""
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
        *decoder.norm("ln_embed", "transformer.word_embeddings_layernorm", config),
        *decoder.norm("ln_final", "transformer.ln_f", config),
    ]
    if not config.tied_embeddings:
        rules.append(same("unembed.weight", "lm_head.weight"))
    for layer in range(config.n_layers):
        ours, theirs = f"blocks.{layer}", f"transformer.h.{layer}"
        rules += [
            *decoder.norm(f"{ours}.ln1", f"{theirs}.input_layernorm", config),
            *grouped_qkv(f"{ours}.attn.qkv", f"{theirs}.self_attention.query_key_value", config),
            *decoder.linear(f"{ours}.attn.out", f"{theirs}.self_attention.dense", True),
            *decoder.norm(f"{ours}.ln2", f"{theirs}.post_attention_layernorm", config),
            *decoder.linear(f"{ours}.mlp.up", f"{theirs}.mlp.dense_h_to_4h", True),
            *decoder.linear(f"{ours}.mlp.down", f"{theirs}.mlp.dense_4h_to_h", True),
        ]
    return rules


def config_from_gguf(keys: Keys) -> dict[str, Any]:
    """The same keys from a GGUF file's."""
    return {
        "hidden_size": keys.whole("embedding_length"),
        "n_layer": keys.whole("block_count"),
        "n_head": keys.whole("attention.head_count"),
        "vocab_size": keys.d_vocab,
        "seq_length": keys.whole("context_length", 2048),
        "layer_norm_epsilon": keys.number("attention.layer_norm_epsilon", 1e-5),
        "tie_word_embeddings": not keys.has("output.weight"),
    }


FAMILY = Family(
    model_type=MODEL_TYPE,
    title="BLOOM",
    tied_names=TIED_NAMES,
    config_from_hf=config_from_hf,
    config_to_hf=config_to_hf,
    canonical_name=canonical_name,
    state_from_hf=state_from_hf,
    state_to_hf=state_to_hf,
    gguf=(
        gguf.Layout(
            architecture="bloom",
            config=config_from_gguf,
            top={
                "token_embd": "transformer.word_embeddings",
                "token_embd_norm": "transformer.word_embeddings_layernorm",
                "output_norm": "transformer.ln_f",
                "output": "lm_head",
            },
            layers="transformer.h.{}.",
            block={
                "attn_norm": "input_layernorm",
                "attn_qkv": "self_attention.query_key_value",
                "attn_output": "self_attention.dense",
                "ffn_norm": "post_attention_layernorm",
                "ffn_up": "mlp.dense_h_to_4h",
                "ffn_down": "mlp.dense_4h_to_h",
            },
            adapt={"attn_qkv": gguf.interleaved},
        ),
    ),
)

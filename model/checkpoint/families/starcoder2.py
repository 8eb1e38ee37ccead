"""StarCoder 2 (Lozhkov et al. 2024), as transformers writes it.

LayerNorms and an MLP without a gate around grouped heads that turn and may look through a window.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from model.checkpoint.families import decoder, gguf
from model.checkpoint.families.family import Family
from model.checkpoint.families.likeness import refuse_unlike
from model.checkpoint.families.rope import rotary_to_hf
from model.checkpoint.families.rules import Rule, read_state, write_state
from model.checkpoint.gguf_keys import Keys
from model.checkpoint.values import choice, flag, number
from model.config import Norms, TransformerConfig

MODEL_TYPE = "starcoder2"

# transformers' values of keys that a file leaves out.
_USUAL = {
    "vocab_size": 49_152,
    "hidden_size": 3072,
    "intermediate_size": 12_288,
    "num_hidden_layers": 30,
    "num_attention_heads": 24,
    "num_key_value_heads": 2,
    "max_position_embeddings": 4096,
}


def config_from_hf(hf: Mapping[str, Any]) -> TransformerConfig:
    """The shape."""
    hf = decoder.completed(hf, _USUAL)
    bias = flag(hf, "use_bias", True)
    return TransformerConfig(
        **decoder.sizes_from_hf(hf)
        | {
            "norm": "layer",
            "norm_eps": number(hf, "norm_epsilon", 1e-5),
            "norms": Norms(),
            "activation": choice(hf, "hidden_act", "gelu_pytorch_tanh", decoder.ACTIVATIONS),
            "gated": False,
            "window": decoder.window_from_hf(hf),
            "qkv_bias": bias,
            "out_bias": bias,
            "mlp_bias": bias,
            "tied_embeddings": flag(hf, "tie_word_embeddings", True),
        }
    )


def config_to_hf(config: TransformerConfig) -> dict[str, Any]:
    """A StarCoder 2 config, or a CheckpointError if the network is none."""
    hf = decoder.sizes_to_hf(config, MODEL_TYPE, "Starcoder2ForCausalLM")
    for key in ("rms_norm_eps", "attention_bias"):  # of its relatives
        del hf[key]
    hf["norm_epsilon"] = config.norm_eps
    hf["use_bias"] = config.qkv_bias
    hf["sliding_window"] = config.window_at(0)
    hf |= rotary_to_hf(decoder.one_rotary(config), config.d_head)
    refuse_unlike("StarCoder 2", config, config_from_hf(hf))
    return hf


def state_from_hf(tensors: Mapping[str, Tensor], config: TransformerConfig) -> dict[str, Tensor]:
    """Renamed; queries, keys and values joined."""
    return read_state(_rules(config), tensors)


def state_to_hf(state: Mapping[str, Tensor], config: TransformerConfig) -> dict[str, Tensor]:
    """The reverse."""
    return write_state(_rules(config), state)


def _rules(config: TransformerConfig) -> list[Rule]:
    rules = decoder.ends(config)
    for layer in range(config.n_layers):
        ours, theirs = f"blocks.{layer}.mlp", f"model.layers.{layer}.mlp"
        rules += [
            *decoder.block_norms(layer, config),
            *decoder.attention(layer, config),
            *decoder.linear(f"{ours}.up", f"{theirs}.c_fc", config.mlp_bias),
            *decoder.linear(f"{ours}.down", f"{theirs}.c_proj", config.mlp_bias),
        ]
    return rules


def config_from_gguf(keys: Keys) -> dict[str, Any]:
    """The same keys from a GGUF file's."""
    return (
        gguf.common(keys)
        | gguf.rope(keys)
        | {
            "norm_epsilon": keys.number("attention.layer_norm_epsilon", 1e-5),
            "hidden_act": "gelu_pytorch_tanh",
            "use_bias": keys.has("blk.0.attn_q.bias"),
            "sliding_window": None,
        }
    )


FAMILY = Family(
    model_type=MODEL_TYPE,
    title="StarCoder2",
    tied_names=decoder.TIED_NAMES,
    config_from_hf=config_from_hf,
    config_to_hf=config_to_hf,
    canonical_name=decoder.canonical_name,
    state_from_hf=state_from_hf,
    state_to_hf=state_to_hf,
    gguf=(
        gguf.decoder(
            "starcoder2",
            config_from_gguf,
            gguf.LLAMA_ATTENTION
            | gguf.LLAMA_NORMS
            | {"ffn_up": "mlp.c_fc", "ffn_down": "mlp.c_proj"},
            notes=(
                "StarCoder2's window of attention is not written to GGUF files: every token sees "
                "all before it.",
            ),
        ),
    ),
)

"""GPT-2 (Radford et al. 2019), as transformers writes it.

Its linear maps are ``Conv1D``: stored ``[in, out]``, the transpose of torch's ``nn.Linear``.
nanoGPT's network without biases is one, too; transformers can't leave them out, so it is saved with
biases of zero.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from torch import Tensor

from model.checkpoint.families import gguf
from model.checkpoint.families.decoder import ACTIVATIONS, activation_name
from model.checkpoint.families.family import Family
from model.checkpoint.families.likeness import refuse_unlike
from model.checkpoint.gguf_keys import Keys
from model.checkpoint.values import (
    LARGEST,
    MOST_LAYERS,
    choice,
    flag,
    number,
    spelled,
    whole,
)
from model.config import Norms, Scales, TransformerConfig

MODEL_TYPE = "gpt2"
# A key that no config.json has: what tells of nanoGPT's network says so.
NO_BIAS = "nanogpt_without_biases"
TIED_NAMES = ("lm_head.weight", "transformer.wte.weight")

# Causal masks that older versions of transformers saved with the weights.
_MASK = re.compile(r"h\.\d+\.attn\.(bias|masked_bias)")

# Our module -> theirs, and whether it is a Conv1D.
_BLOCK = (
    ("ln1.w", "ln_1.weight", False),
    ("ln1.b", "ln_1.bias", False),
    ("attn.qkv.weight", "attn.c_attn.weight", True),
    ("attn.qkv.bias", "attn.c_attn.bias", False),
    ("attn.out.weight", "attn.c_proj.weight", True),
    ("attn.out.bias", "attn.c_proj.bias", False),
    ("ln2.w", "ln_2.weight", False),
    ("ln2.b", "ln_2.bias", False),
    ("mlp.up.weight", "mlp.c_fc.weight", True),
    ("mlp.up.bias", "mlp.c_fc.bias", False),
    ("mlp.down.weight", "mlp.c_proj.weight", True),
    ("mlp.down.bias", "mlp.c_proj.bias", False),
)


def config_from_hf(hf: Mapping[str, Any]) -> TransformerConfig:
    """The shape; keys that are missing have the values of GPT-2 small, as in transformers."""
    # reorder_and_upcast_attn only chooses how half precision is computed, not what.
    d_model = whole(hf, spelled(hf, "n_embd", "hidden_size"), 768)
    bias = flag(hf, NO_BIAS, False) is False
    is_scaled = flag(hf, "scale_attn_weights", True)
    by_layer = flag(hf, "scale_attn_by_inverse_layer_idx", False)
    return TransformerConfig(
        n_layers=whole(hf, spelled(hf, "n_layer", "num_hidden_layers"), 12, MOST_LAYERS),
        n_heads=whole(hf, spelled(hf, "n_head", "num_attention_heads"), 12),
        d_model=d_model,
        d_mlp=whole(hf, "n_inner", 4 * d_model, 4 * LARGEST),
        d_vocab=whole(hf, "vocab_size", 50257),
        n_ctx=whole(hf, spelled(hf, "n_positions", "max_position_embeddings"), 1024),
        norm_eps=number(hf, "layer_norm_epsilon", 1e-5),
        activation=choice(hf, "activation_function", "gelu_new", ACTIVATIONS),
        tied_embeddings=flag(hf, "tie_word_embeddings", True),
        dropout=number(hf, "resid_pdrop", 0.1, 0.0, 1.0),
        norms=Norms(bias=bias),
        scales=Scales(scores=None if is_scaled else 1.0, by_layer=by_layer),
        qkv_bias=bias,
        out_bias=bias,
        mlp_bias=bias,
    )


def config_to_hf(config: TransformerConfig) -> dict[str, Any]:
    """A GPT-2 config, or a CheckpointError if the network is none."""
    hf = {
        "model_type": MODEL_TYPE,
        "architectures": ["GPT2LMHeadModel"],
        "vocab_size": config.d_vocab,
        "n_positions": config.n_ctx,
        "n_embd": config.d_model,
        "n_layer": config.n_layers,
        "n_head": config.n_heads,
        "n_inner": config.d_mlp,
        "activation_function": activation_name(config.activation, "gelu_new"),
        "layer_norm_epsilon": config.norm_eps,
        "tie_word_embeddings": config.tied_embeddings,
        "resid_pdrop": config.dropout,
        "embd_pdrop": config.dropout,
        "attn_pdrop": 0.0,
        "scale_attn_weights": config.scales.scores is None,
        "scale_attn_by_inverse_layer_idx": config.scales.by_layer,
    }
    norms = replace(config.norms, bias=True)
    biased = replace(config, norms=norms, qkv_bias=True, out_bias=True, mlp_bias=True)
    refuse_unlike("GPT-2", biased, config_from_hf(hf))
    return hf


def canonical_name(name: str) -> str | None:
    """GPT-2's own files lack the prefix ``transformer.``; old ones hold causal masks."""
    bare = name.removeprefix("transformer.")
    if _MASK.fullmatch(bare):
        return None
    return bare if bare.startswith("lm_head.") else f"transformer.{bare}"


def state_from_hf(tensors: Mapping[str, Tensor], config: TransformerConfig) -> dict[str, Tensor]:
    """Renamed; a Conv1D is seen transposed, not copied."""
    state = {}
    for ours, theirs, transposed in _names(config):
        if _has(config, ours):
            tensor = tensors[theirs]
            state[ours] = tensor.T if transposed else tensor
    return state


def state_to_hf(state: Mapping[str, Tensor], config: TransformerConfig) -> dict[str, Tensor]:
    """The reverse; zeros for biases that the network does not have."""
    tensors = {}
    for ours, theirs, transposed in _names(config):
        if _has(config, ours):
            tensors[theirs] = state[ours].T if transposed else state[ours]
        else:
            weight = ours.removesuffix("bias") + "weight"
            width = state[weight].shape[0] if weight in state else config.d_model
            tensors[theirs] = state["embed.weight"].new_zeros(width)
    return tensors


def _has(config: TransformerConfig, ours: str) -> bool:
    """Whether the network has a tensor: all but biases that it was made without."""
    if ours.endswith(".b"):
        return config.norms.bias
    if not ours.endswith(".bias"):
        return True
    if ".attn." in ours:
        return config.qkv_bias if ".qkv." in ours else config.out_bias
    return config.mlp_bias


def _names(config: TransformerConfig) -> list[tuple[str, str, bool]]:
    names = [
        ("embed.weight", "transformer.wte.weight", False),
        ("pos_embed.weight", "transformer.wpe.weight", False),
    ]
    for layer in range(config.n_layers):
        names += [
            (f"blocks.{layer}.{ours}", f"transformer.h.{layer}.{theirs}", transposed)
            for ours, theirs, transposed in _BLOCK
        ]
    names += [
        ("ln_final.w", "transformer.ln_f.weight", False),
        ("ln_final.b", "transformer.ln_f.bias", False),
    ]
    if not config.tied_embeddings:
        names.append(("unembed.weight", "lm_head.weight", False))
    return names


def config_from_gguf(keys: Keys) -> dict[str, Any]:
    """The same keys from a GGUF file's."""
    return {
        "n_embd": keys.whole("embedding_length"),
        "n_layer": keys.whole("block_count"),
        "n_head": keys.whole("attention.head_count"),
        "n_inner": keys.whole("feed_forward_length"),
        "n_positions": keys.whole("context_length"),
        "vocab_size": keys.d_vocab,
        "layer_norm_epsilon": keys.number("attention.layer_norm_epsilon", 1e-5),
        "activation_function": "gelu_new",
        "tie_word_embeddings": not keys.has("output.weight"),
    }


FAMILY = Family(
    model_type=MODEL_TYPE,
    title="GPT-2",
    tied_names=TIED_NAMES,
    config_from_hf=config_from_hf,
    config_to_hf=config_to_hf,
    canonical_name=canonical_name,
    state_from_hf=state_from_hf,
    state_to_hf=state_to_hf,
    gguf=(
        gguf.Layout(
            architecture="gpt2",
            config=config_from_gguf,
            top={
                "token_embd": "transformer.wte",
                "position_embd": "transformer.wpe",
                "output_norm": "transformer.ln_f",
                "output": "lm_head",
            },
            layers="transformer.h.{}.",
            block={
                "attn_norm": "ln_1",
                "attn_qkv": "attn.c_attn",
                "attn_output": "attn.c_proj",
                "ffn_norm": "ln_2",
                "ffn_up": "mlp.c_fc",
                "ffn_down": "mlp.c_proj",
            },
            transposed=frozenset({"attn_qkv", "attn_output", "ffn_up", "ffn_down"}),
        ),
    ),
)

"""OPT (Zhang et al. 2022) and Galactica (Taylor et al. 2022), as transformers writes them.

The position table begins with two rows that no token reads. OPT-350m norms sums, and embeds
tokens in a narrower space. Galactica's norms may have no weights at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from model.checkpoint.errors import CheckpointError
from model.checkpoint.families import decoder
from model.checkpoint.families.family import Family
from model.checkpoint.families.likeness import refuse_unlike
from model.checkpoint.families.rules import Rule, read_state, same, write_state
from model.checkpoint.values import LARGEST, MOST_LAYERS, choice, flag, whole
from model.config import Norms, TransformerConfig

MODEL_TYPE = "opt"
TIED_NAMES = ("lm_head.weight", "model.decoder.embed_tokens.weight")


def config_from_hf(hf: Mapping[str, Any]) -> TransformerConfig:
    """The shape; keys that are missing have the values of OPT-125m, as in transformers."""
    d_model = whole(hf, "hidden_size", 768)
    before = flag(hf, "do_layer_norm_before", True)
    bias = flag(hf, "enable_bias", True)
    return TransformerConfig(
        n_layers=whole(hf, "num_hidden_layers", 12, MOST_LAYERS),
        n_heads=whole(hf, "num_attention_heads", 12),
        d_model=d_model,
        d_mlp=whole(hf, "ffn_dim", 3072, 4 * LARGEST),
        d_embed=whole(hf, "word_embed_proj_dim", d_model),
        d_vocab=whole(hf, "vocab_size", 50272),
        n_ctx=whole(hf, "max_position_embeddings", 2048),
        norms=Norms(
            placement="pre" if before else "post",
            # A norm has a weight and a bias, or neither.
            bias=flag(hf, "layer_norm_elementwise_affine", True),
            final=before and not flag(hf, "_remove_final_layer_norm", False),
        ),
        position_offset=2,
        activation=choice(hf, "activation_function", "relu", decoder.ACTIVATIONS),
        qkv_bias=bias,
        out_bias=bias,
        mlp_bias=bias,
        tied_embeddings=flag(hf, "tie_word_embeddings", True),
    )


def config_to_hf(config: TransformerConfig) -> dict[str, Any]:
    """An OPT config, or a CheckpointError if the network is none."""
    before = config.norms.placement == "pre"
    hf = {
        "model_type": MODEL_TYPE,
        "architectures": ["OPTForCausalLM"],
        "vocab_size": config.d_vocab,
        "max_position_embeddings": config.n_ctx,
        "hidden_size": config.d_model,
        "word_embed_proj_dim": config.d_embed,
        "num_hidden_layers": config.n_layers,
        "num_attention_heads": config.n_heads,
        "ffn_dim": config.d_mlp,
        "activation_function": decoder.activation_name(config.activation),
        "do_layer_norm_before": before,
        "_remove_final_layer_norm": before and not config.norms.final,
        "layer_norm_elementwise_affine": config.norms.bias,
        "enable_bias": config.qkv_bias,
        "tie_word_embeddings": config.tied_embeddings,
        "dropout": 0.0,
        "attention_dropout": 0.0,
        # transformers' own default may lie outside a small vocabulary.
        "pad_token_id": None,
    }
    refuse_unlike("OPT", config, config_from_hf(hf))
    return hf


def canonical_name(name: str) -> str | None:
    """With the prefix ``model.``; None for the version number in old files."""
    whole_name = name if name.startswith(("model.", "lm_head.")) else f"model.{name}"
    return None if whole_name == "model.decoder.version" else whole_name


def state_from_hf(tensors: Mapping[str, Tensor], config: TransformerConfig) -> dict[str, Tensor]:
    """Renamed; queries, keys and values joined; norms without weights get ones."""
    state = read_state(_rules(config), tensors)
    if not config.norms.bias:
        like = state["embed.weight"]
        state |= {f"{ours}.w": like.new_ones(config.d_model) for ours, _ in _norms(config)}
    return state


def state_to_hf(state: Mapping[str, Tensor], config: TransformerConfig) -> dict[str, Tensor]:
    """The reverse.

    Raises:
        CheckpointError: norms for which its files have no weights got weights.
    """
    if not config.norms.bias:
        for ours, _ in _norms(config):
            weight = state[f"{ours}.w"]
            if weight.is_floating_point() and not bool((weight == 1).all()):
                raise CheckpointError(
                    f"This network can't be saved as an OPT: its norms have no biases, but {ours} "
                    "has a weight; an OPT's norms have both or neither."
                )
    return write_state(_rules(config), state)


def _norms(config: TransformerConfig) -> list[tuple[str, str]]:
    """Our names and theirs."""
    names = [("ln_final", "model.decoder.final_layer_norm")] if config.norms.final else []
    for layer in range(config.n_layers):
        ours, theirs = f"blocks.{layer}", f"model.decoder.layers.{layer}"
        names.append((f"{ours}.ln1", f"{theirs}.self_attn_layer_norm"))
        names.append((f"{ours}.ln2", f"{theirs}.final_layer_norm"))
    return names


def _rules(config: TransformerConfig) -> list[Rule]:
    rules = [
        same("embed.weight", "model.decoder.embed_tokens.weight"),
        same("pos_embed.weight", "model.decoder.embed_positions.weight"),
    ]
    if config.d_embed != config.d_model:
        rules.append(same("project_in.weight", "model.decoder.project_in.weight"))
        rules.append(same("project_out.weight", "model.decoder.project_out.weight"))
    if not config.tied_embeddings:
        rules.append(same("unembed.weight", "lm_head.weight"))
    if config.norms.bias:
        for ours, theirs in _norms(config):
            rules += decoder.norm(ours, theirs, config)
    for layer in range(config.n_layers):
        ours, theirs = f"blocks.{layer}", f"model.decoder.layers.{layer}"
        projections = [f"{theirs}.self_attn.{letter}_proj" for letter in "qkv"]
        rules += [
            *decoder.qkv(f"{ours}.attn.qkv", projections, config),
            *decoder.linear(f"{ours}.attn.out", f"{theirs}.self_attn.out_proj", config.out_bias),
            *decoder.linear(f"{ours}.mlp.up", f"{theirs}.fc1", config.mlp_bias),
            *decoder.linear(f"{ours}.mlp.down", f"{theirs}.fc2", config.mlp_bias),
        ]
    return rules


FAMILY = Family(
    model_type=MODEL_TYPE,
    title="OPT",
    tied_names=TIED_NAMES,
    config_from_hf=config_from_hf,
    config_to_hf=config_to_hf,
    canonical_name=canonical_name,
    state_from_hf=state_from_hf,
    state_to_hf=state_to_hf,
)

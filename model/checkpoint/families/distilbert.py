"""DistilBERT (Sanh et al. 2019): BERT with half the layers, without token types."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from model.checkpoint.families import encoder
from model.checkpoint.families.decoder import ACTIVATIONS, activation_name, linear, norm, qkv
from model.checkpoint.families.family import Family, Heads
from model.checkpoint.families.likeness import refuse_unlike
from model.checkpoint.families.rules import Rule, read_state, same, write_state
from model.checkpoint.values import LARGEST, MOST_LAYERS, choice, number, spelled, whole
from model.config import TransformerConfig

MODEL_TYPE = "distilbert"
TIED_NAMES = ("vocab_projector.weight", "distilbert.embeddings.word_embeddings.weight")

_HEAD = "vocab_"
_OTHERS = encoder.TASKS
_NORM_EPS = 1e-12  # no key says it


def config_from_hf(hf: Mapping[str, Any]) -> TransformerConfig:
    """The shape; keys that are missing have transformers' values.

    Keys that make a decoder of a BERT make none of it. ``sinusoidal_pos_embds`` only says how the
    table of positions began; the file holds it.
    """
    activation = choice(hf, "activation", "gelu", ACTIVATIONS)
    return TransformerConfig(
        n_layers=whole(hf, spelled(hf, "n_layers", "num_hidden_layers"), 6, MOST_LAYERS),
        n_heads=whole(hf, spelled(hf, "n_heads", "num_attention_heads"), 12),
        d_model=whole(hf, spelled(hf, "dim", "hidden_size"), 768),
        d_mlp=whole(hf, "hidden_dim", 4 * 768, 4 * LARGEST),
        d_vocab=whole(hf, "vocab_size", 30522),
        n_ctx=whole(hf, "max_position_embeddings", 512),
        norm_eps=_NORM_EPS,
        norms=encoder.POST_NORM,
        activation=activation,
        causal=False,
        dropout=number(hf, "dropout", 0.1, 0.0, 1.0),
        **encoder.head_from_hf(hf, activation),
    )


def config_to_hf(config: TransformerConfig) -> dict[str, Any]:
    """A DistilBERT config, or a CheckpointError if the network is none."""
    hf = {
        "model_type": MODEL_TYPE,
        "architectures": [encoder.architecture(config, "DistilBert")],
        "vocab_size": config.d_vocab,
        "max_position_embeddings": config.n_ctx,
        "n_layers": config.n_layers,
        "n_heads": config.n_heads,
        "dim": config.d_model,
        "hidden_dim": config.d_mlp,
        "activation": activation_name(config.activation),
        "tie_word_embeddings": config.tied_embeddings,
        "dropout": config.dropout,
        "attention_dropout": config.dropout,
        "sinusoidal_pos_embds": False,
        "pad_token_id": 0,
    }
    refuse_unlike("DistilBERT", config, config_from_hf(hf))
    return hf


def canonical_name(name: str) -> str | None:
    """With ``distilbert.`` before the body."""
    bare = name.removeprefix("distilbert.")
    if bare == "embeddings.position_ids":
        return None
    return f"distilbert.{bare}" if bare.startswith(("embeddings.", "transformer.")) else bare


def architecture_of(names: Sequence[str]) -> str:
    """What config.json would have named, from the names in the file."""
    return encoder.architecture_of(names, "DistilBert", _HEAD)


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
    embeddings = "distilbert.embeddings"
    rules = [
        same("embed.weight", f"{embeddings}.word_embeddings.weight"),
        same("pos_embed.weight", f"{embeddings}.position_embeddings.weight"),
        *norm("ln_embed", f"{embeddings}.LayerNorm", config),
    ]
    for layer in range(config.n_layers):
        ours, theirs = f"blocks.{layer}", f"distilbert.transformer.layer.{layer}"
        apart = [f"{theirs}.attention.{letter}_lin" for letter in "qkv"]
        rules += qkv(f"{ours}.attn.qkv", apart, config)
        rules += linear(f"{ours}.attn.out", f"{theirs}.attention.out_lin", bias=True)
        rules += norm(f"{ours}.ln1", f"{theirs}.sa_layer_norm", config)
        rules += linear(f"{ours}.mlp.up", f"{theirs}.ffn.lin1", bias=True)
        rules += linear(f"{ours}.mlp.down", f"{theirs}.ffn.lin2", bias=True)
        rules += norm(f"{ours}.ln2", f"{theirs}.output_layer_norm", config)
    return rules + encoder.masked_head(
        config,
        dense="vocab_transform",
        ln="vocab_layer_norm",
        bias=("vocab_projector.bias",),
        unembedding=TIED_NAMES[0],
    )


FAMILY = Family(
    model_type=MODEL_TYPE,
    title="DistilBERT",
    tied_names=TIED_NAMES,
    config_from_hf=config_from_hf,
    config_to_hf=config_to_hf,
    canonical_name=canonical_name,
    state_from_hf=state_from_hf,
    state_to_hf=state_to_hf,
    heads=Heads(architecture_of=architecture_of, left_out=left_out),
)

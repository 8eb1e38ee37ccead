"""What the encoders of BERT's kind share: the usual keys, the names in their blocks, their heads.

An encoder is saved with a head that predicts masked tokens, with a head for some other task, or
with none. The first is built; tensors of the others are left out, and `left_out` says which.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from model.checkpoint.families.decoder import ACTIVATIONS, activation_name, linear, norm, qkv
from model.checkpoint.families.rules import Rule, same
from model.checkpoint.values import (
    LARGEST,
    MOST_LAYERS,
    choice,
    flag,
    number,
    whole,
)
from model.config import Activation, MaskedHead, Norms, TransformerConfig

POST_NORM = Norms(placement="post", final=False, embedding=True)

# As the first BERT was written, in TensorFlow, and files that were made from it.
_OLD_NORM_NAMES = {".LayerNorm.gamma": ".LayerNorm.weight", ".LayerNorm.beta": ".LayerNorm.bias"}

Parts = Sequence[tuple[str, str]]
"""Beginnings of canonical names, and what a person calls the tensors that begin so."""

TASKS: Parts = (
    ("classifier.", "a classifier"),
    ("pre_classifier.", "a classifier"),
    ("qa_outputs.", "a question-answering head"),
)


# Turned into a decoder, the same head scores the next token.
_PREDICTING = ("ForMaskedLM", "ForPreTraining", "LMHeadModel", "ForCausalLM")


def predicts_masked(hf: Mapping[str, Any]) -> bool:
    """Whether config.json names a network that predicts masked tokens."""
    names = hf.get("architectures")
    if not isinstance(names, list):
        return True
    return any(str(name).endswith(_PREDICTING) for name in names)


def architecture_of(names: Sequence[str], prefix: str, head: str) -> str:
    """The architecture that a file's tensors are of, where config.json names none.

    Args:
        names: of the tensors in the file.
        prefix: of the architecture's name: ``Bert``.
        head: how the names of the masked head's tensors begin.
    """
    return prefix + ("ForMaskedLM" if any(name.startswith(head) for name in names) else "Model")


def part_of(name: str, parts: Parts) -> str | None:
    """What a person calls the part that a tensor belongs to; None for none of these."""
    return next((part for start, part in parts if name.startswith(start)), None)


def newer_name(name: str) -> str:
    """A norm's tensors under the names that they have had since 2019."""
    for old, new in _OLD_NORM_NAMES.items():
        if name.endswith(old):
            return name.removesuffix(old) + new
    return name


def head_from_hf(hf: Mapping[str, Any], activation: Activation) -> dict[str, Any]:
    """The values of `TransformerConfig` that describe how the network ends."""
    if not predicts_masked(hf):
        return {"head": "none"}
    return {
        "head": "mlm",
        "masked_head": MaskedHead(activation),
        "unembed_bias": True,
        "tied_embeddings": flag(hf, "tie_word_embeddings", True),
    }


def sizes_from_hf(
    hf: Mapping[str, Any], n_positions: int, token_types: int, usual_vocab: int
) -> dict[str, Any]:
    """The values that BERT and RoBERTa read from the same keys.

    As transformers since version 5, positions are absolute, whatever ``position_embedding_type``
    says; a network that has tables for others is refused by their names.

    Args:
        hf: config.json.
        n_positions: the family's default of ``max_position_embeddings``.
        token_types: the family's default of ``type_vocab_size``.
        usual_vocab: the family's default of ``vocab_size``.
    """
    return {
        "n_layers": whole(hf, "num_hidden_layers", 12, MOST_LAYERS),
        "n_heads": whole(hf, "num_attention_heads", 12),
        "d_model": whole(hf, "hidden_size", 768),
        "d_mlp": whole(hf, "intermediate_size", 3072, 4 * LARGEST),
        "d_vocab": whole(hf, "vocab_size", usual_vocab),
        "n_ctx": whole(hf, "max_position_embeddings", n_positions),
        "norm_eps": number(hf, "layer_norm_eps", 1e-12),
        "norms": POST_NORM,
        "activation": choice(hf, "hidden_act", "gelu", ACTIVATIONS),
        "n_token_types": whole(hf, "type_vocab_size", token_types),
        "causal": flag(hf, "is_decoder", False),
        "dropout": number(hf, "hidden_dropout_prob", 0.1, 0.0, 1.0),
    }


def sizes_to_hf(config: TransformerConfig, model_type: str, prefix: str) -> dict[str, Any]:
    """The reverse; positions are the family's own."""
    return {
        "model_type": model_type,
        "architectures": [architecture(config, prefix)],
        "vocab_size": config.d_vocab,
        "hidden_size": config.d_model,
        "intermediate_size": config.d_mlp,
        "num_hidden_layers": config.n_layers,
        "num_attention_heads": config.n_heads,
        "hidden_act": activation_name(config.activation),
        "layer_norm_eps": config.norm_eps,
        "type_vocab_size": config.n_token_types,
        "position_embedding_type": "absolute",
        "tie_word_embeddings": config.tied_embeddings,
        "is_decoder": config.causal,
        "hidden_dropout_prob": config.dropout,
        "attention_probs_dropout_prob": config.dropout,
    }


def architecture(config: TransformerConfig, prefix: str) -> str:
    """What transformers calls the network: with the masked head, or without a head."""
    return prefix + ("ForMaskedLM" if config.head == "mlm" else "Model")


def body(config: TransformerConfig, prefix: str) -> list[Rule]:
    """The rules of everything but the head, as BERT and RoBERTa name it.

    Args:
        config: of the network.
        prefix: of the names: ``bert``.
    """
    embeddings = f"{prefix}.embeddings"
    rules = [
        same("embed.weight", f"{embeddings}.word_embeddings.weight"),
        same("pos_embed.weight", f"{embeddings}.position_embeddings.weight"),
        same("token_type_embed.weight", f"{embeddings}.token_type_embeddings.weight"),
        *norm("ln_embed", f"{embeddings}.LayerNorm", config),
    ]
    for layer in range(config.n_layers):
        ours, theirs = f"blocks.{layer}", f"{prefix}.encoder.layer.{layer}"
        attention = f"{theirs}.attention"
        apart = [f"{attention}.self.{name}" for name in ("query", "key", "value")]
        rules += qkv(f"{ours}.attn.qkv", apart, config)
        rules += linear(f"{ours}.attn.out", f"{attention}.output.dense", bias=True)
        rules += norm(f"{ours}.ln1", f"{attention}.output.LayerNorm", config)
        rules += linear(f"{ours}.mlp.up", f"{theirs}.intermediate.dense", bias=True)
        rules += linear(f"{ours}.mlp.down", f"{theirs}.output.dense", bias=True)
        rules += norm(f"{ours}.ln2", f"{theirs}.output.LayerNorm", config)
    return rules


def masked_head(
    config: TransformerConfig, dense: str, ln: str, bias: Sequence[str], unembedding: str
) -> list[Rule]:
    """The rules of a masked head, if there is one.

    Args:
        config: of the network.
        dense, ln, unembedding: canonical names.
        bias: of the unembedding; what is stored under a second name is the same, and the first
            is read.
    """
    if config.masked_head is None:
        return []
    rules = linear("mlm_head.dense", dense, config.masked_head.bias)
    rules += norm("mlm_head.ln", ln, config)
    if config.unembed_bias:
        rules.append(stored_as("unembed.bias", bias))
    if not config.tied_embeddings:
        rules.append(same("unembed.weight", unembedding))
    return rules


def bias_names(config: TransformerConfig, head: str) -> tuple[str, ...]:
    """Under which names BERT and RoBERTa keep the bias of the unembedding.

    An untied unembedding is a module with a bias of its own, which counts; the other one stays.
    """
    return (f"{head}bias",) if config.tied_embeddings else (f"{head}decoder.bias", f"{head}bias")


def stored_as(ours: str, theirs: Sequence[str]) -> Rule:
    """One tensor that a file holds once or more, under several names."""
    return Rule(
        (ours,), tuple(theirs), lambda some: [some[0]], lambda some: [some[0]] * len(theirs)
    )

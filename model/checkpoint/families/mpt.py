"""MPT (MosaicML 2023), as transformers writes it, and as MosaicML's own code does.

That code knows more than transformers' MPT, which takes no notice of the rest and computes other
numbers without a word: steeper linear biases (MPT-7B-StoryWriter), learned positions in their
place, norms of queries and keys, biases of maps and norms. A network that has any of these is
opened as it was trained, but not saved, since transformers would not compute the same. Of keys that
ask for what is not built no notice is taken, as transformers takes none; a note names them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from torch import Tensor

from model.checkpoint.errors import CheckpointError
from model.checkpoint.families import decoder, gguf
from model.checkpoint.families.family import Family
from model.checkpoint.families.likeness import refuse_unlike
from model.checkpoint.families.rules import Rule, read_state, reshaped, same, write_state
from model.checkpoint.gguf_keys import Keys
from model.checkpoint.values import (
    MOST_LAYERS,
    Config,
    flag,
    number,
    spelled,
    where,
    whole,
)
from model.config import Caps, Norms, QKNorm, Scales, TransformerConfig
from model.positions import Alibi

MODEL_TYPE = "mpt"
TIED_NAMES = ("lm_head.weight", "transformer.wte.weight")

# Keys that MosaicML's code reads, with the values that are built here. Of other values transformers
# takes no notice, and so is none taken here: where they change the tensors, these do not fit.
_WHOLE: dict[str, tuple[Any, ...]] = {
    "expansion_ratio": (4,),
    "logit_scale": (),
    "norm_type": ("low_precision_layernorm", "layernorm"),
    "residual_modification": (),
}
_ATTENTION: dict[str, tuple[Any, ...]] = {
    "attn_type": ("multihead_attention",),
    "attn_uses_sequence_id": (False,),
    "rope": (False,),
    "qk_gn": (False,),
    "prefix_lm": (False,),
    "sliding_window_size": (-1,),
}
_MLP: dict[str, tuple[Any, ...]] = {"ffn_type": ("mptmlp",)}


def config_from_hf(hf: Mapping[str, Any]) -> TransformerConfig:
    """The shape; keys that are missing have the values that transformers gives them."""
    attention = _mapping(hf, "attn_config")
    has_alibi = flag(attention, "alibi", True)
    learned = flag(hf, "learned_pos_emb", True)  # counts only where there are no linear biases
    steepest = whole(attention, "alibi_bias_max", 8)
    bias = not flag(hf, "no_bias", True)
    scale = attention.get("softmax_scale")
    return TransformerConfig(
        n_layers=whole(hf, spelled(hf, "n_layers", "num_hidden_layers"), 24, MOST_LAYERS),
        n_heads=whole(hf, spelled(hf, "n_heads", "num_attention_heads"), 16),
        d_model=whole(hf, spelled(hf, "d_model", "hidden_size"), 2048),
        d_vocab=whole(hf, "vocab_size", 50368),
        n_ctx=whole(hf, "max_seq_len", 2048),
        norm_eps=number(hf, "layer_norm_epsilon", 1e-5),
        norms=Norms(bias=bias),
        positions="alibi" if has_alibi else "learned" if learned else "none",
        alibi=Alibi(max_bias=steepest) if has_alibi else None,
        qk_norm=QKNorm("all heads", bias=bias) if flag(attention, "qk_ln", False) else None,
        activation="gelu",
        qkv_bias=bias,
        out_bias=bias,
        mlp_bias=bias,
        scales=Scales(
            scores=None if scale is None else number(attention, "softmax_scale", 1.0, -1e6)
        ),
        # Zero clips nothing, as in transformers.
        caps=Caps(qkv=number(attention, "clip_qkv", 0.0) or None),
        tied_embeddings=flag(hf, "tie_word_embeddings", True),
    )


def _mapping(hf: Mapping[str, Any], key: str) -> Config:
    value = hf.get(key) or {}
    if not isinstance(value, Mapping):
        raise CheckpointError(f"{where(hf)}: {key!r} is no object; copy the file again.")
    return Config(value, f"{where(hf)}, {key!r}")


def by_tensors(
    config: TransformerConfig, hf: Mapping[str, Any], shapes: Mapping[str, tuple[int, ...]]
) -> tuple[TransformerConfig, tuple[str, ...]]:
    """What the tensors show of keys of MosaicML's that a file of transformers' may set in vain."""
    first = "transformer.blocks.0"
    rows = shapes.get(f"{first}.ffn.up_proj.weight", (0,))[0]
    ratio = hf.get("expansion_ratio")
    if isinstance(ratio, int | float) and rows and 0 <= config.d_model * ratio - rows < 1:
        config = replace(config, d_mlp=rows)
    if config.qkv_bias and f"{first}.attn.Wqkv.bias" not in shapes:
        norms = replace(config.norms, bias=False)
        config = replace(config, norms=norms, qkv_bias=False, out_bias=False, mlp_bias=False)
    if config.qk_norm is not None and f"{first}.attn.q_ln.weight" not in shapes:
        config = replace(config, qk_norm=None)
    if config.positions == "learned" and "transformer.wpe.weight" not in shapes:
        config = replace(config, positions="alibi", alibi=Alibi())
    unread = _others(hf, _WHOLE)
    unread += _others(_mapping(hf, "attn_config"), _ATTENTION)
    unread += _others(_mapping(hf, "ffn_config"), _MLP)
    if ratio is not None and config.d_mlp != 4 * config.d_model:
        unread.remove("expansion_ratio")
    if not unread:
        return config, ()
    named = ", ".join(repr(key) for key in unread)
    return config, (
        f"Its config sets {named}, of which transformers takes no notice; nor is any taken here.",
    )


def _others(hf: Mapping[str, Any], built: Mapping[str, tuple[Any, ...]]) -> list[str]:
    """The keys that ask for something else than what is built."""
    return [key for key, values in built.items() if hf.get(key) not in (None, *values)]


def config_to_hf(config: TransformerConfig) -> dict[str, Any]:
    """An MPT config, or a CheckpointError if the network is none, or none of transformers'."""
    attention: dict[str, Any] = {
        "alibi": config.alibi is not None,
        "alibi_bias_max": 8 if config.alibi is None else int(config.alibi.max_bias),
        "clip_qkv": config.caps.qkv,
        "qk_ln": config.qk_norm is not None,
        "softmax_scale": config.scales.scores,
    }
    hf = {
        "model_type": MODEL_TYPE,
        "architectures": ["MptForCausalLM"],
        "vocab_size": config.d_vocab,
        "d_model": config.d_model,
        "n_heads": config.n_heads,
        "n_layers": config.n_layers,
        "expansion_ratio": 4,
        "max_seq_len": config.n_ctx,
        "layer_norm_epsilon": config.norm_eps,
        "learned_pos_emb": config.positions == "learned",
        "no_bias": not config.qkv_bias,
        "attn_config": attention,
        "tie_word_embeddings": config.tied_embeddings,
    }
    refuse_unlike("MPT", config, config_from_hf(hf))
    read = {"alibi": True, "alibi_bias_max": 8, "qk_ln": False}
    unread = [key for key, value in read.items() if attention[key] != value]
    if config.qkv_bias:
        unread.append("no_bias")
    if unread:
        raise CheckpointError(
            "This network can't be saved as an MPT: transformers takes no notice of "
            f"{', '.join(unread)} and would compute other numbers."
        )
    return hf


def canonical_name(name: str) -> str | None:
    """With the prefix ``transformer.``."""
    return name if name.startswith(("transformer.", "lm_head.")) else f"transformer.{name}"


def state_from_hf(tensors: Mapping[str, Tensor], config: TransformerConfig) -> dict[str, Tensor]:
    """Renamed."""
    return read_state(_rules(config), tensors)


def state_to_hf(state: Mapping[str, Tensor], config: TransformerConfig) -> dict[str, Tensor]:
    """The reverse."""
    return write_state(_rules(config), state)


def _rules(config: TransformerConfig) -> list[Rule]:
    bias = config.qkv_bias
    rules = [
        same("embed.weight", "transformer.wte.weight"),
        *decoder.norm("ln_final", "transformer.norm_f", config),
    ]
    if config.positions == "learned":
        rules.append(same("pos_embed.weight", "transformer.wpe.weight"))
    if not config.tied_embeddings:
        rules.append(same("unembed.weight", "lm_head.weight"))
    for layer in range(config.n_layers):
        ours, theirs = f"blocks.{layer}", f"transformer.blocks.{layer}"
        rules += [
            *decoder.norm(f"{ours}.ln1", f"{theirs}.norm_1", config),
            *decoder.linear(f"{ours}.attn.qkv", f"{theirs}.attn.Wqkv", bias),
            *decoder.linear(f"{ours}.attn.out", f"{theirs}.attn.out_proj", bias),
            *decoder.norm(f"{ours}.ln2", f"{theirs}.norm_2", config),
            *decoder.linear(f"{ours}.mlp.up", f"{theirs}.ffn.up_proj", bias),
            *decoder.linear(f"{ours}.mlp.down", f"{theirs}.ffn.down_proj", bias),
        ]
        if config.qk_norm is not None:
            for letter in "qk":
                rules += _by_head(
                    f"{ours}.attn.{letter}_norm", f"{theirs}.attn.{letter}_ln", config
                )
    return rules


def _by_head(ours: str, theirs: str, config: TransformerConfig) -> list[Rule]:
    """The rules of a norm of all heads together, whose weights we keep by head."""
    shape = (config.n_heads, config.d_head)
    return [
        reshaped(
            f"{ours}.{kind[0]}",
            f"{theirs}.{kind}",
            lambda tensor: tensor.unflatten(0, shape),
            lambda tensor: tensor.flatten(),
        )
        for kind in (("weight", "bias") if config.norms.bias else ("weight",))
    ]


def config_from_gguf(keys: Keys) -> dict[str, Any]:
    """The same keys from a GGUF file's."""
    d_model = keys.whole("embedding_length")
    bias = keys.number("attention.max_alibi_bias", 0.0)
    clip = keys.number("attention.clamp_kqv", 0.0)
    return {
        "d_model": d_model,
        "n_layers": keys.whole("block_count"),
        "n_heads": keys.whole("attention.head_count"),
        "expansion_ratio": keys.whole("feed_forward_length", 4 * d_model) // d_model,
        "max_seq_len": keys.whole("context_length"),
        "vocab_size": keys.d_vocab,
        "layer_norm_epsilon": keys.number("attention.layer_norm_epsilon", 1e-5),
        "no_bias": True,
        "attn_config": {
            "alibi": bias > 0,
            "alibi_bias_max": round(bias) or 8,
            "clip_qkv": clip or None,
            "qk_ln": keys.has("blk.0.attn_q_norm.weight"),
        },
        "tie_word_embeddings": not keys.has("output.weight"),
    }


FAMILY = Family(
    model_type=MODEL_TYPE,
    title="MPT",
    tied_names=TIED_NAMES,
    config_from_hf=config_from_hf,
    config_to_hf=config_to_hf,
    canonical_name=canonical_name,
    state_from_hf=state_from_hf,
    state_to_hf=state_to_hf,
    by_tensors=by_tensors,
    gguf=(
        gguf.Layout(
            architecture="mpt",
            config=config_from_gguf,
            top={
                "token_embd": "transformer.wte",
                "output_norm": "transformer.norm_f",
                "output": "lm_head",
            },
            layers="transformer.blocks.{}.",
            block={
                "attn_norm": "norm_1",
                "attn_qkv": "attn.Wqkv",
                "attn_output": "attn.out_proj",
                "attn_q_norm": "attn.q_ln",
                "attn_k_norm": "attn.k_ln",
                "ffn_norm": "norm_2",
                "ffn_up": "ffn.up_proj",
                "ffn_down": "ffn.down_proj",
            },
        ),
    ),
)

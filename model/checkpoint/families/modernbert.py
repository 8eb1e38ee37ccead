"""ModernBERT (Warner et al. 2024): an encoder with rotary positions, gated MLPs and local layers.

Most layers look no farther than ``local_attention // 2`` positions to either side; every third one
looks everywhere, and turns with a longer base.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from model.checkpoint.errors import CheckpointError
from model.checkpoint.families import encoder
from model.checkpoint.families.decoder import ACTIVATIONS, activation_name, linear, norm
from model.checkpoint.families.family import Family, Heads
from model.checkpoint.families.likeness import refuse_unlike
from model.checkpoint.families.rope import max_positions, n_ctx_of, rotary_from_hf, scaling_to_hf
from model.checkpoint.families.rules import Rule, cut, read_state, same, write_state
from model.checkpoint.values import LARGEST, MOST_LAYERS, Config, choice, flag, number, where, whole
from model.config import ConfigError, MaskedHead, Norms, TransformerConfig
from model.positions import Rotary

MODEL_TYPE = "modernbert"
TIED_NAMES = ("decoder.weight", "model.embeddings.tok_embeddings.weight")

_HEAD = ("head.", "decoder.")
_FULL, _LOCAL = "full_attention", "sliding_attention"
_BASES = {_FULL: 160_000.0, _LOCAL: 10_000.0}
_OLD_BASES = {_FULL: "global_rope_theta", _LOCAL: "local_rope_theta"}


def config_from_hf(hf: Mapping[str, Any]) -> TransformerConfig:
    """The shape; keys that are missing have transformers' values."""
    n_layers = whole(hf, "num_hidden_layers", 22, MOST_LAYERS)
    n_heads = whole(hf, "num_attention_heads", 12)
    d_model = whole(hf, "hidden_size", 768)
    n_positions = whole(hf, "max_position_embeddings", 8192)
    types = _layer_types(hf, n_layers)
    rotary = {
        kind: rotary_from_hf(
            _rope_of(hf, kind),
            max(1, d_model // n_heads),
            n_positions,
            _BASES[kind],
        )
        for kind in dict.fromkeys(types)
    }
    # Zero means as much as one: half of it, to either side.
    local = 1 if hf.get("local_attention") == 0 else whole(hf, "local_attention", 128)
    has_bias = flag(hf, "attention_bias", False)
    return TransformerConfig(
        n_layers=n_layers,
        n_heads=n_heads,
        d_model=d_model,
        d_mlp=whole(hf, "intermediate_size", 1152, 4 * LARGEST),
        d_vocab=whole(hf, "vocab_size", 50368),
        n_ctx=min(n_ctx_of(way, n_positions) for way in rotary.values()),
        norm_eps=number(hf, "norm_eps", 1e-5),
        norms=Norms(first=False, embedding=True, bias=flag(hf, "norm_bias", False)),
        positions="rotary",
        rotary=_one_or_all([rotary[kind] for kind in types]),
        window=_one_or_all([local if kind == _LOCAL else None for kind in types]),
        activation=choice(hf, "hidden_activation", "gelu", ACTIVATIONS),
        gated=True,
        qkv_bias=has_bias,
        out_bias=has_bias,
        mlp_bias=flag(hf, "mlp_bias", False),
        causal=False,
        **_head(hf),
    )


def _head(hf: Mapping[str, Any]) -> dict[str, Any]:
    activation = choice(hf, "classifier_activation", "gelu", ACTIVATIONS)
    head = encoder.head_from_hf(hf, activation)
    if head["head"] == "none":
        return head
    return head | {
        "masked_head": MaskedHead(activation, flag(hf, "classifier_bias", False)),
        "unembed_bias": flag(hf, "decoder_bias", True),
    }


def _rope_of(hf: Mapping[str, Any], kind: str) -> Config:
    """What one kind of layers is told of its rotation: transformers stretches none by old keys.

    ``rope_scaling`` names its way by ``type``, of which no notice is taken beside ``rope_type``.
    """
    new = hf.get("rope_parameters")
    own = dict(new.get(kind) or {}) if isinstance(new, Mapping) else {}
    old = hf.get("rope_scaling")
    if isinstance(old, Mapping):
        own = {"rope_type": "default", **own, **old}
    own.setdefault("rope_theta", hf.get(_OLD_BASES[kind]))
    return Config({"rope_parameters": own}, where(hf))


def _layer_types(hf: Mapping[str, Any], n_layers: int) -> list[str]:
    types = hf.get("layer_types")
    if types is None:
        every = whole(hf, "global_attn_every_n_layers", 3)
        return [_LOCAL if layer % every else _FULL for layer in range(n_layers)]
    if not isinstance(types, list) or len(types) != n_layers or not set(types) <= set(_BASES):
        raise CheckpointError(
            f"{where(hf)}: 'layer_types' must be a list of {n_layers} names, each {_FULL!r} or "
            f"{_LOCAL!r}."
        )
    return types


def _one_or_all(values: Sequence[Any]) -> Any:
    """One value where it is the same in all layers."""
    return values[0] if len(set(values)) == 1 else tuple(values)


def config_to_hf(config: TransformerConfig) -> dict[str, Any]:
    """A ModernBERT config, or a CheckpointError if the network is none."""
    windows = [config.window_at(layer) for layer in range(config.n_layers)]
    types = [_FULL if window is None else _LOCAL for window in windows]
    head = config.masked_head or MaskedHead()
    hf: dict[str, Any] = {
        "model_type": MODEL_TYPE,
        "architectures": [encoder.architecture(config, "ModernBert")],
        "vocab_size": config.d_vocab,
        "hidden_size": config.d_model,
        "intermediate_size": config.d_mlp,
        "num_hidden_layers": config.n_layers,
        "num_attention_heads": config.n_heads,
        "hidden_activation": activation_name(config.activation),
        "max_position_embeddings": max_positions(config),
        "norm_eps": config.norm_eps,
        "norm_bias": config.norms.bias,
        "attention_bias": config.out_bias,
        "mlp_bias": config.mlp_bias,
        "decoder_bias": config.unembed_bias,
        "classifier_bias": head.bias,
        "classifier_activation": activation_name(head.activation),
        "layer_types": types,
        "local_attention": next((window for window in windows if window is not None), 128),
        "tie_word_embeddings": config.tied_embeddings,
        "pad_token_id": 0,
    }
    hf |= _rope(config, types)
    # Before version 5 transformers knew only this key.
    for every in range(1, config.n_layers + 1):
        if types == _layer_types({"global_attn_every_n_layers": every}, config.n_layers):
            hf["global_attn_every_n_layers"] = every
            break
    try:
        again = config_from_hf(hf)
    except ConfigError as error:
        raise CheckpointError(f"This network can't be saved as a ModernBERT: {error}") from error
    refuse_unlike("ModernBERT", config, again)
    return hf


def _rope(config: TransformerConfig, types: Sequence[str]) -> dict[str, Any]:
    """Both keys: transformers before version 5 knew the bases only."""
    by_type: dict[str, dict[str, Any]] = {}
    bases: dict[str, float] = {}
    for layer, kind in enumerate(types):
        rotary = config.rotary_at(layer) or Rotary()
        scaling = {"rope_type": "default"} if rotary.scaling is None else None
        by_type[kind] = {
            "rope_theta": rotary.base,
            **(scaling or scaling_to_hf(rotary.scaling)),  # type: ignore[arg-type]
        }
        bases[_OLD_BASES[kind]] = rotary.base
    return {"rope_parameters": by_type, **bases}


def canonical_name(name: str) -> str | None:
    """With ``model.`` before the body."""
    if name.startswith(("embeddings.", "layers.", "final_norm.")):
        return f"model.{name}"
    return name


def architecture_of(names: Sequence[str]) -> str:
    """What config.json would have named, from the names in the file."""
    return encoder.architecture_of(names, "ModernBert", "decoder.")


def left_out(name: str, config: TransformerConfig) -> str | None:
    """The part that a tensor is of and that is not built here; None for what is built."""
    if config.head == "none" and name.startswith(_HEAD):
        # A classifier has the same transform before it as the masked head.
        return "a head"
    return encoder.part_of(name, encoder.TASKS)


def state_from_hf(tensors: Mapping[str, Tensor], config: TransformerConfig) -> dict[str, Tensor]:
    """Renamed; the joined gate and value of the MLPs are cut apart."""
    return read_state(_rules(config), tensors)


def state_to_hf(state: Mapping[str, Tensor], config: TransformerConfig) -> dict[str, Tensor]:
    """The reverse."""
    return write_state(_rules(config), state)


def _rules(config: TransformerConfig) -> list[Rule]:
    rules = [same("embed.weight", "model.embeddings.tok_embeddings.weight")]
    rules += norm("ln_embed", "model.embeddings.norm", config)
    kinds = ("weight", "bias") if config.mlp_bias else ("weight",)
    for layer in range(config.n_layers):
        ours, theirs = f"blocks.{layer}", f"model.layers.{layer}"
        if "ln1" in config.block_norms(layer):
            rules += norm(f"{ours}.ln1", f"{theirs}.attn_norm", config)
        rules += linear(f"{ours}.attn.qkv", f"{theirs}.attn.Wqkv", config.qkv_bias)
        rules += linear(f"{ours}.attn.out", f"{theirs}.attn.Wo", config.out_bias)
        rules += norm(f"{ours}.ln2", f"{theirs}.mlp_norm", config)
        for kind in kinds:
            halves = [f"{ours}.mlp.gate.{kind}", f"{ours}.mlp.up.{kind}"]
            rules.append(cut(halves, f"{theirs}.mlp.Wi.{kind}", (config.d_mlp, config.d_mlp)))
        rules += linear(f"{ours}.mlp.down", f"{theirs}.mlp.Wo", config.mlp_bias)
    rules += norm("ln_final", "model.final_norm", config)
    return rules + encoder.masked_head(
        config,
        dense="head.dense",
        ln="head.norm",
        bias=("decoder.bias",),
        unembedding=TIED_NAMES[0],
    )


FAMILY = Family(
    model_type=MODEL_TYPE,
    title="ModernBERT",
    tied_names=TIED_NAMES,
    config_from_hf=config_from_hf,
    config_to_hf=config_to_hf,
    canonical_name=canonical_name,
    state_from_hf=state_from_hf,
    state_to_hf=state_to_hf,
    heads=Heads(architecture_of=architecture_of, left_out=left_out),
)

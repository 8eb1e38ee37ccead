"""A Hugging Face folder as a GGUF file: what llama.cpp's conversion does, for tests.

Names come from the gguf library's own table and not from ours; what the conversion does to the
numbers is written down here from its side. So a test that opens the result holds ours to both.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import gguf
import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file

Array = NDArray[Any]
ARCHITECTURES = {
    "gpt_neox": gguf.MODEL_ARCH.GPTNEOX,
    "gemma3_text": gguf.MODEL_ARCH.GEMMA3,
    "mixtral": gguf.MODEL_ARCH.LLAMA,
    "mistral": gguf.MODEL_ARCH.LLAMA,
    "phi": gguf.MODEL_ARCH.PHI2,
} | {
    name: getattr(gguf.MODEL_ARCH, name.upper())
    for name in (
        "llama",
        "qwen2",
        "qwen3",
        "gemma",
        "gemma2",
        "phi3",
        "granite",
        "olmo2",
        "smollm3",
        "stablelm",
        "starcoder2",
        "gpt2",
        "falcon",
        "bloom",
        "mpt",
    )
}


def write_gguf(
    folder: Path,
    path: Path,
    choose: Callable[[str, Array], gguf.GGMLQuantizationType] | None = None,
    keys: Mapping[str, Any] | None = None,
) -> Path:
    """Convert a folder.

    Args:
        folder: as transformers saves it, weights in one file.
        path: the file to write.
        choose: the number format of a tensor, float32 by default.
        keys: further key-values, whole keys with dots.
    """
    hf = json.loads((folder / "config.json").read_text())
    family = hf["model_type"]
    arch = ARCHITECTURES[family]
    writer = gguf.GGUFWriter(path, gguf.MODEL_ARCH_NAMES[arch])
    sizes = _Sizes(hf)
    _write_keys(writer, hf, family, sizes)
    for key, value in (keys or {}).items():
        if isinstance(value, str):
            writer.add_string(key, value)
        elif isinstance(value, int):
            writer.add_uint32(key, value)
        else:
            writer.add_array(key, value)
    table = gguf.get_tensor_name_map(arch, sizes.n_layers)
    tensors = _stacked(load_file(folder / "model.safetensors"))
    for name, tensor in tensors.items():
        bare = name.removeprefix("transformer.") if family == "bloom" else name
        theirs = table.get_name(bare, try_suffixes=(".weight", ".bias"))
        assert theirs is not None, name
        changed = np.ascontiguousarray(_changed(family, name, tensor.astype(np.float32), sizes))
        kind = gguf.GGMLQuantizationType.F32
        if choose is not None:
            kind = choose(theirs, changed)
        raw = gguf.quants.quantize(changed, kind)
        writer.add_tensor(theirs, raw, raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


class _Sizes:
    """A config's sizes under any of the names that families have for them."""

    def __init__(self, hf: dict[str, Any]) -> None:
        def first(*names: str, default: Any = None) -> Any:
            return next((hf[name] for name in names if hf.get(name) is not None), default)

        self.n_layers = first("num_hidden_layers", "n_layer", "n_layers")
        self.d_model = first("hidden_size", "n_embd", "d_model")
        self.n_heads = first("num_attention_heads", "n_head", "n_heads")
        self.n_kv = first("num_key_value_heads", "num_kv_heads", default=self.n_heads)
        if hf["model_type"] == "falcon" and not hf.get("new_decoder_architecture"):
            self.n_kv = 1
        self.d_head = first("head_dim", default=self.d_model // self.n_heads)
        self.d_mlp = first("intermediate_size", "n_inner", "ffn_hidden_size")
        if hf["model_type"] in ("mpt", "bloom", "falcon"):
            self.d_mlp = hf.get("ffn_hidden_size") or hf.get("expansion_ratio", 4) * self.d_model
        self.n_ctx = first(
            "max_position_embeddings", "n_positions", "max_seq_len", "seq_length", default=2048
        )
        rope = hf.get("rope_parameters") or {}
        whole = rope.get("full_attention", rope)
        self.theta = first("rope_theta", default=whole.get("rope_theta"))
        self.partial = first(
            "partial_rotary_factor", "rotary_pct", default=whole.get("partial_rotary_factor")
        )
        self.rope = whole


def _write_keys(writer: gguf.GGUFWriter, hf: dict[str, Any], family: str, s: _Sizes) -> None:
    writer.add_block_count(s.n_layers)
    writer.add_context_length(int(s.n_ctx))
    writer.add_embedding_length(s.d_model)
    writer.add_feed_forward_length(int(s.d_mlp))
    writer.add_head_count(s.n_heads)
    writer.add_head_count_kv(s.n_kv)
    if s.theta is not None:
        writer.add_rope_freq_base(float(s.theta))
    if hf.get("rms_norm_eps") is not None:
        writer.add_layer_norm_rms_eps(hf["rms_norm_eps"])
    for name in ("layer_norm_eps", "layer_norm_epsilon", "norm_epsilon"):
        if hf.get(name) is not None:
            writer.add_layer_norm_eps(hf[name])
    if hf.get("head_dim") is not None and family not in ("granite", "falcon"):
        writer.add_key_length(hf["head_dim"])
        writer.add_value_length(hf["head_dim"])
    if s.partial is not None:
        writer.add_rope_dimension_count(int(s.partial * s.d_head))
    if family == "llama" and s.rope.get("rope_type") in ("linear", "yarn"):
        writer.add_rope_scaling_type(gguf.RopeScalingType(s.rope["rope_type"]))
        writer.add_rope_scaling_factor(s.rope["factor"])
        if s.rope.get("original_max_position_embeddings"):
            writer.add_rope_scaling_orig_ctx_len(s.rope["original_max_position_embeddings"])
    match family:
        case "mixtral":
            writer.add_expert_count(hf["num_local_experts"])
            writer.add_expert_used_count(hf["num_experts_per_tok"])
        case "gemma2":
            writer.add_attn_logit_softcapping(hf["attn_logit_softcapping"])
            writer.add_final_logit_softcapping(hf["final_logit_softcapping"])
            writer.add_sliding_window(hf["sliding_window"])
        case "gemma3_text":
            writer.add_sliding_window(hf["sliding_window"])
        case "phi3":
            writer.add_sliding_window(hf["sliding_window"] or 0)
            writer.add_rope_dimension_count(int((s.partial or 1) * s.d_head))
            writer.add_rope_scaling_orig_ctx_len(hf["original_max_position_embeddings"])
            if s.rope.get("rope_type") == "longrope":
                writer.add_tensor(
                    "rope_factors_long.weight", np.array(s.rope["long_factor"], np.float32)
                )
                writer.add_tensor(
                    "rope_factors_short.weight", np.array(s.rope["short_factor"], np.float32)
                )
        case "granite":
            writer.add_attention_scale(hf["attention_multiplier"])
            writer.add_embedding_scale(hf["embedding_multiplier"])
            writer.add_residual_scale(hf["residual_multiplier"])
            writer.add_logit_scale(hf["logits_scaling"])
        case "stablelm" | "gpt_neox":
            writer.add_parallel_residual(hf["use_parallel_residual"])
        case "mpt":
            attention = hf["attn_config"]
            if attention.get("alibi"):
                writer.add_max_alibi_bias(attention["alibi_bias_max"])
            if attention.get("clip_qkv"):
                writer.add_clamp_kqv(attention["clip_qkv"])
    if s.rope.get("rope_type") == "llama3":
        writer.add_tensor("rope_freqs.weight", _llama3_factors(s))


def _llama3_factors(s: _Sizes) -> Array:
    """As llama.cpp computes them."""
    factor, low, high = (s.rope[n] for n in ("factor", "low_freq_factor", "high_freq_factor"))
    original = s.rope["original_max_position_embeddings"]
    factors = []
    for i in range(0, s.d_head, 2):
        wavelength = 2 * np.pi * s.theta ** (i / s.d_head)
        if wavelength < original / high:
            factors.append(1.0)
        elif wavelength > original / low:
            factors.append(factor)
        else:
            smooth = (original / wavelength - low) / (high - low)
            factors.append(1 / ((1 - smooth) / factor + smooth))
    return np.array(factors, np.float32)


def _stacked(tensors: dict[str, Array]) -> dict[str, Array]:
    """Experts and norms of heads, which llama.cpp keeps in one tensor a layer."""
    made: dict[str, Array] = {}
    stacks: dict[str, dict[int, Array]] = {}
    for name, tensor in tensors.items():
        parts = name.split(".")
        for key in ("experts", "norms"):
            if key in parts and parts[parts.index(key) + 1].isdigit():
                at = parts.index(key)
                kept = [*parts[: at + (key == "experts")], *parts[at + 2 :]]
                stacks.setdefault(".".join(kept), {})[int(parts[at + 1])] = tensor
                break
        else:
            made[name] = tensor
    for name, parts_of in stacks.items():
        made[name] = np.stack([parts_of[i] for i in sorted(parts_of)])
    return made


def _changed(family: str, name: str, tensor: Array, s: _Sizes) -> Array:
    """What the conversion does to the numbers."""
    if family in ("llama", "mistral", "mixtral", "granite", "smollm3"):
        if "q_proj." in name:
            return _permuted(tensor, s.n_heads)
        if "k_proj." in name:
            return _permuted(tensor, s.n_kv)
    if family.startswith("gemma") and name.endswith("norm.weight"):
        return tensor + 1
    if family == "gpt2" and tensor.ndim == 2 and ".h." in name:
        return tensor.T
    if family in ("gpt_neox", "bloom") and "query_key_value" in name:
        heads = tensor.reshape(s.n_heads, 3, s.d_head, *tensor.shape[1:])
        return np.concatenate([heads[:, i].reshape(-1, *tensor.shape[1:]) for i in range(3)])
    if family == "falcon" and "query_key_value" in name:
        d_head = s.d_model // s.n_heads
        groups = tensor.reshape(s.n_kv, s.n_heads // s.n_kv + 2, d_head, s.d_model)
        q, k, v = groups[:, :-2], groups[:, [-2]], groups[:, [-1]]
        return np.concatenate([part.reshape(-1, s.d_model) for part in (q, k, v)])
    return tensor


def _permuted(tensor: Array, n_heads: int) -> Array:
    rows = tensor.reshape(n_heads, 2, tensor.shape[0] // n_heads // 2, *tensor.shape[1:])
    return rows.swapaxes(1, 2).reshape(tensor.shape)

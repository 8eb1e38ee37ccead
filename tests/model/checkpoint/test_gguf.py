"""GGUF: every architecture to the logits of its original, every number format, bad headers."""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest
import torch
import transformers as hf
from gguf import GGMLQuantizationType as Kind

from model.checkpoint import CheckpointError, open_checkpoint, preview
from model.checkpoint.families import FAMILIES
from model.checkpoint.families.gguf import Layout
from model.checkpoint.sources.gguf_types import can_dequantise, types
from tests.model.checkpoint.families.harness import make, some_ids
from tests.model.checkpoint.gguf_writing import write_gguf

LLAMA: dict[str, Any] = {
    "vocab_size": 61,
    "hidden_size": 48,
    "intermediate_size": 52,
    "num_hidden_layers": 3,
    "num_attention_heads": 6,
    "num_key_value_heads": 2,
    "max_position_embeddings": 64,
    "tie_word_embeddings": False,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
WIDE = LLAMA | {"head_dim": 10}
LLAMA3 = {
    "rope_type": "llama3",
    "rope_theta": 500_000.0,
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 8192,
}
GPT2 = {"vocab_size": 61, "n_positions": 40, "n_embd": 24, "n_layer": 3, "n_head": 4, "n_inner": 56}
GEMMA = {"sliding_window": 5, "query_pre_attn_scalar": 10}
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "llama": ("Llama", LLAMA),
    "llama, tied": ("Llama", LLAMA | {"tie_word_embeddings": True}),
    "llama 3.1": ("Llama", WIDE | {"head_dim": 32, "rope_parameters": LLAMA3}),
    "llama, linear": (
        "Llama",
        LLAMA | {"rope_parameters": {"rope_type": "linear", "factor": 4.0, "rope_theta": 1e4}},
    ),
    "mixtral": ("Mixtral", LLAMA | {"num_local_experts": 4, "num_experts_per_tok": 2}),
    "qwen2": ("Qwen2", LLAMA),
    "qwen3": ("Qwen3", WIDE),
    "gemma": ("Gemma", WIDE | {"tie_word_embeddings": True}),
    "gemma2": ("Gemma2", WIDE | GEMMA | {"tie_word_embeddings": True}),
    "gemma3": ("Gemma3", WIDE | GEMMA | {"tie_word_embeddings": True, "num_hidden_layers": 7}),
    "phi3": ("Phi3", LLAMA),
    "phi3, long": (
        "Phi3",
        LLAMA
        | {
            "original_max_position_embeddings": 16,
            "rope_parameters": {
                "rope_type": "longrope",
                "rope_theta": 1e4,
                "long_factor": [1.0, 1.5, 2.25, 4.0],
                "short_factor": [1.0, 1.125, 1.25, 1.5],
            },
        },
    ),
    "llama, yarn": (
        "Llama",
        LLAMA
        | {
            "rope_parameters": {
                "rope_type": "yarn",
                "factor": 4.0,
                "rope_theta": 1e4,
                "original_max_position_embeddings": 16,
            }
        },
    ),
    "granite": (
        "Granite",
        LLAMA
        | {
            "attention_multiplier": 0.3,
            "embedding_multiplier": 1.7,
            "residual_multiplier": 0.6,
            "logits_scaling": 1.3,
        },
    ),
    "olmo2": ("Olmo2", LLAMA),
    "smollm3": ("SmolLM3", LLAMA | {"num_hidden_layers": 5, "no_rope_layer_interval": 4}),
    "phi": ("Phi", LLAMA | {"partial_rotary_factor": 0.5, "num_key_value_heads": 6}),
    "phi, grouped": ("Phi", LLAMA | {"partial_rotary_factor": 0.5}),
    "stablelm": ("StableLm", LLAMA | {"use_qkv_bias": True, "partial_rotary_factor": 0.5}),
    "stablelm, norms of heads": ("StableLm", LLAMA | {"qk_layernorm": True}),
    "stablelm, parallel": ("StableLm", LLAMA | {"use_parallel_residual": True}),
    "starcoder2": ("Starcoder2", LLAMA | {"sliding_window": None}),
    "gpt2": ("GPT2", GPT2),
    "gpt2, untied": ("GPT2", GPT2 | {"tie_word_embeddings": False}),
    "gptneox": (
        "GPTNeoX",
        {k: v for k, v in LLAMA.items() if k != "num_key_value_heads"} | {"rotary_pct": 0.25},
    ),
    "falcon 7b": (
        "Falcon",
        {
            "vocab_size": 61,
            "hidden_size": 48,
            "num_hidden_layers": 3,
            "num_attention_heads": 6,
            "max_position_embeddings": 2048,
        },
    ),
    "falcon 40b": (
        "Falcon",
        {
            "vocab_size": 61,
            "hidden_size": 48,
            "num_hidden_layers": 3,
            "num_attention_heads": 6,
            "num_kv_heads": 2,
            "new_decoder_architecture": True,
        },
    ),
    "bloom": ("Bloom", {"vocab_size": 61, "hidden_size": 24, "n_layer": 3, "n_head": 4}),
    "mpt": (
        "Mpt",
        {
            "vocab_size": 61,
            "d_model": 32,
            "n_layers": 3,
            "n_heads": 4,
            "max_seq_len": 40,
        },
    ),
}


def make_case(name: str, folder: Path) -> type[hf.PreTrainedModel]:
    prefix, sizes = CASES[name]
    text = "Text" if prefix == "Gemma3" else ""
    network: type[hf.PreTrainedModel] = getattr(
        hf, f"{prefix}{'LMHeadModel' if prefix == 'GPT2' else 'ForCausalLM'}"
    )
    make(network, getattr(hf, f"{prefix}{text}Config")(**sizes), folder)
    return network


@pytest.mark.parametrize("name", CASES)
def test_a_gguf_file_gives_the_logits_of_its_original(name: str, tmp_path: Path):
    network = make_case(name, tmp_path / "theirs")
    path = write_gguf(tmp_path / "theirs", tmp_path / "model.gguf")
    theirs = network.from_pretrained(
        tmp_path / "theirs", attn_implementation="eager", dtype=torch.float32
    ).eval()
    checkpoint = open_checkpoint(path)
    ids_BT = some_ids(61)
    with torch.inference_mode():
        expected = theirs(ids_BT).logits
        ours = checkpoint.transformer(ids_BT)
    assert expected.std() > 0.1
    assert (ours - expected).abs().max() < 1e-4
    assert (checkpoint.format, checkpoint.path) == ("GGUF", path)
    found = preview(path)
    assert found.problem is None
    assert found.n_params == sum(p.numel() for p in checkpoint.transformer.parameters())
    assert found.dtypes == ("float32",)


@pytest.mark.parametrize(
    "layout",
    [
        pytest.param(layout, id=f"{family.model_type}-{at}")
        for family in FAMILIES.values()
        for at, layout in enumerate(family.gguf)
    ],
)
def test_tensor_names_are_the_gguf_librarys(layout: Layout):
    architecture = layout.architecture
    arch = next(a for a, name in gguf.MODEL_ARCH_NAMES.items() if name == architecture)
    table = gguf.get_tensor_name_map(arch, 4)
    # llama.cpp's conversion of BLOOM takes the prefix off first.
    prefix = "transformer." if architecture == "bloom" else ""
    for ours, theirs in layout.top.items():
        if ours != "output" or architecture not in ("gemma", "gemma2"):  # always tied there
            assert table.get_name(theirs.removeprefix(prefix)) == ours
    for ours, theirs in layout.block.items():
        name = (layout.layers.format(3) + theirs).removeprefix(prefix)
        assert table.get_name(name) == f"blk.3.{ours}"


# Number formats


@pytest.mark.parametrize("kind", [Kind.F16, Kind.BF16, Kind.Q8_0, Kind.Q4_0, Kind.Q5_1])
def test_other_number_formats_open_to_what_they_hold(kind: Kind, tmp_path: Path):
    wide = LLAMA | {"hidden_size": 192, "intermediate_size": 224, "vocab_size": 96}
    make(hf.LlamaForCausalLM, hf.LlamaConfig(**wide), tmp_path / "theirs")

    def choose(_: str, tensor: Any) -> Kind:
        return kind if tensor.ndim == 2 else Kind.F32

    path = write_gguf(tmp_path / "theirs", tmp_path / "model.gguf", choose)
    found = preview(path)
    names = {"F16": "float16", "BF16": "bfloat16"}
    assert found.dtypes == (names.get(kind.name, kind.name), "float32")
    ours = open_checkpoint(path, torch.float32).transformer
    exact = open_checkpoint(tmp_path / "theirs").transformer
    reader = {tensor.name: tensor for tensor in gguf.GGUFReader(path).tensors}
    stored = reader["blk.1.ffn_down.weight"]
    held = gguf.quants.dequantize(stored.data, stored.tensor_type)
    assert np.array_equal(ours.state_dict()["blocks.1.mlp.down.weight"].numpy(), held)
    error = (ours.embed.weight - exact.embed.weight).abs().max()
    assert 0 < error < 0.2
    # A scale times a small number has more digits than half precision.
    assert open_checkpoint(path).dtype == torch.float32
    half = open_checkpoint(path, torch.bfloat16).transformer
    assert torch.equal(half.embed.weight, ours.embed.weight.bfloat16())


def test_every_number_format_of_the_library_is_known():
    names = {name for name, _, _ in types().values()}
    assert {"float32", "float16", "bfloat16", "Q4_K", "Q6_K", "IQ4_XS"} <= names
    dequantised = {name for name in names if name[0].isupper() and can_dequantise(name)}
    assert {"Q4_0", "Q8_0", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K", "IQ4_NL"} <= dequantised
    assert "Q8_K" not in dequantised


# What is refused


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("gguf")
    make(hf.LlamaForCausalLM, hf.LlamaConfig(**LLAMA), folder / "theirs")
    return write_gguf(folder / "theirs", folder / "model.gguf")


def refusal(path: Path) -> str:
    with pytest.raises(CheckpointError) as caught:
        open_checkpoint(path)
    message = str(caught.value)
    assert message.endswith(".")
    assert preview(path).problem == message
    return message


def test_an_unknown_architecture_is_refused_by_name_with_the_nearest(tmp_path: Path):
    writer = gguf.GGUFWriter(tmp_path / "model.gguf", "qwen9")
    writer.add_tensor("token_embd.weight", np.zeros((3, 4), np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    message = refusal(tmp_path / "model.gguf")
    assert "general.architecture 'qwen9', which is not supported; the nearest known are qwen" in (
        message
    )


@pytest.mark.parametrize(
    ("at", "raw", "says"),
    [
        (0, b"GGML", "does not begin with GGUF"),
        (4, struct.pack("<I", 1), "is a GGUF file of version 1"),
        (4, struct.pack(">I", 3), "byte order of other machines"),
        (8, struct.pack("<Q", 2**62), "claims 4,611,686,018,427,387,904 tensors"),
        (16, struct.pack("<Q", 2**40), "claims 1,099,511,627,776 keys"),
        (24, struct.pack("<Q", 2**63), "claims a text of"),
    ],
)
def test_a_header_that_lies_is_refused_at_once(
    at: int, raw: bytes, says: str, whole: Path, tmp_path: Path
):
    data = bytearray(whole.read_bytes())
    data[at : at + len(raw)] = raw
    path = tmp_path / "model.gguf"
    path.write_bytes(data)
    assert says in refusal(path)


def test_an_array_that_claims_more_than_the_file_is_refused(whole: Path, tmp_path: Path):
    path = tmp_path / "model.gguf"
    entry = b"\x04\0\0\0\0\0\0\0abcd" + struct.pack("<IIQ", 9, 4, 2**33)
    data = whole.read_bytes()
    path.write_bytes(data[:24] + entry + data[24:])
    assert "claims 8,589,934,592 items of 'abcd'" in refusal(path)
    entry = b"\x04\0\0\0\0\0\0\0abcd" + struct.pack("<IIQ", 9, 9, 1)
    path.write_bytes(data[:24] + entry + data[24:])
    assert "is an array of arrays" in refusal(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no pipes among its files")
def test_a_pipe_is_not_waited_for(tmp_path: Path):
    for name in ("model.gguf", "model.safetensors", "unknown"):
        os.mkfifo(tmp_path / name)
        refusal(tmp_path / name)


def test_parts_and_adapters_are_refused(tmp_path: Path, whole: Path):
    folder = whole.parent / "theirs"
    path = write_gguf(folder, tmp_path / "a.gguf", keys={"general.type": "adapter"})
    assert "holds a adapter, which is only a part of a model" in refusal(path)


def test_missing_tensors_are_named(tmp_path: Path):
    writer = gguf.GGUFWriter(tmp_path / "model.gguf", "llama")
    for name, value in {
        "block_count": 1,
        "context_length": 8,
        "embedding_length": 4,
        "feed_forward_length": 8,
    }.items():
        writer.add_uint32(f"llama.{name}", value)
    writer.add_head_count(2)
    for name in ("token_embd", "output", "blk.0.ffn_up"):
        writer.add_tensor(f"{name}.weight", np.zeros((8, 4), np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    assert "lack 'model.norm.weight', 'model.layers.0." in refusal(tmp_path / "model.gguf")

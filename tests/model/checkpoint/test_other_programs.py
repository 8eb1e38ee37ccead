"""Files and folders of other programs: the sentence names what they are and a remedy that works."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from model.checkpoint import open_checkpoint
from tests.model.checkpoint.tiny import WEIGHTS, edit_config, llama, refusal, taken

Q = "model.layers.0.self_attn.q_proj"


def quantised(folder: Path, more: Mapping[str, Tensor], without: bool = True) -> None:
    tensors = taken(folder)
    if without:
        del tensors[f"{Q}.weight"]
    save_file(tensors | dict(more), folder / WEIGHTS, {"format": "pt"})


@pytest.mark.parametrize(
    ("who", "more"),
    [
        ("MLX", {"weight": torch.ones(16, 2, dtype=torch.int32), "scales": torch.ones(16, 1)}),
        ("GPTQ or AWQ", {"qweight": torch.ones(2, 16, dtype=torch.int32)}),
        (
            "bitsandbytes",
            {"weight": torch.ones(128, 1, dtype=torch.uint8), "weight.absmax": torch.ones(4)},
        ),
        (
            "bitsandbytes",
            {"weight": torch.ones(16, 16, dtype=torch.int8), "weight_SCB": torch.ones(16)},
        ),
        ("8-bit floats", {"weight": torch.ones(16, 16), "weight_scale_inv": torch.ones(1, 1)}),
        ("compressed-tensors", {"weight_packed": torch.ones(16, 2, dtype=torch.int32)}),
        ("HQQ", {"W_q": torch.ones(16, 8, dtype=torch.uint8)}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_quantised_weights_are_named_whatever_the_config_says(
    who: str, more: dict[str, Tensor], tmp_path: Path
):
    folder = llama(tmp_path / "it")
    quantised(folder, {f"{Q}.{end}".replace("weight_SCB", "SCB"): t for end, t in more.items()})
    said = refusal(folder)
    assert f"are quantised ({who}" in said
    assert "take the model's original weights, or a GGUF file" in said


def test_placeholders_of_a_training_in_parts_are_named(tmp_path: Path):
    folder = llama(tmp_path / "it")
    empty = {name: torch.zeros(0) for name in taken(folder)}
    save_file(empty, folder / WEIGHTS, {"format": "pt"})
    assert "zero_to_fp32.py" in refusal(folder)


def files(*names: str) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        for name in names:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            torch.save({"python": None}, folder / name)

    return write


def adapter(folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "adapter_config.json").write_text('{"base_model_name_or_path": "ada/tiny"}')
    (folder / "adapter_model.safetensors").write_bytes(b"")


STATE = ("rng_state.pth", "optimizer.pt", "scheduler.pt")
FOLDERS: dict[str, tuple[Callable[[Path], None], str]] = {
    "adapter": (adapter, r"changes to a model, ada/tiny, that is not in it.*Choose its base"),
    "DeepSpeed": (
        files("global_step100/zero_pp_rank_0_mp_rank_00_model_states.pt", "rng_state_0.pth"),
        r"state of a training in parts, as DeepSpeed.*zero_to_fp32\.py",
    ),
    "FSDP": (
        files("pytorch_model_fsdp_0/__0_0.distcp", *STATE),
        r"state of a training in parts \(FSDP.*accelerate merge-weights",
    ),
    "distcp": (files("__0_0.distcp"), r"dcp_to_torch_save"),
    "Megatron": (files("iter_0000100/mp_rank_00/model_optim_rng.pt"), r"Megatron"),
    "TensorFlow": (files("tf_model.h5"), r"weights for TensorFlow \(tf_model\.h5\); convert"),
    "Flax": (files("flax_model.msgpack"), r"weights for Flax"),
    "ONNX": (files("model.onnx"), r"weights for ONNX.*original weights"),
    "diffusers": (files("model_index.json"), r"diffusers"),
    "archive": (files("model.tar.gz"), r"an archive \(model\.tar\.gz\); unpack it"),
    "unfinished": (files("model.safetensors.part"), r"a download that is not finished"),
}


@pytest.mark.parametrize("has_config", [True, False])
@pytest.mark.parametrize("name", FOLDERS)
def test_a_folder_of_another_program_is_told_as_what_it_is(
    name: str, has_config: bool, tmp_path: Path
):
    write, says = FOLDERS[name]
    folder = llama(tmp_path / "it")
    taken(folder)
    if not has_config:
        (folder / "config.json").unlink()
    write(folder)
    said = refusal(folder)
    assert re.search(says, said), said
    assert "another model" not in said
    assert "not complete" not in said


@pytest.mark.parametrize(
    ("file", "tensors", "says"),
    [
        ("consolidated.00.pth", {"tok_embeddings.weight": torch.ones(6, 4)}, "maker, Meta"),
        ("consolidated.safetensors", {"tok_embeddings.weight": torch.ones(6, 4)}, "maker, Mistral"),
    ],
)
def test_the_makers_own_format_needs_no_config_and_opens_in_another(
    file: str, tensors: dict[str, Tensor], says: str, tmp_path: Path
):
    (tmp_path / "params.json").write_text('{"dim": 4}')
    if file.endswith(".pth"):
        torch.save(tensors, tmp_path / file)
    else:
        save_file(tensors, tmp_path / file)
    for path in (tmp_path, tmp_path / file):
        said = refusal(path)
        assert says in said
        assert "for Hugging Face" in said
        assert "copy it there" not in said


@pytest.mark.parametrize(
    ("name", "whose"),
    [
        ("transformer.h.0.attn.qkv.weight", "litgpt's; convert them with litgpt convert_from"),
        ("layers.0.attention.wq.weight", "those of the model's maker"),
        ("blocks.0.attn.W_Q", "TransformerLens'"),
        ("_fsdp_wrapped_module._flat_param", "those of a training in parts"),
    ],
)
def test_names_of_another_program_beside_a_config_are_told_as_such(
    name: str, whose: str, tmp_path: Path
):
    folder = llama(tmp_path / "it")
    taken(folder)
    torch.save({name: torch.ones(4000, 4)}, folder / "lit_model.pth")
    assert f"The names of the tensors in {folder} are {whose}" in refusal(folder)


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ({"state": {}, "param_groups": []}, "the state of an optimiser and no weights"),
        ({"python": None, "numpy": None}, "the state of random numbers and no weights"),
        ({"model": {}, "optimizer": {}}, "the state of a training and no weights"),
    ],
)
def test_a_state_without_weights_is_told_as_what_it_is(value: object, says: str, tmp_path: Path):
    folder = llama(tmp_path / "it")
    taken(folder)
    torch.save(value, folder / "last.pt")
    assert says in refusal(folder)


@pytest.mark.parametrize("name", [*STATE, "rng_state_3.pth", "training_args.bin", "scaler.pt"])
def test_what_trainers_put_beside_weights_is_none_and_does_not_hide_them(name: str, tmp_path: Path):
    folder = llama(tmp_path / "it")
    (folder / WEIGHTS).rename(folder / "mine.safetensors")
    torch.save({"python": None}, folder / name)
    assert open_checkpoint(folder).path == folder
    assert "no model; choose its folder" in refusal(folder / name)


def test_an_adapter_beside_whole_weights_is_not_applied_and_named(tmp_path: Path):
    folder = llama(tmp_path / "it")
    (folder / "adapter_config.json").write_text('{"base_model_name_or_path": "ada/tiny"}')
    assert "An adapter lies beside the weights" in open_checkpoint(folder).notes[0]
    taken(folder)
    (folder / "adapter_model.safetensors").write_bytes(b"")
    assert "changes to a model, ada/tiny, that is not in it" in refusal(folder)


def test_adapters_of_a_training_are_told_as_such(tmp_path: Path):
    for step in (100, 1000):
        adapter(tmp_path / f"checkpoint-{step}")
    assert f"{tmp_path / 'checkpoint-1000'} holds an adapter" in refusal(tmp_path)


def test_a_wrong_config_stays_refused(tmp_path: Path):
    folder = llama(tmp_path / "it")
    edit_config(folder, num_hidden_layers=1)
    assert "which a llama of this config does not have" in refusal(folder)
    edit_config(folder, num_hidden_layers=3)
    assert "lack 'model.layers.2" in refusal(folder)
    edit_config(folder, num_hidden_layers=2, intermediate_size=20)
    assert "has shape [24, 16], but config.json asks for [20, 16]" in refusal(folder)

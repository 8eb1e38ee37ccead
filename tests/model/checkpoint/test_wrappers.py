"""Networks whose tensors' names carry what wrappers left open as they are; two networks do not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from model.checkpoint import open_checkpoint
from tests.model.checkpoint.families.harness import verified
from tests.model.checkpoint.test_karpathy import write_nanogpt
from tests.model.checkpoint.tiny import WEIGHTS, llama, logits, refusal, taken


def before(prefix: str) -> Callable[[str], str]:
    return lambda name: prefix + name


def in_layers(part: str) -> Callable[[str], str]:
    def rename(name: str) -> str:
        pieces = name.split(".")
        if "layers" in pieces:
            pieces.insert(pieces.index("layers") + 2, part)
        return ".".join(pieces)

    return rename


def both(first: Callable[[str], str], second: Callable[[str], str]) -> Callable[[str], str]:
    return lambda name: second(first(name))


RENAMED: dict[str, Callable[[str], str]] = {
    "compiled": before("_orig_mod."),
    "parallel": before("module."),
    "compiled, then parallel": before("module._orig_mod."),
    "parallel, then compiled": before("_orig_mod.module."),
    "parallel twice": before("module.module."),
    "layers compiled": in_layers("_orig_mod"),
    "layers recomputed": in_layers("_checkpoint_wrapped_module"),
    "layers sharded": in_layers("_fsdp_wrapped_module"),
    "layers sharded, recomputed": in_layers("_fsdp_wrapped_module._checkpoint_wrapped_module"),
    "everything": both(in_layers("_orig_mod"), before("_forward_module.model.module.")),
    "a merged adapter": before("base_model.model."),
    "maps of an adapter": lambda name: name.replace("_proj.", "_proj.base_layer."),
    "a trainer's attribute": before("model."),
    "an attribute of any name": before("my_network."),
    "attributes in attributes": before("policy.actor.inner."),
}


def write(tensors: dict[str, Tensor], folder: Path, how: str) -> None:
    if how == "safetensors":
        save_file(tensors, folder / WEIGHTS, {"format": "pt"})
    elif how == "torch":
        torch.save(tensors, folder / "pytorch_model.bin")
    else:
        torch.save({"state_dict": tensors, "epoch": 3}, folder / "last.ckpt")


@pytest.mark.parametrize("how", ["safetensors", "torch", "trainer's"])
@pytest.mark.parametrize("name", RENAMED)
def test_what_wrappers_leave_changes_nothing(name: str, how: str, tmp_path: Path):
    folder = llama(tmp_path / "it")
    expected = logits(folder)
    tensors = {RENAMED[name](own): tensor for own, tensor in taken(folder).items()}
    write(tensors, folder, how)
    assert torch.equal(logits(folder), expected)
    assert open_checkpoint(folder).notes == ()


@pytest.mark.parametrize("tied", [True, False])
def test_a_value_head_beside_a_wrapped_network_is_left_out_and_named(tied: bool, tmp_path: Path):
    folder = llama(tmp_path / "it", tie_word_embeddings=tied)
    expected = logits(folder)
    tensors = {f"pretrained_model.{name}": tensor for name, tensor in taken(folder).items()}
    tensors |= {"v_head.summary.weight": torch.ones(1, 16), "v_head.summary.bias": torch.ones(1)}
    write(tensors, folder, "torch")
    assert torch.equal(logits(folder), expected)
    (note,) = open_checkpoint(folder).notes
    assert note.endswith("another task: a value head (2 tensors).")


def test_what_lies_beside_a_trainers_network_is_named(tmp_path: Path):
    folder = llama(tmp_path / "it")
    expected = logits(folder)
    tensors = {f"net.{name}": tensor for name, tensor in taken(folder).items()}
    write(tensors | {"loss.weight": torch.ones(3)}, folder, "torch")
    assert torch.equal(logits(folder), expected)
    assert "what begins with 'loss' (1 tensor)" in open_checkpoint(folder).notes[0]


@pytest.mark.parametrize("how", ["safetensors", "torch"])
@pytest.mark.parametrize("prefix", ["module.", "_orig_mod."])
def test_two_tensors_that_would_have_one_name_are_refused(prefix: str, how: str, tmp_path: Path):
    folder = llama(tmp_path / "it")
    tensors = taken(folder)
    write(tensors | {f"{prefix}lm_head.weight": torch.ones(61, 16)}, folder, how)
    said = refusal(folder)
    assert "'lm_head.weight'" in said
    assert f"'{prefix}lm_head.weight'" in said
    assert "which are one name without" in said


def test_a_second_unembedding_beside_a_trainers_network_is_refused(tmp_path: Path):
    folder = llama(tmp_path / "it")
    tensors = {f"model.{name}": tensor for name, tensor in taken(folder).items()}
    write(tensors | {"lm_head.weight": torch.ones(61, 16)}, folder, "torch")
    assert "holds 'lm_head.weight' twice, under two names" in refusal(folder)


def test_two_networks_in_one_file_are_refused_unless_they_are_one(tmp_path: Path):
    folder = llama(tmp_path / "it")
    expected = logits(folder)
    tensors = taken(folder)
    twice = {f"{who}.{name}": t for who in ("actor", "ref") for name, t in tensors.items()}
    torch.save(twice, folder / "pytorch_model.bin")  # one storage under two names
    assert torch.equal(logits(folder), expected)
    other = {name: tensor.clone() for name, tensor in twice.items()}
    torch.save(other, folder / "pytorch_model.bin")
    assert "several networks, whose names begin with 'ref.', 'actor.'" in refusal(folder)


def test_what_a_wrapped_network_lacks_is_named_alone(tmp_path: Path):
    folder = llama(tmp_path / "it")
    tensors = {f"model.{name}": tensor for name, tensor in taken(folder).items()}
    del tensors["model.model.layers.1.input_layernorm.weight"]
    write(tensors, folder, "torch")
    assert "lack 'model.layers.1.input_layernorm.weight'; they are not" in refusal(folder)


def test_an_adapter_that_is_not_merged_is_refused(tmp_path: Path):
    folder = llama(tmp_path / "it")
    tensors = {RENAMED["maps of an adapter"](name): t for name, t in taken(folder).items()}
    tensors["model.layers.0.self_attn.q_proj.lora_A.default.weight"] = torch.ones(2, 16)
    write(tensors, folder, "safetensors")
    assert "hold an adapter that is not merged" in refusal(folder)


def test_a_wrapped_network_is_verified_by_its_opened_weights(tmp_path: Path):
    folder = llama(tmp_path / "it")
    write({f"module.{name}": t for name, t in taken(folder).items()}, folder, "safetensors")
    found = verified(folder)
    assert found.equal
    assert "so that the network is compared, but not the reading" in found.notes[0]


def test_a_nanogpt_that_a_trainer_wrapped_opens(tmp_path: Path):
    file = write_nanogpt(tmp_path, bias=True)
    ids_BT = torch.arange(3, 9)[None]
    expected = open_checkpoint(file).transformer(ids_BT)
    value = torch.load(file, weights_only=True)
    own = {name.removeprefix("_orig_mod."): tensor for name, tensor in value["model"].items()}
    value["model"] = {f"module.net.{name}": tensor for name, tensor in own.items()}
    torch.save(value, file)
    assert torch.equal(open_checkpoint(file).transformer(ids_BT), expected)

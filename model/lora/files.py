"""PEFT's layout of a LoRA adapter: adapter_config.json and adapter_model.safetensors.

Tensors are called ``base_model.model.<module>.lora_A.weight`` ``[r, in]`` and ``….lora_B.weight``
``[out, r]``; a matrix whose rank or alpha is its own stands in ``rank_pattern`` or
``alpha_pattern``. What of PEFT's other kinds of adapters changes more than this is refused by name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from model.checkpoint.errors import CheckpointError
from model.checkpoint.families import FAMILIES
from model.checkpoint.sources.adapter import (
    CONFIG_FILE,
    WEIGHTS_FILE,
    base_named,
    read_adapter_config,
)
from model.checkpoint.sources.safetensors_file import safetensors_header
from model.checkpoint.weights import read_weights
from model.config import TransformerConfig
from model.lora.adapter import CONV1D_FAMILIES, Adapter, LoraConfig, adaptable
from model.slices import finish
from model.tensor_file import write_tensors
from model.whole_folder import folder_beside

_NAME = re.compile(r"base_model\.model\.(?P<module>.+)\.lora_(?P<which>[AB])(\.default)?\.weight")


def save_adapter(folder: Path, adapter: Adapter, base: str) -> Path:
    """Write an adapter; an older one in its place is replaced, each file whole.

    Args:
        folder: where.
        adapter: of whose factors the values as they are now are written.
        base: path or hub name of the model that it changes.

    Raises:
        CheckpointError: the disk refuses.
    """
    tensors: dict[str, Tensor] = {}
    for name, a, b in adapter.factors():
        tensors[f"base_model.model.{name}.lora_A.weight"] = a.detach()
        tensors[f"base_model.model.{name}.lora_B.weight"] = b.detach()
    folder = Path(folder)
    try:
        with folder_beside(folder) as half:
            beside = half.path
            described = json.dumps(_described(adapter, base), indent=2) + "\n"
            (beside / CONFIG_FILE).write_text(described, encoding="utf-8")
            write_tensors(beside / WEIGHTS_FILE, tensors, {"format": "pt"})
            half.unlock()
            folder.mkdir(exist_ok=True)
            for file in sorted(beside.iterdir(), reverse=True):  # the weights first
                file.replace(folder / file.name)
    except OSError as error:
        raise CheckpointError(f"{folder} can't be written: {error.strerror or error}.") from error
    return folder


def read_adapter(folder: Path, family: str, config: TransformerConfig) -> Adapter:
    """Read an adapter of a network.

    Args:
        folder: that holds both files.
        family, config: of the network that it is to change.

    Raises:
        CheckpointError: it is damaged, of another kind, or of another network.
    """
    found = read_adapter_config(folder)
    lora = _lora_of(found, folder)
    tensors = _read_tensors(folder)
    maps = adaptable(family, config)
    halves: dict[str, dict[str, Tensor]] = {}
    for stored, tensor in tensors.items():
        match = _NAME.fullmatch(stored)
        if match is None:
            raise CheckpointError(
                f"{folder / WEIGHTS_FILE} holds {stored[:80]!r}, which is no factor of a LoRA "
                "adapter; merge it in peft by merge_and_unload(), and open the whole."
            )
        canonical = FAMILIES[family].canonical_name(f"{match['module']}.weight")
        module = (canonical or "").removesuffix(".weight")
        if module not in maps:
            raise CheckpointError(
                f"{folder} changes {match['module']!r}, which is no linear map of this model: it "
                f"is an adapter of another one ({base_named(folder) or 'unnamed'})."
            )
        halves.setdefault(module, {})[match["which"]] = tensor
    factors: dict[str, tuple[Tensor, Tensor]] = {}
    alphas: dict[str, float] = {}
    for module, pair in halves.items():
        if pair.keys() != {"A", "B"}:
            raise CheckpointError(f"{folder / WEIGHTS_FILE} has only one factor of {module!r}.")
        a, b = pair["A"], pair["B"]
        n_out, n_in = maps[module]
        if a.ndim != 2 or b.ndim != 2 or a.shape[1] != n_in or b.shape != (n_out, a.shape[0]):
            raise CheckpointError(
                f"The factors of {module!r} in {folder} have shapes {list(a.shape)} and "
                f"{list(b.shape)}, but the model's map is {[n_out, n_in]}: it is an adapter of "
                "another model."
            )
        factors[module] = (a, b)
        alphas[module] = _own(found.get("alpha_pattern"), module, lora.alpha)
    if not factors:
        raise CheckpointError(f"{folder / WEIGHTS_FILE} holds no factor of a LoRA adapter.")
    return Adapter(family, config, lora, factors, alphas)


def _described(adapter: Adapter, base: str) -> dict[str, Any]:
    """adapter_config.json."""
    lora = adapter.lora
    ranks = {name: a.shape[0] for name, a, _ in adapter.factors() if a.shape[0] != lora.rank}
    alphas = {
        name: adapter.alpha_of(name)
        for name, _, _ in adapter.factors()
        if adapter.alpha_of(name) != lora.alpha
    }
    # Whole names: PEFT takes a last name for every module that ends so, lm_head's too.
    targets = sorted(adapter.modules_adapted)
    every = chosen_ends(adapter)
    return {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": base,
        "r": lora.rank,
        "lora_alpha": lora.alpha,
        "lora_dropout": 0.0,
        "target_modules": every or targets,
        "bias": "none",
        "fan_in_fan_out": adapter.family in CONV1D_FAMILIES,
        "use_rslora": lora.rank_stabilized,
        "use_dora": False,
        "modules_to_save": None,
        "rank_pattern": ranks,
        "alpha_pattern": alphas,
        "inference_mode": True,
    }


def chosen_ends(adapter: Adapter) -> list[str]:
    """The last names that say which maps are adapted; none where they would say more."""
    ends = {name.rpartition(".")[2] for name in adapter.modules_adapted}
    maps = adaptable(adapter.family, adapter.config)
    same = {name for name in maps if name.rpartition(".")[2] in ends}
    return sorted(ends) if same == set(adapter.modules_adapted) else []


_CHANGES_MORE: Mapping[str, tuple[Any, ...]] = {
    "use_dora": (False, None),
    "bias": ("none", None),
    "modules_to_save": (None, [], ()),
    "trainable_token_indices": (None, [], {}),
    "layer_replication": (None, []),
    "use_qalora": (False, None),
}
"""Keys of PEFT's with the values at which an adapter is factors alone."""


def _lora_of(found: Mapping[str, Any], folder: Path) -> LoraConfig:
    path = folder / CONFIG_FILE
    merge = "Merge it in peft by merge_and_unload(), and open the whole."
    kind = found.get("peft_type", "LORA")
    if kind != "LORA":
        raise CheckpointError(f"{path} says peft_type {str(kind)[:40]!r}; LORA is read. {merge}")
    for key, plain in _CHANGES_MORE.items():
        if found.get(key, plain[0]) not in plain:
            raise CheckpointError(
                f"{path} says {key} = {str(found[key])[:60]}, which changes more than LoRA's "
                f"factors. {merge}"
            )
    rank, alpha = found.get("r", 8), found.get("lora_alpha", 8)
    if type(rank) is not int or rank < 1 or not isinstance(alpha, int | float):
        raise CheckpointError(
            f"{path}: r must be a whole number above 0 and lora_alpha a number; they are "
            f"{str(rank)[:20]} and {str(alpha)[:20]}."
        )
    targets = found.get("target_modules")
    return LoraConfig(
        rank=rank,
        alpha=float(alpha),
        targets=tuple(map(str, targets)) if isinstance(targets, list) else (),
        rank_stabilized=found.get("use_rslora") is True,
    )


def _own(pattern: Any, module: str, usual: float) -> float:
    """The value that a pattern of PEFT's gives to a module: the first key that ends its name."""
    if isinstance(pattern, dict):
        for key, value in pattern.items():
            try:
                fits = re.fullmatch(rf"(.*\.)?({key})", module) is not None
            except re.error:
                fits = False
            if fits and isinstance(value, int | float):
                return float(value)
    return usual


def _read_tensors(folder: Path) -> dict[str, Tensor]:
    path = folder / WEIGHTS_FILE
    if not path.is_file():
        if (folder / "adapter_model.bin").is_file():
            raise CheckpointError(
                f"{folder} holds its factors in adapter_model.bin, PEFT's older format; save it "
                "anew in peft by save_pretrained()."
            )
        raise CheckpointError(
            f"{folder} has no {WEIGHTS_FILE}; copy it there from where the adapter came from."
        )
    header = safetensors_header(path)
    if not header:
        raise CheckpointError(f"{path} is empty; get it again from where the adapter came from.")
    return finish(read_weights(header, torch.float32, "cpu", {})).tensors

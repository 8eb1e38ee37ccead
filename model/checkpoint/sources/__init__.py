"""The formats in which people have checkpoints: one file each, found by what a path holds.

Everything here reads headers and configs only, and runs nothing that a file says.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from model.checkpoint.errors import CheckpointError
from model.checkpoint.sources.gguf_file import gguf_source, is_gguf
from model.checkpoint.sources.hugging_face import (
    NO_WEIGHTS,
    TORCH_SUFFIXES,
    find_weights,
    hugging_face_source,
    read_object,
)
from model.checkpoint.sources.karpathy import (
    NANOGPT_FILE,
    is_mingpt_config,
    karpathy_source,
)
from model.checkpoint.sources.source import Source
from model.checkpoint.stored import INDEX, SINGLE

__all__ = ["Source", "source_of"]

_SNAPSHOT = re.compile(r"step-(\d+)")
# Files that stand for the folder that they lie in.
_PARTS = frozenset(
    {
        "config.json",
        "generation_config.json",
        "merges.txt",
        "modules.json",
        "run.toml",
        "special_tokens_map.json",
        "tekken.json",
        "tiktoken.model",
        "tokenizer.json",
        "tokenizer.model",
        "tokenizer_config.json",
        "vocab.json",
        "vocab.txt",
    }
)
_LARGEST_CONFIG = 4 * 2**20


def source_of(path: Path) -> Source:
    """The checkpoint that a path means.

    Args:
        path: a Hugging Face folder or one of its files, a file of weights beside its config.json,
            a run folder (its last whole snapshot), a snapshot, nanoGPT's or minGPT's output, or a
            GGUF file.

    Raises:
        CheckpointError: there is none, or it is damaged.
    """
    path = path.expanduser()
    if not path.exists():
        if path.is_symlink():
            raise CheckpointError(
                f"{path} is a link that leads nowhere; choose the file itself, or link it anew."
            )
        raise CheckpointError(f"{path} does not exist; {_advice(path)}")
    return _in_folder(path) if path.is_dir() else _of_file(path)


def _of_file(file: Path) -> Source:
    folder = file.parent
    if file.suffix == ".gguf" or is_gguf(file):
        return gguf_source(file)
    if file.name in _PARTS or file.suffix == ".tiktoken":
        return _in_folder(folder)
    has_config = _has_hf_config(folder)
    if file.name.endswith(".index.json"):
        _needs_config(folder)
        return hugging_face_source(folder, file)
    if file.suffix == ".safetensors":
        _needs_config(folder)
        # One shard alone is no network: then the whole folder is meant.
        is_shard = file.name != SINGLE and not (folder / SINGLE).exists()
        return hugging_face_source(
            folder, folder / INDEX if is_shard and (folder / INDEX).exists() else file
        )
    if file.suffix in TORCH_SUFFIXES:
        index = folder / "pytorch_model.bin.index.json"
        if has_config and file.name != NANOGPT_FILE:
            whole = not index.exists() or file.name == "pytorch_model.bin"
            return hugging_face_source(folder, file if whole else index)
        return karpathy_source(file)
    if file.suffix in (".pkl", ".pickle"):
        raise CheckpointError(
            f"{file} is a pickle, which can run any program when it is opened, so it is not; save "
            "the model's state_dict() with torch.save where you trust it."
        )
    raise CheckpointError(
        f"{file.name} is no part of a checkpoint; choose a folder with config.json and {SINGLE}, "
        "or a file of weights (.safetensors, .gguf, .bin, .pt)."
    )


def _in_folder(folder: Path) -> Source:
    if os.path.lexists(folder / "config.json"):  # reading one that leads nowhere says so
        if _has_hf_config(folder):
            return hugging_face_source(folder)
        weights = find_weights(folder)
        return karpathy_source(weights)
    snapshots = folder if folder.name == "snapshots" else folder / "snapshots"
    if snapshots.is_dir():
        whole = [step for step in _steps(snapshots) if (step / SINGLE).is_file()]
        if not whole:
            raise CheckpointError(
                f"The run in {folder} has no snapshot yet; train it further, then open it."
            )
        return hugging_face_source(whole[-1])
    _refuse_adapter(folder)
    # As older versions of sentence-transformers save their network.
    for inside in sorted(folder.glob("0_*/config.json")):
        return hugging_face_source(inside.parent)
    names = sorted(file.name for file in folder.iterdir() if file.name not in NO_WEIGHTS)
    if NANOGPT_FILE in names:
        return karpathy_source(folder / NANOGPT_FILE)
    quantised = [name for name in names if name.endswith(".gguf")]
    if len(quantised) == 1:
        return gguf_source(folder / quantised[0])
    if quantised:
        raise CheckpointError(f"{folder} has {len(quantised)} GGUF files; choose one of them.")
    if any(name.endswith((".safetensors", ".index.json")) for name in names):
        _needs_config(folder)
    tensors = [name for name in names if Path(name).suffix in TORCH_SUFFIXES]
    if len(tensors) == 1:
        return karpathy_source(folder / tensors[0])
    raise CheckpointError(
        f"{folder} is no checkpoint: it has neither config.json nor snapshots of a run. Choose a "
        f"folder with config.json and {SINGLE}, or a file of weights."
    )


def _has_hf_config(folder: Path) -> bool:
    """Whether config.json is there and not minGPT's, which has the same name."""
    path = folder / "config.json"
    if not os.path.lexists(path):
        return False
    # A damaged one is Hugging Face's: reading it again says what is wrong.
    try:
        return not is_mingpt_config(read_object(path, _LARGEST_CONFIG, "a config"))
    except CheckpointError:
        return True


def _refuse_adapter(folder: Path) -> None:
    if (folder / "adapter_config.json").exists() and not (folder / "config.json").exists():
        raise CheckpointError(
            f"{folder} holds an adapter (adapter_config.json): changes to a model that is not in "
            "it. Merge it into its model, in peft by merge_and_unload(), and save the whole."
        )


def _needs_config(folder: Path) -> None:
    _refuse_adapter(folder)
    if not (folder / "config.json").exists():
        raise CheckpointError(
            f"{folder} has weights but no config.json, which says how large the network is; "
            "copy it there from where the weights came from."
        )


def _steps(folder: Path) -> list[Path]:
    """A run's snapshots by step."""
    found = [(int(m[1]), p) for p in folder.iterdir() if (m := _SNAPSHOT.fullmatch(p.name))]
    return [path for _, path in sorted(found)]


def _advice(path: Path) -> str:
    """What to do about a path that leads nowhere: it may be meant as a model on a hub."""
    if len(path.parts) >= 4 and path.parts[0] in ("http:", "https:"):
        return f"a model on a hub goes by its owner/name: {'/'.join(path.parts[2:4])}."
    if len(path.parts) == 1:
        return "check the path, or name a model on a hub as owner/name."
    return "check the path."

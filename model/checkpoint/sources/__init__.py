"""The formats in which people have checkpoints: one file each, found by what a path holds.

Everything here reads headers and configs only, and runs nothing that a file says.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from model.checkpoint.errors import CheckpointError
from model.checkpoint.sources.adapter import base_of_adapter, halves, is_adapter
from model.checkpoint.sources.foreign import holds_no_weights, is_foreign_file, refuse_folder
from model.checkpoint.sources.gguf_file import gguf_source, is_gguf
from model.checkpoint.sources.hugging_face import (
    TORCH_SUFFIXES,
    few,
    find_weights,
    has_weights,
    hugging_face_source,
    read_object,
    whole_of,
)
from model.checkpoint.sources.instead import is_instead
from model.checkpoint.sources.karpathy import (
    NANOGPT_FILE,
    is_mingpt_config,
    karpathy_source,
)
from model.checkpoint.sources.places import inside, is_cached, is_run, last_step
from model.checkpoint.sources.source import Source
from model.checkpoint.sources.step_names import step_name
from model.checkpoint.stored import SINGLE

__all__ = ["Source", "could_be_opened", "source_of"]

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
_OF_ADAPTER = frozenset({"adapter_config.json", "adapter_model.safetensors"})
_LARGEST_CONFIG = 4 * 2**20


def source_of(path: Path) -> Source:
    """The checkpoint that a path means.

    Args:
        path: a Hugging Face folder or one of its files, a file of weights beside its config.json,
            a run folder (its last whole snapshot), a snapshot, a model's folder in the hub's
            cache, a folder around a model, nanoGPT's or minGPT's output, a GGUF file, a LoRA
            adapter whose base is found, or ``ADAPTER + BASE``.

    Raises:
        CheckpointError: there is none, or it is damaged.
    """
    path = path.expanduser()
    both = halves(path)
    if both is not None:
        return _adapted(both[0], both[1], path)
    if not path.exists():
        if path.is_symlink():
            raise CheckpointError(
                f"{path} is a link that leads nowhere; choose the file itself, or link it anew."
            )
        raise CheckpointError(f"{path} does not exist; {_advice(path)}")
    return _in_folder(path) if path.is_dir() else _of_file(path)


def _adapted(adapter: Path, base: Path, path: Path) -> Source:
    """A base with an adapter, which is merged into it as it is opened."""
    if is_adapter(base):
        raise CheckpointError(
            f"{base} is an adapter itself; merge it into its model first (python -m model convert "
            "ADAPTER OUT), then take that as the base."
        )
    source = source_of(base)
    note = f"The adapter in {adapter} is merged into {source.path}."
    return replace(source, path=path, adapter=adapter, notes=(note, *source.notes))


def _of_file(file: Path) -> Source:
    folder = file.parent
    if file.suffix == ".gguf" or is_gguf(file):
        return gguf_source(file)
    is_config = file.name in _PARTS or file.suffix == ".tiktoken"
    if is_config or (file.name in _OF_ADAPTER and is_adapter(folder)):
        return _in_folder(folder)
    what = holds_no_weights(file.name)
    if what is not None:
        if not has_weights(folder):
            refuse_folder(folder)
        raise CheckpointError(
            f"{file} holds {what}, no model; choose its folder, or the file of weights."
        )
    if file.name.endswith(".index.json") or file.suffix == ".safetensors":
        _needs_config(folder)
        return hugging_face_source(folder, whole_of(file))
    if file.suffix in TORCH_SUFFIXES:
        if _has_hf_config(folder) and file.name != NANOGPT_FILE:
            return hugging_face_source(folder, whole_of(file))
        return karpathy_source(file)
    foreign = is_foreign_file(file.name)
    if foreign is not None:
        raise CheckpointError(f"{file} is of {foreign[0]}; {foreign[1]}.")
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
    if is_adapter(folder):
        return _adapted(folder, base_of_adapter(folder), folder)
    if os.path.lexists(folder / "config.json"):  # reading one that leads nowhere says so
        if _has_hf_config(folder):
            return hugging_face_source(folder)
        weights = find_weights(folder)
        return karpathy_source(weights)
    # As older versions of sentence-transformers save their network.
    for within in sorted(folder.glob("0_*/config.json")):
        return hugging_face_source(within.parent)
    names = sorted(file.name for file in folder.iterdir() if not holds_no_weights(file.name))
    if NANOGPT_FILE in names:
        return karpathy_source(folder / NANOGPT_FILE)
    quantised = [name for name in names if name.endswith(".gguf")]
    if len(quantised) == 1:
        return gguf_source(folder / quantised[0])
    if quantised:
        raise CheckpointError(
            f"{folder} has {len(quantised)} GGUF files ({few(quantised)}); choose one of them."
        )
    found = inside(folder, could_be_opened)
    if found is not None:
        source = _in_folder(found.folder)
        return replace(source, notes=(*found.notes, *source.notes))
    refuse_folder(folder)
    if any(name.endswith((".safetensors", ".index.json")) for name in names):
        _needs_config(folder)
    tensors = [name for name in names if Path(name).suffix in TORCH_SUFFIXES]
    if len(tensors) == 1:
        return karpathy_source(folder / tensors[0])
    steps = [(at.step, name) for name in tensors if (at := step_name(name))]
    if steps and len(steps) == len(tensors):
        newest = max(steps)[1]
        source = karpathy_source(folder / newest)
        said = few([name for _, name in sorted(steps)])
        note = f"Opened is {newest}, the last of {said} in {folder}."
        return replace(source, notes=(note, *source.notes))
    if tensors:
        _needs_config(folder)
    last = last_step(folder)
    if last is not None:
        if is_adapter(last):
            source = _in_folder(last)
            note = f"Opened is {last.name}, the last adapter in {folder}."
            return replace(source, notes=(note, *source.notes))
        refuse_folder(last)
    raise CheckpointError(
        f"{folder} is no checkpoint: it has no config.json, no weights and no folder with both. "
        f"Choose a folder with config.json and {SINGLE}, or a file of weights."
    )


def could_be_opened(folder: Path) -> bool:
    """Whether a folder could be opened by itself, as far as its files' names tell."""
    if (folder / NANOGPT_FILE).is_file() or is_run(folder) or is_cached(folder):
        return True
    if (folder / "config.json").is_file():
        return has_weights(folder)
    return len(list(folder.glob("*.gguf"))) == 1


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


def _needs_config(folder: Path) -> None:
    if not os.path.lexists(folder / "config.json"):
        refuse_folder(folder)
        for weights in sorted(folder.glob("*.safetensors")):
            # With a config beside it, it would be no weights still.
            instead = is_instead(weights)
            if instead is not None:
                raise CheckpointError(instead)
        raise CheckpointError(
            f"{folder} has weights but no config.json, which says how large the network is; "
            "copy it there from where the weights came from."
        )


def _advice(path: Path) -> str:
    """What to do about a path that leads nowhere: it may be meant as a model on a hub."""
    if len(path.parts) >= 4 and path.parts[0] in ("http:", "https:"):
        return f"a model on a hub goes by its owner/name: {'/'.join(path.parts[2:4])}."
    if len(path.parts) == 1:
        return "check the path, or name a model on a hub as owner/name."
    return "check the path."

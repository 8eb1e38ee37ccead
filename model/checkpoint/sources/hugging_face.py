"""Hugging Face folders, and the snapshots of our own runs, which are such folders.

Finds config.json and the weights beside it: safetensors or torch.save's files, in one piece or in
several that an index names. Reads no weight.
"""

from __future__ import annotations

import os
import re
from collections.abc import Container, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from model.checkpoint.ends import ends_of_folder
from model.checkpoint.errors import CheckpointError
from model.checkpoint.sources.foreign import holds_no_weights, refuse_folder
from model.checkpoint.sources.instead import is_instead
from model.checkpoint.sources.safetensors_file import safetensors_header
from model.checkpoint.sources.source import FolderTokenizer, Source
from model.checkpoint.sources.text_part import text_part
from model.checkpoint.sources.torch_file import read_torch_file
from model.checkpoint.sources.wrappers import unwrapped
from model.checkpoint.stored import (
    INDEX,
    SINGLE,
    StoredTensor,
    parse_json,
    read_text,
)
from model.checkpoint.values import Config
from model.hub.names import cached_name
from model.tokenizer.files import tokenizer_files
from model.tokenizer.files.folder import of_other_kinds

TORCH_SUFFIXES = frozenset({".bin", ".pt", ".pth", ".ckpt"})
_TORCH_SINGLE = "pytorch_model.bin"
_TORCH_INDEX = "pytorch_model.bin.index.json"
# A part of a network that was saved in several, and of how many.
_PART = re.compile(r"(?P<stem>.+)-(?P<number>\d{5})-of-(?P<n>\d{5})(?P<suffix>\.[a-z]+)")
_LARGEST_CONFIG = 4 * 2**20
_LARGEST_INDEX = 32 * 2**20


def hugging_face_source(folder: Path, weights: Path | None = None) -> Source:
    """The checkpoint of a folder with config.json.

    Args:
        folder: that holds config.json.
        weights: the file or index to take, or None to look for them. One that opening the folder
            would not take is what the checkpoint is known by, so that it is found again.

    Raises:
        CheckpointError: config or weights are missing or damaged.
    """
    hf = read_config(folder)
    file = find_weights(folder) if weights is None else weights
    end_ids, said_of_ends = ends_of_folder(hf, folder)
    hf, tensors, notes = text_part(hf, unwrapped(read_headers(file)))
    # A run keeps its tokenizer once, not in every snapshot.
    places = [folder] if folder.parent.name != "snapshots" else [folder, folder.parent.parent]
    return Source(
        path=folder if weights is None or weights == _usual(folder) else weights,
        format="safetensors" if _is_safetensors(tensors) else "PyTorch",
        hf=hf,
        tensors=tensors,
        tokenizer=FolderTokenizer(places),
        end_ids=end_ids,
        notes=(
            *notes,
            *said_of_ends,
            *_of_adapter(folder),
            *_of_sentences(folder),
            *_unread_vocabulary(places),
        ),
    )


def _of_adapter(folder: Path) -> tuple[str, ...]:
    if not (folder / "adapter_config.json").is_file():
        return ()
    return ("An adapter lies beside the weights (adapter_config.json); it is not applied.",)


def _of_sentences(folder: Path) -> tuple[str, ...]:
    """What to say of a folder that sentence-transformers wrote, where the network is one module."""
    if not any((place / "modules.json").is_file() for place in (folder, folder.parent)):
        return ()
    return (
        "Left out: what sentence-transformers does after the network, such as pooling; here every "
        "token has a vector of its own.",
    )


def _unread_vocabulary(places: Iterable[Path]) -> tuple[str, ...]:
    """What to say of a vocabulary that can't be read, where there is no other."""
    folders = list(places)
    others = [name for folder in folders for name in of_other_kinds(folder)]
    if not others or any(tokenizer_files(folder) for folder in folders):
        return ()
    return (
        f"{others[0]} is a vocabulary of a kind not known here, so that no text can be read: type "
        "token ids, or copy tokenizer.json there.",
    )


def read_config(folder: Path) -> Config:
    """config.json as a dictionary.

    Raises:
        CheckpointError: it is missing, no JSON, or no object.
    """
    return Config(read_object(folder / "config.json", _LARGEST_CONFIG, "a config"), _name(folder))


def read_object(path: Path, most_bytes: int, what: str) -> dict[str, Any]:
    """A JSON object.

    Raises:
        CheckpointError: the file is missing, too large, no JSON, or no object.
    """
    try:
        value = parse_json(read_text(path, most_bytes, what))
    except (CheckpointError, ValueError) as error:
        instead = is_instead(path)
        if instead is not None:
            raise CheckpointError(instead) from error
        if isinstance(error, CheckpointError):
            raise
        raise CheckpointError(
            f"{path} is no JSON ({str(error)[:100]}); copy it again from where the model came from."
        ) from error
    if not isinstance(value, dict):
        raise CheckpointError(f"{path} holds no JSON object; copy it again.")
    if set(value) <= {"error", "message", "status", "detail"}:
        instead = is_instead(path) if value else None
        if instead is not None:
            raise CheckpointError(instead)
    return value


def find_weights(folder: Path) -> Path:
    """The weights in a folder: a file, the index of several, or the first of several parts.

    Raises:
        CheckpointError: there are none, or several and none of a known name.
    """
    for name in (SINGLE, INDEX, _TORCH_SINGLE, _TORCH_INDEX):
        if os.path.lexists(folder / name):
            return folder / name
    files = [file for file in sorted(folder.iterdir()) if not holds_no_weights(file.name)]
    for suffixes in (frozenset({".safetensors"}), TORCH_SUFFIXES):
        found = [file for file in files if file.suffix in suffixes]
        indices = [file for file in files if _indexes(file, suffixes)]
        if len(indices) == 1:
            return indices[0]
        if len({_whole_name(file) for file in found}) == 1:
            return found[0]
        if found:
            raise CheckpointError(
                f"{folder} has several files of weights ({few(f.name for f in found)}) and no "
                f"{INDEX} that says what belongs together; choose one of the files."
            )
    refuse_folder(folder)
    on_hub = cached_name(folder)
    if on_hub is not None:
        raise CheckpointError(
            f"{folder} is only a part of {on_hub}, without weights; open it by its name, {on_hub}, "
            "to fetch the rest."
        )
    raise CheckpointError(
        f"{folder} has no weights: {SINGLE} is missing. Copy it there, or the file of weights "
        "that the model came with."
    )


def has_weights(folder: Path) -> bool:
    """Whether a folder has weights of its own."""
    try:
        find_weights(folder)
    except (CheckpointError, OSError):
        return False
    return True


def whole_of(file: Path) -> Path:
    """What a file of weights stands for: the index of all, where it is a part of a network.

    A file by its own name is taken, though an index of others lies beside it, where it is whole.
    """
    folder = file.parent
    for single, index, suffixes in (
        (SINGLE, INDEX, frozenset({".safetensors"})),
        (_TORCH_SINGLE, _TORCH_INDEX, TORCH_SUFFIXES),
    ):
        if file.suffix in suffixes and file.name != single and (folder / index).exists():
            is_part = suffixes is TORCH_SUFFIXES or not (folder / single).exists()
            return folder / index if is_part else file
    return file


def parts_of(file: Path) -> list[Path]:
    """All parts of the network that a file is a part of; the file alone where it is whole.

    Raises:
        CheckpointError: some are missing.
    """
    match = _PART.fullmatch(file.name)
    if match is None:
        return [file]
    n = int(match["n"])
    names = [f"{match['stem']}-{i:05}-of-{n:05}{match['suffix']}" for i in range(1, n + 1)]
    missing = [name for name in names if not (file.parent / name).exists()]
    if missing:
        raise CheckpointError(
            f"{file.parent} lacks {few(missing)} of the {n} parts that {file.name} is one of; copy "
            "them there, too."
        )
    return [file.parent / name for name in names]


def _indexes(file: Path, suffixes: Container[str]) -> bool:
    """Whether a file is the index of files that end so: ``model.fp16.safetensors.index.json``."""
    name = file.name.removesuffix(".index.json")
    return name != file.name and Path(name).suffix in suffixes


def _whole_name(file: Path) -> str:
    """One name for all parts of a network."""
    match = _PART.fullmatch(file.name)
    return file.name if match is None else f"{match['stem']} of {match['n']}{match['suffix']}"


def _usual(folder: Path) -> Path | None:
    """The weights that opening the folder would take, if it is clear which."""
    try:
        return find_weights(folder)
    except CheckpointError:
        return None


def read_headers(file: Path) -> dict[str, StoredTensor]:
    """The tensors of a file of weights, or of all files that an index names.

    Raises:
        CheckpointError: a file is missing or damaged.
    """
    if file.suffix == ".json":
        return _read_index(file)
    parts = parts_of(file)
    if len(parts) == 1:
        return _read_one(file)
    tensors: dict[str, StoredTensor] = {}
    for part in parts:
        for name, tensor in _read_one(part).items():
            other = tensors.setdefault(name, tensor)
            if other is not tensor:
                raise CheckpointError(
                    f"{part} and {other.path.name} both hold {name!r}; which one is meant can't be "
                    f"told without {INDEX}. Copy it there."
                )
    return tensors


def _read_one(file: Path) -> dict[str, StoredTensor]:
    if file.suffix == ".safetensors":
        return safetensors_header(file)
    return state_dict(read_torch_file(file), file)


def state_dict(value: Any, path: Path) -> dict[str, StoredTensor]:
    """The named tensors that torch.save wrote; other entries are left out.

    Raises:
        CheckpointError: there are none.
    """
    value = _innermost(value)
    if not isinstance(value, dict):
        raise CheckpointError(f"{path} holds no dictionary of tensors; save a state_dict() there.")
    tensors = {}
    for name, tensor in value.items():
        if isinstance(name, str) and isinstance(tensor, StoredTensor):
            tensors[name] = replace(tensor, name=name)
    if not tensors:
        what = next((what for keys, what in _STATES if keys <= value.keys()), None)
        if what is not None:
            raise CheckpointError(
                f"{path} holds {what} and no weights; choose the file of weights that was saved "
                "with it."
            )
        raise CheckpointError(
            f"{path} holds no tensors by name; save a model's state_dict() there."
        )
    return tensors


# How trainers call the network's tensors within all that they save, and what else they save.
_NETWORK = ("state_dict", "model_state_dict", "model", "module", "state", "network", "net")
_STATES: tuple[tuple[frozenset[str], str], ...] = (
    (frozenset({"state", "param_groups"}), "the state of an optimiser"),
    (frozenset({"last_epoch", "base_lrs"}), "the state of a schedule"),
    (frozenset({"scale", "growth_factor"}), "the state of a gradient scaler"),
    (frozenset({"python", "numpy"}), "the state of random numbers"),
    (frozenset({"optimizer_state_dict"}), "the state of a training"),
    (frozenset({"optimizer_states"}), "the state of a training"),
    (frozenset({"optimizer"}), "the state of a training"),
)
_MOST_WRAPPED = 3


def _innermost(value: Any) -> Any:
    """The dictionary of tensors within what a trainer saved."""
    for _ in range(_MOST_WRAPPED):
        if not isinstance(value, dict):
            break
        inside = [value[key] for key in _NETWORK if isinstance(value.get(key), dict)]
        inner = next((one for one in inside if one), None)
        if inner is None:
            break
        value = inner
    return value


def _read_index(index: Path) -> dict[str, StoredTensor]:
    """The tensors of all files; of an index only its weight_map counts."""
    weight_map = read_object(index, _LARGEST_INDEX, "an index").get("weight_map")
    if not isinstance(weight_map, dict) or not all(isinstance(f, str) for f in weight_map.values()):
        raise CheckpointError(
            f"{index} is no readable index: it needs a 'weight_map' from tensors to files. Copy "
            "it again."
        )
    headers = {}
    for file in dict.fromkeys(weight_map.values()):
        if Path(file).name != file or "\\" in file or "\0" in file:
            raise CheckpointError(
                f"{index} names {file[:80]!r}, which is outside the folder; copy the index again."
            )
        if Path(file).suffix not in TORCH_SUFFIXES | {".safetensors"}:
            raise CheckpointError(
                f"{index} names {file[:80]!r}, which is no file of weights; copy the index again."
            )
        headers[file] = _read_one(index.parent / file)
    tensors = {}
    for name, file in weight_map.items():
        if name not in headers[file]:
            raise CheckpointError(
                f"{index.parent / file} has no tensor {name[:80]!r}, though the index says so; "
                "the files do not belong together."
            )
        tensors[name] = headers[file][name]
    return tensors


def _is_safetensors(tensors: Mapping[str, StoredTensor]) -> bool:
    return all(tensor.path.suffix == ".safetensors" for tensor in tensors.values())


def _name(folder: Path) -> str:
    return str(folder / "config.json")


def few(names: Iterable[str]) -> str:
    """Up to three names, and how many more."""
    all_names = list(names)
    shown = ", ".join(all_names[:3])
    return shown if len(all_names) <= 3 else f"{shown} and {len(all_names) - 3} more"

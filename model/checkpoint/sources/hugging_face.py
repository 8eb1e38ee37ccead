"""Hugging Face folders, and the snapshots of our own runs, which are such folders.

Finds config.json and the weights beside it: safetensors or torch.save's files, in one piece or in
several that an index names. Reads no weight.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from model.checkpoint.errors import CheckpointError
from model.checkpoint.sources.instead import is_instead
from model.checkpoint.sources.safetensors_file import safetensors_header
from model.checkpoint.sources.source import FolderTokenizer, Source
from model.checkpoint.sources.text_part import text_part
from model.checkpoint.sources.torch_file import read_torch_file
from model.checkpoint.sources.wrappers import unwrapped
from model.checkpoint.stored import (
    INDEX,
    REFERENCE,
    SINGLE,
    StoredTensor,
    parse_json,
    read_text,
)
from model.checkpoint.values import Config

TORCH_SUFFIXES = frozenset({".bin", ".pt", ".pth", ".ckpt"})
_TORCH_SINGLE = "pytorch_model.bin"
_TORCH_INDEX = "pytorch_model.bin.index.json"
# Written beside the weights by trainers and by `verify`: numbers, but no model's.
NO_WEIGHTS = frozenset(
    {"training_args.bin", "optimizer.bin", "optimizer.pt", "scheduler.pt", REFERENCE}
)
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
    hf, tensors, notes = text_part(hf, unwrapped(read_headers(file)))
    # A run keeps its tokenizer once, not in every snapshot.
    places = [folder] if folder.parent.name != "snapshots" else [folder, folder.parent.parent]
    return Source(
        path=folder if weights is None or weights == _usual(folder) else weights,
        format="safetensors" if _is_safetensors(tensors) else "PyTorch",
        hf=hf,
        tensors=tensors,
        tokenizer=FolderTokenizer(places),
        notes=(*notes, *_of_sentences(folder)),
    )


def _of_sentences(folder: Path) -> tuple[str, ...]:
    """What to say of a folder that sentence-transformers wrote, where the network is one module."""
    if not any((place / "modules.json").is_file() for place in (folder, folder.parent)):
        return ()
    return (
        "Left out: what sentence-transformers does after the network, such as pooling; here every "
        "token has a vector of its own.",
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
    """The weights in a folder: a file, or the index of several.

    Raises:
        CheckpointError: there are none, or several and none of a known name.
    """
    for name in (SINGLE, INDEX, _TORCH_SINGLE, _TORCH_INDEX):
        if (folder / name).exists():
            return folder / name
    files = [file for file in sorted(folder.iterdir()) if file.name not in NO_WEIGHTS]
    for suffixes in (frozenset({".safetensors"}), TORCH_SUFFIXES):
        found = [file for file in files if file.suffix in suffixes]
        if len(found) == 1:
            return found[0]
        if found:
            raise CheckpointError(
                f"{folder} has several files of weights ({_few(f.name for f in found)}) and no "
                f"{INDEX} that says what belongs together; choose one of the files."
            )
    raise CheckpointError(
        f"{folder} has no weights: {SINGLE} is missing. Copy it there, or the file of weights "
        "that the model came with."
    )


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
    if file.suffix == ".safetensors":
        return safetensors_header(file)
    return state_dict(read_torch_file(file), file)


def state_dict(value: Any, path: Path) -> dict[str, StoredTensor]:
    """The named tensors that torch.save wrote; other entries are left out.

    Raises:
        CheckpointError: there are none.
    """
    for key in ("state_dict", "model_state_dict", "model"):  # as trainers wrap it
        if isinstance(value, dict) and isinstance(value.get(key), dict):
            value = value[key]
            break
    if not isinstance(value, dict):
        raise CheckpointError(f"{path} holds no dictionary of tensors; save a state_dict() there.")
    tensors = {}
    for name, tensor in value.items():
        if isinstance(name, str) and isinstance(tensor, StoredTensor):
            tensors[name] = replace(tensor, name=name)
    if not tensors:
        raise CheckpointError(
            f"{path} holds no tensors by name; save a model's state_dict() there."
        )
    return tensors


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
        headers[file] = read_headers(index.parent / file)
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


def _few(names: Iterable[str]) -> str:
    all_names = list(names)
    shown = ", ".join(all_names[:3])
    return shown if len(all_names) <= 3 else f"{shown} and {len(all_names) - 3} more"

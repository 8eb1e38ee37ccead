"""Save a network as a Hugging Face folder that transformers loads as it is.

Any family that can be opened can be saved; large networks in several files with an index, as
transformers does it.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Collection, Generator, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from model.checkpoint.errors import CheckpointError, NoRoomError
from model.checkpoint.families import FAMILIES, Family, family_for
from model.checkpoint.families.bare import bare_to_hf
from model.checkpoint.stored import INDEX, SINGLE
from model.preview import file_size
from model.slices import finish
from model.tensor_file import stored_bytes, writing_tensors
from model.tokenizer.tokenizer import Tokenizer
from model.transformer import Transformer
from model.whole_folder import folder_beside, put_in_place

LARGEST_FILE = 5 * 10**9
"""Bytes of weights in one file, as in transformers; a network that needs more gets several."""


@dataclass(frozen=True, slots=True)
class SavingSlice:
    """How far a saving is.

    Attributes:
        done_bytes, total_bytes: of the weights.
    """

    done_bytes: int
    total_bytes: int


def save_checkpoint(
    folder: str | Path,
    transformer: Transformer,
    tokenizer: Tokenizer | None,
    extra: Mapping[str, Any] | None = None,
    family: str | None = None,
    dtype: torch.dtype | None = None,
    largest_file: int = LARGEST_FILE,
    ends: Collection[int] = (),
) -> Path:
    """Write config.json, the weights and the tokenizer's files.

    The folder appears whole or not at all. An older checkpoint in its place is replaced file by
    file, each of them whole; what else lies there stays.

    Args:
        folder: to be made; or a checkpoint to be replaced.
        transformer: the network.
        tokenizer: its tokenizer, if there is one.
        extra: further keys for config.json.
        family: config.json's model_type; the network must be one. None takes one that it is.
        dtype: of the weights in the file; None keeps the network's.
        largest_file: bytes of weights in one file.
        ends: ids that end a text; none takes the tokenizer's.

    Returns:
        The folder.

    Raises:
        CheckpointError: the family can't describe the network, the folder holds other things,
            or the disk refuses.
    """
    return finish(saving(folder, transformer, tokenizer, extra, family, dtype, largest_file, ends))


def saving(
    folder: str | Path,
    transformer: Transformer,
    tokenizer: Tokenizer | None,
    extra: Mapping[str, Any] | None = None,
    family: str | None = None,
    dtype: torch.dtype | None = None,
    largest_file: int = LARGEST_FILE,
    ends: Collection[int] = (),
) -> Generator[SavingSlice, None, Path]:
    """The same in slices; closed early, it leaves nothing behind.

    The network must not change in between.
    """
    folder = Path(folder)
    family = family_for(transformer.config) if family is None else family
    known = FAMILIES.get(family)
    if known is None:
        raise CheckpointError(
            f"A {family!r} can't be saved; known families are {', '.join(FAMILIES)}."
        )
    hf = _config(known, transformer, tokenizer, dtype, ends) | dict(extra or {})
    try:
        replaces = (folder / "config.json").exists()
        if folder.exists() and not replaces and any(folder.iterdir()):
            raise CheckpointError(
                f"{folder} holds other files and is no checkpoint; choose a new or an empty folder."
            )
        with folder_beside(folder) as half:
            beside = half.path
            (beside / "config.json").write_text(json.dumps(hf, indent=2) + "\n", encoding="utf-8")
            state = {name: tensor.detach() for name, tensor in transformer.state_dict().items()}
            tensors = known.state_to_hf(state, transformer.config)
            yield from _writing_weights(beside, tensors, dtype, largest_file)
            if tokenizer is not None:
                tokenizer.save(beside)
            half.unlock()
            _put_in_place(beside, half.place, replaces)
    except OSError as error:
        raise CheckpointError(f"{folder} can't be written: {error.strerror or error}.") from error
    return folder


def _put_in_place(beside: Path, folder: Path, replaces: bool) -> None:
    if replaces:
        older = _weight_files(folder)
        for file in sorted(beside.iterdir()):
            file.replace(folder / file.name)
            older.discard(folder / file.name)
        for file in older:
            file.unlink(missing_ok=True)
        return
    put_in_place(beside, folder)


def _config(
    family: Family,
    transformer: Transformer,
    tokenizer: Tokenizer | None,
    dtype: torch.dtype | None,
    ends: Collection[int],
) -> dict[str, Any]:
    stored = dtype or transformer.embed.weight.dtype
    name = str(stored).removeprefix("torch.")
    # transformers' own defaults are a family's published ids (GPT-2's 50256), which a smaller
    # vocabulary does not have.
    end = None if tokenizer is None else tokenizer.end_of_text
    all_ends = sorted(ends, key=lambda id: (id != end, id))  # the first one also pads
    roles = {
        "bos_token_id": None if tokenizer is None else tokenizer.start_of_text,
        "eos_token_id": all_ends if len(all_ends) > 1 else next(iter(all_ends), end),
    }
    config = transformer.config
    bare = config.head == "none" and family.heads is None
    if bare:
        hf = bare_to_hf(family, config)
    else:
        try:
            hf = family.config_to_hf(config)
        except CheckpointError:
            # Most families have no key for the dropout of a training that is over.
            hf = family.config_to_hf(replace(config, dropout=0.0))
    return hf | {"dtype": name, "torch_dtype": name} | roles


def _writing_weights(
    folder: Path, tensors: Mapping[str, Tensor], dtype: torch.dtype | None, largest_file: int
) -> Generator[SavingSlice, None, None]:
    """One file, or several and their index."""
    total = sum(stored_bytes(tensor, dtype) for tensor in tensors.values())
    free = shutil.disk_usage(folder).free
    if total > free:
        raise NoRoomError(
            f"The weights take {file_size(total)}, and {file_size(free)} are free in "
            f"{folder.parent}; make room, or choose another place."
        )
    files = list(_divided(tensors, dtype, largest_file))
    weight_map: dict[str, str] = {}
    done = 0
    for number, names in enumerate(files, 1):
        several = f"model-{number:05}-of-{len(files):05}.safetensors"
        file = several if len(files) > 1 else SINGLE
        part = {name: tensors[name] for name in names}
        for n_bytes in writing_tensors(folder / file, part, {"format": "pt"}, dtype):
            done += n_bytes
            yield SavingSlice(done, total)
        weight_map |= dict.fromkeys(names, file)
    if len(files) > 1:
        index = {"metadata": {"total_size": total}, "weight_map": weight_map}
        (folder / INDEX).write_text(json.dumps(index, indent=2) + "\n", encoding="utf-8")


def _divided(
    tensors: Mapping[str, Tensor], dtype: torch.dtype | None, largest_file: int
) -> Iterator[list[str]]:
    """Names by file, in their order; a tensor larger than a file has one to itself."""
    names: list[str] = []
    size = 0
    for name, tensor in tensors.items():
        n_bytes = stored_bytes(tensor, dtype)
        if names and size + n_bytes > largest_file:
            yield names
            names, size = [], 0
        names.append(name)
        size += n_bytes
    yield names


def _weight_files(folder: Path) -> set[Path]:
    """The weights that a folder's readers would find: those of another division would be stale."""
    found = {folder / SINGLE} if (folder / SINGLE).exists() else set()
    index = folder / INDEX
    if index.exists():
        found.add(index)
        try:
            weight_map = json.loads(index.read_text(encoding="utf-8-sig"))["weight_map"]
            names = {str(name) for name in weight_map.values()}
        except (ValueError, KeyError, TypeError, AttributeError):
            return found
        found |= {folder / name for name in names if Path(name).name == name}
    return found

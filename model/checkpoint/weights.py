"""Tensors in safetensors files, one or several: names and shapes at once, data when asked for.

Only safetensors is read: it holds numbers and nothing that could run. Knows no family.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from model.checkpoint.errors import CheckpointError

SINGLE = "model.safetensors"
INDEX = "model.safetensors.index.json"

_DTYPES = {
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "F64": torch.float64,
}
# Old files carry causal masks among the weights; a family knows them by name.
_MASKS = frozenset({"BOOL", "U8"})


class Weights(Mapping[str, Tensor]):
    """The tensors of one checkpoint by their names in the file.

    A tensor that is asked for is read from disk, into memory of its own.

    Args:
        files: the file that holds each tensor.

    Attributes:
        shapes: of every tensor, from the headers.
        dtypes: those of the weights.
    """

    def __init__(self, files: Mapping[str, Path]) -> None:
        self._readers = {path: _open(path) for path in dict.fromkeys(files.values())}
        self._files = files
        self.shapes: dict[str, tuple[int, ...]] = {}
        self.dtypes: set[torch.dtype] = set()
        for name, path in files.items():
            try:
                header = self._readers[path].get_slice(name)
            except SafetensorError as error:
                raise CheckpointError(
                    f"{path.name} has no tensor {name!r}, though the index says so; "
                    "the files do not belong together."
                ) from error
            self.shapes[name] = tuple(header.get_shape())
            stored = header.get_dtype()
            if stored in _DTYPES:
                self.dtypes.add(_DTYPES[stored])
            elif stored not in _MASKS:
                raise CheckpointError(
                    f"{path.name}: tensor {name!r} is stored as {stored}; only weights in "
                    f"{', '.join(_DTYPES)} are supported. Save the model in one of these."
                )

    @classmethod
    def in_folder(cls, folder: Path) -> Weights:
        """The weights of a Hugging Face folder, in one file or in the ones that its index names.

        Raises:
            CheckpointError: they are missing, damaged or only there as a pickle.
        """
        single, index = folder / SINGLE, folder / INDEX
        if single.exists():
            reader = _open(single)
            return cls(dict.fromkeys(reader.keys(), single))
        if index.exists():
            return cls(_files_of_index(index))
        for pickle in sorted(folder.iterdir()):
            if pickle.suffix in PICKLES:
                raise CheckpointError(pickle_refused(pickle))
        raise CheckpointError(f"{folder} has no weights: {SINGLE} is missing. Copy it there.")

    def __getitem__(self, name: str) -> Tensor:
        path = self._files[name]
        try:
            tensor: Tensor = self._readers[path].get_tensor(name)
        except (SafetensorError, OSError) as error:
            raise CheckpointError(
                f"{path.name}: tensor {name!r} can't be read ({error})."
            ) from error
        return tensor

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)


PICKLES = frozenset({".pt", ".pth", ".bin", ".pkl", ".pickle", ".ckpt"})


def pickle_refused(path: Path) -> str:
    """Why a pickle is not opened, and how to convert it."""
    return (
        f"{path.name} is a pickle, which can run any program when it is opened, so it is not; "
        "convert it where you trust it: transformers' save_pretrained(FOLDER) writes "
        f"{SINGLE}."
    )


def _open(path: Path) -> Any:
    if path.is_dir():
        raise CheckpointError(f"{path} is a folder, where a file of weights should be.")
    try:
        # pread: the pages of a mapped file would count twice, and a mapped file that another
        # program cuts short kills the process.
        return safe_open(path, framework="pt", backend="pread")
    except FileNotFoundError as error:
        raise CheckpointError(f"{path} is missing; copy it there.") from error
    except OSError as error:
        raise CheckpointError(f"{path} can't be read: {error.strerror or error}.") from error
    except SafetensorError as error:
        raise CheckpointError(
            f"{path} is no whole safetensors file ({error}); it was cut short or damaged on its "
            "way here. Copy it again."
        ) from error


def _files_of_index(index: Path) -> dict[str, Path]:
    """Tensor -> file. Of an index only its weight_map counts."""
    try:
        weight_map = json.loads(index.read_text(encoding="utf-8"))["weight_map"]
        files = {str(name): str(file) for name, file in weight_map.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise CheckpointError(
            f"{index} is no readable index: it needs a 'weight_map' from tensors to files."
        ) from error
    for file in files.values():
        if Path(file).name != file:
            raise CheckpointError(f"{index.name} names {file!r}, which is outside the folder.")
    return {name: index.parent / file for name, file in files.items()}

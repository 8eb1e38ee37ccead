"""The state of a run in shards: a folder that each process writes its part of.

torch.distributed.checkpoint's own format, which any number of processes reads, one as well. It
keeps its table of contents in a pickle: only what belongs into such a table is made of it, so a
file that some other program put there runs nothing.

Knows tensors by name, and a folder; not when a state is saved, nor what else belongs to it.
"""

from __future__ import annotations

import io
import pickle
import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributed.checkpoint.api import CheckpointException
from torch.distributed.checkpoint.filesystem import FileSystemReader, FileSystemWriter
from torch.distributed.checkpoint.metadata import Metadata, TensorStorageMetadata
from torch.distributed.checkpoint.state_dict_loader import load
from torch.distributed.checkpoint.state_dict_saver import save

from model.train.processes.group import ALONE, Group
from model.train.run_folder import STATE, RunError

WEIGHTS, OPTIMISER = "weights.", "optimiser."
_TABLE = ".metadata"


def save_shards(
    run_dir: Path, step: int, transformer: nn.Module, optimiser: torch.optim.Optimizer, group: Group
) -> str:
    """Write weights and what the optimiser keeps; called by all processes.

    Returns:
        The folder's name in the run's ``state``. It is there whole, or not at all.

    Raises:
        RunError: the disk refuses in one of the processes.
    """
    name = f"step-{step:06d}"
    place, beside = run_dir / STATE / name, run_dir / STATE / f".{name}.part"

    def begin() -> None:
        beside.parent.mkdir(exist_ok=True)
        shutil.rmtree(beside, ignore_errors=True)
        beside.mkdir()

    def end() -> None:
        shutil.rmtree(place, ignore_errors=True)
        beside.rename(place)

    try:
        group.first(begin)
        if not beside.is_dir():
            raise OSError("the machines of a run in shards have to share the run folder")
        values: dict[str, Any] = dict(_named(transformer, optimiser))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # "assuming a single process": that is meant
            save(values, storage_writer=FileSystemWriter(beside), no_dist=group.is_alone)
        group.first(end)
    except (OSError, CheckpointException) as error:
        raise RunError(
            f"The state of {run_dir} can't be written: {_reason(error)}. What was saved before "
            "stays."
        ) from error
    return name


def load_shards(
    folder: Path,
    transformer: nn.Module,
    optimiser: torch.optim.Optimizer | None,
    group: Group = ALONE,
) -> None:
    """Read weights, and what an optimiser keeps, into a network in shards or a whole one.

    Args:
        folder: that `save_shards` has written, with however many processes.
        transformer: of the same sizes; changed in place.
        optimiser: of its parameters; None reads the weights only.
        group: the processes; each reads its own part.

    Raises:
        RunError: it is damaged, or of another network.
    """
    reader = _Reader(folder)
    try:
        stored = reader.read_metadata().state_dict_metadata
        if optimiser is not None:
            _make_room(transformer, optimiser, stored)
        values: dict[str, Any] = dict(_named(transformer, optimiser))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # "assuming a single process": that is meant
            load(values, storage_reader=reader, no_dist=group.is_alone)
    except (
        OSError,
        RuntimeError,
        ValueError,
        KeyError,
        AttributeError,
        EOFError,
        pickle.UnpicklingError,
        CheckpointException,
    ) as error:
        raise RunError(
            f"{folder} is damaged, or of another network, so the run can't be resumed; its "
            "snapshots can be opened."
        ) from error


def remove_others(run_dir: Path, name: str) -> None:
    """Remove states in shards but one; an empty name removes all."""
    for folder in (run_dir / STATE).glob("step-*"):
        if folder.name != name and (folder / _TABLE).is_file():
            shutil.rmtree(folder, ignore_errors=True)


def _named(
    transformer: nn.Module, optimiser: torch.optim.Optimizer | None
) -> Iterator[tuple[str, Tensor]]:
    """Every tensor of a state by its name; tied weights once."""
    for name, parameter in transformer.named_parameters():
        yield WEIGHTS + name, parameter.detach()
        if optimiser is not None:
            for key, value in optimiser.state.get(parameter, {}).items():
                yield f"{OPTIMISER}{name}.{key}", value


def _make_room(
    transformer: nn.Module, optimiser: torch.optim.Optimizer, stored: dict[str, Any]
) -> None:
    """Give an optimiser that has made no step yet the tensors that it keeps after one."""
    for name, parameter in transformer.named_parameters():
        prefix = f"{OPTIMISER}{name}."
        for key, kind in stored.items():
            if not key.startswith(prefix) or not isinstance(kind, TensorStorageMetadata):
                continue
            dtype = kind.properties.dtype
            if kind.size == parameter.shape and parameter.ndim:
                room = torch.zeros_like(parameter.detach(), dtype=dtype)
            else:
                room = torch.zeros(kind.size, dtype=dtype, device=parameter.device)
            optimiser.state[parameter][key.removeprefix(prefix)] = room


def _reason(error: BaseException) -> str:
    """What a disk has said, also within the errors of several processes."""
    if isinstance(error, CheckpointException):
        of_ranks = list(error.failures.values())
        error = of_ranks[0][0] if of_ranks else error
    return str((isinstance(error, OSError) and error.strerror) or error)


class _Reader(FileSystemReader):
    """torch's, but for the pickle: see above."""

    def read_metadata(self, *args: Any, **kwargs: Any) -> Metadata:
        raw = (Path(self.path) / _TABLE).read_bytes()
        table = _TableUnpickler(io.BytesIO(raw)).load()
        if not isinstance(table, Metadata):
            raise pickle.UnpicklingError("it holds no table of contents")
        table.storage_meta = None  # of who wrote it; nothing that is read here
        return table


class _TableUnpickler(pickle.Unpickler):
    """Makes what belongs into a table of contents, and imports nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        if module == "pathlib":
            return PurePosixPath  # of the machine that wrote it; this may be another kind
        if module == "torch" and isinstance(getattr(torch, name, None), torch.dtype):
            return getattr(torch, name)
        if (module, name) in _KNOWN:
            return super().find_class(module, name)
        raise pickle.UnpicklingError(f"{module}.{name} has no place in a table of contents")


_METADATA = "torch.distributed.checkpoint.metadata"
_KNOWN = frozenset(
    {
        ("torch", "Size"),
        ("torch.serialization", "_get_layout"),
        ("torch.distributed.checkpoint.filesystem", "_StorageInfo"),
        *(
            (_METADATA, name)
            for name in (
                "BytesStorageMetadata",
                "ChunkStorageMetadata",
                "Metadata",
                "MetadataIndex",
                "StorageMeta",
                "TensorProperties",
                "TensorStorageMetadata",
                "_MEM_FORMAT_ENCODING",
            )
        ),
    }
)

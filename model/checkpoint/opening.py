"""Open a checkpoint: find its folder, read its config, check every shape, then read the weights.

Nothing in a file is ever run, and nothing is read into memory before the names and shapes of
all tensors are known to fit.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from model.checkpoint.errors import CheckpointError
from model.checkpoint.families import Family, family_of
from model.checkpoint.weights import INDEX, PICKLES, SINGLE, Weights, pickle_refused
from model.config import ConfigError, TransformerConfig
from model.tokenizer import Tokenizer, TokenizerError
from model.transformer import Transformer

_SNAPSHOT = re.compile(r"step-(\d+)")
# Files that stand for the folder that they lie in.
_PARTS = frozenset(
    {"config.json", SINGLE, INDEX, "tokenizer.json", "tokenizer_config.json", "run.toml"}
)
_LARGEST_CONFIG = 16 * 2**20


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A network and its tokenizer, as read from disk.

    Attributes:
        transformer: in evaluation mode, on the device that was asked for.
        tokenizer: None if the folder has none; then only ids can be run.
        family: config.json's model_type.
        path: the folder that holds config.json.
        dtype: of the weights in memory.
    """

    transformer: Transformer
    tokenizer: Tokenizer | None
    family: str
    path: Path
    dtype: torch.dtype


def open_checkpoint(
    path: str | Path, dtype: torch.dtype | None = None, device: str = "cpu"
) -> Checkpoint:
    """Open a Hugging Face folder, one of its files, or a run folder (its last snapshot).

    Args:
        path: folder or file.
        dtype: of the weights in memory; None keeps the file's.
        device: where the weights go.

    Raises:
        CheckpointError: it can't be opened; the message says why and what to do.
    """
    try:
        return _open(Path(path), dtype, device)
    except OSError as error:  # a place that may not be read, a disk that fails
        raise CheckpointError(f"{path} can't be read: {error.strerror or error}.") from error


def _open(path: Path, dtype: torch.dtype | None, device: str) -> Checkpoint:
    folder = checkpoint_folder(path)
    hf = read_config(folder)
    family = family_of(hf)
    try:
        config = family.config_from_hf(hf)
    except ConfigError as error:
        raise CheckpointError(f"{folder / 'config.json'} fits no network: {error}") from error
    weights = Weights.in_folder(folder)
    named = _Canonical(weights, family)
    if config.tied_embeddings and not _tied_in_file(named, family):
        # As transformers does: what is stored wins over what the config says.
        config = replace(config, tied_embeddings=False)
    tokenizer = _tokenizer(folder, config)

    # Before anything is built: a damaged config may ask for more than any memory holds.
    stored = sum(math.prod(shape) for shape in weights.shapes.values())
    if config.n_params > 10 * stored:
        raise CheckpointError(
            f"{folder / 'config.json'} describes a network of {config.n_params:,} parameters, but "
            f"the weights beside it hold {stored:,} numbers: they do not belong together."
        )
    transformer = Transformer(config, empty=True)
    _check(named, family, transformer, folder)
    if dtype is None:
        dtype = _stored_dtype(weights)
    state = family.state_from_hf(named, config)
    state = {name: tensor.to(device=device, dtype=dtype) for name, tensor in state.items()}
    transformer.adopt(state)
    transformer.eval()
    return Checkpoint(transformer, tokenizer, family.model_type, folder, dtype)


def checkpoint_folder(path: Path) -> Path:
    """The folder with config.json that a path means: itself, a file's, or a run's last snapshot.

    Raises:
        CheckpointError: there is none.
    """
    if not path.exists():
        raise CheckpointError(f"{path} does not exist; check the path.")
    if path.is_file():
        if path.suffix in PICKLES:
            raise CheckpointError(pickle_refused(path))
        if path.name not in _PARTS and path.suffix != ".safetensors":
            raise CheckpointError(
                f"{path.name} is no part of a checkpoint; choose a folder with config.json and "
                f"{SINGLE}."
            )
        path = path.parent
    if (path / "config.json").exists():
        return path
    snapshots = path if path.name == "snapshots" else path / "snapshots"
    if snapshots.is_dir():
        whole = [step for step in _snapshots(snapshots) if (step / SINGLE).is_file()]
        if not whole:
            raise CheckpointError(
                f"The run in {path} has no snapshot yet; train it further, then open it."
            )
        return whole[-1]
    if (path / SINGLE).exists() or (path / INDEX).exists():
        raise CheckpointError(
            f"{path} has weights but no config.json, which says how large the network is; "
            "copy it there from where the weights came from."
        )
    for pickle in sorted(path.iterdir()):
        if pickle.suffix in PICKLES:
            raise CheckpointError(pickle_refused(pickle))
    raise CheckpointError(
        f"{path} is no checkpoint: it has neither config.json nor snapshots of a run. Choose a "
        f"folder with config.json and {SINGLE}."
    )


def read_config(folder: Path) -> dict[str, Any]:
    """config.json as a dictionary.

    Raises:
        CheckpointError: it is missing, no JSON, or no object.
    """
    path = folder / "config.json"
    try:
        if path.stat().st_size > _LARGEST_CONFIG:
            raise CheckpointError(f"{path} is too large for a config; is it another file?")
        hf = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise CheckpointError(f"{path} is missing; copy it there.") from error
    except OSError as error:
        raise CheckpointError(f"{path} can't be read: {error.strerror or error}.") from error
    except (ValueError, RecursionError) as error:
        raise CheckpointError(
            f"{path} is no JSON ({str(error)[:100]}); copy it again from where the model came from."
        ) from error
    if not isinstance(hf, dict):
        raise CheckpointError(f"{path} holds no JSON object; copy it again.")
    return hf


def _snapshots(folder: Path) -> list[Path]:
    """A run's snapshots by step."""
    found = [(int(m[1]), p) for p in folder.iterdir() if (m := _SNAPSHOT.fullmatch(p.name))]
    return [path for _, path in sorted(found)]


def _tokenizer(folder: Path, config: TransformerConfig) -> Tokenizer | None:
    """The tokenizer in the folder, or of the run that a snapshot belongs to."""
    places = [folder]
    if folder.parent.name == "snapshots":
        places.append(folder.parent.parent)
    for place in places:
        if (place / "tokenizer.json").exists() or (place / "vocab.json").exists():
            try:
                tokenizer = Tokenizer.from_folder(place)
            except TokenizerError as error:
                raise CheckpointError(str(error)) from error
            if tokenizer.n_tokens > config.d_vocab:
                raise CheckpointError(
                    f"The tokenizer in {place} has {tokenizer.n_tokens} tokens, but the network "
                    f"embeds {config.d_vocab}: they do not belong together."
                )
            return tokenizer
    return None


class _Canonical(Mapping[str, Tensor]):
    """Weights under their family's canonical names; buffers that are no weights are left out."""

    def __init__(self, weights: Weights, family: Family) -> None:
        self.weights = weights
        self.in_file = {c: n for n in weights if (c := family.canonical_name(n)) is not None}

    def __getitem__(self, name: str) -> Tensor:
        return self.weights[self.in_file[name]]

    def __iter__(self) -> Iterator[str]:
        return iter(self.in_file)

    def __len__(self) -> int:
        return len(self.in_file)

    def shape(self, name: str) -> tuple[int, ...]:
        return self.weights.shapes[self.in_file[name]]


def _tied_in_file(tensors: _Canonical, family: Family) -> bool:
    """Whether the file agrees that the unembedding is the embedding: absent, or equal."""
    unembedding, embedding = family.tied_names
    if unembedding not in tensors or embedding not in tensors:
        return True
    return torch.equal(tensors[unembedding], tensors[embedding])


def _check(tensors: _Canonical, family: Family, transformer: Transformer, folder: Path) -> None:
    """Refuse a file whose names, shapes or dtypes are not exactly this network's."""
    expected = family.state_to_hf(transformer.state_dict(), transformer.config)
    missing = [name for name in expected if name not in tensors]
    if missing:
        raise CheckpointError(
            f"The weights in {folder} lack {_some(missing)}; they are not complete, or "
            "config.json belongs to another model."
        )
    for name, like in expected.items():
        shape = tensors.shape(name)
        if shape != tuple(like.shape):
            raise CheckpointError(
                f"Tensor {tensors.in_file[name]!r} in {folder} has shape {list(shape)}, but "
                f"config.json asks for {list(like.shape)}; one of the files belongs to another "
                "model."
            )
    tied = {family.tied_names[0]} if transformer.config.tied_embeddings else set()
    extra = [tensors.in_file[name] for name in tensors if name not in expected.keys() | tied]
    if extra:
        raise CheckpointError(
            f"The weights in {folder} hold {_some(extra)}, which a {family.model_type} of this "
            "config does not have; its numbers would be wrong without, so it is not opened."
        )


def _stored_dtype(weights: Weights) -> torch.dtype:
    """The widest dtype in the file, so that no weight loses digits."""
    widest: torch.dtype | None = None
    for dtype in weights.dtypes:
        widest = dtype if widest is None else torch.promote_types(widest, dtype)
    assert widest is not None
    return widest


def _some(names: list[str]) -> str:
    """Up to three names, and how many more."""
    shown = ", ".join(repr(name) for name in names[:3])
    return shown if len(names) <= 3 else f"{shown} and {len(names) - 3} more"

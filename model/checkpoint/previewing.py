"""What a checkpoint is, from its config and headers alone: for the open dialog and recent files.

Reads no weight and builds no tokenizer. What can't be opened is previewed, too, as far as it is
known, with the sentence that says why.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from model.checkpoint.errors import CheckpointError, NoBaseError
from model.checkpoint.families import FAMILIES, family_of
from model.checkpoint.fitting import Fitting, config_of, fit
from model.checkpoint.memory import free_bytes
from model.checkpoint.opening import DTYPES, choose_dtype, stored_dtype, tokenizer_of
from model.checkpoint.sources import Source, source_of
from model.checkpoint.stored import unreadable
from model.config import TransformerConfig
from model.preview import Preview
from model.tokenizer.tokenizer import Tokenizer


def preview(path: str | Path, device: str = "cpu") -> Preview:
    """Look at a checkpoint.

    Args:
        path: folder or file, as for `open_checkpoint`.
        device: where the weights would go.

    Returns:
        What is known of it; `Preview.problem` says why it can't be opened. Never raises for
        anything that a file holds.
    """
    known: dict[str, Any] = {"path": str(path), "device": device}
    try:
        source = source_of(Path(path))
        known |= _of_source(source)
        try:
            known |= _of_weights(fit(source), device)
            source.tokenizer.check()
        except CheckpointError:
            # Its sizes are known all the same, if it is only the weights that don't fit them.
            with suppress(CheckpointError):
                known |= _sizes(config_of(family_of(source.hf), source.hf))
            raise
    except CheckpointError as error:
        known["problem"] = str(error)
        known["needs_base"] = isinstance(error, NoBaseError)
    except OSError as error:
        known["problem"] = str(unreadable(path, error))
    return Preview(**known)


@dataclass(frozen=True, slots=True)
class Headers:
    """What a checkpoint says of itself where its weights don't fit into memory.

    Attributes:
        path: that it is known by.
        family, format: as of a `Checkpoint`.
        config: of its network; that the unembedding is another matrix than the embedding, though
            its config says otherwise, is only known once both are read.
        tokenizer: None if there is none.
        dtype: that loses no digit of what is stored.
        notes: what a person should know, one sentence each.
    """

    path: Path
    family: str
    format: str
    config: TransformerConfig
    tokenizer: Tokenizer | None
    dtype: str
    notes: tuple[str, ...]


def headers(path: str | Path) -> Headers:
    """All that is known of a checkpoint without its weights.

    Raises:
        CheckpointError: it can't be opened, whatever memory there is.
    """
    try:
        fitting = fit(source_of(Path(path)))
        source = fitting.source
        tokenizer = tokenizer_of(source, fitting.config)
    except OSError as error:
        raise unreadable(path, error) from error
    return Headers(
        source.path,
        fitting.family.model_type,
        source.format,
        fitting.config,
        tokenizer,
        stored_dtype(fitting),
        (*source.notes, *fitting.notes),
    )


def _of_source(source: Source) -> dict[str, Any]:
    model_type = source.hf.get("model_type")
    family = model_type if isinstance(model_type, str) else ""
    return {
        "format": source.format,
        "family": family,
        "title": FAMILIES[family].title if family in FAMILIES else "",
        "tokenizer": source.tokenizer.kind(),
        "file_bytes": sum(file.stat().st_size for file in source.files),
        "notes": source.notes,
    }


def _of_weights(fitting: Fitting, device: str) -> dict[str, Any]:
    needed = {dtype: fitting.needed_bytes(dtype) for dtype in DTYPES}
    notes = (*fitting.source.notes, *fitting.notes)
    known: dict[str, Any] = _sizes(fitting.config) | {
        "dtypes": fitting.dtypes,
        "stored": stored_dtype(fitting),
        "needed": MappingProxyType(needed),
        "free_bytes": free_bytes(device),
        "family": fitting.family.model_type,
        "notes": notes,
    }
    try:
        choice = choose_dtype(fitting, None, device)
    except CheckpointError as error:
        return known | {"problem": str(error)}
    # Opened as float64 only by a script: beside transformers it shows nothing more.
    name = str(choice.dtype).removeprefix("torch.")
    return known | {
        "dtype": name if name in DTYPES else "float32",
        "notes": (*notes, *choice.notes),
    }


def _sizes(config: TransformerConfig) -> dict[str, Any]:
    parts: Mapping[str, int] = config.parameter_counts()
    return {
        "n_params": sum(parts.values()),
        "parts": MappingProxyType(dict(parts)),
        "n_layers": config.n_layers,
        "n_heads": config.n_heads,
        "n_kv_heads": config.n_kv_heads,
        "d_model": config.d_model,
        "n_ctx": config.n_ctx,
        "d_vocab": config.d_vocab,
    }

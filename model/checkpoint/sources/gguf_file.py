"""GGUF, llama.cpp's format: one file with metadata, tokenizer and tensors, often quantised.

Translates its names and keys to transformers' by its family's layout, so that families are not
written twice. Reads no weight.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sized
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from model.checkpoint.ends import whole_ids
from model.checkpoint.errors import CheckpointError
from model.checkpoint.families.gguf import Layout
from model.checkpoint.gguf_keys import Keys
from model.checkpoint.sources.gguf_header import gguf_header
from model.checkpoint.sources.gguf_layouts import architectures, layout_of
from model.checkpoint.sources.gguf_types import can_dequantise
from model.checkpoint.sources.source import Construction, Source
from model.checkpoint.stored import StoredTensor
from model.checkpoint.values import Config
from model.tokenizer.client import LARGE_TOKENS
from model.tokenizer.tokenizer import Tokenizer, TokenizerError

if TYPE_CHECKING:
    from torch import Tensor

# llama.cpp ends a text at each of them.
_ENDS = ("eos_token_id", "eot_token_id", "eom_token_id")
_NAME = re.compile(r"(?:blk\.(\d+)\.)?(.+?)(\.weight|\.bias)?")
# Factors of the rotary embedding, which the config has.
_IN_CONFIG = frozenset({"rope_freqs", "rope_factors_long", "rope_factors_short"})


def is_gguf(path: Path) -> bool:
    """Whether a file begins as a GGUF file does."""
    try:
        # A pipe would be waited for.
        if not path.is_file():
            return False
        with path.open("rb") as file:
            return file.read(4) == b"GGUF"
    except OSError:
        return False


def gguf_source(file: Path) -> Source:
    """The model of a GGUF file.

    Raises:
        CheckpointError: it is damaged, no whole model, or of an architecture not known here.
    """
    header = gguf_header(file)
    metadata, tensors = header.metadata, header.tensors
    kind = metadata.get("general.type", "model")
    if kind != "model":
        raise CheckpointError(
            f"{file} holds a {str(kind)[:40]}, which is only a part of a model; choose the file "
            "of the model itself."
        )
    parts = metadata.get("split.count", 1)
    if isinstance(parts, int) and parts > 1:
        raise CheckpointError(
            f"{file} is one of {parts} parts of a model; join them first, with llama.cpp's "
            "llama-gguf-split --merge."
        )
    architecture = metadata.get("general.architecture")
    if not isinstance(architecture, str):
        raise CheckpointError(
            f"{file} does not say what it holds (general.architecture); copy it again."
        )
    keys = Keys(metadata, architecture, tensors, file)
    known = layout_of(architecture, keys)
    if known is None:
        names = architectures()
        near = get_close_matches(architecture, names, n=3, cutoff=0.4)
        nearest = f"the nearest known are {', '.join(near)}" if near else "none known is near"
        raise CheckpointError(
            f"{file} says general.architecture {architecture[:60]!r}, which is not supported; "
            f"{nearest} (supported: {', '.join(names)})."
        )
    family, layout = known
    for tensor in tensors.values():
        if tensor.quantised and not can_dequantise(tensor.dtype):
            raise CheckpointError(
                f"{file}: tensor {tensor.name!r} is quantised as {tensor.dtype}, which the gguf "
                "library can't turn into numbers; take a file in Q4_K, Q8_0, F16 or another "
                "common type."
            )
    named, adapt = _renamed(layout, keys, tensors, file)
    where = f"the metadata of {file}"
    return Source(
        path=file,
        format="GGUF",
        hf=Config({"model_type": family.model_type, **layout.config(keys)}, where),
        tensors=named,
        tokenizer=_GgufTokenizer(metadata, file),
        adapt=adapt,
        end_ids=_ends(metadata),
        notes=layout.notes,
    )


def _ends(metadata: Mapping[str, Any]) -> tuple[int, ...]:
    """The ids that end a text, a turn or a message of it."""
    found: list[int] = []
    for key in _ENDS:
        value = metadata.get(f"tokenizer.ggml.{key}")
        plain = value.tolist() if isinstance(value, np.ndarray | np.generic) else value
        found += whole_ids(plain)[0]
    return tuple(dict.fromkeys(found))


def _renamed(
    layout: Layout, keys: Keys, tensors: Mapping[str, StoredTensor], file: Path
) -> tuple[dict[str, StoredTensor], dict[str, Callable[[Tensor], Tensor]]]:
    """The tensors under transformers' names, and what is to be done to some of them."""
    undo = {name: make(keys) for name, make in layout.adapt.items()}
    named: dict[str, StoredTensor] = {}
    adapt: dict[str, Callable[[Tensor], Tensor]] = {}
    for name, tensor in tensors.items():
        match = _NAME.fullmatch(name)
        if match is None:  # the empty name
            raise CheckpointError(f"{file} has a tensor without a name; it is damaged.")
        layer, bare, ending = match[1], match[2], match[3] or ""
        if bare in _IN_CONFIG:
            continue
        begin = "" if layer is None else layout.layers.format(int(layer))
        known = layout.top if layer is None else layout.block
        if layer is not None and bare in layout.split:
            for index, part in enumerate(_parts(tensor, file)):
                named[begin + layout.split[bare].format(index) + ending] = part
        elif bare in known:
            theirs = begin + known[bare] + ending
            if bare in layout.transposed and len(tensor.shape) == 2:
                rows, columns = tensor.shape
                tensor = replace(tensor, shape=(columns, rows), strides=(1, columns))
            named[theirs] = tensor
            if bare in undo:
                adapt[theirs] = undo[bare]
        else:
            # Kept under its own name: the family will say that it has no such tensor.
            named[name] = tensor
    return named, adapt


def _parts(tensor: StoredTensor, file: Path) -> list[StoredTensor]:
    """What is stacked along the first axis, one by one."""
    if not tensor.shape or not 1 <= tensor.shape[0] <= 4096:
        raise CheckpointError(f"{file}: tensor {tensor.name!r} is no stack of tensors.")
    n_bytes = tensor.n_bytes // tensor.shape[0]
    return [
        replace(tensor, shape=tensor.shape[1:], offset=tensor.offset + i * n_bytes, n_bytes=n_bytes)
        for i in range(tensor.shape[0])
    ]


class _GgufTokenizer:
    """The tokenizer in a file's metadata."""

    def __init__(self, metadata: Mapping[str, Any], file: Path) -> None:
        self.metadata = metadata
        self.file = file

    def kind(self) -> str:
        return Tokenizer.describe_gguf(self.metadata)

    def read(self) -> Tokenizer | None:
        try:
            return Tokenizer.from_gguf(self.metadata, str(self.file))
        except TokenizerError as error:
            raise CheckpointError(str(error)) from error

    def check(self) -> None:
        """The header, in which it stands, was read already."""

    def large(self) -> Construction | None:
        tokens = self.metadata.get("tokenizer.ggml.tokens")
        if not isinstance(tokens, Sized) or len(tokens) < LARGE_TOKENS:
            return None
        return "from_gguf", (dict(self.metadata), str(self.file))

"""What every format gives: a config in Hugging Face's terms, tensors by their names, a tokenizer.

Knows no format.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from model.checkpoint.errors import CheckpointError
from model.checkpoint.sources.instead import stands_for_another
from model.checkpoint.stored import StoredTensor, reading
from model.checkpoint.values import Config
from model.tokenizer.client import LARGE_BYTES
from model.tokenizer.files import tokenizer_files
from model.tokenizer.files.folder import BESIDE, FILES
from model.tokenizer.tokenizer import Tokenizer, TokenizerError

if TYPE_CHECKING:
    from torch import Tensor


Construction = tuple[str, tuple[Any, ...]]
"""Name of a class method of `Tokenizer`, and its arguments."""


class TokenizerSource(Protocol):
    """Where a checkpoint's tokenizer comes from."""

    def kind(self) -> str:
        """What it is, or why there is none: quick, and may be wrong about damaged files."""

    def read(self) -> Tokenizer | None:
        """The tokenizer, None if there is none; CheckpointError if it is damaged."""

    def check(self) -> None:
        """Refuse what can't be read, as far as a quick look tells.

        Raises:
            CheckpointError: a file is none, or something else lies in its place.
        """

    def large(self) -> Construction | None:
        """How to build it in a process of its own, if it is so large that building takes long."""


@dataclass(frozen=True, slots=True)
class Source:
    """A checkpoint as its format describes it, before any weight is read.

    Attributes:
        path: the folder or file that it is known by.
        format: ``safetensors``, ``PyTorch``, ``nanoGPT``, ``minGPT`` or ``GGUF``.
        hf: config.json, or the same keys made from another format.
        tensors: by the names that transformers gives them (of today or of former times).
        tokenizer: where to get it.
        absent: names that transformers would write and this format leaves out, where the network
            has no such tensor.
        adapt: for some tensors, what is done to them once read: undoing what a format changed.
        end_ids: ids that end a text, where the files say so.
        notes: what a person should know, one sentence each.
        adapter: folder of a LoRA adapter that is merged into the weights once they are read.
    """

    path: Path
    format: str
    hf: Config
    tensors: Mapping[str, StoredTensor]
    tokenizer: TokenizerSource
    absent: frozenset[str] = frozenset()
    adapt: Mapping[str, Callable[[Tensor], Tensor]] = field(default_factory=dict)
    end_ids: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()
    adapter: Path | None = None

    @property
    def files(self) -> tuple[Path, ...]:
        """All files that hold weights."""
        return tuple(dict.fromkeys(tensor.path for tensor in self.tensors.values()))


# Whatever a folder's tokenizer may be read from. Large vocabularies have 20 MB.
_FILES = (*FILES, *BESIDE, "sentencepiece.bpe.model")
_LARGEST_FILE = 128 * 2**20


def _refuse_odd_files(folder: Path) -> None:
    """Refuse what would never end or take all memory to read, and what only stands for a file.

    That is a device, a pipe, gigabytes; a pointer or a web page.
    """
    for name in {*_FILES, *(file.name for file in tokenizer_files(folder))}:
        if os.path.lexists(folder / name):
            with reading(folder / name) as (_, stamp):
                if stamp.size > _LARGEST_FILE:
                    raise CheckpointError(
                        f"{folder / name} is too large for a tokenizer's file; is it another one? "
                        "Copy the tokenizer's own there."
                    )
            instead = stands_for_another(folder / name)
            if instead is not None:
                raise CheckpointError(instead)


class FolderTokenizer:
    """A tokenizer's files in a folder.

    Args:
        folders: where to look, first found.
        without: what to say where there is none.
    """

    def __init__(self, folders: Sequence[Path], without: str = "none: type token ids") -> None:
        self.folders = folders
        self.without = without

    def kind(self) -> str:
        folder = self._folder()
        return self.without if folder is None else Tokenizer.describe(folder)

    def read(self) -> Tokenizer | None:
        folder = self._folder()
        if folder is None:
            return None
        _refuse_odd_files(folder)
        try:
            return Tokenizer.from_folder(folder)
        except TokenizerError as error:
            raise CheckpointError(str(error)) from error

    def check(self) -> None:
        folder = self._folder()
        if folder is not None:
            _refuse_odd_files(folder)

    def large(self) -> Construction | None:
        folder = self._folder()
        if folder is None:
            return None
        _refuse_odd_files(folder)
        n_bytes = sum(file.stat().st_size for file in tokenizer_files(folder) if file.exists())
        return ("from_folder", (folder,)) if n_bytes >= LARGE_BYTES else None

    def _folder(self) -> Path | None:
        return next((folder for folder in self.folders if Tokenizer.in_folder(folder)), None)

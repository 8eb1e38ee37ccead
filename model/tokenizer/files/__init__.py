"""Tokenizers on disk: every format that people have, read into one tokenizer of `tokenizers`.

found = read_folder(Path("path/to/checkpoint"))

Each format is a module here. Knows the library `tokenizers`; no network, no torch, and of
`model.tokenizer.tokenizer` nothing.
"""

from __future__ import annotations

from model.tokenizer.files.errors import TokenizerError
from model.tokenizer.files.folder import (
    describe_folder,
    read_folder,
    read_json,
    read_pair,
    tokenizer_files,
)
from model.tokenizer.files.found import Found
from model.tokenizer.files.single import read_file

__all__ = [
    "Found",
    "TokenizerError",
    "describe_folder",
    "read_file",
    "read_folder",
    "read_json",
    "read_pair",
    "tokenizer_files",
]

"""One file of a tokenizer, named by itself, where a folder could have been named.

What stands beside it says how it is used, as for the folder. Knows the formats by name and by how
a file begins.
"""

from __future__ import annotations

from pathlib import Path

from model.tokenizer.files import ranks, sentence_piece, word_pieces
from model.tokenizer.files.errors import TokenizerError
from model.tokenizer.files.folder import (
    BESIDE,
    JSON,
    MERGES,
    VOCAB,
    WORDS,
    is_tiktoken,
    is_tokenizer_file,
    read_folder,
    read_json,
    read_pair,
    read_vocabulary,
)
from model.tokenizer.files.found import Found
from model.tokenizer.files.settings import read_beside

_MODELS = (".model", ".spm")
_LOOKED_AT = 4096


def read_file(path: Path) -> Found:
    """Read the tokenizer that a file is, or is a part of.

    Args:
        path: ``tokenizer.json`` under any name, a sentencepiece model, ``vocab.json`` or
            ``merges.txt`` (the other one beside it), ``vocab.txt``; or a file of settings, which
            stands for its folder.

    Raises:
        TokenizerError: it is none of these, or damaged.
    """
    if path.name in BESIDE or path.name == "config.json":
        return read_folder(path.parent)
    pair = _vocab_and_merges(path)
    if pair is not None:
        return read_pair(*pair)
    beside = read_beside(path.parent)
    if is_tokenizer_file(path.name) and path.name != JSON:
        return read_vocabulary(path, beside)
    if path.suffix in _MODELS:
        if is_tiktoken(path):
            return ranks.read_tiktoken(path, beside.with_kind, beside.model_type)
        return sentence_piece.read_model(path, beside.with_kind)
    if path.suffix == ".txt" and (path.name.endswith(WORDS) or _is_word_list(path)):
        return word_pieces.read_vocab(path, beside.with_kind)
    if path.suffix in (".txt", ".md", ".csv"):
        raise TokenizerError(
            f"{path} is a text, no tokenizer's file. Give char or bpe:SIZE to make a tokenizer of "
            "the run's own text."
        )
    return read_json(path)


def _vocab_and_merges(path: Path) -> tuple[Path, Path] | None:
    """``vocab.json`` and ``merges.txt``, also with a prefix (``gpt2-vocab.json``)."""
    for name, other in ((VOCAB, MERGES), (MERGES, VOCAB)):
        if path.name.endswith(name):
            beside = path.with_name(path.name.removesuffix(name) + other)
            return (path, beside) if name == VOCAB else (beside, path)
    return None


def _is_word_list(path: Path) -> bool:
    """Whether a text begins as BERT's vocabularies do."""
    try:
        with path.open("rb") as file:
            return file.read(_LOOKED_AT).startswith((b"[PAD]", b"[UNK]"))
    except OSError:
        return False

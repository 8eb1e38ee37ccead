"""WordPiece (Schuster & Nakajima 2012) from ``vocab.txt``, as BERT and DistilBERT have it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tokenizers
from tokenizers import decoders, models, normalizers, pre_tokenizers

from model.tokenizer.files.errors import TokenizerError, refusing
from model.tokenizer.files.found import MOST_TOKENS, Found, finish

_LARGEST = 256 * 2**20
_BERT: dict[str, Any] = {
    "unk_token": "[UNK]",
    "sep_token": "[SEP]",
    "pad_token": "[PAD]",
    "cls_token": "[CLS]",
    "mask_token": "[MASK]",
}


def read_vocab(path: Path, settings: Mapping[str, Any]) -> Found:
    """One token a line, its number its id.

    Raises:
        TokenizerError: the file is missing, no text, or lacks the unknown token.
    """
    try:
        if path.stat().st_size > _LARGEST:
            raise TokenizerError(f"{path} is too large for a vocabulary; is it another file?")
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise TokenizerError(f"{path} can't be read: {error.strerror or error}.") from error
    except UnicodeDecodeError as error:
        raise TokenizerError(
            f"{path} is no text in UTF-8 ({error.reason} at byte {error.start}); copy it anew from "
            "where the model came from."
        ) from error
    # Only line feeds end a line: some vocabularies hold other line separators as tokens.
    lines = text.removesuffix("\n").split("\n")
    return from_tokens([line.removesuffix("\r") for line in lines], settings, str(path))


def from_tokens(tokens: list[str], settings: Mapping[str, Any], where: str) -> Found:
    """BERT's tokenizer from its vocabulary, tokens in the order of their ids.

    Args:
        tokens: those inside a word begin with ``##``.
        settings: as in tokenizer_config.json.
        where: the file, for messages.
    """
    if not 0 < len(tokens) <= MOST_TOKENS:
        raise TokenizerError(f"{where} has {len(tokens):,} tokens; copy it anew.")
    settings = _BERT | {key: value for key, value in settings.items() if value is not None}
    unknown = settings["unk_token"]
    unknown = unknown.get("content") if isinstance(unknown, Mapping) else unknown
    vocab = {token: id for id, token in enumerate(tokens)}
    if unknown not in vocab:
        raise TokenizerError(
            f"{where} has no token {unknown!r} for unknown words; it is no vocabulary of BERT's "
            "kind, or damaged. Copy it anew from where the model came from."
        )
    with refusing(f"{where} is no readable vocabulary", "copy it anew."):
        inner = tokenizers.Tokenizer(models.WordPiece(vocab, unk_token=unknown))
    accents = settings.get("strip_accents")
    inner.normalizer = normalizers.BertNormalizer(
        clean_text=True,
        handle_chinese_chars=settings.get("tokenize_chinese_chars") is not False,
        strip_accents=accents if isinstance(accents, bool) else None,
        lowercase=settings.get("do_lower_case") is not False,
    )
    inner.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    inner.decoder = decoders.WordPiece(prefix="##")
    return finish(inner, settings, ("cls_token",), ("sep_token",))

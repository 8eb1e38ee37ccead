"""The tokenizer in a GGUF file's metadata.

Knows the key-values by name, as plain Python or NumPy values; the file itself is read elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import tokenizers
from tokenizers import AddedToken, models, normalizers

from model.tokenizer.files import byte_level, sentence_piece, word_pieces
from model.tokenizer.files.byte_level import (
    BLOOM,
    DIGIT,
    FALCON,
    GPT2,
    GPT4O,
    LLAMA3,
    QWEN2,
    TEKKEN,
    THREE_DIGITS,
)
from model.tokenizer.files.errors import TokenizerError, refusing
from model.tokenizer.files.found import MOST_TOKENS, Found, asked_for, finish
from model.tokenizer.files.sentence_piece import SPACE, Kind, Piece, SentencePiece

_PREFIX = "tokenizer.ggml."
_KINDS = {
    "gpt2": "byte-level BPE",
    "llama": "sentencepiece BPE",
    "t5": "sentencepiece Unigram",
    "bert": "WordPiece",
}
_NONE = (None, "", "none", "no_vocab")

# How llama.cpp calls the regular expressions that cut a text (`tokenizer.ggml.pre`). Several are
# used one after the other.
_CUTS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(
        ("gpt-2", "gpt2", "phi-2", "mpt", "olmo", "jais", "roberta-bpe", "gpt-neox"), (GPT2,)
    ),
    **dict.fromkeys(
        ("llama3", "llama-v3", "llama-bpe", "falcon3", "smaug-bpe", "dbrx", "lfm2"), (LLAMA3,)
    ),
    **dict.fromkeys(("qwen2", "stablelm2", "deepseek-r1-qwen"), (QWEN2,)),
    **dict.fromkeys(("starcoder", "refact", "command-r", "smollm", "codeshell"), (DIGIT, GPT2)),
    "falcon": (FALCON, GPT2, THREE_DIGITS),
    "bloom": (BLOOM,),
    "tekken": (TEKKEN,),
    "gpt-4o": (GPT4O,),
}
_IGNORE_MERGES = frozenset({"llama3", "llama-v3", "llama-bpe", "falcon3", "tekken"})
_ROLES = {
    "bos_token": "bos_token_id",
    "eos_token": "eos_token_id",
    "unk_token": "unknown_token_id",
    "sep_token": "seperator_token_id",  # as the format spells it
    "pad_token": "padding_token_id",
    "cls_token": "cls_token_id",
    "mask_token": "mask_token_id",
}


def describe(metadata: Mapping[str, Any]) -> str:
    """What kind of tokenizer the metadata holds, without building it."""
    kind = metadata.get(_PREFIX + "model")
    if kind in _NONE:
        return "none: type token ids"
    return _KINDS.get(str(kind), f"{str(kind)[:40]!r}, which is not known here")


def read(metadata: Mapping[str, Any], where: str) -> Found | None:
    """Build the tokenizer; None where the metadata names none.

    Args:
        metadata: the file's key-values.
        where: the file's name, for messages.

    Raises:
        TokenizerError: its kind is not known, or its lists are damaged.
    """
    kind = metadata.get(_PREFIX + "model")
    if kind in _NONE:
        return None
    tokens = _strings(metadata, "tokens", where)
    if not tokens:
        raise TokenizerError(f"{where} names a tokenizer but holds no {_PREFIX}tokens.")
    types = _numbers(metadata, "token_type", where, len(tokens)) or [Kind.NORMAL] * len(tokens)
    settings = _settings(metadata, tokens)
    match kind:
        case "gpt2":
            return _byte_level(metadata, tokens, types, settings, where)
        case "llama" | "t5":
            return _sentence_piece(metadata, tokens, types, settings, where, str(kind))
        case "bert":
            plain = [_word_piece(t, Kind(k)) for t, k in zip(tokens, _known(types), strict=True)]
            return word_pieces.from_tokens(plain, settings, where)
        case _:
            raise TokenizerError(
                f"{where} has a tokenizer of the kind {str(kind)[:40]!r}; known are "
                f"{', '.join(_KINDS)}. Open the model as a Hugging Face folder instead."
            )


def _byte_level(
    metadata: Mapping[str, Any],
    tokens: list[str],
    types: Sequence[float],
    settings: dict[str, Any],
    where: str,
) -> Found:
    pre = str(metadata.get(_PREFIX + "pre") or "")
    cuts = _CUTS.get(pre)
    notes = []
    if cuts is None:
        named = f"calls its pre-tokenizer {pre[:40]!r}, which is not known here"
        notes.append(
            f"{where} {named if pre else 'does not say how a text is cut before it is encoded'}; "
            "GPT-2's is used, so that some texts may be cut otherwise than the model learned."
        )
        cuts = (GPT2,)
    merges = []
    for merge in _strings(metadata, "merges", where):
        left, space, right = merge.partition(" ")
        if not left:  # a piece may be a space itself
            left, space, right = " ", *merge[1:].partition(" ")[1:]
        if not space or not right:
            raise TokenizerError(f"{where}: {merge[:40]!r} in {_PREFIX}merges is no pair.")
        merges.append((left, right))
    with refusing(f"{where} holds no readable BPE", "copy the file anew."):
        inner = byte_level.assemble(
            models.BPE(
                {token: id for id, token in enumerate(tokens)},
                merges,
                ignore_merges=pre in _IGNORE_MERGES,
            ),
            cuts if cuts != (GPT2,) else (),
        )
        if cuts == (QWEN2,):
            inner.normalizer = normalizers.NFC()
        _add(inner, tokens, types)
    bos = pre in _IGNORE_MERGES  # llama.cpp's default for these names
    return finish(inner, settings, *asked_for(settings, bos=bos), notes=notes)


def _sentence_piece(
    metadata: Mapping[str, Any],
    tokens: list[str],
    types: Sequence[float],
    settings: dict[str, Any],
    where: str,
    kind: str,
) -> Found:
    scores = _numbers(metadata, "scores", where, len(tokens))
    if not scores:
        raise TokenizerError(f"{where} has no {_PREFIX}scores, without which no text can be cut.")
    pieces = [
        Piece(token, float(score), type)
        for token, score, type in zip(tokens, scores, _known(types), strict=True)
    ]
    charsmap = metadata.get(_PREFIX + "precompiled_charsmap")
    unknown = metadata.get(_PREFIX + "unknown_token_id", 0 if kind == "llama" else 2)
    model = SentencePiece(
        pieces=pieces,
        algorithm="bpe" if kind == "llama" else "unigram",
        byte_fallback=any(piece.kind == Kind.BYTE for piece in pieces),
        roles={"unk": int(unknown)},
        charsmap=b"" if charsmap is None else bytes(int(byte) & 0xFF for byte in charsmap),
        add_dummy_prefix=metadata.get(_PREFIX + "add_space_prefix") is not False,
        remove_extra_whitespaces=metadata.get(_PREFIX + "remove_extra_whitespaces") is True,
    )
    settings.setdefault("tokenizer_class", "LlamaTokenizer" if kind == "llama" else "T5Tokenizer")
    return sentence_piece.convert(model, settings, where)


def _word_piece(token: str, kind: Kind) -> str:
    """BERT's own spelling: GGUF marks what begins a word, ``vocab.txt`` what does not."""
    if kind != Kind.NORMAL:
        return token
    return token.removeprefix(SPACE) if token.startswith(SPACE) else f"##{token}"


def _add(inner: tokenizers.Tokenizer, tokens: Sequence[str], types: Sequence[float]) -> None:
    """Tokens that are found in a text before it is cut."""
    for token, kind in zip(tokens, types, strict=True):
        if kind == Kind.CONTROL:
            inner.add_special_tokens([AddedToken(token, special=True, normalized=False)])
        elif kind == Kind.USER_DEFINED:
            inner.add_tokens([AddedToken(token, normalized=False)])


def _settings(metadata: Mapping[str, Any], tokens: Sequence[str]) -> dict[str, Any]:
    """The roles of special tokens, by name, and what stands around a talk."""
    settings: dict[str, Any] = {}
    for role, key in _ROLES.items():
        id = metadata.get(_PREFIX + key)
        if id is not None and 0 <= int(id) < len(tokens):
            settings[role] = tokens[int(id)]
    for key in ("add_bos_token", "add_eos_token"):
        flag = metadata.get(_PREFIX + key)
        if flag is not None:
            settings[key] = bool(flag)
    template = metadata.get("tokenizer.chat_template")
    if isinstance(template, str) and template:
        settings["chat_template"] = template
    return settings


def _known(types: Sequence[float]) -> list[Kind]:
    """Types as kinds; 0, which the format calls undefined, and unknown ones are normal."""
    known = {int(kind): kind for kind in Kind}
    return [known.get(int(type), Kind.NORMAL) for type in types]


def _strings(metadata: Mapping[str, Any], key: str, where: str) -> list[str]:
    """A list of texts; empty where there is none."""
    value = metadata.get(_PREFIX + key)
    if value is None:
        return []
    if isinstance(value, str | bytes) or not isinstance(value, Sequence):
        raise TokenizerError(f"{where}: {_PREFIX}{key} is no list.")
    if len(value) > MOST_TOKENS:
        raise TokenizerError(f"{where}: {_PREFIX}{key} has {len(value):,} entries; it is damaged.")
    if not all(isinstance(item, str) for item in value):
        raise TokenizerError(f"{where}: {_PREFIX}{key} holds something that is no text.")
    return list(value)


def _numbers(metadata: Mapping[str, Any], key: str, where: str, n: int) -> list[float]:
    """A list of numbers, one for each token; empty where there is none."""
    value = metadata.get(_PREFIX + key)
    if value is None:
        return []
    value = value.tolist() if hasattr(value, "tolist") else value
    if not isinstance(value, Sequence) or len(value) != n:
        raise TokenizerError(f"{where}: {_PREFIX}{key} does not hold one number for each token.")
    if not all(isinstance(item, int | float) and item == item for item in value):
        raise TokenizerError(f"{where}: {_PREFIX}{key} holds something that is no number.")
    return list(value)

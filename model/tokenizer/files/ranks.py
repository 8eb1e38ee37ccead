"""Vocabularies of ranks: Mistral's tekken.json, and the files of tiktoken.

Both list byte strings by rank: of two neighbours in a text those are joined first whose union has
the lowest rank. tekken.json puts its special tokens before all ranks and says how a text is cut;
tiktoken's files hold ranks only, so that the rest is known by name or said in a note.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import tokenizers
from tokenizers import AddedToken, models, normalizers

from model.tokenizer.files import byte_level
from model.tokenizer.files.byte_level import GPT2, GPT4O, LLAMA3, QWEN2, SYMBOLS
from model.tokenizer.files.errors import TokenizerError, first_line, refusing
from model.tokenizer.files.found import MOST_TOKENS, Found, added_tokens, asked_for, finish

TEKKEN = "tekken.json"
TIKTOKEN = "tiktoken.model"
TIKTOKEN_ENDING = ".tiktoken"

_LARGEST = 256 * 2**20
_LONGEST_TOKEN = 4096
_REMEDY = "copy it anew from where the model came from."
_LINE = re.compile(rb"([A-Za-z0-9+/]+={0,2}) (\d{1,9})\r?")
_LOOKS_LIKE = re.compile(rb"(?:[A-Za-z0-9+/]+={0,2} \d{1,9}\r?\n){2}")

# How those cut a text whose file's name says whose they are.
_CUTS = {
    "cl100k": LLAMA3,
    "o200k": GPT4O,
    "gpt2": GPT2,
    "r50k": GPT2,
    "p50k": GPT2,
    "qwen": QWEN2,
    "llama": LLAMA3,
}
_ROLES = {
    "bos_token": "<s>",
    "eos_token": "</s>",
    "pad_token": "<pad>",
    "unk_token": "<unk>",
}
# Of files from before special tokens stood in them; the others are called by their number.
_FIRST = ("<unk>", "<s>", "</s>", "[INST]", "[/INST]")


def is_tiktoken(raw: bytes) -> bool:
    """Whether a file begins as tiktoken's do; a sentencepiece model may have the same name."""
    return _LOOKS_LIKE.match(raw) is not None


def read_tekken(path: Path, settings: Mapping[str, Any]) -> Found:
    """Mistral's tekken.json.

    Raises:
        TokenizerError: it is missing or damaged.
    """
    raw = _read(path)
    with refusing(f"{path} is no readable vocabulary", _REMEDY):
        whole = json.loads(raw.decode("utf-8-sig"))
        config, listed = whole["config"], whole["vocab"]
        special = _special(whole, config)
        size = config.get("default_vocab_size")
        # What is past the size is not the model's: the file is longer than its vocabulary.
        kept = listed if size is None else listed[: max(0, _whole(size) - len(special))]
        if len(kept) > MOST_TOKENS:
            raise TokenizerError(f"{path} lists {len(kept):,} tokens; {_REMEDY}")
        ranks = {_decoded(entry["token_bytes"]): rank for rank, entry in enumerate(kept)}
        if len(ranks) != len(kept):
            raise ValueError("a token stands there twice")
        inner = _built(ranks, config["pattern"], special)
    known = {role: name for role, name in _ROLES.items() if name in special}
    settings = known | dict(settings)
    return finish(inner, settings, *asked_for(settings))


def _special(whole: Mapping[str, Any], config: Mapping[str, Any]) -> list[str]:
    """The names of the special tokens, by id."""
    listed = whole.get("special_tokens")
    if listed is None:
        names = list(_FIRST)
    else:
        by_rank = {_whole(entry["rank"]): str(entry["token_str"]) for entry in listed}
        if sorted(by_rank) != list(range(len(listed))):
            raise ValueError("its special tokens are not numbered one after the other")
        names = [by_rank[rank] for rank in range(len(listed))]
    n = config.get("default_num_special_tokens")
    n = len(names) if n is None else _whole(n)
    if not len(names) <= n <= MOST_TOKENS:
        raise ValueError(f"it has {len(names)} special tokens and says {n}")
    return [*names, *(f"<SPECIAL_{id}>" for id in range(len(names), n))]


def read_tiktoken(path: Path, settings: Mapping[str, Any], model_type: str = "") -> Found:
    """A file of tiktoken's: a byte string in base64 and its rank, which is its id, a line.

    Args:
        path: the file.
        settings: as in tokenizer_config.json; they alone know the special tokens.
        model_type: config.json's.

    Raises:
        TokenizerError: it is missing or damaged.
    """
    raw = _read(path)
    ranks: dict[bytes, int] = {}
    for number, line in enumerate(raw.split(b"\n"), 1):
        if not line.strip():
            continue
        match = _LINE.fullmatch(line)
        if match is None:
            raise TokenizerError(
                f"{path} is no readable vocabulary of tiktoken's: line {number} is no token and "
                f"rank; {_REMEDY}"
            )
        with refusing(f"{path} is no readable vocabulary, line {number}", _REMEDY):
            ranks[_decoded(match[1])] = int(match[2])
    if len(set(ranks.values())) != len(ranks) or max(ranks.values(), default=0) > MOST_TOKENS:
        raise TokenizerError(f"{path} gives a rank twice, or one that is too large; {_REMEDY}")
    name = path.name.lower()
    cut = next((cut for known, cut in _CUTS.items() if name.startswith(known)), None)
    notes = []
    if cut is None:
        cut = LLAMA3
        if model_type != "llama":
            notes.append(
                f"{path.name} does not say how a text is cut before it is encoded; Llama 3's way "
                "is used, as transformers does."
            )
    with refusing(f"{path} gives no tokenizer", _REMEDY):
        inner = _built(ranks, cut, ())
        if cut == QWEN2:
            inner.normalizer = normalizers.NFC()
        _fill(inner, settings)
    return finish(inner, settings, *asked_for(settings), notes=notes)


def _fill(inner: tokenizers.Tokenizer, settings: Mapping[str, Any]) -> None:
    """Give the ids between the ranks and the settings' own tokens names, as transformers does."""
    names = {id: str(about["content"]) for id, about in added_tokens(settings).items()}
    last = max(names, default=-1)
    if last > MOST_TOKENS:
        return
    first = inner.get_vocab_size()
    fillers = [names.get(id, f"<|reserved_token_{id}|>") for id in range(first, last + 1)]
    inner.add_special_tokens([AddedToken(n, special=True, normalized=False) for n in fillers])


def _built(
    ranks: Mapping[bytes, int], pattern: str, special: Sequence[str]
) -> tokenizers.Tokenizer:
    """Byte-level BPE from ranks.

    Args:
        ranks: byte string -> rank.
        pattern: cuts a text before its pieces are joined.
        special: names that take the first ids; ranks follow them.

    Raises:
        ValueError: a byte has no rank, so that some texts could not be written.
    """
    missing = [byte for byte in range(256) if bytes([byte]) not in ranks]
    if missing:
        raise ValueError(f"it has no token for the byte {missing[0]}")
    written = {token: "".join(SYMBOLS[byte] for byte in token) for token in ranks}
    vocab = {name: id for id, name in enumerate(special)}
    vocab |= {written[token]: rank + len(special) for token, rank in ranks.items()}
    merges: list[tuple[str, str]] = []
    for token in sorted(ranks, key=ranks.__getitem__):
        # Every way to put it together; that of the lowest ranks first.
        ways = [
            (token[:cut], token[cut:])
            for cut in range(1, len(token))
            if token[:cut] in ranks and token[cut:] in ranks
        ]
        ways.sort(key=lambda way: (ranks[way[0]], ranks[way[1]]))
        merges += [(written[left], written[right]) for left, right in ways]
    inner = byte_level.assemble(models.BPE(vocab, merges, ignore_merges=True), (pattern,))
    inner.add_special_tokens([AddedToken(n, special=True, normalized=False) for n in special])
    return inner


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > _LARGEST:
            raise TokenizerError(f"{path} is too large for a vocabulary; is it another file?")
        return path.read_bytes()
    except OSError as error:
        raise TokenizerError(f"{path} can't be read: {error.strerror or error}.") from error


def _decoded(text: str | bytes) -> bytes:
    try:
        token = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError(f"{str(text)[:40]!r} is no base64: {first_line(error)}") from error
    if not 0 < len(token) <= _LONGEST_TOKEN:
        raise ValueError(f"a token has {len(token)} bytes")
    return token


def _whole(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(f"{value!r} is no number of tokens"[:100])
    return value

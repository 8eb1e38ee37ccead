"""Byte-level BPE (Radford et al. 2019): GPT-2's, and those that only cut the text otherwise.

The families differ in the regular expression that cuts a text before its pieces are merged.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import tokenizers
from tokenizers import Regex, decoders, models, pre_tokenizers

from model.tokenizer.files.errors import refusing

_CONTRACTION = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
_UPPER, _LOWER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
_SPACES = r"\s*[\r\n]+|\s+(?!\S)|\s+"
GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
QWEN2 = (
    rf"{_CONTRACTION}|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|\p{{N}}|"
    rf" ?[^\s\p{{L}}\p{{N}}]+[\r\n]*|{_SPACES}"
)
LLAMA3 = QWEN2.replace(r"|\p{N}|", r"|\p{N}{1,3}|")
_CASED = (
    rf"[^\r\n\p{{L}}\p{{N}}]?{_UPPER}*{_LOWER}+END|[^\r\n\p{{L}}\p{{N}}]?{_UPPER}+{_LOWER}*END|"
    rf"NUMBER| ?[^\s\p{{L}}\p{{N}}]+[\r\n/]*|{_SPACES}"
)
TEKKEN = _CASED.replace("END", "").replace("NUMBER", r"\p{N}")
GPT4O = _CASED.replace("END", _CONTRACTION + "?").replace("NUMBER", r"\p{N}{1,3}")
BLOOM = r" ?[^(\s|[.,!?…。，、।۔،])]+"
DIGIT = r"\p{N}"
THREE_DIGITS = r"[0-9][0-9][0-9]"
FALCON = r"[\p{P}\$\+<=>\^~\|`]+"


def _symbols() -> tuple[str, ...]:
    """GPT-2's printable symbol for each byte: itself, or a character from U+0100 on."""
    printable = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    others = iter(range(0x100, 0x200))
    return tuple(chr(byte if byte in printable else next(others)) for byte in range(256))


SYMBOLS = _symbols()


def assemble(
    model: models.BPE, cuts: Sequence[str] = (), *, add_prefix_space: bool = False
) -> tokenizers.Tokenizer:
    """A tokenizer that cuts by regular expressions, one after the other, then into bytes.

    Args:
        model: vocabulary and merges.
        cuts: regular expressions; none means GPT-2's, which the library has built in.
        add_prefix_space: whether a text that begins without a space gets one.
    """
    inner = tokenizers.Tokenizer(model)
    if cuts:
        steps: list[Any] = [pre_tokenizers.Split(Regex(cut), "isolated") for cut in cuts]
        steps.append(pre_tokenizers.ByteLevel(add_prefix_space=add_prefix_space, use_regex=False))
        inner.pre_tokenizer = pre_tokenizers.Sequence(steps)
    else:
        inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=add_prefix_space)
    inner.decoder = decoders.ByteLevel()
    return inner


def read_vocab_and_merges(vocab: Path, merges: Path) -> models.BPE:
    """``vocab.json`` and ``merges.txt``, as GPT-2, GPT-Neo, OPT, RoBERTa and early Qwen have them.

    Raises:
        TokenizerError: a file is missing or damaged.
    """
    with refusing(
        f"{vocab} and {merges} are no readable BPE",
        "copy both anew from where the model came from.",
    ):
        return _model(vocab, merges)


def _model(vocab: Path, merges: Path) -> models.BPE:
    """As the library reads the two files, but for a byte order mark, which it stumbles over."""
    if any(file.is_file() and _marked(file) for file in (vocab, merges)):
        ids = json.loads(vocab.read_text(encoding="utf-8-sig"))
        lines = merges.read_text(encoding="utf-8-sig").removesuffix("\n").split("\n")
        pairs = [line.removesuffix("\r").split(" ") for line in lines]
        pairs = [pair for pair in pairs if not pair[0].startswith("#version")]
        return models.BPE(ids, [(left, right) for left, right in pairs])
    return models.BPE.from_file(str(vocab), str(merges))


def _marked(file: Path) -> bool:
    with file.open("rb") as start:
        return start.read(3) == b"\xef\xbb\xbf"

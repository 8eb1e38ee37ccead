"""Text to tokens and back, and training a tokenizer: one thin layer over `tokenizers`.

Adds what a person wants to see and the library does not say: the bytes of every token, which
characters it touches, and what in a text had to be replaced. Knows no model and no torch.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import tokenizers
from tokenizers import AddedToken, decoders, models, pre_tokenizers, trainers

from model.tokens import Token

END_OF_TEXT = "<|endoftext|>"
UNKNOWN = "<unk>"

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_BYTE_TOKEN = re.compile(r"<0x([0-9A-Fa-f]{2})>")
# How the known families call the token that ends a text, where tokenizer_config.json is silent.
_END_NAMES = (END_OF_TEXT, "<|end_of_text|>", "</s>", "<eos>", "<|im_end|>")


class TokenizerError(ValueError):
    """A tokenizer that can't be read or made; the message says what is wrong and what to do."""


class Encoding:
    """One text cut into tokens.

    Attributes:
        text: the text that was encoded, after replacements.
        ids: one id a token.
        notes: what was replaced or not known, one sentence each; empty for ordinary text.
    """

    def __init__(self, tokenizer: Tokenizer, text: str, inner: Any, notes: tuple[str, ...]) -> None:
        self.text = text
        self.ids: list[int] = inner.ids
        self.notes = notes
        self._tokenizer = tokenizer
        self._inner = inner

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def tokens(self) -> tuple[Token, ...]:
        """The tokens with their bytes and places, made on first use: a long text has many."""
        vocabulary, special = self._tokenizer.vocabulary, self._tokenizer.special_ids
        return tuple(
            Token(id, vocabulary[id], start, end, id in special)
            for id, (start, end) in zip(self.ids, self._inner.offsets, strict=True)
        )


class Tokenizer:
    """A trained tokenizer.

    Args:
        inner: the tokenizer of the `tokenizers` library.
        settings: the contents of ``tokenizer_config.json``, kept for saving.
    """

    def __init__(
        self, inner: tokenizers.Tokenizer, settings: Mapping[str, Any] | None = None
    ) -> None:
        self._inner = inner
        # A file may ask for padding or cutting; here a text keeps the length that it has.
        inner.no_padding()
        inner.no_truncation()
        self._settings = dict(settings or {})
        self._spec: dict[str, Any] = json.loads(inner.to_str())

    # Sources

    @classmethod
    def from_file(cls, path: str | Path) -> Tokenizer:
        """Read a ``tokenizer.json``.

        Raises:
            TokenizerError: it is missing, no tokenizer or damaged.
        """
        path = Path(path)
        try:
            inner = tokenizers.Tokenizer.from_str(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise TokenizerError(f"{path} can't be read: {error.strerror or error}.") from error
        except Exception as error:  # tokenizers raises nothing narrower
            raise TokenizerError(
                f"{path} is no readable tokenizer ({_first_line(error)}); "
                "copy the file anew from where the model came from."
            ) from error
        settings = _settings_beside(path)
        return cls(inner, settings)

    @classmethod
    def from_folder(cls, folder: str | Path) -> Tokenizer:
        """Read a folder's ``tokenizer.json``, or its ``vocab.json`` and ``merges.txt`` (GPT-2).

        Raises:
            TokenizerError: neither is there, or one is damaged.
        """
        folder = Path(folder)
        if (folder / "tokenizer.json").is_file():
            return cls.from_file(folder / "tokenizer.json")
        vocab, merges = folder / "vocab.json", folder / "merges.txt"
        if vocab.is_file() and merges.is_file():
            return cls.from_gpt2_files(vocab, merges)
        raise TokenizerError(
            f"{folder} has no tokenizer: neither tokenizer.json, nor vocab.json with merges.txt."
        )

    @classmethod
    def from_gpt2_files(cls, vocab: str | Path, merges: str | Path) -> Tokenizer:
        """Byte-level BPE from GPT-2's two files.

        Raises:
            TokenizerError: a file is missing or damaged.
        """
        try:
            model = models.BPE.from_file(str(vocab), str(merges))
        except Exception as error:  # tokenizers raises nothing narrower
            raise TokenizerError(
                f"{vocab} and {merges} are no readable BPE ({_first_line(error)}); "
                "copy both anew from where the model came from."
            ) from error
        inner = _byte_level(model)
        if inner.token_to_id(END_OF_TEXT) is not None:
            inner.add_special_tokens([AddedToken(END_OF_TEXT, special=True)])
        return cls(inner, _settings_beside(Path(vocab)))

    @classmethod
    def train_bpe(
        cls,
        texts: str | Iterable[str],
        vocab_size: int,
        special: Sequence[str] = (END_OF_TEXT,),
    ) -> Tokenizer:
        """Learn a byte-level BPE as GPT-2's (Sennrich et al. 2016, Radford et al. 2019).

        Args:
            texts: one text, or several.
            vocab_size: tokens at most, the 256 bytes and the special ones among them. A short
                text may give fewer, when no pair occurs twice.
            special: tokens that stand for no text; they take the first ids.

        Raises:
            TokenizerError: ``vocab_size`` has no room for the bytes and special tokens.
        """
        least = 256 + len(special)
        if vocab_size < least:
            raise TokenizerError(
                f"A byte-level vocabulary of {vocab_size} is too small: the 256 bytes and "
                f"{len(special)} special tokens need {least}."
            )
        inner = _byte_level(models.BPE())
        trainer = trainers.BpeTrainer(
            vocab_size=vocab_size,
            min_frequency=2,
            special_tokens=[AddedToken(name, special=True) for name in special],
            initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
            show_progress=False,
        )
        parts = [texts] if isinstance(texts, str) else texts
        inner.train_from_iterator((_replace_surrogates(text) for text in parts), trainer)
        return cls(inner)

    @classmethod
    def train_char(cls, text: str) -> Tokenizer:
        """One token for every distinct character of a text, and ``<unk>`` for all others.

        Raises:
            TokenizerError: the text is empty.
        """
        characters = sorted(set(_replace_surrogates(text)))
        if not characters:
            raise TokenizerError("The text is empty, so there is no character to learn.")
        vocab = {UNKNOWN: 0} | {character: i + 1 for i, character in enumerate(characters)}
        inner = tokenizers.Tokenizer(models.WordLevel(vocab, unk_token=UNKNOWN))
        inner.pre_tokenizer = pre_tokenizers.Split(tokenizers.Regex(_ANY_CHARACTER), "isolated")
        inner.decoder = decoders.Fuse()
        inner.add_special_tokens([AddedToken(UNKNOWN, special=True)])
        return cls(inner)

    # Use

    def encode(self, text: str) -> Encoding:
        """Cut a text into tokens.

        Any text is accepted: lone surrogates, which no encoding can write, become U+FFFD, and
        the encoding's notes say so.
        """
        notes: list[str] = []
        clean = _replace_surrogates(text)
        if clean != text:
            n = len(_LONE_SURROGATE.findall(text))
            notes.append(
                f"{n} lone surrogate{'s' if n > 1 else ''} (half a character) "
                f"{'were' if n > 1 else 'was'} replaced by U+FFFD."
            )
        inner = self._inner.encode(clean)
        if self.kind == "characters":
            unknown = sorted({c for c in clean if self._inner.token_to_id(c) is None})
            if unknown and self._unknown_id in inner.ids:
                shown = ", ".join(repr(c) for c in unknown[:10])
                more = f" and {len(unknown) - 10} more" if len(unknown) > 10 else ""
                notes.append(f"Not in the model's alphabet: {shown}{more}.")
        return Encoding(self, clean, inner, tuple(notes))

    def decode(self, ids: Sequence[int]) -> str:
        """The text of some ids, special tokens by their names; ids without a token give nothing.

        Bytes that are no whole character become U+FFFD.
        """
        if any(id < 0 for id in ids):
            raise ValueError(f"Token id {min(ids)} is negative.")
        return str(self._inner.decode(list(ids), skip_special_tokens=False))

    def token_bytes(self, id: int) -> bytes:
        """The bytes that one id stands for; none where the vocabulary has a gap, or ends."""
        return self.vocabulary[id] if 0 <= id < len(self.vocabulary) else b""

    @cached_property
    def vocabulary(self) -> tuple[bytes, ...]:
        """Every token's bytes, by id. Ids that no token has give ``b""``."""
        table = [b""] * self.n_tokens
        added = {entry["id"]: entry["content"] for entry in self._spec["added_tokens"]}
        for name, id in self._inner.get_vocab(with_added_tokens=True).items():
            table[id] = added[id].encode() if id in added else self._bytes_of(name)
        return tuple(table)

    @cached_property
    def special_ids(self) -> frozenset[int]:
        """Ids that stand for no text of their own."""
        return frozenset(e["id"] for e in self._spec["added_tokens"] if e["special"])

    @cached_property
    def n_tokens(self) -> int:
        """One more than the largest id."""
        return max(self._inner.get_vocab(with_added_tokens=True).values(), default=-1) + 1

    @cached_property
    def kind(self) -> str:
        """What sort of tokenizer this is, for a person."""
        model = self._spec["model"]["type"]
        splitter = self._spec["pre_tokenizer"] or {}
        if model == "WordLevel" and splitter.get("pattern") == {"Regex": _ANY_CHARACTER}:
            return "characters"
        return f"byte-level {model}" if self._is_byte_level else str(model)

    @cached_property
    def end_of_text(self) -> int | None:
        """The id after which a text is over, or None if there is no such token."""
        named = self._settings.get("eos_token")
        if isinstance(named, dict):  # older files write the whole token
            named = named.get("content")
        names = [named] if isinstance(named, str) else _END_NAMES
        return next((id for n in names if (id := self._inner.token_to_id(n)) is not None), None)

    @property
    def unknown_id(self) -> int | None:
        """The id for text that the vocabulary has no token for, or None if it has one for all."""
        return self._unknown_id

    # Saving

    def to_json(self) -> str:
        """The contents of ``tokenizer.json``."""
        return str(self._inner.to_str(pretty=True))

    def settings(self) -> dict[str, Any]:
        """The contents of ``tokenizer_config.json``, from which transformers makes the same."""
        settings: dict[str, Any] = {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "clean_up_tokenization_spaces": False,
        }
        if self.end_of_text is not None:
            name = self._inner.id_to_token(self.end_of_text)
            settings |= {"bos_token": name, "eos_token": name}
        if self._unknown_id is not None:
            settings["unk_token"] = self._inner.id_to_token(self._unknown_id)
        return settings | self._settings

    def save(self, folder: str | Path) -> None:
        """Write ``tokenizer.json`` and ``tokenizer_config.json`` into an existing folder."""
        folder = Path(folder)
        settings = json.dumps(self.settings(), ensure_ascii=False, indent=2) + "\n"
        for name, text in (
            ("tokenizer.json", self.to_json()),
            ("tokenizer_config.json", settings),
        ):
            beside = folder / f".{name}.part"
            beside.write_text(text, encoding="utf-8")
            beside.replace(folder / name)

    # Inside

    @cached_property
    def _is_byte_level(self) -> bool:
        stages = (self._spec["pre_tokenizer"], self._spec["decoder"])
        return any(stage["type"] == "ByteLevel" for stage in _flat(stages))

    @cached_property
    def _unknown_id(self) -> int | None:
        name = self._spec["model"].get("unk_token")
        return None if name is None else self._inner.token_to_id(name)

    def _bytes_of(self, name: str) -> bytes:
        """A token's bytes from how its family writes it."""
        if self._is_byte_level:
            return b"".join(_BYTE_OF_SYMBOL.get(symbol) or symbol.encode() for symbol in name)
        if self._spec["model"].get("byte_fallback") and (byte := _BYTE_TOKEN.fullmatch(name)):
            return bytes([int(byte[1], 16)])
        if self._spec["model"]["type"] == "WordPiece":
            return name.removeprefix("##").encode()
        if any(stage["type"] == "Metaspace" for stage in _flat((self._spec["decoder"],))):
            return name.replace("\u2581", " ").encode()
        return name.encode()


_ANY_CHARACTER = r"[\s\S]"


def _symbol_of_byte() -> dict[str, bytes]:
    """GPT-2's printable symbol for each byte: itself if printable, otherwise from U+0100 on."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    table = {chr(byte): bytes([byte]) for byte in printable}
    others = (byte for byte in range(256) if byte not in printable)
    return table | {chr(0x100 + i): bytes([byte]) for i, byte in enumerate(others)}


_BYTE_OF_SYMBOL = _symbol_of_byte()


def _byte_level(model: models.BPE) -> tokenizers.Tokenizer:
    inner = tokenizers.Tokenizer(model)
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    return inner


def _flat(stages: Iterable[Mapping[str, Any] | None]) -> Iterator[Mapping[str, Any]]:
    """Pipeline stages, those inside a Sequence one by one."""
    for stage in stages:
        if stage is None:
            continue
        if stage["type"] == "Sequence":
            yield from _flat(stage.get("pretokenizers") or stage.get("decoders") or ())
        else:
            yield stage


def _replace_surrogates(text: str) -> str:
    return _LONE_SURROGATE.sub("\ufffd", text)


def _settings_beside(path: Path) -> dict[str, Any]:
    # A damaged one is no reason to refuse the model: it only names tokens.
    try:
        settings = json.loads((path.parent / "tokenizer_config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return settings if isinstance(settings, dict) else {}


def _first_line(error: BaseException) -> str:
    return str(error).strip().split("\n")[0][:200]

"""Text to tokens and back, and training a tokenizer: one thin layer over `tokenizers`.

Adds what a person wants to see and the library does not say: the bytes of every token, which
characters it touches, and what in a text had to be replaced. Knows no model and no torch; the
formats of files are `model.tokenizer.files`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import tokenizers
from tokenizers import AddedToken, decoders, models, pre_tokenizers, trainers

from model.tokenizer import files
from model.tokenizer.files import TokenizerError, gguf
from model.tokenizer.files.byte_level import assemble
from model.tokenizer.files.characters import ANY_CHARACTER, from_table
from model.tokenizer.files.errors import refusing
from model.tokenizer.files.found import GENERIC_CLASS, NAMED, Found, name_of
from model.tokenizer.long_text import LEARNT_AT_ONCE, parts_to_learn_from
from model.tokenizer.replay import Replay, Replayer
from model.tokenizer.tokens import Token
from model.whole_file import write_whole

__all__ = ["END_OF_TEXT", "UNKNOWN", "Encoding", "Tokenizer", "TokenizerError"]

END_OF_TEXT = "<|endoftext|>"
UNKNOWN = "<unk>"

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_BYTE_TOKEN = re.compile(r"<0x([0-9A-Fa-f]{2})>")
# How the known families call the token that ends a text, where tokenizer_config.json is silent.
_MASK_NAMES = ("[MASK]", "<mask>")
_END_NAMES = (END_OF_TEXT, "<|end_of_text|>", "</s>", "<eos>", "<|im_end|>")


class Encoding:
    """One text cut into tokens.

    Attributes:
        text: the text that was encoded, after replacements.
        ids: one id a token.
        notes: what was replaced or not known, one sentence each; empty for ordinary text.
        pieces: the library's own account: ids, offsets and which tokens were put around the text.
    """

    def __init__(self, tokenizer: Tokenizer, text: str, inner: Any, notes: tuple[str, ...]) -> None:
        self.text = text
        self.ids: list[int] = inner.ids
        self.notes = notes
        self._tokenizer = tokenizer
        self.pieces = inner

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def tokens(self) -> tuple[Token, ...]:
        """The tokens with their bytes and places, made on first use: a long text has many.

        A special token that the tokenizer puts around the text has an empty place: where it
        stands.
        """
        vocabulary, special = self._tokenizer.vocabulary, self._tokenizer.special_ids
        tokens = []
        at = 0
        for id, place, put in zip(
            self.ids, self.pieces.offsets, self.pieces.special_tokens_mask, strict=True
        ):
            start, end = (at, at) if put else place
            at = end
            tokens.append(
                Token(
                    id, vocabulary[id], start, end, id in special, id in self._tokenizer.continuing
                )
            )
        return tuple(tokens)


class Tokenizer:
    """A trained tokenizer.

    Args:
        inner: the tokenizer of the `tokenizers` library.
        settings: the contents of ``tokenizer_config.json``, kept for saving.
        notes: what a person should know of how it was read.

    Attributes:
        notes: one sentence each; mostly none.
    """

    def __init__(
        self,
        inner: tokenizers.Tokenizer,
        settings: Mapping[str, Any] | None = None,
        notes: Sequence[str] = (),
    ) -> None:
        self._inner = inner
        # A file may ask for padding or cutting; here a text keeps the length that it has.
        inner.no_padding()
        inner.no_truncation()
        # tokenizers 0.23 keeps the words that it has cut, for each thread by itself, and never
        # gives them back, also when the tokenizer is gone. It is nearly as fast without.
        resize = getattr(inner.model, "_resize_cache", None)
        if resize is not None:
            resize(0)
        self._settings = dict(settings or {})
        # Then the names of special tokens are text like any other.
        inner.encode_special_tokens = self._settings.get("split_special_tokens") is True
        self.notes = tuple(notes)

    # Sources

    @classmethod
    def from_file(cls, path: str | Path) -> Tokenizer:
        """Read the tokenizer that a file is (``tokenizer.json``, ``.model``) or is a part of.

        Raises:
            TokenizerError: it is missing, no tokenizer or damaged.
        """
        return cls._of(files.read_file(Path(path)))

    @classmethod
    def from_json(cls, text: str) -> Tokenizer:
        """The tokenizer of which `to_json` gave the text.

        Raises:
            TokenizerError: it is none.
        """
        with refusing("This is no readable tokenizer", "make it anew."):
            return cls(tokenizers.Tokenizer.from_str(text))

    @classmethod
    def from_folder(cls, folder: str | Path) -> Tokenizer:
        """Read a folder's tokenizer, in any of the formats of `model.tokenizer.files.folder`.

        Raises:
            TokenizerError: there is none, or it is damaged.
        """
        return cls._of(files.read_folder(Path(folder)))

    @staticmethod
    def in_folder(folder: str | Path) -> bool:
        """Whether a folder has files of a tokenizer, readable or not."""
        return bool(files.tokenizer_files(Path(folder)))

    @staticmethod
    def describe(folder: str | Path) -> str:
        """What kind of tokenizer a folder has, without building it."""
        return files.describe_folder(Path(folder))

    @classmethod
    def from_gpt2_files(cls, vocab: str | Path, merges: str | Path) -> Tokenizer:
        """Byte-level BPE from GPT-2's two files.

        Raises:
            TokenizerError: a file is missing or damaged.
        """
        return cls._of(files.read_pair(Path(vocab), Path(merges)))

    @classmethod
    def from_gguf(cls, metadata: Mapping[str, Any], where: str) -> Tokenizer | None:
        """The tokenizer in a GGUF file's key-values; None if they name none.

        Args:
            metadata: the key-values as Python or NumPy values.
            where: the file's name, for messages.

        Raises:
            TokenizerError: its kind is not known, or its lists are damaged.
        """
        found = gguf.read(metadata, where)
        return None if found is None else cls._of(found)

    @staticmethod
    def describe_gguf(metadata: Mapping[str, Any]) -> str:
        """What kind of tokenizer a GGUF file's key-values hold, without building it."""
        return gguf.describe(metadata)

    @classmethod
    def from_characters(cls, ids: Mapping[str, int], where: str) -> Tokenizer:
        """One token a character, from a table of ids (nanoGPT's ``meta.pkl``).

        Args:
            ids: character -> id.
            where: the file, for messages.

        Raises:
            TokenizerError: the table is empty or is none of characters and ids.
        """
        return cls._of(from_table(ids, where))

    @classmethod
    def _of(cls, found: Found) -> Tokenizer:
        return cls(found.inner, found.settings, found.notes)

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
        inner = assemble(models.BPE())
        trainer = trainers.BpeTrainer(
            vocab_size=vocab_size,
            min_frequency=2,
            special_tokens=[AddedToken(name, special=True) for name in special],
            initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
            show_progress=False,
        )
        whole = [texts] if isinstance(texts, str) else texts
        parts = (part for text in whole for part in parts_to_learn_from(text, LEARNT_AT_ONCE))
        inner.train_from_iterator((replace_surrogates(part) for part in parts), trainer)
        return cls(inner)

    @classmethod
    def train_char(cls, text: str) -> Tokenizer:
        """One token for every distinct character of a text, and ``<unk>`` for all others.

        Raises:
            TokenizerError: the text is empty.
        """
        characters = sorted(set(replace_surrogates(text)))
        if not characters:
            raise TokenizerError("The text is empty, so there is no character to learn.")
        vocab = {UNKNOWN: 0} | {character: i + 1 for i, character in enumerate(characters)}
        inner = tokenizers.Tokenizer(models.WordLevel(vocab, unk_token=UNKNOWN))
        inner.pre_tokenizer = pre_tokenizers.Split(tokenizers.Regex(ANY_CHARACTER), "isolated")
        inner.decoder = decoders.Fuse()
        inner.add_special_tokens([AddedToken(UNKNOWN, special=True)])
        return cls(inner)

    # Use

    def encode(self, text: str, add_special: bool = True) -> Encoding:
        """Cut a text into tokens.

        Any text is accepted: lone surrogates, which no encoding can write, become U+FFFD, and
        the encoding's notes say so.

        Args:
            text: the text.
            add_special: whether the special tokens that the tokenizer puts around a text
                (``[CLS]`` … ``[SEP]``, ``<s>``) are added, as transformers does.

        Raises:
            TokenizerError: the tokenizer fails on it, which only one from a damaged file does.
        """
        notes: list[str] = []
        clean = replace_surrogates(text)
        if clean != text:
            n = len(_LONE_SURROGATE.findall(text))
            notes.append(
                f"{n} lone surrogate{'s' if n > 1 else ''} (half a character) "
                f"{'were' if n > 1 else 'was'} replaced by U+FFFD."
            )
        with refusing("The tokenizer fails on this text", "its file may be damaged."):
            inner = self._inner.encode(clean, add_special_tokens=add_special)
        if self.kind == "characters":
            notes += self._not_in_alphabet(clean)
        return Encoding(self, clean, inner, tuple(notes))

    def _not_in_alphabet(self, text: str) -> list[str]:
        """A note that names the characters that are not known, if there are any."""
        known = self._inner.get_added_tokens_decoder().values()
        for token in known:  # its characters are no characters of the text
            text = text.replace(token.content, "")
        unknown = sorted({c for c in text if self._inner.token_to_id(c) is None})
        if not unknown:
            return []
        shown = ", ".join(repr(c) for c in unknown[:10])
        more = f" and {len(unknown) - 10} more" if len(unknown) > 10 else ""
        left_out = "" if self._unknown_id is not None else " and left out"
        return [f"Not in the model's alphabet{left_out}: {shown}{more}."]

    def decode(self, ids: Sequence[int]) -> str:
        """The text of some ids, special tokens by their names; ids without a token give nothing.

        Bytes that are no whole character become U+FFFD.
        """
        if any(id < 0 for id in ids):
            raise ValueError(f"Token id {min(ids)} is negative.")
        with refusing("The tokenizer fails on these ids", "its file may be damaged."):
            return str(self._inner.decode(list(ids), skip_special_tokens=False))

    def decode_after(self, before: Sequence[int], ids: Sequence[int]) -> str:
        """The text that some ids add to the text of those before them.

        Not the text of the ids alone: a family that writes spaces into its tokens drops the one
        at the beginning of a text, and a character may begin before them.
        """
        start, whole = self.decode(before), self.decode([*before, *ids])
        return whole[len(start) :] if whole.startswith(start) else self.decode(ids)

    def replay(self, text: str) -> Replay:
        """How a text is cut, step by step.

        Raises:
            TokenizerError: the tokenizer fails on it.
        """
        with refusing("The tokenizer fails on this text", "its file may be damaged."):
            return self._replayer.replay(replace_surrogates(text))

    @cached_property
    def _replayer(self) -> Replayer:
        return Replayer(self._inner, self._bytes_of())

    def piece(self, id: int) -> str:
        """How the tokenizer's file writes a token (``Ġking``, ``##s``, ``<0x0A>``); "" if none."""
        return self._inner.id_to_token(id) or "" if id >= 0 else ""

    def token_bytes(self, id: int) -> bytes:
        """The bytes that one id stands for; none where the vocabulary has a gap, or ends."""
        return self.vocabulary[id] if 0 <= id < len(self.vocabulary) else b""

    @cached_property
    def vocabulary(self) -> tuple[bytes, ...]:
        """Every token's bytes, by id. Ids that no token has give ``b""``."""
        return self._tables[0]

    @cached_property
    def _tables(self) -> tuple[tuple[bytes, ...], int]:
        """`vocabulary` and `n_base_tokens`: both from one copy of the library's vocabulary."""
        ids = self._inner.get_vocab(with_added_tokens=True)
        table = [b""] * (max(ids.values(), default=-1) + 1)
        bytes_of = self._bytes_of()
        for name, id in ids.items():
            table[id] = bytes_of(name)
        beyond = {id for id in self._added if self._inner.model.id_to_token(id) is None}
        n_base = 1 + max((id for id in ids.values() if id not in beyond), default=-1)
        for id, token in self._added.items():
            table[id] = token.content.encode()
        return tuple(table), n_base

    @cached_property
    def special_ids(self) -> frozenset[int]:
        """Ids that stand for no text of their own."""
        return frozenset(id for id, token in self._added.items() if token.special)

    @cached_property
    def continuing(self) -> frozenset[int]:
        """Ids whose tokens go on with the word before them, where the vocabulary says so."""
        if self._algorithm != "WordPiece":
            return frozenset()
        vocab = self._inner.get_vocab(with_added_tokens=False)
        return frozenset(id for name, id in vocab.items() if name.startswith("##") and name != "##")

    @property
    def n_tokens(self) -> int:
        """One more than the largest id."""
        return len(self.vocabulary)

    @property
    def n_base_tokens(self) -> int:
        """One more than the largest id of the vocabulary proper, without tokens added to it.

        Many published tokenizers have added tokens past the end of their model's embedding.
        """
        return self._tables[1]

    @cached_property
    def kind(self) -> str:
        """What sort of tokenizer this is, for a person."""
        if self._pre_tokenizer.get("pattern") == {"Regex": ANY_CHARACTER}:
            return "characters"
        return f"byte-level {self._algorithm}" if self._is_byte_level else self._algorithm

    @cached_property
    def end_of_text(self) -> int | None:
        """The id after which a text is over, or None if there is no such token."""
        if name_of(self._settings.get("eos_token")) is not None:
            return self.named_end
        ids = (self._inner.token_to_id(name) for name in _END_NAMES)
        return next((id for id in ids if id is not None), None)

    @cached_property
    def named_end(self) -> int | None:
        """The same, only where the settings name it."""
        named = name_of(self._settings.get("eos_token"))
        return None if named is None else self._inner.token_to_id(named)

    @cached_property
    def start_of_text(self) -> int | None:
        """The id that begins a text; the one that ends it where no other is named."""
        named = name_of(self._settings.get("bos_token"))
        id = None if named is None else self._inner.token_to_id(named)
        return self.end_of_text if id is None else id

    @cached_property
    def mask_id(self) -> int | None:
        """The id that a masked language model is asked to fill in, or None if there is none."""
        named = name_of(self._settings.get("mask_token"))
        for name in _MASK_NAMES if named is None else (named,):
            id = self._inner.token_to_id(name)
            if id is not None and id in self.special_ids:
                return id
        return None

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
            "tokenizer_class": GENERIC_CLASS,
            "clean_up_tokenization_spaces": False,
        }
        if self.end_of_text is not None:
            name = self._inner.id_to_token(self.end_of_text)
            settings |= {"bos_token": name, "eos_token": name}
        if self._unknown_id is not None:
            settings["unk_token"] = self._inner.id_to_token(self._unknown_id)
        settings |= self._settings
        # It names code, which nobody should run because of a file that was written here.
        settings.pop("auto_map", None)
        for role in [key for key in settings if key in NAMED or key.endswith("_token")]:
            settings[role] = _whole_token(settings[role])
        for key in ("extra_special_tokens", "additional_special_tokens"):
            if isinstance(settings.get(key), list):
                settings[key] = [_whole_token(token) for token in settings[key]]
        return settings

    def save(self, folder: str | Path) -> None:
        """Write ``tokenizer.json`` and ``tokenizer_config.json`` into an existing folder."""
        folder = Path(folder)
        settings = json.dumps(self.settings(), ensure_ascii=False, indent=2) + "\n"
        for name, text in (
            ("tokenizer.json", self.to_json()),
            ("tokenizer_config.json", settings),
        ):
            write_whole(folder / name, text)

    # Inside. The library's own description of the whole (`to_str`) would write out the vocabulary.

    @cached_property
    def _added(self) -> dict[int, AddedToken]:
        return dict(self._inner.get_added_tokens_decoder())

    @cached_property
    def _algorithm(self) -> str:
        return type(self._inner.model).__name__

    @cached_property
    def _pre_tokenizer(self) -> dict[str, Any]:
        return _spec_of(self._inner.pre_tokenizer)

    @cached_property
    def _decoder(self) -> dict[str, Any]:
        return _spec_of(self._inner.decoder)

    @cached_property
    def _is_byte_level(self) -> bool:
        return any(s["type"] == "ByteLevel" for s in _flat((self._pre_tokenizer, self._decoder)))

    @cached_property
    def _space(self) -> str | None:
        """What stands for a space in tokens, if a character does."""
        for stage in _flat((self._decoder,)):
            if stage["type"] == "Metaspace":
                return str(stage.get("replacement", "\u2581"))
            pattern = stage.get("pattern")
            if stage["type"] == "Replace" and stage.get("content") == " " and pattern:
                return str(pattern.get("String") or "") or None
        return None

    @cached_property
    def _byte_fallback(self) -> bool:
        return any(stage["type"] == "ByteFallback" for stage in _flat((self._decoder,))) or bool(
            getattr(self._inner.model, "byte_fallback", False)
        )

    @cached_property
    def _unknown_id(self) -> int | None:
        name = getattr(self._inner.model, "unk_token", None)
        if name is None and self._algorithm == "Unigram":
            name = name_of(self._settings.get("unk_token"))
        return None if name is None else self._inner.token_to_id(name)

    def _bytes_of(self) -> Callable[[str], bytes]:
        """How a token's bytes follow from how this family writes it."""
        space, has_bytes = self._space, self._byte_fallback

        def byte_level(name: str) -> bytes:
            try:
                return name.translate(_LATIN_OF_SYMBOL).encode("latin-1")
            except UnicodeEncodeError:  # a token that is written as it is
                return name.encode()

        def spaced(name: str) -> bytes:
            if has_bytes and name.startswith("<0x") and (byte := _BYTE_TOKEN.fullmatch(name)):
                return bytes([int(byte[1], 16)])
            return (name if space is None else name.replace(space, " ")).encode()

        if self._is_byte_level:
            return byte_level
        if self._algorithm == "WordPiece":
            return lambda name: name.removeprefix("##").encode()
        return spaced


def _latin_of_symbol() -> dict[int, str]:
    """GPT-2's printable symbol for each byte -> the Latin-1 character of that byte.

    A printable byte is its own symbol, the others are written from U+0100 on. What is no symbol
    leads out of Latin-1.
    """
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    table = dict.fromkeys(others, "\u0100")
    return table | {0x100 + i: chr(byte) for i, byte in enumerate(others)}


_LATIN_OF_SYMBOL = _latin_of_symbol()


def _spec_of(stage: Any) -> dict[str, Any]:
    """A stage of the library's pipeline as its JSON says it; {} where there is none."""
    return {} if stage is None else dict(json.loads(stage.__getstate__()))


def _flat(stages: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Pipeline stages, those inside a Sequence one by one."""
    for stage in stages:
        if not stage:
            continue
        if stage["type"] == "Sequence":
            yield from _flat(stage.get("pretokenizers") or stage.get("decoders") or ())
        else:
            yield stage


def _whole_token(value: Any) -> Any:
    """How transformers knows a whole token; a name stays as it is."""
    return {"__type": "AddedToken"} | value if isinstance(value, dict) else value


def replace_surrogates(text: str) -> str:
    """Half characters, which no encoding can write, as U+FFFD."""
    return _LONE_SURROGATE.sub("\ufffd", text)

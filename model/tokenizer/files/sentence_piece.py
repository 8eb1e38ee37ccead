"""A sentencepiece model (Kudo & Richardson 2018) as a tokenizer of the library `tokenizers`.

Reads the few fields of its protocol buffer that matter, within bounds, and rebuilds BPE, Unigram
and character models with byte fallback. Ids agree with sentencepiece's own; where the library
can't do what sentencepiece does, the file is refused or a note says so.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import IntEnum
from pathlib import Path
from typing import Any

import tokenizers
from tokenizers import AddedToken, Regex, decoders, models, normalizers

from model.tokenizer.files.errors import TokenizerError, refusing
from model.tokenizer.files.found import MOST_TOKENS, Found, asked_for, finish

SPACE = "\u2581"  # ▁, which stands for a space
_LARGEST = 256 * 2**20
_LONGEST_PIECE = 1024


class Kind(IntEnum):
    """What a piece is; GGUF files number them alike."""

    NORMAL = 1
    UNKNOWN = 2
    CONTROL = 3
    USER_DEFINED = 4
    UNUSED = 5
    BYTE = 6


@dataclass(frozen=True, slots=True)
class Piece:
    """One token: how it is written, its score and its kind."""

    text: str
    score: float
    kind: int = Kind.NORMAL


@dataclass(frozen=True, slots=True)
class SentencePiece:
    """What a model file says.

    Attributes:
        pieces: by id.
        algorithm: ``unigram``, ``bpe``, ``word`` or ``char``.
        byte_fallback: whether unknown characters become their bytes.
        roles: ids of unk, bos, eos and pad; negative where there is none.
        charsmap: how characters are normalised, compiled; empty for not at all.
        add_dummy_prefix: whether a text gets a space in front.
        remove_extra_whitespaces: whether spaces around it, and double ones, are dropped.
        escape_whitespaces: whether spaces are written as ``▁``.
        suffix: whether a space belongs to the word before it.
    """

    pieces: Sequence[Piece]
    algorithm: str = "unigram"
    byte_fallback: bool = False
    roles: Mapping[str, int] = field(default_factory=dict)
    charsmap: bytes = b""
    add_dummy_prefix: bool = True
    remove_extra_whitespaces: bool = True
    escape_whitespaces: bool = True
    suffix: bool = False


def read_model(path: Path, settings: Mapping[str, Any]) -> Found:
    """Read ``tokenizer.model`` or ``spiece.model``.

    Raises:
        TokenizerError: the file is missing, damaged, or a kind that can't be rebuilt.
    """
    try:
        if path.stat().st_size > _LARGEST:
            raise TokenizerError(f"{path} is too large for a tokenizer; is it another file?")
        raw = path.read_bytes()
    except OSError as error:
        raise TokenizerError(f"{path} can't be read: {error.strerror or error}.") from error
    try:
        model = parse(raw)
    except (ValueError, struct.error) as error:
        raise TokenizerError(
            f"{path} is no whole sentencepiece model ({error}); copy it anew from where the model "
            "came from."
        ) from error
    return convert(model, settings, str(path))


# ------------------------------------------------------------------------ protocol buffer


def parse(raw: bytes) -> SentencePiece:
    """The fields that matter of a ``ModelProto``.

    Raises:
        ValueError: it is none, or is damaged.
    """
    pieces: list[Piece] = []
    trainer: dict[int, Any] = {}
    normalizer: dict[int, Any] = {}
    for number, value in _fields(raw):
        if number == 1:
            if len(pieces) >= MOST_TOKENS:
                raise ValueError(f"more than {MOST_TOKENS:,} pieces")
            pieces.append(_piece(_bytes(value), len(pieces)))
        elif number == 2:
            trainer = dict(_fields(_bytes(value)))
        elif number == 3:
            normalizer = dict(_fields(_bytes(value)))
    if not pieces:
        raise ValueError("it has no pieces")
    algorithms = {1: "unigram", 2: "bpe", 3: "word", 4: "char"}
    kind = trainer.get(3, 1)
    if kind not in algorithms:
        raise ValueError(f"its model type is {kind}; known are 1 to 4")
    roles = {
        role: _signed(trainer.get(number, default))
        for role, number, default in (
            ("unk", 40, 0),
            ("bos", 41, 1),
            ("eos", 42, 2),
            ("pad", 43, -1),
        )
    }
    return SentencePiece(
        pieces=pieces,
        algorithm=algorithms[kind],
        byte_fallback=bool(trainer.get(35, 0)),
        roles=roles,
        charsmap=_bytes(normalizer.get(2, b"")),
        add_dummy_prefix=bool(normalizer.get(3, 1)),
        remove_extra_whitespaces=bool(normalizer.get(4, 1)),
        escape_whitespaces=bool(normalizer.get(5, 1)),
        suffix=bool(trainer.get(24, 0)),
    )


def _piece(raw: bytes, id: int) -> Piece:
    """One ``SentencePiece`` message."""
    text, score, kind = "", 0.0, int(Kind.NORMAL)
    for number, value in _fields(raw):
        if number == 1:
            if len(_bytes(value)) > 4 * _LONGEST_PIECE:
                raise ValueError(f"piece {id} is {len(value)} bytes long")
            text = value.decode("utf-8")
        elif number == 2 and isinstance(value, float):
            score = value
        elif number == 3 and isinstance(value, int):
            kind = value
    if not text:
        raise ValueError(f"piece {id} is empty")
    if score != score or score in (float("inf"), float("-inf")):
        raise ValueError(f"the score of piece {id} is {score}")
    return Piece(text, score, kind)


def _fields(raw: bytes) -> Iterator[tuple[int, Any]]:
    """Number and value of each field: an int, a float or bytes. Groups are not known."""
    at, end = 0, len(raw)
    while at < end:
        key, at = _varint(raw, at)
        number, wire = key >> 3, key & 7
        value: Any
        if wire == 0:
            value, at = _varint(raw, at)
        elif wire == 2:
            length, at = _varint(raw, at)
            value = raw[at : at + length]
            at += length
        elif wire == 5:
            (value,) = struct.unpack_from("<f", raw, at)
            at += 4
        elif wire == 1:
            (value,) = struct.unpack_from("<d", raw, at)
            at += 8
        else:
            raise ValueError(f"byte {at} begins no field")
        if at > end:
            raise ValueError(f"it ends inside field {number}")
        yield number, value


def _varint(raw: bytes, at: int) -> tuple[int, int]:
    """A whole number of at most ten bytes, and where it ends."""
    value = shift = 0
    while shift < 70:
        if at >= len(raw):
            raise ValueError("it ends inside a number")
        byte = raw[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
    raise ValueError(f"the number before byte {at} has no end")


def _signed(value: object) -> int:
    """An int32 as protocol buffers write it: negative ones as large 64-bit numbers."""
    if not isinstance(value, int):
        raise ValueError("an id is no whole number")
    return value - 2**64 if value >= 2**63 else value


def _bytes(value: object) -> bytes:
    if not isinstance(value, bytes):
        raise ValueError("a number stands where text should be")
    return value


# -------------------------------------------------------------------------------- convert


def convert(model: SentencePiece, settings: Mapping[str, Any], where: str) -> Found:
    """The same tokenizer in the library `tokenizers`.

    Args:
        model: as read.
        settings: as in tokenizer_config.json; wins over what the model says of special tokens.
        where: the file, for messages.

    Raises:
        TokenizerError: it can't be rebuilt.
    """
    _refuse_what_cannot_be(model, settings, where)
    prefix = settings.get("add_prefix_space")
    if isinstance(prefix, bool):  # the settings' word counts before the model's
        model = replace(model, add_dummy_prefix=prefix)
    notes = []
    unused = sum(piece.kind == Kind.UNUSED for piece in model.pieces)
    if unused:
        notes.append(
            f"{unused} pieces of {where} are marked as unused; they are used here, so that some "
            "texts may be cut otherwise than by sentencepiece."
        )
    with refusing(f"{where} gives no tokenizer", "copy it anew from where the model came from."):
        if model.algorithm == "unigram":
            inner = tokenizers.Tokenizer(_unigram(model))
        else:
            inner = tokenizers.Tokenizer(_bpe(model))
        inner.normalizer = normalizers.Sequence(_normalizers(model))
        inner.decoder = decoders.Sequence(_decoders(model))
        _add_pieces(inner, model)
    settings = _roles(model) | dict(settings)
    kind = str(settings.get("tokenizer_class") or settings.get("model_type") or "").lower()
    t5 = "t5" in kind
    return finish(inner, settings, *asked_for(settings, bos=not t5, eos=t5), notes=notes)


def _refuse_what_cannot_be(model: SentencePiece, settings: Mapping[str, Any], where: str) -> None:
    remedy = "copy tokenizer.json beside it from where the model came from."
    if model.algorithm == "word":
        raise TokenizerError(f"{where} is a sentencepiece model of whole words; {remedy}")
    if model.suffix:
        raise TokenizerError(f"{where} puts spaces at the ends of words; {remedy}")
    kind = str(settings.get("tokenizer_class") or settings.get("model_type") or "").lower()
    if kind.replace("-", "").startswith(("xlmroberta", "camembert", "barthez", "mbart")):
        # fairseq's order: their ids are not the model file's own.
        raise TokenizerError(f"{where} has its ids in another order than this family; {remedy}")


def _bpe(model: SentencePiece) -> models.BPE:
    """The merges that sentencepiece leaves implicit: the neighbours with the best union first."""
    vocab = {piece.text: id for id, piece in enumerate(model.pieces)}
    merges: list[tuple[str, str]] = []
    if model.algorithm == "bpe":
        kinds = (Kind.NORMAL, Kind.USER_DEFINED, Kind.UNUSED)
        ranked = [piece for piece in model.pieces if piece.kind in kinds]
        ranked.sort(key=lambda piece: -piece.score)  # stable: of equals the first comes first
        usable = {piece.text for piece in ranked}
        for text in (piece.text for piece in ranked):
            merges += [
                (text[:cut], text[cut:])
                for cut in range(1, len(text))
                if text[:cut] in usable and text[cut:] in usable
            ]
    unk = model.roles.get("unk", -1)
    return models.BPE(
        vocab=vocab,
        merges=merges,
        unk_token=model.pieces[unk].text if 0 <= unk < len(model.pieces) else None,
        fuse_unk=True,
        byte_fallback=model.byte_fallback,
    )


def _unigram(model: SentencePiece) -> models.Unigram:
    """Scores; those of pieces that sentencepiece never finds in a text so low that none is here."""
    found = [p.score for p in model.pieces if p.kind in (Kind.NORMAL, Kind.UNUSED)]
    lowest, highest = min(found, default=0.0), max(found, default=0.0)

    def score(piece: Piece) -> float:
        if piece.kind == Kind.USER_DEFINED:  # sentencepiece's own formula: it always wins
            return len(piece.text.encode()) * highest - 0.1
        return piece.score if piece.kind in (Kind.NORMAL, Kind.UNUSED) else lowest - 1000.0

    unk = model.roles.get("unk", -1)
    return models.Unigram(
        [(piece.text, score(piece)) for piece in model.pieces],
        unk_id=unk if 0 <= unk < len(model.pieces) else None,
        byte_fallback=model.byte_fallback,
    )


def _normalizers(model: SentencePiece) -> list[Any]:
    steps: list[Any] = []
    if model.charsmap:
        steps.append(normalizers.Precompiled(model.charsmap))
    if model.remove_extra_whitespaces:
        # Only spaces: the library's Strip would take other white space, too.
        steps += [
            normalizers.Replace(Regex(r"\A +| +\z"), ""),
            normalizers.Replace(Regex(" {2,}"), " "),
        ]
    if model.escape_whitespaces:
        if model.add_dummy_prefix:
            steps.append(normalizers.Prepend(SPACE))
        steps.append(normalizers.Replace(" ", SPACE))
    elif model.add_dummy_prefix:
        steps.append(normalizers.Prepend(" "))
    return steps


def _decoders(model: SentencePiece) -> list[Any]:
    steps: list[Any] = [decoders.Replace(SPACE, " ")]
    if model.byte_fallback:
        steps.append(decoders.ByteFallback())
    steps.append(decoders.Fuse())
    if model.add_dummy_prefix:
        steps.append(decoders.Strip(" ", 1, 0))
    return steps


def _add_pieces(inner: tokenizers.Tokenizer, model: SentencePiece) -> None:
    """Pieces that are found before anything else is cut: control symbols, and a user's own."""
    for piece in model.pieces:
        if piece.kind in (Kind.CONTROL, Kind.UNKNOWN):
            inner.add_special_tokens([AddedToken(piece.text, special=True, normalized=False)])
    if model.algorithm == "unigram":
        return  # its scores find them
    # Behind the normalizer they are found as sentencepiece finds them. But the library normalizes
    # their names too, and a name with a space in front would never be found.
    own = [p.text for p in model.pieces if p.kind == Kind.USER_DEFINED]
    if not model.add_dummy_prefix:
        inner.add_tokens([AddedToken(text, normalized=True) for text in own])
    else:
        plain = [text for text in own if SPACE not in text]
        inner.add_tokens([AddedToken(text, normalized=False) for text in plain])


def _roles(model: SentencePiece) -> dict[str, Any]:
    """The special tokens that the model itself names."""
    found = {}
    for role, id in model.roles.items():
        if 0 <= id < len(model.pieces):
            found[f"{role}_token"] = model.pieces[id].text
    return found

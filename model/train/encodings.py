"""Which encoding a text file is in, by the mark at its start, and its text, also piece by piece.

Knows bytes; no files, and guesses nothing where there is no mark: then it is UTF-8 or refused.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator
from itertools import chain

_MARKS = (
    # The longer first: UTF-32's begins as UTF-16's.
    (codecs.BOM_UTF32_LE, "UTF-32", "utf-32-le"),
    (codecs.BOM_UTF32_BE, "UTF-32", "utf-32-be"),
    (codecs.BOM_UTF8, "UTF-8", "utf-8"),
    (codecs.BOM_UTF16_LE, "UTF-16", "utf-16-le"),
    (codecs.BOM_UTF16_BE, "UTF-16", "utf-16-be"),
)


def decoded(raw: bytes) -> str:
    """The text of a file's bytes; the mark is no part of it.

    Raises:
        ValueError: it is no text, or damaged; the message says where, as the end of a sentence
            that begins with the file's name.
    """
    return "".join(decoding([raw]))


def decoding(pieces: Iterable[bytes]) -> Iterator[str]:
    """The text of a file's bytes, piece by piece; a mark at the start is no part of it.

    Args:
        pieces: of any size, but the first has 4 bytes at least where the file has.

    Raises:
        ValueError: as `decoded`.
    """
    name = "UTF-8"
    decoder: codecs.IncrementalDecoder = codecs.getincrementaldecoder("utf-8")()
    n_bytes = n_characters = 0
    for i, raw in enumerate(chain(pieces, (None,))):
        if i == 0:
            mark, name, codec = next(
                (known for known in _MARKS if (raw or b"").startswith(known[0])),
                (b"", "UTF-8", "utf-8"),
            )
            decoder = codecs.getincrementaldecoder(codec)()
            raw, n_bytes = (raw or b"")[len(mark) :], len(mark)
        if name == "UTF-8" and raw and (at := raw.find(b"\0")) >= 0:
            raise ValueError(
                f"is no text: it has a zero byte at position {n_bytes + at:,}. If it is UTF-16 or "
                "UTF-32, save it as UTF-8."
            )
        waiting = len(decoder.getstate()[0])
        try:
            text = decoder.decode(raw or b"", final=raw is None)
        except UnicodeDecodeError as error:
            at = n_bytes - waiting + error.start
            raise ValueError(
                f"is not {name} text: byte 0x{error.object[error.start]:02X} at position {at:,}. "
                "Save it as UTF-8, or choose another file."
            ) from error
        if (at := text.find("\0")) >= 0:
            raise ValueError(
                f"is no text: it has a zero character at position {n_characters + at:,}."
            )
        n_bytes += len(raw or b"")
        n_characters += len(text)
        yield text


def with_plain_line_ends(pieces: Iterable[str]) -> Iterator[tuple[str, int]]:
    """A text whose lines end as everywhere but on Windows.

    Yields:
        Pieces, and how many such ends of lines each had.
    """
    held = ""
    for piece in pieces:
        text = held + piece
        held = "\r" if text.endswith("\r") else ""
        text = text[: len(text) - len(held)]
        n = text.count("\r\n")
        yield (text.replace("\r\n", "\n") if n else text), n
    if held:
        yield held, 0

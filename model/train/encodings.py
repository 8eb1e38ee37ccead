"""Which encoding a text file is in, by the mark at its start, and its text.

Knows bytes; no files, and guesses nothing where there is no mark: then it is UTF-8 or refused.
"""

from __future__ import annotations

import codecs

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
    mark, name, codec = next(
        (known for known in _MARKS if raw.startswith(known[0])), (b"", "UTF-8", "utf-8")
    )
    if name == "UTF-8" and (at := raw.find(b"\0")) >= 0:
        raise ValueError(
            f"is no text: it has a zero byte at position {at:,}. If it is UTF-16 or UTF-32, save "
            "it as UTF-8."
        )
    try:
        text = raw[len(mark) :].decode(codec)
    except UnicodeDecodeError as error:
        at = len(mark) + error.start
        raise ValueError(
            f"is not {name} text: byte 0x{raw[at]:02X} at position {at:,}. Save it as UTF-8, or "
            "choose another file."
        ) from error
    if (at := text.find("\0")) >= 0:
        raise ValueError(f"is no text: it has a zero character at position {at:,}.")
    return text

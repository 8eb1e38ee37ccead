"""How a token is shown: its bytes made visible, never prettified into something it isn't.

Knows bytes and text; no tokenizer, no model, no torch.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

SPACE = "·"
NEWLINE = "⏎"
TAB = "⇥"
RETURN = "␍"


@dataclass(frozen=True, slots=True)
class Token:
    """One token of a text.

    Attributes:
        id: index into the vocabulary.
        bytes: the bytes that it stands for; may be a part of one character. Special tokens
            stand for no text and have the bytes of their name.
        char_start, char_end: the characters of the text that it touches, end exclusive. Tokens
            that share one character overlap here.
        special: it stands for no text of its own (an end-of-text mark, for example).
        continues: it goes on with the word before it, as its vocabulary writes it (``##ing``).
    """

    id: int
    bytes: bytes
    char_start: int
    char_end: int
    special: bool = False
    continues: bool = False

    @property
    def text(self) -> str:
        """How it is written: its bytes made visible, and that it continues a word."""
        return continued(visible(self.bytes)) if self.continues else visible(self.bytes)

    @property
    def partial(self) -> bool:
        """Whether the bytes begin or end inside a character."""
        return not _is_text(self.bytes)


def _is_text(raw: bytes) -> bool:
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def continued(text: str) -> str:
    """The text of a token that goes on with the word before it."""
    return f"##{text}"


@lru_cache(maxsize=1 << 17)
def visible(raw: bytes) -> str:
    """A token's bytes as one short printable line.

    Spaces become ``·``, line ends ``⏎``, tabs ``⇥``; bytes that are no whole character are
    written as ``‹E2›``, and control or invisible characters as their code point ``‹U+200D›``.
    """
    out: list[str] = []
    at = 0
    while at < len(raw):
        for length in (1, 2, 3, 4):
            piece = raw[at : at + length]
            if len(piece) == length and _is_text(piece):
                out.append(_visible_character(piece.decode("utf-8")))
                at += length
                break
        else:
            out.append(f"‹{raw[at]:02X}›")
            at += 1
    return "".join(out)


def _visible_character(character: str) -> str:
    match character:
        case " ":
            return SPACE
        case "\n":
            return NEWLINE
        case "\t":
            return TAB
        case "\r":
            return RETURN
        case _ if character.isprintable():
            return character
        case _:
            return f"‹U+{ord(character):04X}›"

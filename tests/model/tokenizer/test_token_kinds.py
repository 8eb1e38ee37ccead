"""What sort of token its bytes are."""

from __future__ import annotations

import pytest

from model.tokenizer.token_kinds import kind_of


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        (b" king", "Latin"),
        ("король".encode(), "Cyrillic"),
        ("日本".encode(), "CJK"),
        ("aж".encode(), "mixed"),
        (b" 123", "number"),
        (b"\n\n ", "white space"),
        (b"...", "punctuation"),
        ("🍰".encode(), "punctuation"),
        (b"\xf0\x9f", "part of a character"),
        (b"\x00", "control character"),
        (b"", "no token"),
        (b"it's 5", "Latin"),
        ("µm".encode(), "mixed"),  # a Greek letter, and a Latin one
        ("ª".encode(), "Latin"),
        ("ＡＢ".encode(), "Latin"),
        ("メートル".encode(), "Katakana"),
        ("ʼ".encode(), "modifier letter"),
    ],
)
def test_kinds(raw: bytes, kind: str):
    assert kind_of(raw) == kind


def test_special_tokens_are_no_text():
    assert kind_of(b"</s>", special=True) == "special"

"""A token is shown as what it is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.tokenizer.tokens import Token, visible


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (b" king", "·king"),
        (b"\n\n", "⏎⏎"),
        (b"\ta\r", "⇥a␍"),
        ("é".encode(), "é"),
        ("😀".encode(), "😀"),
        ("😀".encode()[:3], "‹F0›‹9F›‹98›"),
        ("é".encode()[1:] + b"t", "‹A9›t"),
        ("\u200d".encode(), "‹U+200D›"),
        (b"\0", "‹U+0000›"),
        ("\u00a0".encode(), "‹U+00A0›"),
        (b"", ""),
    ],
)
def test_bytes_become_visible(raw: bytes, shown: str):
    assert visible(raw) == shown


@given(st.binary())
def test_any_bytes_become_one_printable_line(raw: bytes):
    assert visible(raw).isprintable()


@given(st.binary(), st.binary())
def test_different_bytes_look_different(one: bytes, other: bytes):
    # But for the marks themselves, which a text may hold.
    marks = {mark.encode() for mark in "·⏎⇥␍‹›"}
    if one != other and not any(mark in one or mark in other for mark in marks):
        assert visible(one) != visible(other)


def test_a_token_knows_whether_it_is_a_part_of_a_character():
    assert Token(1, b"\xf0\x9f", 0, 1).partial
    assert Token(1, b"\x80", 0, 1).partial
    assert not Token(1, "é".encode(), 0, 1).partial
    assert not Token(1, b"", 0, 0).partial

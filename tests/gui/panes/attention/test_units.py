"""Tokens merged to words: where words begin, and how they are written."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from gui.panes.attention.units import Units, word_starts
from model.tokenizer.tokens import Token


def tokens(*texts: str | bytes, special: tuple[int, ...] = (), marks: bool = False) -> list[Token]:
    """Tokens side by side as a byte-level vocabulary cuts them; ``##`` says that one goes on."""
    made, at = list[Token](), 0
    for index, text in enumerate(texts):
        raw = text if isinstance(text, bytes) else text.removeprefix("##").encode()
        goes_on = isinstance(text, str) and text.startswith("##")
        length = len(raw.decode("utf-8", "ignore"))
        start = at + (1 if marks and not goes_on and at else 0)
        made.append(Token(index, raw, start, start + length, index in special, goes_on))
        at = start + length
    return made


def words(found: list[Token]) -> list[str]:
    starts = word_starts(found)
    ends = (*starts[1:], len(found))
    return [
        b"".join(t.bytes for t in found[a:b]).decode() for a, b in zip(starts, ends, strict=True)
    ]


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (("The", " un", "belie", "vable", " king"), ["The", " unbelievable", " king"]),
        (("king", "'s", " crown", "."), ["king's", " crown", "."]),
        ((" 19", "84", ",", " he"), [" 1984", ",", " he"]),
        (("a", "\n", "b", " ", "c"), ["a", "\n", "b", " ", "c"]),
        (("猫", "が", "いる"), ["猫", "が", "いる"]),
        ((" 안", "녕"), [" 안녕"]),
        (("snake", "_", "case", "()"), ["snake_case", "()"]),
        (("e", "\u0301", "t"), ["e\u0301t"]),
    ],
)
def test_a_word_begins_behind_a_space_or_where_letters_meet_other_signs(texts, expected) -> None:
    assert words(tokens(*texts)) == expected


def test_marks_of_a_vocabulary_hold_together_and_special_tokens_stand_alone() -> None:
    found = tokens("[CLS]", "un", "##believ", "##able", "king", special=(0,), marks=True)
    assert word_starts(found) == (0, 1, 4)


def test_the_bytes_of_one_character_are_one_word() -> None:
    found = tokens(" ", "é".encode()[:1], "é".encode()[1:], "t")
    found[1] = Token(1, found[1].bytes, 1, 2)
    found[2] = Token(2, found[2].bytes, 1, 2)
    found[3] = Token(3, found[3].bytes, 2, 3)
    found.append(Token(4, b" he", 3, 6))
    assert word_starts(found) == (0, 4), "·ét, and the next one"


def test_units_know_their_tokens_and_how_they_are_written() -> None:
    found = tokens("[CLS]", "un", "##believ", "##able", "king", special=(0,), marks=True)
    units = Units(SimpleNamespace(tokens=found), word_starts(found))  # type: ignore[arg-type]
    assert units.labels == ("[CLS]", "unbelievable", "king")
    assert [units.of(at) for at in range(5)] == [0, 1, 1, 1, 2]
    assert [units.token_of(at) for at in range(3)] == [0, 3, 4]
    assert (units[1].place, units[2].place) == ("1–3", "4")
    plain = Units(SimpleNamespace(tokens=found))  # type: ignore[arg-type]
    assert plain.labels == ("[CLS]", "un", "##believ", "##able", "king")
    assert not plain.merged

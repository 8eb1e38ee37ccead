"""A token in a sentence is written as one reads it."""

from __future__ import annotations

import pytest

from gui.reading.quoting import quoted


@pytest.mark.parametrize(
    ("token", "said"),
    [("·her", "“her”"), ("her", "“her”"), ("·", "“·”"), ("··x", "“·x”"), (",", "“,”"), ("", "“”")],
)
def test_only_the_sign_of_one_space_before_it_is_left_out(token: str, said: str) -> None:
    assert quoted(token) == said

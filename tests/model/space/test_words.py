"""What a person types about a table is read as rows."""

from __future__ import annotations

import pytest

from model.probe.neighbours.sums import SumError
from model.space.projections.asks import Direction
from model.space.words import MOST_ANALOGIES, RowNames

NAMES = (b" king", b" man", b" woman", b" queen", b"cats", b"cat", b"dogs", b"dog", b"\xff")
KING, MAN, WOMAN, QUEEN, CATS, CAT, DOGS, DOG, _ = range(9)


@pytest.fixture
def names() -> RowNames:
    return RowNames(NAMES, len(NAMES), lambda row: NAMES[row].decode("utf-8", "replace"))


def test_a_sum_may_say_what_it_expects(names: RowNames) -> None:
    terms = ((1, KING), (-1, MAN), (1, WOMAN))
    assert names.sum("king - man + woman = queen") == (terms, QUEEN)
    assert names.sum("king − man + woman") == (terms, -1)
    with pytest.raises(SumError, match="“unicorn” is not one token of this model"):
        names.sum("king - man = unicorn")


def test_a_direction_is_words_lists_or_expressions(names: RowNames) -> None:
    assert names.direction("woman - man") == Direction((WOMAN,), (MAN,))
    assert names.direction("cats, dogs − cat, dog") == Direction((CATS, DOGS), (CAT, DOG))
    assert names.direction("/s$/ - /^(cat|dog)$/") == Direction((CATS, DOGS), (CAT, DOG))
    assert names.direction("king") == Direction((KING,), ())
    for typed, says in (
        ("", "A direction is one word"),
        ("a - b - c", "A direction is one word"),
        (", - king", "A side of the direction is empty"),
        ("unicorn - king", "“unicorn” is not one token"),
        ("/(/ - king", "is no regular expression"),
        ("/zzz/ - king", "No token of this model matches"),
    ):
        with pytest.raises(SumError, match=says):
            names.direction(typed)


def test_pairs_may_be_held_out_and_single_words_looked_at(names: RowNames) -> None:
    read = names.pairs("cats cat\ndogs, dog\nunicorns unicorn\n---\nking queen\nman\n\n")
    assert read.pairs == ((CATS, CAT), (DOGS, DOG))
    assert read.held_out == ((KING, QUEEN),)
    assert read.singles == (MAN,)
    assert read.skipped == ("unicorns", "unicorn")


def test_pairs_of_a_heading_are_asked_with_each_other_only(names: RowNames) -> None:
    read = names.suite(
        ": royal\nqueen king\nwoman man\n: many\ncats cat\ndogs dog\nman king woman queen"
    )
    assert read.fours == (
        (KING, QUEEN, WOMAN, MAN),
        (MAN, WOMAN, QUEEN, KING),
        # A line of four is b − a + c = d.
        (KING, MAN, WOMAN, QUEEN),
        (CAT, CATS, DOGS, DOG),
        (DOG, DOGS, CATS, CAT),
    )
    assert read.groups == ("royal", "royal", "many", "many", "many")


def test_what_is_no_analogy_is_named(names: RowNames) -> None:
    read = names.suite("king queen unicorn man\nking queen man\ncats cat")
    assert read.fours == ()
    assert read.skipped == ("unicorn", "king queen man")


def test_of_a_very_long_suite_a_part_is_asked_and_told() -> None:
    many = tuple(b"w%d" % at for at in range(120))
    names = RowNames(many, len(many), str)
    read = names.suite("\n".join(f"w{at} w{at + 1}" for at in range(0, 120, 2)))
    assert read.n_all == 60 * 59
    assert len(read.fours) == len(read.groups) == -(-60 * 59 // 2)
    assert len(read.fours) <= MOST_ANALOGIES

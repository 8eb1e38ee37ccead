"""Which tokens of two texts belong together."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from model.alignment import aligned

SOME = st.lists(st.integers(0, 4), max_size=12)


def test_texts_of_one_length_are_aligned_from_the_left():
    found = aligned(["the", "king", "lost"], ["a", "king", "found"])
    assert found.pairs == ((0, 0), (1, 1), (2, 2))
    assert found.by_position
    assert found.words == ""


def test_an_inserted_word_has_no_other_side():
    found = aligned(
        ["the", "king", "lost", "his", "crown"], ["the", "old", "king", "lost", "his", "crown"]
    )
    assert found.pairs == ((0, 0), (1, 2), (2, 3), (3, 4), (4, 5))
    assert [found.b_of(at) for at in (0, 1, 4)] == [0, 2, 5]
    assert [found.a_of(at) for at in (0, 1, 5)] == [0, None, 4]
    assert found.words == (
        "A has 5 tokens and B 6: 5 are aligned by edit, 1 of B have no other side."
    )


def test_an_exchanged_stretch_of_the_same_length_is_aligned_too():
    found = aligned(["a", "b", "c", "d"], ["x", "b", "c", "e", "d"])
    assert found.pairs == ((0, 0), (1, 1), (2, 2), (3, 4))


@given(SOME, SOME)
def test_pairs_rise_on_both_sides_and_keep_what_is_alike(a: list[int], b: list[int]):
    found = aligned(a, b)
    for (a0, b0), (a1, b1) in zip(found.pairs, found.pairs[1:], strict=False):
        assert a0 < a1
        assert b0 < b1
    assert all(at_a < len(a) and at_b < len(b) for at_a, at_b in found.pairs)
    head = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), None)
    head = min(len(a), len(b)) if head is None else head
    assert all(found.b_of(at) == at for at in range(head))

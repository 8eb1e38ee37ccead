"""What a person types finds the tokens that it should, and sums are read as they are meant."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gui.reading.token_search import LIMIT, Expression, TokenSearch, Unknown
from gui.session.store import Store
from model.config import TransformerConfig
from model.messages import ModelInfo

WORDS = (b"king", b" king", b" kingdom", b"King", b" man", b" woman", b" queen", b"un", b"-", b"\n")


def info(vocabulary: tuple[bytes, ...] = WORDS, d_vocab: int | None = None) -> ModelInfo:
    config = TransformerConfig(
        n_layers=1, n_heads=1, d_model=4, d_vocab=d_vocab or len(vocabulary), n_ctx=8
    )
    return ModelInfo(
        model_id=1,
        name="words",
        path="",
        family="gpt2",
        config=config,
        n_params=0,
        parameters={},
        tokenizer="bpe",
        vocabulary=vocabulary,
        special_ids=frozenset(),
        device="cpu",
        device_why="",
        dtype="float32",
    )


@pytest.fixture
def search() -> TokenSearch:
    return TokenSearch(info())


def terms(found: object) -> tuple[tuple[int, int], ...]:
    assert isinstance(found, Expression), found
    return found.terms


def test_a_word_is_found_with_and_without_its_space(search: TokenSearch) -> None:
    assert search.find("king") == (0, 1, 3, 2)
    assert search.find("King") == (3, 0, 1, 2)
    assert search.find("·king")[:2] == (1, 2)


def test_parts_of_tokens_are_found_after_beginnings(search: TokenSearch) -> None:
    assert search.find("man") == (4, 5)
    assert search.find("zebra") == ()
    assert search.find("   ") == ()


def test_an_id_is_found_by_its_number(search: TokenSearch) -> None:
    assert search.find("#6") == (6,)
    assert search.find("#600") == ()


def test_no_more_are_found_than_asked_for() -> None:
    many = TokenSearch(info(tuple(b"a%d" % i for i in range(500))))
    assert len(many.find("a")) == LIMIT
    assert many.find("a7")[0] == 7


@pytest.mark.parametrize("typed", ["king - man + woman", "king-man+woman", " king − man + woman "])
def test_a_sum_is_read_with_and_without_spaces(search: TokenSearch, typed: str) -> None:
    found = search.expression(typed)
    # A word in a text has a space before it, so that is the token that is meant.
    assert terms(found) == ((1, 1), (-1, 4), (1, 5))
    assert str(found) == "·king − ·man + ·woman"


def test_quotes_and_numbers_name_tokens_exactly(search: TokenSearch) -> None:
    assert terms(search.expression('"king" + #6')) == ((1, 0), (1, 6))
    assert terms(search.expression('"-" + king')) == ((1, 8), (1, 1))
    assert terms(search.expression("- queen")) == ((-1, 6),)
    assert terms(search.expression("QUEEN - man")) == ((1, 6), (-1, 4))


def test_one_word_is_no_sum(search: TokenSearch) -> None:
    for typed in ("king", "", "-", "#3", "two words"):
        assert search.expression(typed) is None


@pytest.mark.parametrize(
    ("typed", "says", "word"),
    [
        (
            "king - unicorn",
            "“unicorn” is not one token of this model's 10. Near it: un.",
            "unicorn",
        ),
        ("king -", "type the next word", ""),
        ("king + - man", "Two signs", ""),
        ("king - man woman", "Put + or − before “woman”", ""),
        ("king + #99", "“#99” is not one token", "#99"),
    ],
)
def test_a_sum_that_cannot_be_made_says_why(
    search: TokenSearch, typed: str, says: str, word: str
) -> None:
    found = search.expression(typed)
    assert isinstance(found, Unknown)
    assert says in found.message
    assert found.word == word


def test_without_a_tokenizer_ids_are_the_words() -> None:
    search = TokenSearch(info((), d_vocab=20))
    assert search.find("7") == (7,)
    assert search.find("70") == ()
    found = search.expression("3 - 4 + 5")
    assert terms(found) == ((1, 3), (-1, 4), (1, 5))
    assert str(found) == "‹3› − ‹4› + ‹5›"


@given(
    words=st.lists(st.binary(min_size=1, max_size=4), min_size=1, max_size=30, unique=True),
    typed=st.text(alphabet="abAB ·é", min_size=1, max_size=3),
)
def test_what_is_found_is_what_a_plain_loop_finds(words: list[bytes], typed: str) -> None:
    vocabulary = (*words, b"ab", b" Ab", b"b a", "aé".encode())
    search = TokenSearch(info(vocabulary))
    needle = typed.strip().replace("·", " ").encode().lower()
    expected = {i for i, raw in enumerate(vocabulary) if needle and needle in raw.lower()}
    found = search.find(typed)
    assert set(found) == expected
    assert len(found) == len(expected)
    assert search.find(typed, limit=2) == found[:2]


@given(typed=st.text(max_size=30))
def test_anything_can_be_typed(typed: str) -> None:
    search = TokenSearch(info())
    for token in search.find(typed):
        assert 0 <= token < len(WORDS)
    found = search.expression(typed)
    assert found is None or found.terms if isinstance(found, Expression) else True


def test_the_bundled_vocabulary_is_searched(live_store: Store) -> None:
    assert live_store.model is not None
    search = TokenSearch(live_store.model)
    assert live_store.model.token_text(search.find("queen")[0]) == "·queen"
    assert isinstance(search.expression("king - man + woman"), Expression)
    assert TokenSearch(replace(live_store.model, vocabulary=())).find("queen") == ()

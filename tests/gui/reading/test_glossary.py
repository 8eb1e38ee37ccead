"""The glossary: every kind of operation has its terms, and they are found where they stand."""

from __future__ import annotations

from typing import get_args

import pytest

from gui.reading.glossary import TERMS, find, of_kind, places, search
from model.operations import Kind, operations
from tests.model.networks import VARIANTS


@pytest.mark.parametrize("kind", get_args(Kind))
def test_every_kind_of_operation_has_terms(kind: str) -> None:
    assert of_kind(kind)


def test_kinds_of_entries_are_kinds_of_operations() -> None:
    assert {kind for term in TERMS for kind in term.kinds} == set(get_args(Kind))


def test_almost_every_sentence_of_an_operation_has_a_term() -> None:
    without = {
        (op.kind, op.sentence)
        for config in VARIANTS.values()
        for op in operations(config)
        if not places(op.sentence)
    }
    assert {kind for kind, _ in without} <= {"head_act", "expert_shares"}


@pytest.mark.parametrize(
    "name",
    [
        "query", "key", "value", "head", "residual stream", "logit", "softmax", "LayerNorm",
        "RMSNorm", "rotary", "GQA", "mask", "embedding", "unembedding", "MLP", "neuron", "gate",
        "expert", "router", "logit lens", "entropy", "surprisal", "temperature", "top-k",
    ],
)  # fmt: skip
def test_the_fields_terms_are_there(name: str) -> None:
    assert find(name).name == name


def test_entries_are_short_sorted_and_unlike() -> None:
    names = [term.name.casefold() for term in TERMS]
    assert names == sorted(set(names))
    forms = [form.casefold() for term in TERMS for form in (term.name, *term.forms)]
    assert len(forms) == len(set(forms))
    for term in TERMS:
        assert term.says.endswith((".", "likely."))
        assert 20 < len(term.says) < 260, term.name
        assert "  " not in term.says


def test_terms_are_found_as_whole_words_once_and_the_longest_first() -> None:
    text = "Queries and keys meet in the residual stream; a query, and a monkey’s turnkey."
    found = [(text[place.start : place.stop], place.term.name) for place in places(text)]
    assert found == [
        ("Queries", "query"),
        ("keys", "key"),
        ("residual stream", "residual stream"),
    ]


def test_tokens_of_the_text_are_no_terms() -> None:
    assert places("“·key” and “value” stand here") == ()


def test_a_search_lists_names_before_explanations() -> None:
    found = [term.name for term in search("norm")]
    assert found[0] == "norm"
    assert set(found) > {"LayerNorm", "RMSNorm", "logit lens"}
    assert found.index("RMSNorm") < found.index("logit lens")
    assert search("nucleus")[0].name == "top-p"
    assert search("no such word at all") == ()

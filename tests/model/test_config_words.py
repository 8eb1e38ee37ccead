"""A config in words: short, and nothing that is not so."""

from __future__ import annotations

from dataclasses import replace

import pytest

from model.config_words import described
from model.positions import LinearScaling, Rotary
from tests.model.networks import BASE, VARIANTS


def test_what_is_usual_is_left_out_and_what_is_not_is_named():
    words = described(VARIANTS["like Gemma 2"])
    assert words["norms"] == "placement sandwich, offset 1"
    assert words["scales"] == "embedding 4.47214, scores 0.3"
    assert words["caps"] == "scores 5, logits 3"
    assert words["window"] == "4, none"
    assert words["rotary"] == "base 10000"
    assert words["gated"] == "yes"
    assert not {"norms", "scales", "caps", "alibi", "dropout", "d_embed"} & set(described(BASE))


@pytest.mark.parametrize(
    ("name", "field", "says"),
    [
        ("linear", "rotary", "base 300, scaling linear (factor 2)"),
        (
            "longrope",
            "rotary",
            "base 300, scaling longrope (short_factors 1 … 2, long_factors 2 … 9, "
            "original_n_ctx 9, attention_factor 1.2)",
        ),
        ("experts", "experts", "n 5, n_active 2"),
        ("narrow embedding", "d_embed", "12"),
        ("dynamic", "rotary", "base 300, scaling dynamic (factor 2, original_n_ctx 9)"),
    ],
)
def test_groups_are_told_in_words(name: str, field: str, says: str):
    assert described(VARIANTS[name])[field] == says


def test_layers_that_are_alike_are_counted():
    pattern = replace(BASE, n_layers=26, window=((512,) * 5 + (None,)) * 4 + (512, 512))
    assert described(pattern)["window"] == "22 × 512, 4 × none"
    few = replace(BASE, n_layers=5, window=(None, 9, 9, 9, None))
    assert described(few)["window"] == "none, 3 × 9, none"
    far = Rotary(5.0, scaling=LinearScaling(8.0))
    two = replace(BASE, n_layers=3, positions="rotary", rotary=(Rotary(), far, None))
    assert described(two)["rotary"] == "base 10000, (base 5, scaling linear (factor 8)), none"

"""What a script may pass, and what it is told otherwise."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

import model
from model.language_model import LanguageModel
from tests.model.conftest import PROMPT


@pytest.fixture(scope="module")
def lm(gpt2_folder: Path) -> LanguageModel:
    return model.open(gpt2_folder, device="cpu")


def test_ids_may_be_a_text_lists_or_a_tensor(lm: LanguageModel):
    expected = torch.tensor([[4, 5, 6]])
    for given in ([4, 5, 6], [[4, 5, 6]], (4, 5, 6), expected, expected[0], expected.int()):
        assert torch.equal(lm.ids(given), expected)
    assert lm.ids([[1, 2], [3, 4]]).shape == (2, 2)
    assert lm.tokenizer is not None
    assert lm.ids(PROMPT).tolist() == [lm.tokenizer.encode(PROMPT).ids]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ([[1, 2], [3]], r"different lengths \(1, 2 tokens\)"),
        ([1, 311], r"Token id 311 is outside the vocabulary of 311 tokens \(0 to 310\)"),
        ([-1, 2], "Token id -1 is outside"),
        ([], "There is no token to run"),
        ([[], []], "There is no token to run"),
        ("", "There is no token to run"),
        ([1.5], "whole numbers"),
        ([[1, "a"]], "These are no token ids"),
        (None, "These are no token ids: None"),
        (5, "These are no token ids: 5; a list of them is"),
        (torch.zeros(1, 1, 1, dtype=torch.long), r"shape \[1, 1, 1\]; \[batch, position\] fits"),
        ([1] * 49, "49 tokens are more than the model's context of 48"),
        ("king " * 200, "tokens are more than the model's context of 48"),
    ],
)
def test_what_can_not_be_run_is_refused_in_words(lm: LanguageModel, given: Any, says: str):
    for method in (lm.ids, lm.logits, lm.trace):
        with pytest.raises(ValueError, match=says):
            method(given)


def test_it_says_what_it_is(lm: LanguageModel, gpt2_folder: Path):
    assert lm.family == "gpt2"
    assert lm.path == gpt2_folder
    assert lm.device.name == "cpu"
    assert lm.dtype == torch.float32
    assert lm.n_params == lm.config.n_params == sum(lm.config.parameter_counts().values())
    assert lm.embedding.shape == (311, 24)
    assert torch.equal(lm.embedding, lm.parameter("W_U").T)
    assert not lm.embedding.requires_grad


def test_without_a_tokenizer_ids_run_and_a_text_is_refused(own_folder: Path):
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (own_folder / name).unlink()
    lm = model.open(own_folder, device="cpu")
    assert lm.tokenizer is None
    assert lm.logits([1, 2]).shape == (1, 2, 311)
    assert len(list(lm.stream([1, 2], max_new_tokens=3))) == 3
    for call in (lm.ids, lm.trace, lm.generate):
        with pytest.raises(ValueError, match="no tokenizer, so only token ids"):
            call("text")


def test_a_dtype_is_known_by_its_name_and_another_is_refused_in_words(gpt2_folder: Path):
    assert model.open(gpt2_folder, "cpu", dtype="bfloat16").dtype == torch.bfloat16
    assert model.open(gpt2_folder, "cpu", dtype="torch.float16").dtype == torch.float16
    with pytest.raises(ValueError, match="no dtype 'foo' here; there are float64, float32"):
        model.open(gpt2_folder, "cpu", dtype="foo")


def test_fewer_than_no_new_tokens_are_refused(gpt2_folder: Path):
    lm = model.open(gpt2_folder, "cpu")
    with pytest.raises(ValueError, match="-1 new tokens"):
        lm.generate("The king", max_new_tokens=-1)
    assert lm.generate("The king", max_new_tokens=0) == ""

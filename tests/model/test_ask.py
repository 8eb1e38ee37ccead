"""Questions from Python: the whole answer, as the window draws it."""

from __future__ import annotations

import gc
import weakref
from pathlib import Path

import numpy as np
import pytest
import torch

import model
from model.interventions import AblateHead, RemoveMask
from model.language_model import LanguageModel
from model.probe.mosaic.asks import Mosaic, MosaicFound
from model.probe.next_token.asks import NextToken, NextTokenFound
from model.probe.number.asks import Number, NumberFound
from model.probe.pattern.asks import Pattern, PatternFound
from model.transformer import Transformer
from tests.model.conftest import PROMPT


@pytest.fixture
def lm(gpt2_folder: Path) -> LanguageModel:
    return model.open(gpt2_folder, device="cpu")


def test_an_answer_is_the_traces_own_under_interventions_too(lm: LanguageModel):
    for interventions in ((), (AblateHead(0, 1),), [RemoveMask(1)]):
        trace = lm.trace(PROMPT, interventions=interventions)
        found = lm.ask(PROMPT, Pattern(layer=2, head=3), interventions)
        assert isinstance(found, PatternFound)
        expected_QS = trace["blocks.2.attn.hook_pattern"][0, 3].numpy()
        assert np.allclose(found.values, expected_QS, atol=1e-6)
        assert found.subject.interventions == tuple(interventions)
        tiles = lm.ask(PROMPT, Mosaic(cells=64), interventions)
        assert isinstance(tiles, MosaicFound)
        assert tiles.is_whole, "not one of the coarse answers before it"
        assert np.allclose(tiles.maxima[2, 3], expected_QS, atol=1e-6)


def test_places_count_from_the_end_and_those_that_there_are_not_are_refused(lm: LanguageModel):
    n = lm.ids(PROMPT).shape[1]
    found = lm.ask(PROMPT, NextToken(position=-1, n=3))
    assert isinstance(found, NextTokenFound)
    assert found.question == NextToken(position=n - 1, n=3)
    best = lm.logits(PROMPT)[0, -1].argsort(descending=True)[:3]
    assert found.ids.tolist() == best.tolist()
    with pytest.raises(ValueError, match=f"There is no position {n}; there are 0 to {n - 1}"):
        lm.ask(PROMPT, NextToken(position=n))
    with pytest.raises(ValueError, match="There is no layer 3; there are 0 to 2"):
        lm.ask(PROMPT, Pattern(layer=3, head=0))
    with pytest.raises(ValueError, match="There is no head -5; there are 0 to 3"):
        lm.ask(PROMPT, Pattern(layer=0, head=-5))
    with pytest.raises(ValueError, match="one sequence at a time, not 2"):
        lm.ask([[1, 2], [3, 4]], NextToken(position=0))
    with pytest.raises(ValueError, match="There is no layer 9"):
        lm.ask(PROMPT, NextToken(position=0), (AblateHead(9, 0),))


def test_a_text_is_run_once_for_all_questions_about_it(
    lm: LanguageModel, monkeypatch: pytest.MonkeyPatch
):
    runs: list[object] = []
    real = Transformer.stream

    def counting(*arguments: object) -> object:
        runs.append(arguments)
        return real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Transformer, "stream", counting)
    for head in range(4):
        lm.ask(PROMPT, Pattern(layer=1, head=head))
    assert len(runs) == 1


def test_weights_that_changed_are_asked_anew(lm: LanguageModel):
    question = Number(of="blocks.1.hook_resid_post", index=(0, 2, 5))
    lm.ask(PROMPT, question)
    with torch.no_grad():
        lm.transformer.embed.weight.mul_(0.5)
    found = lm.ask(PROMPT, question)
    assert isinstance(found, NumberFound)
    expected = float(lm.trace(PROMPT)["blocks.1.hook_resid_post"][0, 2, 5])
    assert found.value == pytest.approx(expected, abs=1e-5)


def test_a_model_that_was_asked_is_let_go_of_at_once(gpt2_folder: Path):
    lm = model.open(gpt2_folder, device="cpu")
    lm.ask(PROMPT, NextToken(position=0))
    gc.collect()
    gc.disable()
    try:
        alive = weakref.ref(lm)
        del lm
        assert alive() is None, "gigabytes would wait for a collection"
    finally:
        gc.enable()

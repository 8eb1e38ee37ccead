"""What a network that learns knows of the story world, as the verb that scores it finds."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import model
from model.interventions import RemoveNorm
from model.language_model import LanguageModel
from model.probe.score.compute import answered, copying
from model.train import events as e
from model.train import world_questions
from model.train.loop import train
from model.train.recipe import Recipe, RecipeError
from model.train.under import Under
from model.train.world_questions import EVERY, LISTS, WorldQuestions
from model.world import fact_items
from resources import STORY_WORLD


@pytest.fixture
def shaken() -> LanguageModel:
    """The bundled model, with so much noise on it that it is sometimes wrong."""
    lm = model.open(STORY_WORLD, device="cpu")
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weight in lm.transformer.parameters():
            weight.add_(0.35 * weight.std() * torch.randn(weight.shape, generator=generator))
    return lm


def test_facts_and_lists_are_scored_as_by_the_verb(
    shaken: LanguageModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("model.probe.score.compute.HELD_OUT_SEED", world_questions.SEED)
    assert shaken.tokenizer is not None
    asked = WorldQuestions(shaken.tokenizer, shaken.config.n_ctx)
    items = sorted(fact_items(), key=lambda item: item.relation)[::EVERY]
    shares = answered(shaken, shaken.tokenizer, items).values()
    right, n = sum(share.right for share in shares), sum(share.n for share in shares)
    lists = copying(shaken, shaken.tokenizer, LISTS)
    with torch.inference_mode():
        facts = asked.facts(shaken.transformer, torch.device("cpu"))
        copied = asked.copying(shaken.transformer, torch.device("cpu"))
    assert n == 38
    assert 0 < right < n
    assert facts == right / n
    assert 0 < lists.right < lists.n
    assert copied == lists.right / lists.n


def test_a_context_that_holds_no_question_has_no_share() -> None:
    tokenizer = model.open(STORY_WORLD, device="cpu").tokenizer
    assert tokenizer is not None
    asked = WorldQuestions(tokenizer, 2)
    assert asked.facts(torch.nn.Identity(), torch.device("cpu")) is None
    assert asked.copying(torch.nn.Identity(), torch.device("cpu")) is None


@pytest.mark.parametrize("norms", [True, False])
def test_a_run_measures_them_of_the_network_as_it_learns(norms: bool, tmp_path: Path) -> None:
    recipe = Recipe(
        data_tokens=3_000,
        tokenizer=str(STORY_WORLD),
        weights=str(STORY_WORLD),
        tuning="full",
        norms=norms,
        n_ctx=48,
        batch_size=2,
        steps=1,
        lr=1e-6,
        min_lr=0.0,
        warmup_steps=0,
        eval_batches=1,
        sample_every=0,
        snapshot_every=0,
        curves_every=1,
        stop_when=("unembed facts > 0.9",),
    )
    events = list(train(recipe, tmp_path / "run"))
    found = {
        (place, name): value
        for event in events
        if isinstance(event, e.Measured) and event.step == 1
        for place, name, value in event.values
    }
    lm = model.open(tmp_path / "run", device="cpu", dtype="float32")
    assert lm.tokenizer is not None
    asked = WorldQuestions(lm.tokenizer, 128)
    runs = lm.transformer if norms else Under(lm.transformer, (RemoveNorm(),))
    with torch.inference_mode():
        facts = asked.facts(runs, torch.device("cpu"))
        copied = asked.copying(runs, torch.device("cpu"))
    assert found["unembed", "facts"] == facts
    assert found["unembed", "copying"] == copied
    assert (facts == 1) is norms, "what it knew it knows with its norms"
    assert any(isinstance(event, e.ConditionMet) for event in events) is norms


def test_where_they_are_measured_is_said() -> None:
    with pytest.raises(RecipeError, match="not measured of embed, but of unembed"):
        Recipe(stop_when=("embed facts > 0.5",)).validate()

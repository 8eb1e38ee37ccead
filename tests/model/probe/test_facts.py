"""Causal tracing: noise on the subject, and what one restored place brings back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

import model
from model.interventions import RemoveMask
from model.probe.facts.asks import Facts, FactsFound
from model.probe.facts.words import tokens_of_words
from model.probe.metric import Metric
from model.probe.question import TokenId
from model.trace import record
from resources import STORY_WORLD
from tests.model.conftest import PROMPT
from tests.model.networks import VARIANTS
from tests.model.probe.asking import IDS, Asked

AT = 9
ASKED = Facts(
    first=3, last=5, metric=Metric(target=TokenId(5)), position=AT, samples=3, seed=4, noise=2
)
WITH_A_HEAD = [name for name, config in VARIANTS.items() if config.has_logits]


def by_hand(asked: Asked, names: tuple[str, ...], position: int, std: float) -> float:
    """The mean probability over noisy whole passes, with activations restored at a position."""
    change = asked.subject.interventions
    clean = record(asked.network, torch.tensor([IDS]), interventions=change)
    generator = torch.Generator().manual_seed(4)
    noise = std * torch.randn(
        (3, 3, asked.config.d_embed), generator=generator, dtype=torch.float64
    )
    embedded = next(op.output for op in asked.network.operations if op.kind == "embed")
    total = 0.0
    for sample in range(3):

        def tap(name: str, tensor: Tensor, sample: int = sample) -> Tensor:
            if name == embedded:
                tensor = tensor.clone()
                tensor[0, 3:6] += noise[sample]
            if name in names:
                tensor = tensor.clone()
                tensor[0, position] = clean[name][0, position]
            return tensor

        logits_V = record(asked.network, torch.tensor([IDS]), ("logits",), tap, change)["logits"]
        total += float(logits_V[0, AT].softmax(-1)[5])
    return total / 3


@pytest.mark.parametrize("name", WITH_A_HEAD)
def test_each_cell_is_the_mean_of_noisy_passes_with_one_place_restored(name: str):
    asked = Asked(name)
    found: FactsFound = asked.ask(ASKED)
    pre = asked.network.aliases.get("blocks.1.hook_resid_pre", "blocks.1.hook_resid_pre")
    for names, layer, position in (((), 0, 0), ((pre,), 1, 4), ((pre,), 1, 8)):
        expected = by_hand(asked, names, position, found.noise_std)
        value = found.corrupted if not names else found.values[layer, position]
        assert value == pytest.approx(expected, abs=1e-9)
    clean = asked.trace["logits"][0, AT].softmax(-1)[5]
    assert found.clean == pytest.approx(float(clean), abs=1e-9)
    assert np.allclose(found.effect, found.values - found.corrupted)
    if asked.config.causal:
        assert np.array_equal(found.effect[:, :3], np.zeros((2, 3)))
    best = found.effect[found.best_layer, found.best_position]
    assert best == found.effect.max()


@pytest.mark.parametrize("kind", ["mlp", "attention"])
def test_neighbouring_layers_are_restored_together(kind: str):
    hook = {"mlp": "hook_mlp_out", "attention": "hook_attn_out"}[kind]
    asked = Asked("like Gemma 2")
    for window, layer, layers in ((1, 1, (1,)), (2, 0, (0, 1)), (0, 0, (0,))):
        found = asked.ask(replace(ASKED, kind=kind, window=window))  # type: ignore[arg-type]
        assert found.window == max(window, 1)
        names = tuple(f"blocks.{one}.{hook}" for one in layers)
        for position in (4, AT):
            expected = by_hand(asked, names, position, found.noise_std)
            assert found.values[layer, position] == pytest.approx(expected, abs=1e-9)


def test_under_interventions_nothing_is_taken_for_unreached():
    asked = Asked("learned", interventions=(RemoveMask(),))
    found = asked.ask(ASKED)
    expected = by_hand(asked, ("blocks.0.hook_resid_post",), 0, found.noise_std)
    assert found.values[1, 0] == pytest.approx(expected, abs=1e-9)
    assert found.effect[1, 0] != 0


def test_noise_is_repeatable_and_as_strong_as_is_said():
    asked = Asked("narrow embedding")
    found, again, other = (asked.ask(replace(ASKED, seed=seed)) for seed in (4, 4, 5))
    assert np.array_equal(found.values, again.values)
    assert not np.allclose(found.values, other.values)
    table_std = float(asked.network.embed.weight.detach().std())
    assert found.noise_std == pytest.approx(2 * table_std, rel=1e-5)


def test_a_fact_of_the_story_world_is_hidden_and_found_again():
    lm = model.open(STORY_WORLD, device="cpu")
    text = "The favourite sport of Tavin Hollowen is"
    found = lm.ask(text, Facts(about="Tavin Hollowen", metric=Metric(" tennis")))
    assert isinstance(found, FactsFound)
    assert found.clean > 0.7
    assert found.corrupted < 0.2
    assert found.effect.max() > 0.8 * (found.clean - found.corrupted)
    tokens = [lm.tokenizer.decode([one]) for one in found.subject.ids]  # type: ignore[union-attr]
    assert "".join(tokens[found.first : found.last + 1]).strip() == "Tavin Hollowen"
    answers = "tennis"
    assert lm.tokenizer.decode([found.target]).strip() == answers  # type: ignore[union-attr]


def test_words_are_found_in_every_kind_of_vocabulary():
    assert tokens_of_words([b"The", b" Eif", b"fel", b" Tower", b" is"], "Eiffel Tower") == (1, 3)
    assert tokens_of_words([b"", b"the", b"ei", b"##ffel"[2:], b"tower"], "Eiffel  tower") == (2, 4)
    assert tokens_of_words([b"other", b" he", b" saw"], "he") == (1, 1), "not inside a word"
    assert tokens_of_words(["ü".encode()[:1], "ü".encode()[1:]], "ü") == (0, 1)
    assert tokens_of_words([b"a", b" b"], "c") is None
    assert tokens_of_words([b"a"], " ") is None


def test_what_can_not_be_traced_is_said(gpt2_folder: Path):
    lm = model.open(gpt2_folder, device="cpu")
    for asked, why in (
        (Facts(), "Say what the fact is about"),
        (Facts(about="Paris"), "'Paris' does not stand in the text"),
        (Facts(about="queen", first=1), "Give either about, or first and last"),
        (Facts(first=3, last=1), "rising order, of 0 to 4"),
        (Facts(first=9), "rising order, of 0 to 4"),
        (Facts(about="queen", samples=0), "Samples and noise are more than 0"),
        (Facts(about="queen", noise=float("nan")), "Samples and noise are more than 0"),
    ):
        with pytest.raises(ValueError, match=why):
            lm.ask(PROMPT, asked)
    found = lm.ask(PROMPT, Facts(last=1, samples=1))
    assert isinstance(found, FactsFound)
    assert (found.first, found.last) == (1, 1)

"""Neurons: the strongest here, the tokens that one promotes, the texts that excite it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import model
from model.interventions import ScaleOutput
from model.language_model import LanguageModel
from model.probe.answering import answering
from model.probe.neurons.asks import Neurons, NeuronsFound
from model.probe.neurons.scanning import windows
from model.subject import Subject
from model.tokenizer.tokenizer import Tokenizer
from resources import STORY_WORLD
from tests.model.conftest import CARROLL, PROMPT
from tests.model.networks import BASE, VARIANTS
from tests.model.probe.asking import IDS, Asked

AT = 6


@pytest.fixture(scope="module")
def story() -> LanguageModel:
    return model.open(STORY_WORLD, device="cpu")


@pytest.mark.parametrize("name", VARIANTS)
def test_the_strongest_neurons_are_those_that_write_most(name: str):
    asked = Asked(name)
    found: NeuronsFound = asked.ask(Neurons(layer=1, position=AT, n=4))
    trace, config = asked.trace, asked.config
    post = trace["blocks.1.mlp.hook_post"][0, AT]
    mlp: Any = asked.network.requires_grad_(False).get_submodule("blocks.1.mlp")
    if config.experts is None:
        own = post[:, None] * mlp.down.weight.T
        numbers = torch.arange(config.d_mlp)
    else:
        experts = trace["blocks.1.mlp.hook_expert_indices"][0, AT]
        shares = trace["blocks.1.mlp.hook_expert_shares"][0, AT]
        own = torch.cat(
            [
                share * x[:, None] * mlp.experts[e].down.weight.T
                for share, x, e in zip(shares, post, experts.tolist())
            ]
        )
        numbers = torch.cat([e * config.d_mlp + torch.arange(config.d_mlp) for e in experts])
        post = post.flatten()
    lengths = (own * config.scales.residual).norm(dim=-1)
    best = lengths.argsort(descending=True)[:4]
    assert found.neuron_N.tolist() == numbers[best].tolist()
    assert np.allclose(found.write_N, lengths[best], atol=1e-9)
    assert np.allclose(found.activation_N, post[best], atol=1e-9)
    assert (found.neuron, found.rank) == (int(numbers[best[0]]), 1)
    loud = asked.ask(Neurons(layer=1, position=AT, n=2, by="activation"))
    assert loud.neuron_N.tolist() == numbers[post.abs().argsort(descending=True)[:2]].tolist()


@pytest.mark.parametrize(
    "name", ["learned", "like Gemma 2", "narrow embedding", "experts", "scaled"]
)
def test_promoted_tokens_are_the_slope_of_the_scores(name: str):
    """Of the scores without a scale of the final norm, and before a cap, as is said."""
    asked = Asked(name)
    network: Any = asked.network.requires_grad_(False)
    config = asked.config
    number = 17 if config.experts is None else 2 * config.d_mlp + 17
    mlp = network.blocks[0].mlp
    out = (mlp if config.experts is None else mlp.experts[2]).down.weight[:, 17]
    out = out * config.scales.residual
    for fold in (False, True):
        found = asked.ask(Neurons(layer=0, position=AT, neuron=number, n=5, fold_norm=fold))
        x = out
        if fold:
            x = x if config.norm == "rms" else x - x.mean()
            x = x * (network.ln_final.w + config.norms.offset)
        if network.project_out is not None:
            x = network.project_out.weight @ x
        effect = network.unembed.weight @ x * config.scales.logits
        best, worst = effect.argsort(descending=True)[:5], effect.argsort()[:5]
        assert found.promoted_ids.tolist() == best.tolist()
        assert np.allclose(found.promoted_scores, effect[best], atol=1e-9)
        assert found.suppressed_ids.tolist() == worst.tolist()
        assert np.allclose(found.suppressed_scores, effect[worst], atol=1e-9)


def test_a_network_without_a_head_has_neurons_and_no_tokens():
    found = Asked("encoder").ask(Neurons(layer=0, position=AT))
    assert len(found.neuron_N) == 10
    assert len(found.promoted_ids) == 0
    assert "scores no tokens" in found.note
    assert "left out" in Asked("masked").ask(Neurons(layer=0, position=AT)).note


def test_texts_that_excite_a_neuron_are_those_where_it_is_most_active(
    story: LanguageModel, tmp_path: Path
):
    path = tmp_path / "some.txt"
    path.write_text(CARROLL, encoding="utf-8")
    asked = Neurons(layer=2, neuron=100, n=3, scan=10_000, file=str(path))
    found = story.ask("The king", asked)
    assert isinstance(found, NeuronsFound)
    tokenizer = story.tokenizer
    assert tokenizer is not None
    cut = list(windows(CARROLL.splitlines(), tokenizer, story.config))
    assert found.n_scanned == sum(map(len, cut)) < 10_000, "the file is read to its end"
    tops = []
    for ids in cut:
        own_T = story.trace(list(ids))["blocks.2.mlp.hook_post"][0, :, 100]
        tops.append((float(own_T.max()), tokenizer.decode([ids[int(own_T.argmax())]])))
    tops.sort(reverse=True)
    assert np.allclose(found.excited_activations, [top for top, _ in tops[:3]], atol=1e-5)
    for text, (_, token) in zip(found.texts, tops):
        assert f"⟨{token}⟩" in text


def test_the_story_world_is_read_with_progress(
    story: LanguageModel, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("model.probe.sweeping.Pace.is_due", lambda self: True)
    bench_of = Asked()
    bench_of.bench.hold(1, story)
    subject = Subject(1, None, tuple(story.ids("The king")[0].tolist()))
    asked = Neurons(layer=3, scan=2000, n=4)
    steps = list(answering(asked)(asked, subject, bench_of.bench))
    answers = [one for one in steps if isinstance(one, NeuronsFound)]
    assert answers[0].share == 0
    assert answers[0].texts == ()
    assert [one.share for one in answers] == sorted(one.share for one in answers)
    last = answers[-1]
    assert len(last.texts) == 4
    assert last.excited_activations.tolist() == sorted(last.excited_activations, reverse=True)
    assert len(set(last.texts)) == 4
    assert all(text.count("⟨") == 1 for text in last.texts)
    assert last.n_scanned >= 2000
    assert len(steps) > 4 * len(answers), "in slices"


def test_what_is_changed_is_changed_in_other_texts_too(story: LanguageModel):
    asked = Neurons(layer=2, neuron=7, scan=600)
    plain, cut = (
        story.ask("The king", asked, ways) for ways in ((), (ScaleOutput(0, "attn", 0.0),))
    )
    assert isinstance(plain, NeuronsFound)
    assert isinstance(cut, NeuronsFound)
    assert not np.allclose(plain.excited_activations, cut.excited_activations)
    same = story.ask("The king", asked, (ScaleOutput(3, "mlp", 0.0),))
    assert isinstance(same, NeuronsFound)
    assert np.allclose(plain.excited_activations, same.excited_activations, atol=1e-5)


def test_windows_keep_the_special_tokens_of_a_text(bpe: Tokenizer):
    from tokenizers.processors import TemplateProcessing

    own = Tokenizer.from_json(bpe.to_json())
    own._inner.post_processor = TemplateProcessing(
        single="<|endoftext|> $A <|endoftext|>", special_tokens=[("<|endoftext|>", 0)]
    )
    config = replace(BASE, d_vocab=290)
    made = list(windows(["The king lost his crown."] * 9, own, config))
    assert {len(one) for one in made[:-1]} == {config.n_ctx}
    assert all((one[0], one[-1]) == (0, 0) for one in made)
    assert all(0 <= token < 290 for one in made for token in one), "the network has no others"


def test_what_can_not_be_asked_is_said(story: LanguageModel, tmp_path: Path):
    for asked, why in (
        (Neurons(layer=1, neuron=512), "There is no neuron 512; there are 0 to 511"),
        (Neurons(layer=1, n=0), "n is 1 or more"),
        (Neurons(layer=1, scan=5, file=str(tmp_path / "none.txt")), r"none.txt can't be read: No"),
    ):
        with pytest.raises(ValueError, match=why):
            story.ask(PROMPT, asked)
    ids_only = Asked("learned", IDS)
    ids_only.bench.hold(1, LanguageModel(ids_only.network, None, None, "", story.device))
    with pytest.raises(ValueError, match="no tokenizer, so it can't read texts"):
        ids_only.ask(Neurons(layer=0, position=AT, scan=5))

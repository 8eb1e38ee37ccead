"""Generation: with and without the cache the same, drawn from the distribution that is shown."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import GPT2LMHeadModel

import model
from model.generate import Step, generate
from model.language_model import LanguageModel
from model.sampling import Sampling, draw, probabilities
from tests.model.conftest import PROMPT
from tests.model.networks import BASE, BY_LENGTH, VARIANTS, network, some_ids

GREEDY = Sampling(temperature=0)


@pytest.fixture(scope="module")
def lm(gpt2_folder: Path) -> LanguageModel:
    return model.open(gpt2_folder, device="cpu", dtype=torch.float64)


def run(*arguments: Any, **keywords: Any) -> tuple[list[Step], str]:
    """The steps, and why they ended."""
    steps: list[Step] = []

    def collect() -> Generator[Step, None, None]:
        ended.append((yield from generate(*arguments, **keywords)))

    ended: list[str] = []
    steps.extend(collect())
    return steps, ended[0]


@pytest.mark.parametrize("config", [c for c in VARIANTS.values() if c.causal], ids=str)
@pytest.mark.parametrize("sampling", [GREEDY, Sampling(0.9, top_k=12, top_p=0.95)], ids=str)
def test_the_cache_changes_nothing(config, sampling: Sampling):
    transformer = network(config)
    results = [
        run(transformer, [3, 1, 2], 15, sampling, np.random.default_rng(4), use_cache=use_cache)
        for use_cache in (True, False)
    ]
    (cached, why), (uncached, also_why) = results
    assert [s.token_id for s in cached] == [s.token_id for s in uncached]
    assert why == also_why == "max_new_tokens"
    # float32 comes out of float64: one unit in the last place may differ.
    for one, other in zip(cached, uncached, strict=True):
        assert np.allclose(one.logits_V, other.logits_V, rtol=0, atol=1e-5)


def test_greedy_generation_equals_transformers(untied_folder: Path):
    lm = model.open(untied_folder, device="cpu", dtype=torch.float64)
    theirs = GPT2LMHeadModel.from_pretrained(untied_folder, dtype=torch.float64).eval()
    prompt_BT = lm.ids(PROMPT)
    expected = theirs.generate(
        prompt_BT,
        attention_mask=torch.ones_like(prompt_BT),
        max_new_tokens=20,
        do_sample=False,
        pad_token_id=0,
    )
    ours = list(lm.stream(PROMPT, max_new_tokens=20, temperature=0))
    assert len(set(ours)) > 3  # one token forever would prove little
    assert ours == expected[0, prompt_BT.shape[1] :].tolist()


def test_tokens_are_drawn_from_the_distribution_that_is_shown(lm: LanguageModel):
    sampling = Sampling(temperature=0.8, top_k=20, top_p=0.9)
    steps, _ = run(lm.transformer, [5, 6, 7], 12, sampling, np.random.default_rng(9))
    rng = np.random.default_rng(9)
    seen = [5, 6, 7]
    for step in steps:
        logits_V = lm.logits(seen)[0, -1].float().numpy()
        assert np.allclose(step.logits_V, logits_V, rtol=0, atol=1e-5)
        assert step.logits_V.dtype == np.float32
        assert draw(probabilities(step.logits_V, sampling), rng) == step.token_id
        seen.append(step.token_id)


def test_a_seed_makes_it_repeatable(lm: LanguageModel):
    texts = [lm.generate(PROMPT, max_new_tokens=12, seed=seed) for seed in (1, 1, 2)]
    assert texts[0] == texts[1] != texts[2]


def test_a_full_context_ends_the_text(lm: LanguageModel):
    n_ctx = lm.config.n_ctx
    for use_cache in (True, False):
        steps, why = run(
            lm.transformer,
            [1] * (n_ctx - 2),
            10,
            GREEDY,
            np.random.default_rng(0),
            use_cache=use_cache,
        )
        # Two tokens fill the context, and the full context still predicts one.
        assert len(steps) == 3
        assert why == "context_full"


def test_a_stop_id_ends_the_text_and_is_its_last_token(lm: LanguageModel):
    free, _ = run(lm.transformer, [5], 10, GREEDY, np.random.default_rng(0))
    ids = [step.token_id for step in free]
    stop = ids[4]
    stopped, why = run(
        lm.transformer, [5], 10, GREEDY, np.random.default_rng(0), stop_ids=frozenset({stop})
    )
    assert [s.token_id for s in stopped] == ids[: ids.index(stop) + 1]
    assert why == "stop_id"


def test_the_end_of_text_is_not_part_of_the_generated_text(lm: LanguageModel):
    assert lm.tokenizer is not None
    end = lm.tokenizer.end_of_text
    assert end is not None
    # A network that can say nothing else: its final bias points at that token alone.
    silent = network(BASE)
    assert silent.unembed is not None
    assert silent.ln_final is not None
    silent.unembed.weight.data.zero_()
    assert silent.ln_final.w is not None
    assert silent.ln_final.b is not None
    silent.ln_final.w.data.zero_()
    silent.ln_final.b.data.fill_(1)
    silent.embed.weight.data[end] = 1
    quiet = LanguageModel(silent, lm.tokenizer, None, "gpt2", lm.device)
    assert list(quiet.stream([5], max_new_tokens=5, temperature=0)) == [end]
    assert quiet.generate([5], max_new_tokens=5, temperature=0) == ""


def test_nothing_is_generated_from_nothing(lm: LanguageModel):
    with pytest.raises(ValueError, match="no token to run"):
        run(lm.transformer, [], 5, GREEDY, np.random.default_rng(0))
    with pytest.raises(ValueError, match="49 tokens are more than the model's context of 48"):
        run(lm.transformer, [1] * 49, 5, GREEDY, np.random.default_rng(0))
    assert run(lm.transformer, [1], 0, GREEDY, np.random.default_rng(0)) == ([], "max_new_tokens")
    with pytest.raises(ValueError, match="One prompt at a time"):
        next(lm.stream([[1, 2], [3, 4]]))


def test_a_waiting_generator_leaves_gradients_to_others(lm: LanguageModel):
    steps = generate(lm.transformer, [5], 5, GREEDY, np.random.default_rng(0))
    next(steps)
    assert not torch.is_inference_mode_enabled()
    weight = torch.ones(2, requires_grad=True)
    (weight * 2).sum().backward()
    assert weight.grad is not None


@pytest.mark.parametrize("name", list(BY_LENGTH))
def test_a_rotation_that_depends_on_the_length_is_the_same_with_a_cache(name: str):
    config = BY_LENGTH[name]
    transformer = network(config)
    runs = [
        [
            step.logits_V
            for step in generate(
                transformer,
                some_ids(config)[0, :6].tolist(),
                12,
                Sampling(0.0),
                np.random.default_rng(0),
                use_cache=use_cache,
            )
        ]
        for use_cache in (True, False)
    ]
    for cached_V, whole_V in zip(*runs, strict=True):
        assert np.abs(cached_V - whole_V).max() < 1e-5


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("masked", "fills masks in a text"),
        ("encoder", "gives vectors, no next token"),
        ("bidirectional", "looks at a whole text at once"),
    ],
)
def test_a_network_that_continues_no_text_is_refused(name: str, says: str):
    with pytest.raises(ValueError, match=says):
        run(network(VARIANTS[name]), [1, 2], 3, GREEDY, np.random.default_rng(0))

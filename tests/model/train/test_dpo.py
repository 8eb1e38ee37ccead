"""DPO: loss, margins and gradient are the paper's; a run of it prefers what a person does."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from model.slices import finish
from model.tokenizer.tokenizer import Tokenizer
from model.train import events as e
from model.train.branching.making import making_branch
from model.train.branching.record import Departure
from model.train.data import DataError
from model.train.dpo import Preferring
from model.train.loop import Training, train
from model.train.margins_file import read_margins
from model.train.preferences import Pair, Preference, pairs_of, write_preferences
from model.train.recipe import Recipe
from model.train.run_folder import read_recipe
from model.transformer import Transformer
from tests.model.networks import BASE

Array = NDArray[np.float64]
PAIRS = (
    Pair((1, 2, 3), (4, 5), (6,)),
    Pair((7, 8), (9,), (10, 11, 12)),
    Pair((1,), (2, 3, 4, 5), (5, 4)),
)
BETA = 0.3


def network() -> Transformer:
    transformer = Transformer(BASE)
    transformer.initialize(torch.Generator().manual_seed(0), 0.4)
    return transformer.double().eval()


def moved(transformer: Transformer) -> None:
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for p in transformer.parameters():
            p.add_(0.1 * torch.randn(p.shape, generator=generator, dtype=p.dtype))


def log_probability(logits_TV: Array, prompt: Sequence[int], text: Sequence[int]) -> float:
    """Σ log softmax at the tokens of a text, position by position."""
    total = 0.0
    for at, token in enumerate(text, len(prompt)):
        row = logits_TV[at - 1] - logits_TV[at - 1].max()
        total += float(row[token] - np.log(np.exp(row).sum()))
    return total


def alone(transformer: Transformer, ids: Sequence[int]) -> Array:
    """Logits of one sequence by itself, without any padding."""
    with torch.inference_mode():
        return transformer(torch.tensor([ids]))[0].numpy()


def by_numpy(policy: Transformer, reference: Transformer) -> tuple[Array, float]:
    """Margins and loss in float64."""
    margins = []
    for pair in PAIRS:
        gained = [
            log_probability(alone(policy, (*pair.prompt_ids, *text)), pair.prompt_ids, text)
            - log_probability(alone(reference, (*pair.prompt_ids, *text)), pair.prompt_ids, text)
            for text in (pair.chosen_ids, pair.rejected_ids)
        ]
        margins.append(BETA * (gained[0] - gained[1]))
    found = np.array(margins)
    return found, float(np.log1p(np.exp(-found)).mean())


def test_margins_and_loss_are_those_of_the_paper() -> None:
    policy, reference = network(), network()
    preferring = Preferring(policy, PAIRS, BETA, batch_size=8, seed=0)
    assert preferring.loss(1).item() == pytest.approx(np.log(2), abs=1e-6)
    moved(policy)
    margins, loss = by_numpy(policy, reference)
    assert np.abs(margins).max() > 0.05
    assert preferring.loss(1).item() == pytest.approx(loss, abs=1e-5)
    found = finish(preferring.measure())
    np.testing.assert_allclose(found.margins, margins, atol=1e-5)
    assert found.loss == pytest.approx(loss, abs=1e-5)
    assert found.share == pytest.approx((margins > 0).mean())


def test_its_gradient_is_that_of_finite_differences() -> None:
    policy, reference = network(), network()
    preferring = Preferring(policy, PAIRS, BETA, batch_size=8, seed=0)
    moved(policy)
    preferring.loss(1).backward()
    generator = torch.Generator().manual_seed(2)
    for name in ("embed.weight", "blocks.1.attn.qkv.weight", "blocks.0.mlp.down.weight"):
        weight = policy.get_parameter(name)
        grad = weight.grad
        assert grad is not None
        at = int(grad.abs().flatten().topk(20).indices[torch.randint(20, (), generator=generator)])
        ends = []
        for way in (1e-4, -1e-4):
            with torch.no_grad():
                weight.view(-1)[at] += way
                ends.append(by_numpy(policy, reference)[1])
                weight.view(-1)[at] -= way
        numeric = (ends[0] - ends[1]) / 2e-4
        assert grad.flatten()[at].item() == pytest.approx(numeric, rel=2e-3), name


def test_prompt_and_text_are_cut_together_and_nothing_empty_is_compared() -> None:
    tokenizer = Tokenizer.train_char("abcdefgh ")
    [pair] = pairs_of([Preference("ab", "cd", "e")], tokenizer, 16)
    assert [len(part) for part in (pair.prompt_ids, pair.chosen_ids, pair.rejected_ids)] == [
        2,
        2,
        1,
    ]
    for bad, said in (
        (Preference("ab", "", "e"), "Choice 1 can't be compared"),
        (Preference("ab", "c", "c"), "prefers a text to itself"),
        (Preference("abcdefgh" * 2, "c", "d"), "within the 16 tokens"),
    ):
        with pytest.raises(ValueError, match=said):
            pairs_of([bad], tokenizer, 16)


@pytest.fixture
def recipe(text_file: Path, tmp_path: Path) -> Recipe:
    """Preferences of a model that has just begun."""
    begun = Recipe(
        data=str(text_file), tokenizer="char", n_layers=1, n_heads=2, d_model=16, n_ctx=16,
        batch_size=2, steps=1, eval_batches=1, sample_every=0, snapshot_every=0,
    )  # fmt: skip
    list(train(begun, tmp_path / "base"))
    write_preferences(
        tmp_path / "choices.jsonl",
        [Preference("the ", "end", "sea"), Preference("a ", "man", "dog")],
    )
    base = str(tmp_path / "base" / "snapshots" / "step-000001")
    return Recipe(
        data=str(tmp_path / "choices.jsonl"),
        old_data=str(text_file),
        tokenizer=base,
        weights=base,
        tuning="lora",
        objective="preferences",
        n_ctx=16,
        batch_size=1,
        steps=8,
        lr=1e-2,
        min_lr=1e-2,
        warmup_steps=0,
        eval_every=4,
        eval_batches=1,
        sample_every=0,
        snapshot_every=4,
    )


def test_a_run_prefers_what_was_chosen_and_says_so_pair_by_pair(
    recipe: Recipe, tmp_path: Path
) -> None:
    losses = [ev.val_loss for ev in train(recipe, tmp_path / "run") if isinstance(ev, e.Evaluated)]
    assert losses[0] == pytest.approx(np.log(2), abs=1e-6)
    assert losses[0] > losses[1] > losses[2]
    before, *_, after = read_margins(tmp_path / "run")
    assert (before.step, after.step) == (0, 8)
    np.testing.assert_allclose(before.margins, 0, atol=1e-6)
    assert all(margin > 0 for margin in after.margins)
    gained = np.array(after.chosen) - np.array(after.rejected)
    np.testing.assert_allclose(after.margins, recipe.dpo_beta * gained, rtol=1e-4)


def test_a_stopped_run_of_preferences_goes_on_to_the_same_bits(
    recipe: Recipe, tmp_path: Path
) -> None:
    def steps(events: Any) -> list[tuple[int, float]]:
        return [(ev.step, ev.train_loss) for ev in events if isinstance(ev, e.StepDone)]

    whole = steps(train(recipe, tmp_path / "a"))
    for event in Training(recipe, tmp_path / "b").events():
        if isinstance(event, e.StepDone) and event.step == 6:
            break
    assert steps(Training(None, tmp_path / "b", resume=True).events()) == whole[4:]
    assert read_margins(tmp_path / "a") == read_margins(tmp_path / "b")


def test_a_branch_of_it_keeps_its_margins_and_is_held_to_the_same_model(
    recipe: Recipe, tmp_path: Path
) -> None:
    run, branch = tmp_path / "run", tmp_path / "branch"
    list(train(replace(recipe, snapshot_states=True), run))
    finish(making_branch(Departure(str(run), 4), read_recipe(run), branch))
    assert [at.step for at in read_margins(branch)] == [0, 4]
    list(train(None, branch, resume=True))
    assert read_margins(branch) == read_margins(run)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["[1]"], "Line 1 of .* is no choice"),
        ([json.dumps({"prompt": "a", "chosen": "b"})], "needs .*rejected"),
        (["", " "], "is empty"),
    ],
)
def test_a_file_that_holds_no_choices_is_refused(
    lines: list[str], said: str, recipe: Recipe, tmp_path: Path
) -> None:
    (tmp_path / "bad.jsonl").write_text("\n".join(lines))
    with pytest.raises(DataError, match=said):
        list(train(replace(recipe, data=str(tmp_path / "bad.jsonl")), tmp_path / "run"))

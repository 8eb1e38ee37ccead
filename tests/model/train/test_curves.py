"""The curves of a run: every number is that of a plain computation, and measuring changes none."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from model.device import DeviceChoice
from model.language_model import LanguageModel
from model.operations import INPUT_IDS
from model.parameters import parameter
from model.probe.heads.asks import SCORES, Heads, HeadsFound
from model.slices import finish
from model.tokenizer.tokenizer import Tokenizer
from model.train import events as e
from model.train.batches import Batches
from model.train.curves_file import CURVES_FILE, CURVES_HEADER
from model.train.data import prepare
from model.train.growing import Mark, news_of
from model.train.loop import Training, train
from model.train.measuring import POSITIONS, WINDOWS, Measuring
from model.train.processes.group import ALONE
from model.train.processes.spread import Spread
from model.train.recipe import Recipe
from model.train.record import reading_record
from model.train.run_folder import read_metrics, read_recipe
from model.train.watches import watch_of, watchable
from model.transformer import Transformer
from tests.model.networks import VARIANTS, network

ALL_KINDS = (
    "blocks.0.attn.pattern",
    "blocks.0.attn.hook_attn_scores max",
    "blocks.1.mlp.W_in",
    "blocks.1.mlp.W_in.grad rms",
    "blocks.0.hook_resid_post.grad",
    "W_E rank",
)


@pytest.fixture
def two_layers(recipe: Recipe) -> Recipe:
    return replace(recipe, n_layers=2, n_heads=2, curves_every=5, sample_every=0, threads=1)


def values_of(events: list[e.Event], step: int) -> dict[tuple[str, str], float]:
    found: dict[tuple[str, str], float] = {}
    for event in events:
        if isinstance(event, e.Measured) and event.step == step:
            found |= {(place, measure): value for place, measure, value in event.values}
    return found


def in_double(training: Training) -> Transformer:
    double = Transformer(training.transformer.config).double()
    state = training.transformer.state_dict()
    double.load_state_dict({name: value.double() for name, value in state.items()})
    return double


def part(name: str) -> str:
    first, second, *_ = name.split(".")
    if first == "blocks":
        return f"blocks.{second}"
    return "embed" if first in ("embed", "pos_embed") else "unembed"


def length(tensors: list[torch.Tensor]) -> float:
    return math.sqrt(sum(float((t.double() ** 2).sum()) for t in tensors))


def test_gradients_and_updates_by_part_are_those_of_the_step(
    two_layers: Recipe, tmp_path: Path
) -> None:
    recipe = replace(two_layers, steps=6, grad_clip=0.05)
    training = Training(recipe, tmp_path / "run")
    events: list[e.Event] = []
    states: dict[int, dict[str, torch.Tensor]] = {}
    plain = None
    for event in training.events():
        events.append(event)
        if isinstance(event, e.StepDone):
            state = training.transformer.state_dict()
            states[event.step] = {name: value.clone() for name, value in state.items()}
            plain = in_double(training) if event.step == 4 else plain
    assert plain is not None
    data = finish(prepare(recipe))
    windows = torch.from_numpy(Batches(data.train_ids, 4, 16, recipe.seed).at(5))
    logits = plain(windows[:, :-1]).flatten(0, 1)
    torch.nn.functional.cross_entropy(logits, windows[:, 1:].flatten()).backward()
    found = values_of(events, 5)
    names = [name for name, _ in plain.named_parameters()]
    assert {part(name) for name in names} == {"embed", "blocks.0", "blocks.1", "unembed"}
    for place in ("embed", "blocks.0", "blocks.1", "unembed"):
        own = [p for name, p in plain.named_parameters() if part(name) == place]
        expected = length([p.grad for p in own if p.grad is not None])
        assert found[place, "grad_norm"] == pytest.approx(expected, rel=1e-4)
        mine = [name for name in names if part(name) == place]
        before = length([states[4][name] for name in mine])
        moved = length([states[5][name].double() - states[4][name].double() for name in mine])
        assert found[place, "update_ratio"] == pytest.approx(moved / before, rel=1e-3)
    # All of them together are what metrics.csv says of the step.
    [step] = [event for event in events if isinstance(event, e.StepDone) and event.step == 5]
    norms = [value for (_, measure), value in found.items() if measure == "grad_norm"]
    assert step.grad_norm == pytest.approx(math.hypot(*norms), rel=1e-5)


def test_entropy_induction_and_rank_are_those_of_the_weights(
    two_layers: Recipe, tmp_path: Path
) -> None:
    recipe = replace(two_layers, steps=20, lr=0.01)
    training = Training(recipe, tmp_path / "run")
    events = list(training.events())
    found = values_of(events, 20)
    data = finish(prepare(recipe))
    starts = np.linspace(0, len(data.val_ids) - 17, 8).astype(int)[:WINDOWS]
    assert POSITIONS > 16  # the whole context is read
    ids = torch.from_numpy(np.stack([data.val_ids[s : s + 16] for s in starts]).astype(np.int64))
    double = in_double(training)
    for layer in range(2):
        name = f"blocks.{layer}.attn.hook_pattern"
        pattern = double.compute([name], {INPUT_IDS: ids})[name].detach().numpy()
        logs = np.log(np.where(pattern > 0, pattern, 1.0))
        expected = -(pattern * logs).sum(-1).mean()
        assert found[f"blocks.{layer}.attn", "entropy"] == pytest.approx(expected, rel=1e-5)
    lm = LanguageModel(
        transformer=training.transformer,
        tokenizer=training.tokenizer,
        path=None,
        family="gpt2",
        device=DeviceChoice("cpu", "for the test"),
    )
    heads = lm.ask("a", Heads())
    assert isinstance(heads, HeadsFound)
    induction = heads.scores_LHS[:, :, SCORES.index("induction")]
    for layer in range(2):
        assert found[f"blocks.{layer}.attn", "induction"] == pytest.approx(
            induction[layer].max(), rel=1e-5
        )
        assert found[f"blocks.{layer}.attn", "induction_head"] == induction[layer].argmax()
    sigma = np.linalg.svd(double.embed.weight.detach().numpy(), compute_uv=False)
    share = sigma / sigma.sum()
    rank = math.exp(-(share * np.log(share)).sum())
    assert found["embed", "rank"] == pytest.approx(rank, rel=1e-6)
    assert 1 < rank < 16


def test_what_is_watched_is_the_tensor(two_layers: Recipe, tmp_path: Path) -> None:
    recipe = replace(two_layers, steps=5, watched=ALL_KINDS)
    training = Training(recipe, tmp_path / "run")
    training.watch(ALL_KINDS, (), "blocks.1.mlp.W_in")
    events = list(training.events())
    found = values_of(events, 5)
    weight = parameter(training.transformer, "blocks.1.mlp.W_in")
    assert found["blocks.1.mlp.W_in", "norm"] == pytest.approx(float(weight.norm()), rel=1e-6)
    assert found["W_E", "rank"] == found["embed", "rank"]
    assert found["blocks.0.attn.hook_pattern", "entropy"] == found["blocks.0.attn", "entropy"]
    assert math.isfinite(found["blocks.0.attn.hook_attn_scores", "max"])  # the mask is left out
    pictures = [event.picture for event in events if isinstance(event, e.Measured)]
    [picture] = [one for one in pictures if one is not None and one.step == 5]
    assert picture.is_whole
    np.testing.assert_array_equal(picture.values_RC, weight.numpy())
    assert picture.where(3, 7) == "d_model 3, neuron 7"
    assert not picture.values_RC.flags.writeable


def test_a_gradient_flowing_through_an_activation_is_had_by_finite_differences() -> None:
    transformer = network(VARIANTS["learned"])
    ids = np.random.default_rng(0).integers(0, 33, (2, 9))
    measuring = Measuring(Spread(transformer, ALONE), Tokenizer.train_char("ab"), [ids], 1, 9)
    name = "blocks.0.hook_resid_post"
    measuring.watches = (watch_of(f"{name}.grad", transformer.config),)
    values = finish(measuring.of_weights(transformer, 1)).values
    [norm] = [value for place, _, value in values if place == f"{name}.grad"]
    windows = torch.from_numpy(ids)
    resid = transformer.compute([name], {INPUT_IDS: windows[:, :-1]})[name].detach()

    def loss(at: torch.Tensor) -> float:
        logits = transformer.compute(["logits"], {name: at})["logits"].flatten(0, 1)
        return float(torch.nn.functional.cross_entropy(logits, windows[:, 1:].flatten()))

    slopes = []
    with torch.no_grad():
        for index in range(resid.numel()):
            step = torch.zeros(resid.numel(), dtype=torch.float64)
            step[index] = 1e-5
            step = step.reshape(resid.shape)
            slopes.append((loss(resid + step) - loss(resid - step)) / 2e-5)
    assert norm == pytest.approx(math.sqrt(sum(slope**2 for slope in slopes)), rel=1e-4)
    assert all(p.grad is None for p in transformer.parameters())  # nothing is left behind


@pytest.mark.parametrize("kind", ["experts", "capped", "narrow embedding"])
def test_whatever_a_network_names_can_be_watched(kind: str) -> None:
    transformer = network(VARIANTS[kind])
    config = transformer.config
    ids = np.random.default_rng(0).integers(0, config.d_vocab, (2, 10))
    measuring = Measuring(Spread(transformer, ALONE), Tokenizer.train_char("ab"), [ids], 1, 9)
    names = watchable(config)
    measuring.watches = tuple(watch_of(name, config) for name in names)
    logits = transformer(torch.from_numpy(ids[:, :-1]))
    logits.square().sum().backward()
    measuring.before(1)
    update = measuring.of_update(1)
    assert update is not None
    weights = finish(measuring.of_weights(transformer, 1))
    got = {place: value for place, _, value in (*update.values, *weights.values)}
    missing = [name for name in names if name not in got]
    assert not missing
    assert all(math.isfinite(got[name]) for name in names)


def test_watching_changes_no_number_of_the_training(two_layers: Recipe, tmp_path: Path) -> None:
    recipe = replace(two_layers, dropout=0.1, steps=12, eval_every=4)
    metrics, states = [], []
    for name, watched in (("plain", ()), ("watched", ALL_KINDS)):
        every = 1 if watched else 0
        training = Training(replace(recipe, curves_every=every, watched=watched), tmp_path / name)
        for _ in training.events():
            pass
        metrics.append(read_metrics(tmp_path / name))
        states.append(training.transformer.state_dict())
    for column in ("step", "train_loss", "val_loss", "grad_norm", "lr"):
        np.testing.assert_array_equal(metrics[0][column], metrics[1][column])
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])


def test_a_run_that_was_killed_has_the_same_curves_in_the_end(
    two_layers: Recipe, tmp_path: Path
) -> None:
    recipe = replace(two_layers, steps=16, curves_every=2, watched=ALL_KINDS)
    for _ in train(recipe, tmp_path / "whole"):
        pass
    run = tmp_path / "killed"
    training = Training(recipe, run)
    source = training.events()
    for event in source:
        if isinstance(event, e.StepDone) and event.step == 14:
            break
    source.close()  # its state is that of step 10
    with (run / CURVES_FILE).open("a") as file:
        file.write("14,W_E,ra")  # half a line
    for _ in train(None, run, resume=True):
        pass
    whole = (tmp_path / "whole" / CURVES_FILE).read_bytes()
    assert (run / CURVES_FILE).read_bytes() == whole
    assert whole.startswith(f"{CURVES_HEADER}\n".encode())


def test_a_run_that_was_stopped_before_it_measured_does_so_when_it_goes_on(
    two_layers: Recipe, tmp_path: Path
) -> None:
    recipe = replace(two_layers, steps=8, curves_every=4)
    for _ in train(recipe, tmp_path / "whole"):
        pass
    run = tmp_path / "stopped"
    training = Training(recipe, run)
    for event in training.events():
        if isinstance(event, e.StepDone) and event.step == 4:
            training.stop()
    for _ in train(None, run, resume=True):
        pass
    assert (run / CURVES_FILE).read_bytes() == (tmp_path / "whole" / CURVES_FILE).read_bytes()


def test_a_run_folder_tells_of_its_curves(two_layers: Recipe, tmp_path: Path) -> None:
    run = tmp_path / "run"
    events = list(train(replace(two_layers, watched=("W_E rank",)), run))
    told = [event for event in events if isinstance(event, e.Measured)]
    record = finish(reading_record(run))
    seen = {(m.step, *value) for m in record.measured for value in m.values}
    assert seen == {(m.step, *value) for m in told for value in m.values}
    assert {m.step for m in record.until(10).measured} == {0, 5, 10}
    # And to who looks at it while it grows.
    news = news_of(run, Mark())
    assert {(m.step, *value) for m in news.measured for value in m.values} == seen
    assert news_of(run, news.mark).measured == ()
    with (run / CURVES_FILE).open("a") as file:
        file.write("20,W_E,rank,3.5\n25,W_E,rank,4.5\n30,W")
    more = news_of(run, news.mark)
    assert [m.values for m in more.measured] == [(("W_E", "rank", 3.5),)]  # 25 has no row yet


def test_what_is_watched_can_change_while_it_runs_and_the_folder_says_so(
    two_layers: Recipe, tmp_path: Path
) -> None:
    training = Training(two_layers, tmp_path / "run")
    events: list[e.Event] = []
    for event in training.events():
        events.append(event)
        if isinstance(event, e.StepDone) and event.step == 7:
            training.watch(("W_E rank",), ("val_loss < 1",))
    assert ("W_E", "rank") not in values_of(events, 5)
    assert ("W_E", "rank") in values_of(events, 10)
    recipe = read_recipe(tmp_path / "run")
    assert (recipe.watched, recipe.stop_when) == (("W_E rank",), ("val_loss < 1",))
    assert replace(recipe, watched=(), stop_when=()) == two_layers

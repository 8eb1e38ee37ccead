"""What moved between two steps, held to the weights on the disk and to AdamW's own rule."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import model
from model.bench import Bench
from model.device import DeviceChoice
from model.language_model import LanguageModel
from model.parameters import parameter
from model.probe.question import ProbeError
from model.probe.weights_moved.asks import WeightsMoved, WeightsMovedFound
from model.train import events as e
from model.train.loop import Training
from model.train.run_folder import snapshots
from tests.model.cli.commands import CliRunner, make_app
from tests.model.probe.runs import RECIPE, OnBench, trained


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trained(tmp_path_factory.mktemp("moved") / "run")


def asked(desk: OnBench, question: WeightsMoved, step: int | None = None) -> WeightsMovedFound:
    *_, found = desk.answers(question, step)
    assert isinstance(found, WeightsMovedFound)
    return found


def test_figures_are_those_of_the_weights_on_the_disk(run: Path):
    found = asked(OnBench(run), WeightsMoved(since=2))
    paths = dict(snapshots(run))
    then, now = (model.open(paths[step], device="cpu").transformer for step in (2, 8))
    assert (found.since, found.step) == (2, 8)
    for at, name in enumerate(found.names):
        a, b = parameter(then, name).double(), parameter(now, name).double()
        assert found.norm_N[at] == pytest.approx(float((b - a).norm()), rel=1e-9)
        if a.norm() > 0:
            assert found.relative_N[at] == pytest.approx(float((b - a).norm() / a.norm()), rel=1e-9)
        assert found.max_abs_N[at] == pytest.approx(float((b - a).abs().max()))
        assert found.n_moved_N[at] == int((a != b).sum())


def test_without_a_step_it_is_the_kept_one_before(run: Path):
    assert asked(OnBench(run), WeightsMoved()).since == 6


def test_the_picture_is_of_one_tensor(run: Path):
    found = asked(OnBench(run), WeightsMoved(since=6, tensor="blocks.0.mlp.W_in"))
    paths = dict(snapshots(run))
    then, now = (model.open(paths[step], device="cpu").transformer for step in (6, 8))
    apart = parameter(now, found.drawn) - parameter(then, found.drawn)
    assert found.block == (1, 1)
    np.testing.assert_allclose(found.picture_RC, apart.numpy(), atol=1e-7)
    coarse = asked(OnBench(run), WeightsMoved(since=6, tensor="blocks.0.mlp.W_in", cells=4))
    assert max(coarse.picture_RC.shape) <= 4
    assert np.abs(coarse.picture_RC).max() == pytest.approx(float(apart.abs().max()), rel=1e-6)


def test_one_live_step_is_what_the_optimiser_did(tmp_path: Path):
    """Adam's first update moves every number with a gradient by the rate, whatever its size."""
    recipe = replace(RECIPE, lr=1e-3, min_lr=1e-3, weight_decay=0.0, steps=3)
    training = Training(recipe, tmp_path / "run")
    desk = OnBench.__new__(OnBench)
    for event in training.events():
        if isinstance(event, e.Started):
            _watch(desk, training)
            desk.bench.look(0, 0)
        elif isinstance(event, e.StepDone):
            desk.bench.look(0, 1)
            found = asked(desk, WeightsMoved(), step=1)
            break
    assert (found.since, found.step) == (0, 1)
    assert found.max_abs_N.max() == pytest.approx(1e-3, rel=1e-3)
    at = found.names.index("blocks.0.mlp.W_in")
    assert found.norm_N[at] == pytest.approx(1e-3 * np.sqrt(found.n_N[at]), rel=0.02)


def _watch(desk: OnBench, training: Training) -> None:
    """Put a model that learns on a bench that keeps the weights before."""
    choice = DeviceChoice("cpu", "")
    network, tokenizer = training.transformer, training.tokenizer
    desk.lm = LanguageModel(network, tokenizer, training.run_dir, "gpt2", choice)
    desk.bench = Bench()
    desk.bench.hold(0, desk.lm)
    desk.bench.held(0).keeps_before = True


def test_where_nothing_was_kept_before_it_says_so(run: Path):
    first = dict(snapshots(run))[0]
    with pytest.raises(ProbeError, match="No earlier step"):
        OnBench(first).answers(WeightsMoved())
    with pytest.raises(ProbeError, match="step 5 were not kept"):
        OnBench(run).answers(WeightsMoved(since=5))
    with pytest.raises(ProbeError, match="no tensor W_X"):
        OnBench(run).answers(WeightsMoved(tensor="W_X"))


def test_a_look_that_keeps_the_one_before_leaves_both_right(tmp_path: Path):
    """What is asked about a step is answered from that step's weights, also where two are kept."""
    training = Training(replace(RECIPE, steps=3), tmp_path / "run")
    copies: dict[int, torch.Tensor] = {}
    desk = OnBench.__new__(OnBench)
    for event in training.events():
        if isinstance(event, e.Started):
            _watch(desk, training)
        if isinstance(event, e.Started | e.StepDone):
            desk.bench.look(0, training.step)
            copies[training.step] = training.transformer.embed.weight.detach().clone()
            looked = desk.bench.network_at(0, training.step)
            assert torch.equal(looked.embed.weight, copies[training.step])
            held = desk.bench.held(0)
            if held.before is not None and held.before_step is not None:
                assert torch.equal(held.before.embed.weight, copies[held.before_step])


def test_the_command_line_and_its_lines_of_python_give_the_same(run: Path, tmp_path: Path):
    said = CliRunner().invoke(make_app(), ["probe", "weights_moved", str(run), "--json"])
    assert said.exit_code == 0, said.output
    shown = json.loads(said.stdout.splitlines()[-1])
    lm = model.open(run, device="cpu")
    found = lm.ask([[0]], WeightsMoved())
    assert isinstance(found, WeightsMovedFound)
    assert [row["norm"] for row in shown["tensors"]] == found.norm_N.tolist()
    *lines, last = found.code().splitlines()
    space = {"lm": lm}
    exec("\n".join(lines), space)
    again = eval(last, space)
    np.testing.assert_array_equal(again.picture_RC, found.picture_RC)

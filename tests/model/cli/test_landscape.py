"""`python -m model landscape` and `losses`: of a run, printed, as JSON, as a file."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from model.train.run_folder import read_metrics
from tests.model.cli.commands import CliRunner, make_app
from tests.model.probe.runs import trained


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trained(tmp_path_factory.mktemp("verbs") / "run")


@pytest.fixture(autouse=True)
def plain_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "160")


def run(*arguments: object, code: int = 0) -> str:
    result = CliRunner().invoke(make_app(), [str(argument) for argument in arguments])
    assert result.exit_code == code, result.output
    return result.output


def test_a_surface_is_printed_and_says_how_much_of_the_path_it_holds(path: Path):
    said = run("landscape", path, "--method", "pca", "--grid", "5", "--threads", "1")
    assert "loss 3." in said or "loss 2." in said or "loss 4." in said
    assert "in the centre (step 8)" in said
    assert "5 kept steps" in said
    assert "of the path's variance lies in this plane" in said


def test_a_surface_is_written_and_told_as_json(path: Path, tmp_path: Path):
    out = tmp_path / "surface.npz"
    run("landscape", path, "--grid", "5", "--out", out, "--threads", "1")
    with np.load(out) as file:
        loss_YX, a_X = file["loss"], file["loss.a"]
        assert set(file["path_loss.step"].tolist()) == {0, 2, 4, 6, 8}
    assert a_X.tolist() == [-1.0, -0.5, 0.0, 0.5, 1.0]
    said = json.loads(run("landscape", path, "--grid", "5", "--json").splitlines()[-1])
    assert said["arrays"]["loss"]["values"] == loss_YX.tolist()
    assert said["centre"] == pytest.approx(float(loss_YX[2, 2]))


def test_losses_are_those_of_the_training_and_name_the_dearest(path: Path):
    said = json.loads(run("losses", path, "--batch", "8", "--json").splitlines()[-1])
    assert said["number"] == 8
    shown = run("losses", path, "--worst", "3", "--part", "validation")
    assert "validation batch 0 of the story world: loss" in shown
    assert len(shown.splitlines()) == 5
    # After its last step the network no longer costs what it cost before it.
    before = read_metrics(path)["train_loss"]
    assert said["loss"] < before[-1]


def test_what_cannot_be_is_one_sentence(path: Path):
    assert "random or pca" in run("landscape", path, "--method", "ball", code=2)
    assert "training or validation" in run("losses", path, "--part", "test", code=2)
    assert "odd number" in run("landscape", path, "--grid", "4", code=2)
    assert "there are 0 to 1" in run("losses", path, "--part", "validation", "--batch", "9", code=2)

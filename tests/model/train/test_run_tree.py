"""The runs of a folder, each under the one that it branches from."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from model.slices import finish
from model.train.branching import tree as tree_of
from model.train.branching.making import making_branch
from model.train.branching.record import Departure, changed
from model.train.branching.tree import differing, family, reading_tree, words_of_changes
from model.train.loop import train
from model.train.presets import PRESETS
from model.train.run_folder import read_metrics, read_recipe
from tests.model.cli.commands import CliRunner, make_app


def branch(parent: Path, step: int, out: Path, *settings: str) -> Path:
    recipe = changed(read_recipe(parent), settings)
    finish(making_branch(Departure(str(parent), step), recipe, out))
    return out


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five runs, made once; each test has a copy."""
    folder = tmp_path_factory.mktemp("made") / "runs"
    text = folder.parent / "text.txt"
    text.write_text("The king saw the queen, and she went home. " * 60, encoding="utf-8")
    short = replace(
        PRESETS["tiny"],
        data=str(text),
        n_layers=1,
        d_model=16,
        n_ctx=16,
        batch_size=4,
        steps=6,
        warmup_steps=2,
        eval_every=3,
        eval_batches=2,
        sample_every=0,
        snapshot_every=2,
    )
    list(train(short, folder / "root"))
    list(train(replace(short, seed=1), folder / "another"))
    branch(folder / "root", 4, folder / "late", "lr=0.01")
    branch(folder / "root", 2, folder / "soon", "beta1=0.8", "steps=8")
    branch(folder / "soon", 2, folder / "twig", "lr=0.02")
    return folder.rename(folder.with_name("moved"))  # its copies know each other by their own place


@pytest.fixture
def runs(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made, tmp_path / "runs")
    return tmp_path / "runs"


def test_each_run_stands_under_its_parent_in_the_order_of_departure(runs: Path) -> None:
    nodes = finish(reading_tree(runs))
    assert [(node.name, node.depth) for node in nodes] == [
        ("another", 0),
        ("root", 0),
        ("soon", 1),
        ("twig", 2),
        ("late", 1),
    ]
    by_path = {node.run_dir: node for node in nodes}
    words = [words_of_changes(node, by_path.get(node.parent)) for node in nodes]
    assert words == [
        "",
        "",
        "steps 6 -> 8, beta1 0.9 -> 0.8",
        "lr 0.003 -> 0.02",
        "lr 0.003 -> 0.01",
    ]
    assert [node.name for node in family(nodes, str(runs / "twig"))] == [
        "root",
        "soon",
        "twig",
        "late",
    ]


def test_a_node_has_the_runs_own_curve(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    metrics = read_metrics(runs / "root")
    (root,) = (node for node in finish(reading_tree(runs)) if node.name == "root")
    assert np.array_equal(root.train_steps, metrics["step"][1:])
    assert np.array_equal(root.train_loss, metrics["train_loss"][1:])
    assert root.last_loss == metrics["val_loss"][-1]
    monkeypatch.setattr(tree_of, "MOST_POINTS", 3)
    (root,) = (node for node in finish(reading_tree(runs)) if node.name == "root")
    assert root.train_loss == pytest.approx(metrics["train_loss"][1:].reshape(3, 2).mean(axis=1))
    assert list(root.train_steps) == [2, 4, 6]


def test_only_what_has_changed_is_read_again(runs: Path) -> None:
    nodes = finish(reading_tree(runs))
    list(train(None, runs / "late", resume=True))
    again = finish(reading_tree(runs, nodes))
    old, new = ({node.name: node for node in each} for each in (nodes, again))
    assert new["root"].train_loss is old["root"].train_loss
    assert (old["late"].step, new["late"].step) == (4, 6)


def test_only_settings_that_differ_are_in_the_table(runs: Path) -> None:
    recipes = [read_recipe(runs / name) for name in ("root", "soon", "twig")]
    assert differing(recipes) == {
        "steps": (6, 8, 8),
        "lr": (0.003, 0.003, 0.02),
        "beta1": (0.9, 0.8, 0.8),
    }


def test_a_branch_whose_parent_is_gone_is_a_root_that_says_so(runs: Path) -> None:
    shutil.rmtree(runs / "root")
    nodes = {node.name: node for node in finish(reading_tree(runs))}
    assert (nodes["late"].depth, nodes["late"].parent) == (0, "")
    assert nodes["twig"].depth == 1
    said = CliRunner().invoke(make_app(), ["runs", str(runs)]).output
    assert "from step 4 of root, which is gone" in said


def test_the_command_line_tells_the_tree_and_what_differs(runs: Path) -> None:
    said = CliRunner().invoke(make_app(), ["runs", str(runs), "--settings"]).output
    assert "    twig" in said
    assert "from step 4: lr 0.003 -> 0.01" in said
    found = json.loads(CliRunner().invoke(make_app(), ["runs", str(runs), "--json"]).output)
    assert [run["departs_at"] for run in found["runs"]] == [None, None, 2, 2, 4]
    assert found["settings"]["seed"] == [1, 0, 0, 0, 0]


def test_a_run_that_diverged_says_so(runs: Path) -> None:
    recipe = read_recipe(runs / "root")
    wild = replace(recipe, lr=1e30, min_lr=0.0, warmup_steps=0, grad_clip=0.0)
    list(train(wild, runs / "wild"))
    diverged = {node.name: node.diverged for node in finish(reading_tree(runs))}
    assert diverged.pop("wild")
    assert not any(diverged.values())
    said = CliRunner().invoke(make_app(), ["runs", str(runs)]).output
    assert [line.split()[0] for line in said.splitlines() if line.endswith("diverged")] == ["wild"]
    found = json.loads(CliRunner().invoke(make_app(), ["runs", str(runs), "--json"]).output)
    assert [run["name"] for run in found["runs"] if run["diverged"]] == ["wild"]


def test_the_command_line_branches_and_trains(runs: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    ran = CliRunner().invoke(
        make_app(),
        ["branch", str(runs / "root"), "--step", "4", "--out", str(out), "--set",
         "learning_rate=0.01", "--threads", "1", "--json"],
    )  # fmt: skip
    assert ran.exit_code == 0, ran.output
    found = json.loads(ran.stdout)
    assert found["changed"]["lr"] == {"from": 0.003, "to": 0.01}
    assert found["steps"] == 6
    assert read_recipe(out).name == "out"
    refused = CliRunner().invoke(
        make_app(), ["branch", str(runs / "root"), "--step", "4", "--out", str(out)]
    )
    assert refused.exit_code == 2
    assert "holds a run already" in refused.output

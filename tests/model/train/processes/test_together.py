"""A run by several processes is the run by one: its curve, its samples, its weights, its folder."""

from __future__ import annotations

import os
import pickle
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from model.checkpoint import open_checkpoint
from model.train.curves_file import CURVES_FILE, row_of
from model.train.loop import train
from model.train.recipe import Recipe, Tuning
from model.train.run_files import copy_run
from model.train.run_folder import RunError, read_metrics, read_run
from model.train.state import load_state
from tests.model.train.processes.launching import (
    RECIPE,
    ROOT,
    TOLERANCE,
    assert_same,
    environment,
    rehearse,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs by one process, by two and by four."""
    folder = tmp_path_factory.mktemp("runs")
    recipes = {
        "plain": RECIPE,
        "pieces": replace(RECIPE, micro_batch=2, tied_embeddings=False, sample_every=0),
        "small": replace(RECIPE, batch_size=3),
        "muon": replace(RECIPE, optimiser="muon", steps=6, sample_every=0),
        "full": tuned(folder, "full"),
        "lora": tuned(folder, "lora"),
    }
    for name, recipe in recipes.items():
        (folder / f"{name}.toml").write_text(recipe.to_toml())
    for name in ("plain", "pieces", "muon", "full", "lora"):
        list(train(recipes[name], folder / f"{name}-1"))

    def plan(name: str, out: str, parallel: str, **more: Any) -> dict[str, Any]:
        recipe = str(folder / f"{name}.toml")
        return {"recipe": recipe, "out": str(folder / out), "parallel": parallel, **more}

    said_by_two = rehearse(
        2,
        folder,
        [
            plan("plain", "plain-ddp-2", "ddp"),
            plan("plain", "plain-fsdp-2", "fsdp"),
            plan("pieces", "pieces-ddp-2", "ddp"),
            plan("pieces", "pieces-fsdp-2", "fsdp"),
            plan("plain", "ddp-2 then fsdp-4", "ddp", stop_at=7),
            plan("plain", "fsdp-2 then ddp-4", "fsdp", stop_at=7),
            plan("plain", "fsdp-2 then fsdp-4", "fsdp", stop_at=8),
            plan("plain", "fsdp-2 then one", "fsdp", stop_at=7),
            plan("muon", "muon-ddp-2", "ddp"),
            plan("muon", "muon-fsdp-2", "fsdp"),
            plan("full", "full-ddp-2", "ddp"),
            plan("lora", "lora-ddp-2", "auto", stop_at=5),
            plan("lora", "lora-ddp-2", "auto", resume=True),
            plan("lora", "lora-fsdp-2", "fsdp"),
        ],
    )
    said = rehearse(
        4,
        folder,
        [
            plan("plain", "plain-ddp-4", "ddp"),
            plan("plain", "plain-fsdp-4", "fsdp"),
            plan("pieces", "pieces-fsdp-4", "fsdp"),
            plan("plain", "ddp-2 then fsdp-4", "fsdp", resume=True),
            plan("plain", "fsdp-2 then ddp-4", "ddp", resume=True),
            plan("plain", "fsdp-2 then fsdp-4", "fsdp", resume=True),
            plan("small", "small", "ddp"),
            plan("plain", "plain-1", "ddp"),
        ],
    )
    (folder / "said by four").write_text(said)
    (folder / "said by two").write_text(said_by_two)
    shutil.copytree(folder / "fsdp-2 then one", folder / "state in shards")
    list(train(None, folder / "fsdp-2 then one", resume=True))
    return folder


def tuned(folder: Path, tuning: Tuning) -> Recipe:
    """Of the last network of the run by one, which is trained first."""
    weights = str(folder / "plain-1" / "snapshots" / "step-000014")
    more = {"weights": weights, "tokenizer": weights, "steps": 8, "sample_every": 0}
    return replace(RECIPE, tuning=tuning, lora_rank=2, old_data="world", **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "run",
    [
        "full-ddp-2",
        "lora-ddp-2",
        "plain-ddp-2",
        "plain-fsdp-2",
        "plain-ddp-4",
        "plain-fsdp-4",
        "pieces-ddp-2",
        "pieces-fsdp-2",
        "pieces-fsdp-4",
    ],
)
def test_several_processes_train_what_one_would(folder: Path, run: str) -> None:
    assert_same(folder / run, folder / f"{run.partition('-')[0]}-1")


def test_muon_moves_every_copy_alike(folder: Path) -> None:
    found, expected = (read_metrics(folder / f"muon-{run}") for run in ("ddp-2", "1"))
    # Directions with hardly any gradient are moved as far as all others: last digits count there.
    np.testing.assert_allclose(found["train_loss"], expected["train_loss"], rtol=1e-3)
    assert expected["train_loss"][-1] < expected["train_loss"][1]


def test_a_model_is_not_tuned_in_shards_and_is_told_how_it_is(folder: Path) -> None:
    said = (folder / "said by two").read_text()
    assert "said by 0: A model is fine-tuned in whole copies" in said
    assert not (folder / "lora-fsdp-2").exists()
    adapters = [
        open_checkpoint(folder / run / "adapters" / "step-000008").transformer.state_dict()
        for run in ("lora-ddp-2", "lora-1")
    ]
    for name, weight in adapters[0].items():
        torch.testing.assert_close(weight, adapters[1][name], rtol=1e-3, atol=2e-5, msg=name)


def test_muon_does_not_train_shards_and_says_what_does(folder: Path) -> None:
    assert "train with copies (--parallel ddp)" in (folder / "said by two").read_text()
    assert not (folder / "muon-fsdp-2").exists()


def test_gradients_over_pieces_are_those_of_the_whole_batch(folder: Path) -> None:
    recipe = replace(RECIPE, tied_embeddings=False, sample_every=0)
    list(train(recipe, folder / "no pieces"))
    assert_same(folder / "pieces-1", folder / "no pieces")


@pytest.mark.parametrize(
    "run",
    ["ddp-2 then fsdp-4", "fsdp-2 then ddp-4", "fsdp-2 then fsdp-4", "fsdp-2 then one"],
)
def test_a_run_goes_on_with_other_processes_as_if_it_had_never_stopped(
    folder: Path, run: str
) -> None:
    metrics = read_metrics(folder / run)
    np.testing.assert_allclose(
        metrics["train_loss"], read_metrics(folder / "plain-1")["train_loss"], rtol=TOLERANCE
    )
    assert metrics["step"][-1] == RECIPE.steps


def test_a_folder_says_how_it_was_trained_and_the_recipe_is_that_of_one_process(
    folder: Path,
) -> None:
    for run, machine in (
        ("plain-ddp-4", {"processes": 4, "parallel": "ddp"}),
        ("plain-fsdp-2", {"processes": 2, "parallel": "fsdp"}),
    ):
        assert machine.items() <= read_run(folder / run)["machine"].items()
        assert read_run(folder / run)["recipe"] == read_run(folder / "plain-1")["recipe"]
        assert not [path for path in (folder / run).rglob(".*") if path.name != ".metadata"]


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="threads are named by Linux only")
@pytest.mark.parametrize(("said_by", "n"), [("two", 2), ("four", 4)])
def test_no_thread_outlives_what_was_done_together(folder: Path, said_by: str, n: int) -> None:
    """Such a thread ends the process with "terminate called", if it is still at work then."""
    said = (folder / f"said by {said_by}").read_text().splitlines()
    assert sorted(line for line in said if line.startswith("left")) == [
        f"left by {rank}: []" for rank in range(n)
    ]
    for rank in range(n):  # they are seen where they are
        assert any(line.startswith(f"during by {rank}: ['gloo") for line in said)


def test_of_states_in_shards_only_the_last_stays(folder: Path) -> None:
    states = [path.name for path in (folder / "plain-fsdp-2/state").glob("step-*")]
    assert states == [load_state(folder / "plain-fsdp-2", "cpu").shards] == ["step-000014"]
    assert not list((folder / "fsdp-2 then one/state").glob("step-*")), "its state is whole again"


@pytest.mark.parametrize("named", ["state", "state/step-000007"])
def test_a_state_in_shards_is_written_as_a_folder_that_transformers_loads(
    folder: Path, tmp_path: Path, named: str
) -> None:
    from transformers import AutoModelForCausalLM
    from transformers.utils import logging

    logging.disable_progress_bar()  # tqdm starts a thread that stays
    run = folder / "state in shards"
    out = tmp_path / "model"
    done = subprocess.run(
        [sys.executable, "-m", "model", "convert", str(run / named), str(out)],
        env=environment(),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "The state of step 7." in done.stderr
    theirs = AutoModelForCausalLM.from_pretrained(out)
    ours = open_checkpoint(run / "snapshots/step-000007").transformer
    ids = torch.arange(12)[None]
    with torch.inference_mode():
        torch.testing.assert_close(theirs(ids).logits, ours(ids), rtol=1e-5, atol=1e-5)


def test_a_table_of_contents_that_would_run_something_does_not(
    folder: Path, tmp_path: Path
) -> None:
    run = Path(shutil.copytree(folder / "state in shards", tmp_path / "run"))
    (run / "state/step-000007/.metadata").write_bytes(pickle.dumps(_Runs(tmp_path / "ran")))
    with pytest.raises(RunError, match="is damaged"):
        list(train(None, run, resume=True))
    assert not (tmp_path / "ran").exists()


class _Runs:
    """Makes a folder when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


def test_shards_that_are_gone_or_cut_are_a_sentence(folder: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(folder / "state in shards", tmp_path / "run"))
    shard = next((run / "state/step-000007").glob("*.distcp"))
    shard.write_bytes(shard.read_bytes()[:1000])
    with pytest.raises(RunError, match="is damaged"):
        list(train(None, run, resume=True))
    shutil.rmtree(run / "state/step-000007")
    with pytest.raises(RunError, match="is damaged"):
        list(train(None, run, resume=True))


def test_a_copy_of_a_run_has_its_shards(folder: Path, tmp_path: Path) -> None:
    copy_run(folder / "state in shards", tmp_path / "copy")
    list(train(None, tmp_path / "copy", resume=True))
    assert read_metrics(tmp_path / "copy")["step"][-1] == RECIPE.steps


def test_what_one_process_can_not_do_is_said_once(folder: Path) -> None:
    said = (folder / "said by four").read_text().splitlines()
    small = [line for line in said if "A batch of 3 windows can't be shared by 4" in line]
    taken = [line for line in said if "holds a run already" in line]
    for lines in (small, taken):
        assert sorted(line.partition(":")[0] for line in lines) == [
            "heard by 1",
            "heard by 2",
            "heard by 3",
            "said by 0",
        ]
    assert not (folder / "small").exists()
    assert read_metrics(folder / "plain-1")["step"][-1] == RECIPE.steps, "left as it was"


@pytest.mark.parametrize("out", ["plain-ddp-2", "plain-fsdp-2", "plain-fsdp-4"])
def test_curves_are_those_of_one_process(folder: Path, out: str) -> None:
    def curves(name: str) -> dict[tuple[int, str, str], float]:
        rows = [row_of(line) for line in (folder / name / CURVES_FILE).read_text().splitlines()]
        return {row[:3]: row[3] for row in rows if row is not None}

    one, several = curves("plain-1"), curves(out)
    # In shards the weights are measured only where they are gathered anyway.
    of_weights = ("entropy", "induction", "induction_head", "rank")
    if "fsdp" in out:
        steps = {step for step, _, measure in several if measure in of_weights}
        one = {key: one[key] for key in one if key[2] not in of_weights or key[0] in steps}
        assert steps
    assert several.keys() == one.keys()
    assert {measure for _, _, measure in one} >= {"grad_norm", "update_ratio", "entropy", "rank"}
    for key, value in one.items():
        assert several[key] == pytest.approx(value, rel=2e-3), key

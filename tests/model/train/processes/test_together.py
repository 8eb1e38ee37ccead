"""A run by several processes is the run by one: its curve, its samples, its weights, its folder."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from model.checkpoint import open_checkpoint
from model.train.loop import train
from model.train.presets import PRESETS
from model.train.recipe import Recipe
from model.train.run_folder import RunError, read_metrics, read_run, snapshots
from model.train.run_writing import copy_run
from model.train.samples import read_samples
from model.train.state import load_state

ROOT = Path(__file__).resolve().parents[4]
REHEARSAL = Path(__file__).with_name("rehearsal.py")
TOLERANCE = 1e-5
"""Of losses, relative: sums of float32 in another order differ in their last digits."""

RECIPE = replace(
    PRESETS["tiny"],
    data_tokens=3_000,
    n_ctx=16,
    # No multiple of the processes: shares, and so weights in the mean, are unequal.
    batch_size=6,
    steps=14,
    warmup_steps=2,
    eval_every=4,
    eval_batches=3,
    sample_every=7,
    sample_tokens=8,
    snapshot_every=5,
    # Low: where the loss leaps, differences in the last digits grow with it.
    lr=1e-3,
    min_lr=1e-4,
    grad_clip=0.7,  # which these gradients exceed
    threads=1,
)


def torchrun(n: int, *arguments: str | Path) -> list[str]:
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    return [*launcher, "--nproc-per-node", str(n), *map(str, arguments)]


def environment() -> dict[str, str]:
    return os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}


def rehearse(n: int, folder: Path, plans: Sequence[dict[str, Any]]) -> str:
    """Let several processes do some runs; what they said."""
    (folder / "runs.json").write_text(json.dumps(plans))
    return finished(torchrun(n, REHEARSAL, folder / "runs.json"))


def finished(command: Sequence[str]) -> str:
    """What a command says that ends well; one that hangs is ended, with all that it started."""
    process = subprocess.Popen(
        command,
        env=environment(),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        said, _ = process.communicate(timeout=200)
    finally:
        if process.poll() is None:
            process.terminate()  # torchrun then ends its processes
            process.communicate()
    assert process.returncode == 0, said
    return said


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs by one process, by two and by four."""
    folder = tmp_path_factory.mktemp("runs")
    recipes = {
        "plain": RECIPE,
        "pieces": replace(RECIPE, micro_batch=2, tied_embeddings=False, sample_every=0),
        "small": replace(RECIPE, batch_size=3),
    }
    for name, recipe in recipes.items():
        (folder / f"{name}.toml").write_text(recipe.to_toml())
    for name in ("plain", "pieces"):
        list(train(recipes[name], folder / f"{name}-1"))

    def plan(name: str, out: str, parallel: str, **more: Any) -> dict[str, Any]:
        recipe = str(folder / f"{name}.toml")
        return {"recipe": recipe, "out": str(folder / out), "parallel": parallel, **more}

    rehearse(
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
    (folder / "said").write_text(said)
    shutil.copytree(folder / "fsdp-2 then one", folder / "state in shards")
    list(train(None, folder / "fsdp-2 then one", resume=True))
    return folder


def assert_same(run: Path, whole: Path) -> None:
    found, expected = read_metrics(run), read_metrics(whole)
    assert list(found["step"]) == list(expected["step"])
    for name in ("tokens", "lr", "train_loss", "val_loss", "grad_norm"):
        np.testing.assert_allclose(found[name], expected[name], rtol=TOLERANCE, err_msg=name)
    assert read_samples(run, 99) == read_samples(whole, 99)
    assert [step for step, _ in snapshots(run)] == [step for step, _ in snapshots(whole)]
    weights, others = (
        open_checkpoint(snapshots(path)[-1][1]).transformer.state_dict() for path in (run, whole)
    )
    for name, tensor in weights.items():
        torch.testing.assert_close(tensor, others[name], rtol=1e-3, atol=2e-5, msg=name)


@pytest.mark.parametrize(
    "run",
    [
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
    said = (folder / "said").read_text().splitlines()
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


# ------------------------------------------------------------------- from the command line


@pytest.fixture
def long_recipe(tmp_path: Path) -> Path:
    recipe = replace(RECIPE, steps=100_000, eval_every=20, sample_every=0, snapshot_every=20)
    path = tmp_path / "recipe.toml"
    path.write_text(recipe.to_toml())
    return path


@pytest.fixture
def started(long_recipe: Path, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Two processes that train until they are stopped."""
    verb = ("-m", "model", "train", "--recipe", long_recipe, "--out", tmp_path / "run")
    process = subprocess.Popen(
        torchrun(2, *verb, "--device", "cpu", "--threads", "1"),
        env=environment(),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    until = time.monotonic() + 120
    while not (tmp_path / "run/snapshots/step-000020").exists():
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < until
        time.sleep(0.05)
    yield process
    if process.poll() is None:
        process.terminate()
    process.communicate()


def trainers(launcher: subprocess.Popen[str]) -> list[int]:
    """The processes that a launcher has started, by rank."""
    path = Path(f"/proc/{launcher.pid}/task/{launcher.pid}/children")
    ranks: dict[int, int] = {}
    for pid in map(int, path.read_text().split()):
        values = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        rank = next((value for value in values if value.startswith(b"RANK=")), None)
        if rank is not None:
            ranks[int(rank.partition(b"=")[2])] = pid
    return [ranks[rank] for rank in sorted(ranks)]


def short_run(run: Path, recipe: Recipe) -> Path:
    """The same run by one process."""
    list(train(recipe, run))
    return run


def assert_same_beginning(run: Path, tmp_path: Path) -> None:
    losses = read_metrics(run)["train_loss"]
    # Of as many steps, as the schedule spans them.
    recipe = Recipe.from_file(tmp_path / "recipe.toml")
    source = train(recipe, tmp_path / "whole")
    while getattr(next(source), "step", 0) <= 40:
        pass
    source.close()  # type: ignore[attr-defined]
    whole = read_metrics(tmp_path / "whole")["train_loss"]
    n = min(len(losses), len(whole))
    assert n > 20
    np.testing.assert_allclose(losses[:n], whole[:n], rtol=TOLERANCE)


needs_proc = pytest.mark.skipif(not Path("/proc").is_dir(), reason="finds processes in /proc")


@needs_proc
def test_torchrun_that_is_asked_to_end_saves_the_run(
    started: subprocess.Popen[str], tmp_path: Path
) -> None:
    started.send_signal(signal.SIGTERM)
    said, _ = started.communicate(timeout=60)
    assert said.count("all is saved") == 1, said
    state = load_state(tmp_path / "run", "cpu")
    assert state.step == read_metrics(tmp_path / "run")["step"][-1] >= 20
    assert snapshots(tmp_path / "run")[-1][0] == state.step
    assert_same_beginning(tmp_path / "run", tmp_path)


@needs_proc
@pytest.mark.parametrize("rank", [0, 1])
def test_a_process_that_is_killed_ends_all_with_a_sentence_and_one_goes_on(
    started: subprocess.Popen[str], tmp_path: Path, rank: int
) -> None:
    os.kill(trainers(started)[rank], signal.SIGKILL)
    said, _ = started.communicate(timeout=60)
    assert started.returncode != 0
    # The second one says it where the first may be gone.
    assert said.count("Another process of the run has ended") == 1, said
    assert "go on with --resume" in said
    kept = load_state(tmp_path / "run", "cpu").step
    for event in train(None, tmp_path / "run", resume=True):
        if getattr(event, "step", 0) > kept + 25:
            break
    assert read_metrics(tmp_path / "run")["step"][-1] > kept + 20
    assert_same_beginning(tmp_path / "run", tmp_path)


@needs_proc
def test_torchrun_that_starts_the_processes_anew_goes_on_with_the_run(
    long_recipe: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    recipe = replace(Recipe.from_file(long_recipe), steps=120)
    long_recipe.write_text(recipe.to_toml())
    # A process that dies of itself, once, well after the first state was saved.
    dying = tmp_path / "dying.py"
    dying.write_text(
        "import os, signal\n"
        "from model.cli.app import main\n"
        "from model.train.updates import Updates\n"
        "advance = Updates.advance\n"
        "def mortal(self):\n"
        "    first = os.environ['TORCHELASTIC_RESTART_COUNT'] == '0'\n"
        "    if first and os.environ['RANK'] == '1' and self.step == 50:\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "    return advance(self)\n"
        "Updates.advance = mortal\n"
        "main()\n"
    )
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    verb = ["train", "--recipe", str(long_recipe), "--out", str(run), "--device", "cpu"]
    said = finished([*launcher, "--nproc-per-node", "2", "--max-restarts", "1", str(dying), *verb])
    assert "All 120 steps are done" in said
    assert_same(run, short_run(tmp_path / "whole", recipe))

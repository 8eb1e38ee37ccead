"""Runs by several processes, and what they are compared with: the run by one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from model.checkpoint import open_checkpoint
from model.train.presets import PRESETS
from model.train.run_folder import read_metrics, snapshots
from model.train.samples import read_samples

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

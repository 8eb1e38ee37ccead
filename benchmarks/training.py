"""How fast a training step is, against a plain PyTorch loop of the same network.

The plain loop is what a person writes first: AdamW with torch's defaults, random windows cut one
by one, clipping, the loss read each step. Each loop lives in a process of its own, so that what
ours asks of the C library does not help theirs; the two take turns, a few steps at a time.

And what snapshots cost: a preset is run to its end, and its seconds are put beside those of all
slices that write neither snapshot nor state.
"""

from __future__ import annotations

import multiprocessing
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from benchmarks.rows import Row
from model.train.presets import PRESETS
from model.train.recipe import Recipe

if TYPE_CHECKING:
    from model.train.data import TextData

PRESET_NAMES = ("minute", "classic")
KEPT_NAMES = ("minute", "fast")
"""Presets that are run to their end, for what their snapshots cost."""
TURNS = 24
SECONDS_PER_TURN = 0.7


def run() -> list[Row]:
    """Medians of the turns, for a small network on words and one on characters."""
    import torch

    threads = torch.get_num_threads()
    rows = [_race(name, threads) for name in PRESET_NAMES]
    return rows + [_keeping(name, threads) for name in KEPT_NAMES]


def _keeping(name: str, threads: int) -> Row:
    """A run to its end: its seconds, and those of all that writes no snapshot."""
    from model.train.events import SnapshotSaved, Started
    from model.train.loop import Training

    preset = PRESETS[name]
    recipe = replace(preset, data=preset.data or "world", data_tokens=100_000, threads=threads)
    seconds = keeping = 0.0
    n = 0
    with tempfile.TemporaryDirectory() as folder:
        events = Training(recipe, Path(folder, "run")).events()
        while not isinstance(next(events), Started):
            pass
        began = time.perf_counter()
        for event in events:
            taken = time.perf_counter() - began
            seconds += taken
            if isinstance(event, SnapshotSaved):
                keeping += taken
                n += 1
            began = time.perf_counter()
    return Row(
        f"{n} snapshots of preset {name}, {threads} thread{'s' if threads > 1 else ''}",
        seconds,
        seconds - keeping,
        seconds / (seconds - keeping),
        "s",
        "≤ 1.03 × the same run without them",
    )


def _race(name: str, threads: int) -> Row:
    preset = PRESETS[name]
    # Only steps are timed; the text is the story world's, whichever the preset would read.
    recipe = replace(
        preset,
        data="world",
        data_tokens=100_000,
        threads=threads,
        steps=1_000_000,
        eval_every=0,
        sample_every=0,
        snapshot_every=0,
        max_seconds=0.0,
        target_val_loss=0.0,
    )
    context = multiprocessing.get_context("spawn")
    ends: list[Connection] = []
    children = []
    for work in (_ours, _theirs):
        here, there = context.Pipe()
        child = context.Process(target=work, args=(recipe, there), daemon=True)
        child.start()
        ends.append(here)
        children.append(child)
    speeds: tuple[list[float], list[float]] = ([], [])
    for end in ends:
        end.recv()  # ready and warm
    for _ in range(TURNS):
        for end, measured in zip(ends, speeds, strict=True):
            end.send(SECONDS_PER_TURN)
            measured.append(end.recv())
    for end, child in zip(ends, children, strict=True):
        end.send(None)
        child.join(30)
    ratios = [a / b for a, b in zip(*speeds, strict=True)]
    return Row(
        f"training, preset {name}, {threads} thread{'s' if threads > 1 else ''}",
        median(speeds[0]),
        median(speeds[1]),
        median(ratios),
        "tokens/s",
        "≥ 1.0 × a plain loop",
    )


def _ours(recipe: Recipe, end: Connection) -> None:
    """The product's own loop, events, metrics and all."""
    from model.train.events import StepDone
    from model.train.loop import Training

    with tempfile.TemporaryDirectory() as folder:
        training = Training(recipe, Path(folder, "run"))
        events = training.events()

        def step() -> None:
            while not isinstance(next(events), StepDone):
                pass

        _take_turns(recipe, step, end)
        training.stop()
        for _ in events:
            pass


def _theirs(recipe: Recipe, end: Connection) -> None:
    """A plain loop of the same network on the same text."""
    import numpy as np
    import torch
    from torch.nn import functional as F

    from model.transformer import Transformer

    torch.set_num_threads(recipe.threads)
    data = _text(recipe)
    ids = data.train_ids
    network = Transformer(recipe.config(data.tokenizer.n_tokens))
    network.initialize(torch.Generator().manual_seed(recipe.seed), recipe.init_std)
    optimiser = torch.optim.AdamW(
        network.parameters(),
        lr=recipe.lr,
        betas=(recipe.beta1, recipe.beta2),
        weight_decay=recipe.weight_decay,
    )
    n_ctx = recipe.n_ctx
    done = 0

    def step() -> None:
        nonlocal done
        done += 1
        for group in optimiser.param_groups:
            group["lr"] = recipe.learning_rate(done)
        starts = torch.randint(len(ids) - n_ctx, (recipe.batch_size,))
        x = torch.stack([torch.from_numpy(ids[i : i + n_ctx].astype(np.int64)) for i in starts])
        y = torch.stack(
            [torch.from_numpy(ids[i + 1 : i + 1 + n_ctx].astype(np.int64)) for i in starts]
        )
        logits = network(x)
        loss = F.cross_entropy(logits.view(-1, logits.size(-1)), y.view(-1))
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), recipe.grad_clip)
        optimiser.step()
        loss.item()

    _take_turns(recipe, step, end)


def _text(recipe: Recipe) -> TextData:
    from model.slices import finish
    from model.train.data import prepare

    return finish(prepare(recipe))


def _take_turns(recipe: Recipe, step: Callable[[], None], end: Connection) -> None:
    """Steps for as long as the parent asks; answers with tokens per second."""
    for _ in range(5):
        step()
    end.send("ready")
    while (seconds := end.recv()) is not None:
        steps = 0
        began = time.perf_counter()
        while (taken := time.perf_counter() - began) < seconds:
            step()
            steps += 1
        end.send(steps * recipe.batch_size * recipe.n_ctx / taken)


if __name__ == "__main__":
    for row in run():
        print(
            f"{row.name}: {row.ours:,.4g} {row.unit}, beside {row.theirs:,.4g}, "
            f"ratio {row.ratio:.3f} ({row.target})"
        )

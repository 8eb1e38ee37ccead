"""The cost surface of the `minute` network, against the bare forwards that it needs.

The surface is the probe's, as the window asks it: the text of the batch is at hand, as it is while
a run goes on and after the first question; what is timed is the copy, the directions, every move
of all weights and every loss. Beside it a loop of one's own: as many forwards with their loss, of
the same batch, with weights that stay where they are. Seconds of one thread, in turns.

The first picture is timed from the question on.
"""

from __future__ import annotations

import tempfile
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.asking import in_pairs
from benchmarks.rows import Row

if TYPE_CHECKING:
    from model.bench import Bench

GRID = 25


def run() -> list[Row]:
    """Both kinds of directions."""
    from model.bench import Bench
    from model.device import set_threads
    from model.language_model import open_model
    from model.train.loop import train
    from model.train.presets import preset

    set_threads(1)
    recipe = replace(preset("minute"), steps=20, eval_every=0, sample_every=0, data_tokens=60_000)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run"
        for _ in train(recipe, path):
            pass
        bench = Bench()
        bench.hold(0, lm := open_model(path, "cpu"))
        assert lm.path is not None
        return [*_surface(bench), *_first(bench)]


def _surface(bench: Bench) -> list[Row]:
    import torch

    from model.train.measure import mean_loss

    network = bench.held(0).lm.transformer
    _asked(bench, "random", 3)  # cuts the text
    text = bench.held(0).texts["", "validation"]
    windows_BT = torch.from_numpy(text.batch(0))  # type: ignore[attr-defined]

    def bare() -> None:
        with torch.inference_mode():
            for _ in range(GRID * GRID):
                mean_loss(network, windows_BT).item()

    rows = []
    for method in ("random", "pca"):
        mine, theirs, ratio = in_pairs(partial(_asked, bench, method, GRID), bare, 2)
        rows.append(
            Row(
                f"{GRID} × {GRID} losses, minute network, {method} directions, its path included",
                mine,
                theirs,
                ratio,
                "s",
                "≤ 1.2 × as many bare forwards",
            )
        )
    return rows


def _first(bench: Bench) -> list[Row]:
    seconds = []
    for _ in range(3):
        began = time.thread_time()
        _asked(bench, "random", GRID, until=11)
        seconds.append(time.thread_time() - began)
    first = sorted(seconds)[1]
    return [Row("its first 11 × 11", first, None, first / 2, "s", "≤ 2 s")]


def _asked(bench: Bench, method: str, grid: int, until: int = 0) -> None:
    """Asks; stops at the first picture of so many lines."""
    from model.probe.landscape.asks import Landscape, LandscapeFound
    from model.probe.landscape.compute import answer
    from model.subject import Subject

    question = Landscape(method=method, grid=grid)  # type: ignore[arg-type]
    for found in answer(question, Subject(0, None, (1,)), bench):
        if isinstance(found, LandscapeFound) and until and len(found.a_X) >= until:
            return

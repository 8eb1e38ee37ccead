"""What measuring the curves of a run costs its training, and what watching tensors adds.

Two runs of one recipe in one process take turns, a few hundred milliseconds each: one measures
nothing, the other as its preset does, with or without tensors that are watched. The ratio is of
tokens per second over all of a turn, measuring included.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from statistics import median

from benchmarks.rows import Row
from model.train.presets import PRESETS
from model.train.recipe import Recipe

TURNS = 30
SECONDS_PER_TURN = 0.5
WATCHED = (
    "blocks.0.attn.hook_pattern entropy",
    "blocks.0.mlp.W_in norm",
    "blocks.0.mlp.W_in.grad norm",
    "hook_embed rms",
)
PROMISED = "≥ 0.97 × nothing measured"


def run() -> list[Row]:
    """A row for what every run measures, one for tensors watched on top."""
    rows = []
    for name, watched in (("curves", ()), ("curves and 4 watched tensors", WATCHED)):
        ours, theirs, ratio = _race(PRESETS["minute"], watched)
        rows.append(Row(f"training minute, {name}", ours, theirs, ratio, "tokens/s", PROMISED))
    return rows


def _race(preset: Recipe, watched: tuple[str, ...]) -> tuple[float, float, float]:
    base = replace(
        preset, data_tokens=100_000, steps=1_000_000, eval_every=0, sample_every=0, snapshot_every=0
    )
    speeds: list[list[float]] = [[], []]
    with tempfile.TemporaryDirectory() as folder:
        runs = [
            _turns(replace(base, watched=watched), Path(folder, "measured")),
            _turns(replace(base, curves_every=0), Path(folder, "plain")),
        ]
        for one in runs:
            next(one)
        for turn in range(TURNS):
            order = (0, 1) if turn % 2 else (1, 0)
            for index in order:
                speeds[index].append(next(runs[index]))
        for one in runs:
            one.close()
    ratios = [a / b for a, b in zip(*speeds, strict=True)]
    return median(speeds[0]), median(speeds[1]), median(ratios)


def _turns(recipe: Recipe, folder: Path) -> Generator[float, None, None]:
    """Tokens per second of each turn; the first is a warm-up."""
    from model.train.events import StepDone
    from model.train.loop import Training

    training = Training(recipe, folder)
    events = training.events()
    every = recipe.curves_every or PRESETS["minute"].curves_every
    while not isinstance(next(events), StepDone):
        pass  # the text is made first
    while True:
        began, steps = time.perf_counter(), 0
        # Whole cycles of measuring: a turn that happens to hold one more would tell nothing.
        while steps % every or time.perf_counter() - began < SECONDS_PER_TURN:
            if isinstance(next(events), StepDone):
                steps += 1
        yield steps * recipe.batch_size * recipe.n_ctx / (time.perf_counter() - began)


if __name__ == "__main__":
    for row in run():
        print(f"{row.name}: {row.ours:,.0f} {row.unit}, ratio {row.ratio:.3f} ({row.target})")

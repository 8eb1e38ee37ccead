"""How long a queue will take: a few real steps of each size, on this machine, just now.

A formula would not know the machine, and small networks take longer than their FLOPs say. Knows
plans and the training loop; writes nothing that stays.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from model.train.data import read_text
from model.train.events import Started, StepDone
from model.train.loop import Training
from model.train.places import is_written
from model.train.recipe import WORLD
from model.train.scaling.folder import Expected
from model.train.scaling.plan import EVALUATIONS, PlannedRun, ScalingPlan

PROBE_SECONDS = 0.3
"""Of steps that are timed, for each size; the first ones are not."""
_LEAST_STEPS, _WARM_STEPS = 3, 2
_SAMPLE = 200_000
"""Characters of a text that the probe reads; words of the story world are a tenth."""


def measuring(
    plan: ScalingPlan, device: str = "cpu"
) -> Generator[tuple[str, float], None, Expected]:
    """Time a few steps of every size.

    Args:
        plan: whose sizes.
        device: where to compute.

    Yields:
        What is being done, and how much of it is done, 0 to 1; a step a slice.

    Raises:
        PlanError: the plan can't be trained.
        DataError, TokenizerError: its text can't be read, or be cut.
    """
    plan.validate()
    seconds: dict[str, float] = {}
    threads = 0
    with tempfile.TemporaryDirectory() as place:
        sample = _sample(plan, Path(place))
        runs = plan.runs()
        for n, run in enumerate(runs):
            yield f"Timing width {run.width}", n / len(runs)
            mine = PlannedRun(run.name, run.width, run.tokens, replace(run.recipe, **sample))
            step, threads, preparing = yield from _steps(mine, Path(place), device, n, len(runs))
            seconds[run.name] = preparing + expected_seconds(run, plan, step)
    return Expected(seconds=seconds, threads=threads)


def expected_seconds(run: PlannedRun, plan: ScalingPlan, step: float) -> float:
    """Of all steps and validations of a run; a forward pass takes a third of a step.

    Args:
        run: of the plan.
        plan: whose sweeps, if any, come before it; they see a tenth of the tokens each.
        step: seconds of one.
    """
    checks = (EVALUATIONS + 1) * run.recipe.eval_batches / 3
    trials = plan.trials(run.width) if run.tokens <= plan.tokens[0] * 1.5 else ()
    steps = run.recipe.steps + sum(trial.recipe.steps for trial in trials)
    return step * (steps + checks)


def _steps(
    run: PlannedRun, place: Path, device: str, n: int, of: int
) -> Generator[tuple[str, float], None, tuple[float, int, float]]:
    """Seconds of a step (the median), the threads that it had, and the seconds before the first."""
    recipe = replace(run.recipe, eval_every=0, sample_every=0, snapshot_every=0)
    events = Training(recipe, place / run.name, device=device).events()
    began, preparing, threads = time.perf_counter(), 0.0, 1
    times: list[float] = []
    try:
        for event in events:
            if isinstance(event, Started):
                threads, preparing = event.threads, time.perf_counter() - began
            if isinstance(event, StepDone):
                times.append(event.seconds)
                warm = times[min(_WARM_STEPS, len(times)) - 1]
                enough = len(times) >= _WARM_STEPS + _LEAST_STEPS
                if enough and event.seconds - warm >= PROBE_SECONDS:
                    break
            yield f"Timing width {run.width}", (n + 0.5) / of
    finally:
        events.close()
    step = float(statistics.median(np.diff(times[_WARM_STEPS - 1 :])))
    return step, threads, preparing


def _sample(plan: ScalingPlan, place: Path) -> dict[str, Any]:
    """What the recipes of the probe have instead: a part of the text is enough for its time."""
    recipe = plan.recipe
    least = 20 * recipe.n_ctx
    if recipe.data == WORLD:
        return {"data_tokens": min(recipe.data_tokens, max(_SAMPLE // 10, least))}
    if is_written(recipe.data):
        return {}  # a task's examples are there at once
    text = read_text(Path(recipe.data))
    path = place / "sample.txt"
    path.write_text(text[: max(_SAMPLE, 20 * least)], encoding="utf-8")
    return {"data": str(path)}

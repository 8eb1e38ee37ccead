"""What a run folder tells of its run: recipe, curve, samples, snapshots, and whether it can go on.

The events of the run, read back. Whoever writes the folder, here or on another machine: it is read
as it stands, in slices. Knows recipe, events and run folder; no torch, no window.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from model.train.curves_file import reading_curves
from model.train.events import Evaluated, Measured, Sampled, SnapshotSaved, StepDone
from model.train.metrics import MEASURES, Measure, whole_columns
from model.train.recipe import Recipe
from model.train.run_folder import (
    METRICS_FILE,
    SNAPSHOTS,
    is_run,
    read_recipe,
    read_run,
    snapshots,
    whole_lines,
)
from model.train.samples import read_samples
from model.train.whole_snapshot import is_whole

E = TypeVar("E", StepDone, Evaluated)

ROWS_PER_SLICE = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """A run as its folder has it.

    Attributes:
        run_dir: the folder, as a whole path.
        recipe: its own.
        steps, evaluations, measured, samples, snapshots: its events by kind, in order.
        is_done: whether nothing more can come to it.
        can_resume: whether it can go on from a saved state.
        ending: how far it came, in a sentence.
        problem: what of it could not be read, a sentence; empty if all could.
        program: whose run it is, where it isn't ours: only what its log has is known then, and
            ``run_dir`` is that log.
    """

    run_dir: str
    recipe: Recipe
    steps: tuple[StepDone, ...] = ()
    evaluations: tuple[Evaluated, ...] = ()
    measured: tuple[Measured, ...] = ()
    samples: tuple[Sampled, ...] = ()
    snapshots: tuple[SnapshotSaved, ...] = ()
    is_done: bool = False
    can_resume: bool = False
    ending: str = ""
    problem: str = ""
    program: str = ""

    @property
    def step(self) -> int:
        """Updates of the weights so far."""
        return self.steps[-1].step if self.steps else 0

    def until(self, step: int) -> RunRecord:
        """The same up to a step: what a run that goes on from there has behind it."""
        return replace(
            self,
            steps=tuple(event for event in self.steps if event.step <= step),
            evaluations=tuple(event for event in self.evaluations if event.step <= step),
            measured=tuple(event for event in self.measured if event.step <= step),
            samples=tuple(event for event in self.samples if event.step <= step),
            snapshots=tuple(event for event in self.snapshots if event.step <= step),
        )


def run_dir_of(path: Path) -> Path | None:
    """The run folder that a path lies in or is: a run, its snapshots, one of them, a file there."""
    path = path.absolute()
    with suppress(OSError):
        for folder in (path, *path.parents[:3]):
            if is_run(folder):
                inside = path.relative_to(folder).parts
                return folder if len(inside) <= 1 or inside[0] == SNAPSHOTS else None
    return None


def reading_record(run_dir: Path) -> Generator[None, None, RunRecord]:
    """Read a run folder, in slices.

    Raises:
        RunError: it holds no run, or no recipe that this version understands.
    """
    run_dir = run_dir.absolute()
    recipe = read_recipe(run_dir)
    tables = read_run(run_dir)
    steps: list[StepDone] = []
    evaluations: list[Evaluated] = []
    problem = ""
    try:
        header, *lines = whole_lines(run_dir / METRICS_FILE)
        names = header.split(",")
        per_byte = bits_per_byte(tables)
        for n, line in enumerate(lines, start=1):
            row = row_of_line(names, line)
            if "train_loss" in row:
                steps.append(event_of(StepDone, row))
            if "val_loss" in row:
                row["bits_per_byte"] = row["val_loss"] * per_byte
                evaluations.append(event_of(Evaluated, row))
            if n % ROWS_PER_SLICE == 0:
                yield
    except OSError as error:
        problem = f"Its {METRICS_FILE} can't be read: {error.strerror or error}."
    except (ValueError, OverflowError) as error:
        problem = f"Its {METRICS_FILE} is damaged: {error}. The curve ends there."
    last = max(steps[-1].step if steps else 0, evaluations[-1].step if evaluations else 0)
    done = nothing_left(recipe, steps, evaluations)
    curves = yield from reading_curves(run_dir, last)
    return RunRecord(
        run_dir=str(run_dir),
        recipe=recipe,
        steps=tuple(steps),
        evaluations=tuple(evaluations),
        measured=curves,
        samples=read_samples(run_dir, last),
        snapshots=tuple(
            SnapshotSaved(step, path) for step, path in snapshots(run_dir) if is_whole(path)
        ),
        is_done=bool(done),
        can_resume=not done and _goes_on(run_dir),
        ending=done or f"Ended at step {last:,} of {recipe.steps:,}.",
        problem=problem,
    )


def row_of_line(names: list[str], line: str) -> dict[str, Any]:
    """A line's numbers by column; blank ones are left out."""
    values = line.split(",")
    if len(values) != len(names):
        raise ValueError("a row has the wrong number of columns")
    whole = whole_columns()
    return {
        name: int(float(value)) if name in whole else float(value)
        for name, value in zip(names, values)
        if value
    }


def event_of(event: type[E], row: Mapping[str, Any]) -> E:
    """The event that a row tells of; of a measure that an older version did not keep, no number.

    Raises:
        ValueError: it has no step.
    """
    if "step" not in row:
        raise ValueError("a row has no step")
    values = {
        measure.name: row.get(measure.name, _missing(measure))
        for measure in MEASURES
        if event in measure.on
    }
    return event(**values)


def _missing(measure: Measure) -> float | None:
    """What stands for a number that a row does not have."""
    if measure.optional:
        return None
    return 0 if measure.whole else math.nan


def bits_per_byte(tables: Mapping[str, Any]) -> float:
    """What a validation loss in nats per token is multiplied by; NaN where that isn't known."""
    data = tables.get("data")
    per_byte = data.get("val_tokens_per_byte") if isinstance(data, dict) else None
    return per_byte / math.log(2) if isinstance(per_byte, float) else math.nan


def nothing_left(
    recipe: Recipe, steps: Sequence[StepDone], evaluations: Sequence[Evaluated]
) -> str:
    """Why there is nothing to go on with, a sentence; empty if there is."""
    if steps and steps[-1].step >= recipe.steps:
        return f"All {recipe.steps:,} steps are done."
    if steps and recipe.max_seconds and steps[-1].seconds >= recipe.max_seconds:
        return f"Its {recipe.max_seconds:,.0f} seconds are over, at step {steps[-1].step:,}."
    target = recipe.target_val_loss
    if target and evaluations and evaluations[-1].val_loss <= target:
        return f"The validation loss of {target:g} is reached, at step {evaluations[-1].step:,}."
    if steps and not math.isfinite(steps[-1].train_loss + steps[-1].grad_norm):
        return f"It has diverged at step {steps[-1].step:,}."
    return ""


def _goes_on(run_dir: Path) -> bool:
    from model.train.state import can_resume  # torch comes with it

    return can_resume(run_dir)

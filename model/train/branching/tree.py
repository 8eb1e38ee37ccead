"""The runs of a folder and who branches from whom: a tree, each with its curve and recipe.

Read in slices, whoever writes them. What has not changed since it was last read is taken over.
Knows run folders and what they tell of branches; no torch.
"""

from __future__ import annotations

import math
import os
from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.train.branching.record import BranchRecord, branch_of, differences, shown
from model.train.recipe import Recipe, RecipeError
from model.train.record import bits_per_byte
from model.train.run_folder import (
    METRICS_FILE,
    RUN_FILE,
    RunError,
    is_run,
    read_run,
    who_trains,
    whole_lines,
)

MOST_POINTS = 2_000
"""Of a curve: more is thinned out, by the mean of neighbours."""
ROWS_A_SLICE = 2_000
_NOT_COMPARED = frozenset(("name", "threads"))


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class RunNode:
    """A run among others.

    Attributes:
        run_dir: its folder, as a whole path.
        name: of the folder.
        recipe: None where this version can't read it.
        branch: how it begins, if it is a branch.
        parent: the folder of the run that it branches from, if that is in the tree; else empty.
        depth: 0 for a root, 1 for its branches, and so on.
        step: the last one.
        train_steps, train_loss: its curve, thinned: steps, nats per token.
        train_seconds: how long it had taken then.
        val_steps, val_loss: its validations, all of them.
        bits_per_byte: what a loss is multiplied by to be that; NaN where it isn't known.
        diverged: whether the last of its steps had a loss or gradient that is no finite number.
        writer: who trains it now, else empty.
        problem: what of it can't be read, a sentence; empty if all can.
        stamp: by which it is known whether it has changed.
    """

    run_dir: str
    name: str
    recipe: Recipe | None
    branch: BranchRecord | None = None
    parent: str = ""
    depth: int = 0
    step: int = 0
    train_steps: NDArray[np.int64]
    train_loss: NDArray[np.float64]
    train_seconds: NDArray[np.float64]
    val_steps: NDArray[np.int64]
    val_loss: NDArray[np.float64]
    bits_per_byte: float = math.nan
    diverged: bool = False
    writer: str = ""
    problem: str = ""
    stamp: tuple[int, ...] = ()

    @property
    def last_loss(self) -> float | None:
        """Its last validation loss; None before the first."""
        return float(self.val_loss[-1]) if len(self.val_loss) else None

    @property
    def best_loss(self) -> float | None:
        """Its lowest validation loss; None before the first, and where none is a finite number."""
        finite = self.val_loss[np.isfinite(self.val_loss)]
        return float(finite.min()) if len(finite) else None


def reading_tree(
    folder: Path, known: Iterable[RunNode] = ()
) -> Generator[None, None, tuple[RunNode, ...]]:
    """Read the runs in a folder, in slices.

    Args:
        folder: whose own folders are looked at. A run that others there branch from is in the
            tree wherever it lies.
        known: what was read before.

    Returns:
        The runs: each before its branches, those in the order of their departure.

    Raises:
        RunError: the folder can't be read.
    """
    folder = Path(os.path.abspath(folder))  # noqa: PTH100 - Path.resolve follows links
    before = {node.run_dir: node for node in known}
    try:
        places = [entry for entry in sorted(folder.iterdir()) if is_run(entry)]
    except OSError as error:
        raise RunError(f"{folder} can't be read: {error.strerror or error}.") from error
    found: dict[str, RunNode] = {}
    while places:
        place = places.pop(0)
        if str(place) in found:
            continue
        node = yield from reading_node(place, before.get(str(place)))
        found[str(place)] = node
        if node.branch is not None and node.branch.found is not None:
            places.append(node.branch.found)
        yield
    return _ordered(found)


def reading_node(path: Path, before: RunNode | None = None) -> Generator[None, None, RunNode]:
    """Read one run, in slices; taken over where nothing of it has changed."""
    stamp = _stamp(path)
    if before is not None and before.stamp == stamp:
        return replace(before, writer=who_trains(path) or "")
    recipe, branch, problem, per_byte = None, None, "", math.nan
    try:
        tables = read_run(path)
        per_byte = bits_per_byte(tables)
        branch = branch_of(tables, path)
        recipe = Recipe.from_mapping(tables.get("recipe", {}))
    except (RunError, RecipeError) as error:
        problem = str(error)
    curve = yield from _reading_curve(path)
    problem = problem or curve.problem
    train_steps, train_loss, train_seconds = _thinned(curve.train)
    return RunNode(
        run_dir=str(path),
        name=path.name,
        recipe=recipe,
        branch=branch,
        step=curve.step,
        train_steps=train_steps,
        train_loss=train_loss,
        train_seconds=train_seconds,
        val_steps=_fixed(np.array([step for step, _ in curve.validation], np.int64)),
        val_loss=_fixed(np.array([loss for _, loss in curve.validation], np.float64)),
        bits_per_byte=per_byte,
        diverged=curve.diverged,
        writer=who_trains(path) or "",
        problem=problem,
        stamp=stamp,
    )


def differing(recipes: Sequence[Recipe]) -> dict[str, tuple[Any, ...]]:
    """The settings that are not the same in all recipes, by name: the value of each."""
    tables = [asdict(recipe) for recipe in recipes]
    found: dict[str, tuple[Any, ...]] = {}
    for name in asdict(Recipe()):
        values = tuple(table[name] for table in tables)
        if name not in _NOT_COMPARED and any(value != values[0] for value in values):
            found[name] = values
    return found


def family(nodes: Sequence[RunNode], run_dir: str) -> tuple[RunNode, ...]:
    """The runs that have a root in common with one, itself among them, in the tree's order."""
    by_path = {node.run_dir: node for node in nodes}
    if run_dir not in by_path:
        return ()
    root = _root(by_path, run_dir)
    return tuple(node for node in nodes if _root(by_path, node.run_dir) == root)


def words_of_changes(node: RunNode, parent: RunNode | None) -> str:
    """What a branch has otherwise than its parent: ``lr 0.003 -> 0.01``; for one line."""
    if node.recipe is None or parent is None or parent.recipe is None:
        return ""
    changes = differences(parent.recipe, node.recipe)
    return ", ".join(
        f"{name} {shown(was)} -> {shown(now)}"
        for name, (was, now) in changes.items()
        if name not in _NOT_COMPARED
    )


def _root(by_path: Mapping[str, RunNode], run_dir: str) -> str:
    seen = {run_dir}
    while (parent := by_path[run_dir].parent) and parent not in seen:
        run_dir = parent
        seen.add(parent)
    return run_dir


def _ordered(found: Mapping[str, RunNode]) -> tuple[RunNode, ...]:
    """Each run before its branches, with depths."""
    parents = {
        path: str(node.branch.found)
        for path, node in found.items()
        if node.branch is not None
        and node.branch.found is not None
        and str(node.branch.found) in found
    }
    branches: dict[str, list[RunNode]] = {}
    for path, node in found.items():
        branches.setdefault(parents.get(path, ""), []).append(node)
    ordered: list[RunNode] = []
    placed: set[str] = set()

    def place(node: RunNode, parent: str, depth: int) -> None:
        if node.run_dir in placed:
            return
        placed.add(node.run_dir)
        ordered.append(replace(node, parent=parent, depth=depth))
        below = branches.get(node.run_dir, [])
        for branch in sorted(below, key=lambda n: (n.branch.step if n.branch else 0, n.name)):
            place(branch, node.run_dir, depth + 1)

    for node in sorted(branches.get("", []), key=lambda n: n.name):
        place(node, "", 0)
    for node in found.values():  # folders that name each other: someone has written them by hand
        place(node, "", 0)
    return tuple(ordered)


def _stamp(path: Path) -> tuple[int, ...]:
    stamp: list[int] = []
    for name in (METRICS_FILE, RUN_FILE):
        try:
            status = os.stat(path / name)  # noqa: PTH116 - as in run_folder
        except OSError:
            stamp += [-1, -1]
        else:
            stamp += [status.st_size, status.st_mtime_ns]
    return tuple(stamp)


@dataclass(slots=True)
class _Curve:
    train: list[tuple[int, float, float]]
    validation: list[tuple[int, float]]
    step: int = 0
    diverged: bool = False
    problem: str = ""


def _reading_curve(path: Path) -> Generator[None, None, _Curve]:
    curve = _Curve([], [])
    try:
        header, *lines = whole_lines(path / METRICS_FILE)
        names = header.split(",")
        step_at, train_at, val_at, time_at = (
            names.index(name) for name in ("step", "train_loss", "val_loss", "seconds")
        )
        # A gradient can be too large for a float while the loss is not: the run ends by either.
        told = [names.index(name) for name in ("train_loss", "grad_norm") if name in names]
        for n, line in enumerate(lines, start=1):
            cells = line.split(",")
            curve.step = step = int(cells[step_at])
            if cells[train_at]:
                curve.train.append((step, float(cells[train_at]), float(cells[time_at] or "nan")))
                curve.diverged = not all(math.isfinite(float(cells[at] or 0)) for at in told)
            if cells[val_at]:
                curve.validation.append((step, float(cells[val_at])))
            if n % ROWS_A_SLICE == 0:
                yield
    except OSError as error:
        curve.problem = f"Its {METRICS_FILE} can't be read: {error.strerror or error}."
    except (ValueError, IndexError) as error:
        curve.problem = f"Its {METRICS_FILE} is damaged: {error}. The curve ends there."
    return curve


def _thinned(
    points: Sequence[tuple[int, float, float]],
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """At most so many points; where there are more, the mean of so many at their last step."""
    steps = np.array([step for step, _, _ in points], np.int64)
    losses = np.array([loss for _, loss, _ in points], np.float64)
    seconds = np.array([at for _, _, at in points], np.float64)
    together = -(-len(steps) // MOST_POINTS)
    if together > 1:
        starts = np.arange(0, len(steps), together)
        ends = np.minimum(starts + together, len(steps))
        losses = np.add.reduceat(losses, starts) / (ends - starts)
        steps, seconds = steps[ends - 1], seconds[ends - 1]
    return _fixed(steps), _fixed(losses), _fixed(seconds)


def _fixed(array: Any) -> Any:
    array.flags.writeable = False
    return array

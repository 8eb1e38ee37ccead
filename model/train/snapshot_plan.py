"""At which steps a run is kept: densely early, where a network changes fast, sparsely late.

A pure function of the recipe and the size of a snapshot, so that a run that is resumed
goes on with the same plan, and a window can say what a run will take on the disk before it begins.
Whether an early snapshot is affordable in time is measured while the run goes (`Thrift`).

Knows recipes; no torch, no file.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, replace

from model.train.recipe import Recipe

GROWTH = 8
"""Early snapshots are an eighth of their step apart: 1, 2, 3, …, 16, 18, 20, 22, 24, 27, …"""

SHARE = 0.02
"""Of the run's time early snapshots may take so much."""

MEBIBYTE = 2**20

STATE_SIZE = 3
"""A state is so many times as large as a snapshot."""


@dataclass(frozen=True, slots=True)
class SnapshotPlan:
    """Which steps are kept.

    Attributes:
        steps: those steps in order; the first is 0, the last the end of the run.
        n_bytes: of one snapshot.
        thinned: 1 if the budget holds what the recipe asks for; else the snapshots lie so many
            times as far apart.
        states: the steps at which the optimiser is kept too, in order.
    """

    steps: tuple[int, ...]
    n_bytes: int
    thinned: int = 1
    states: tuple[int, ...] = ()

    def __contains__(self, step: int) -> bool:
        at = bisect_left(self.steps, step)
        return at < len(self.steps) and self.steps[at] == step

    @property
    def total_bytes(self) -> int:
        """What all snapshots take on the disk."""
        return self.n_bytes * len(self.steps)

    @property
    def states_bytes(self) -> int:
        """What the states take: weights, and what AdamW keeps of each."""
        return STATE_SIZE * self.n_bytes * len(self.states)


def snapshot_plan(
    steps: int, every: int, n_bytes: int, *, early: bool, budget_bytes: int = 0
) -> SnapshotPlan:
    """The plan of a run.

    Args:
        steps: how many the run has.
        every: steps between two snapshots; 0 for none but the first and the last.
        n_bytes: of one snapshot.
        early: whether those before are kept closer together.
        budget_bytes: for all; 0 sets no limit. First and last are kept whatever they take.
    """
    thinned = 1
    while True:
        plan = SnapshotPlan(_steps(steps, every, thinned, early=early), n_bytes, thinned)
        fits = not budget_bytes or plan.total_bytes <= budget_bytes
        if fits or len(plan.steps) <= 2:
            return plan
        thinned *= 2


def plan_of(recipe: Recipe, n_params: int) -> SnapshotPlan:
    """The steps at which a run is kept.

    Args:
        recipe: of the run.
        n_params: of its network, which is kept in float32.
    """
    budget_bytes = recipe.snapshot_mb * MEBIBYTE
    plan = snapshot_plan(
        recipe.steps,
        recipe.snapshot_every,
        4 * n_params,
        early=recipe.snapshot_early,
        budget_bytes=budget_bytes,
    )
    if not recipe.snapshot_states:
        return plan
    return _with_states(plan, recipe.snapshot_every, budget_bytes)


def _with_states(plan: SnapshotPlan, every: int, budget_bytes: int) -> SnapshotPlan:
    """States at the regular steps, further apart where the snapshots leave less of the budget."""
    apart = every
    while True:
        end = plan.steps[-1]
        states = tuple(range(0, end + 1, apart)) if apart else (0,)
        found = replace(plan, states=states)
        fits = not budget_bytes or plan.total_bytes + found.states_bytes <= budget_bytes
        if fits:
            return found
        if apart == 0 or apart > end:
            return replace(plan, states=())
        apart *= 2


def _steps(steps: int, every: int, thinned: int, *, early: bool) -> tuple[int, ...]:
    widest = every * thinned
    found = {0, steps}
    if widest:
        found.update(range(widest, steps, widest))
    if early and every:
        at = thinned
        while at < min(steps, GROWTH * every):
            found.add(at)
            gap = max(1, at * thinned // GROWTH)
            if gap >= widest:
                break
            at += gap
    return tuple(sorted(found))


class Thrift:
    """Whether one more early snapshot is affordable, by what those before have cost.

    Attributes:
        spent: seconds that the run has spent on them so far.
    """

    def __init__(self) -> None:
        self.spent = 0.0
        self._one = 0.0

    def cost(self, seconds: float) -> None:
        """A snapshot took that long."""
        self.spent += seconds
        self._one = seconds

    def allows(self, step: int, steps: int, seconds: float, most_seconds: float = 0.0) -> bool:
        """Whether another one stays within the share of the run's time.

        Args:
            step: updates so far, at least one.
            steps: of the whole run.
            seconds: that the updates took so far.
            most_seconds: at which the run ends at the latest; 0 for no limit.
        """
        whole = seconds / max(1, step) * steps
        if most_seconds:
            whole = min(whole, most_seconds)
        return self.spent + self._one <= SHARE * whole

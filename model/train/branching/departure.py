"""The state of a run at one of its steps: as it was kept, had again by repeating, or of weights.

A run is a function of recipe and text, so the updates from a kept state to a later step can be
done once more: the optimiser is then what it was, bit for bit on one machine. Where no kept state
is near enough only the snapshot's weights are there.

Knows run folders, states and updates; no recipe but the run's own.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from model.counting import counted
from model.quoting import quoted
from model.tokenizer.tokenizer import Tokenizer
from model.train.branching.record import Departure, OptimiserIs
from model.train.data import batches_of, prepare
from model.train.events import Prepared
from model.train.kept_states import kept_states
from model.train.optimiser import optimiser_of
from model.train.parts import as_it_was, check_text, with_precision
from model.train.processes.group import ALONE
from model.train.processes.sharded_state import load_shards
from model.train.processes.spread import spread_out
from model.train.recipe import Recipe
from model.train.run_folder import SNAPSHOTS, STATE, RunError, read_recipe, snapshots
from model.train.state import STATE_FILE, TrainingState, has_state, load_state_file
from model.train.updates import Updates
from model.train.whole_snapshot import is_whole
from model.transformer import Transformer


@dataclass(frozen=True, slots=True)
class Found:
    """A run at a step.

    Attributes:
        weights: by the network's own names, tied ones too.
        optimiser: what it keeps; empty where it must begin anew.
        optimiser_is: how it was had.
        note: what a person should know of that, sentences; empty for nothing.
    """

    weights: dict[str, Tensor]
    optimiser: dict[str, Any]
    optimiser_is: OptimiserIs
    note: str


def finding(departure: Departure, recipe: Recipe) -> Generator[Prepared, None, Found]:
    """Have the state of a run at a step, in slices.

    Args:
        departure: which run and step.
        recipe: the run's own.

    Raises:
        RunError: neither weights nor a state near enough are kept of that step.
        CheckpointError: the snapshot can't be read.
        DataError, TokenizerError: steps are to be repeated, and the text is no good any more.
    """
    run_dir, step = Path(departure.parent), departure.step
    if recipe.tuning:
        raise RunError(
            f"{run_dir} fine-tunes a model; no other run branches from it. Tune its snapshot of "
            f"step {step:,} instead: python -m model finetune {quoted(run_dir / SNAPSHOTS)}/…"
        )
    tokenizer = Tokenizer.from_folder(run_dir)
    saved = {at: path for at, path in snapshots(run_dir) if is_whole(path)}
    yield Prepared(f"Looking for step {step:,}", 0.0)
    exact, near = _kept(run_dir, recipe, tokenizer, step)
    if not departure.fresh_optimiser and exact is not None:
        return Found(exact.transformer, exact.optimiser, "kept", "")
    again = "" if near is None else f"The {counted(step - near.step, 'step')} before it"
    if not departure.fresh_optimiser and near is not None:
        found = yield from _repeating(run_dir, recipe, tokenizer, near, step)
        if step not in saved:
            return replace(found, note=f"{again} were repeated from the state of {near.step:,}.")
        weights = _weights(saved[step], recipe, tokenizer)
        if _same(found.weights, weights):
            return found
        note = (
            f"{again} were repeated, and gave slightly other numbers here than when the run was "
            "trained: the weights are the snapshot's, the optimiser is the repeated one."
        )
        return replace(found, weights=weights, note=note)
    if step in saved:
        why = (
            "as was asked for"
            if departure.fresh_optimiser
            else f"because no state is kept near step {step:,}, only the weights"
        )
        note = "" if step == 0 else f"The optimiser begins anew, {why}."
        return Found(_weights(saved[step], recipe, tokenizer), {}, "fresh", note)
    if exact is not None:  # no snapshot, and a fresh optimiser was asked for
        return Found(exact.transformer, {}, "fresh", "The optimiser begins anew, as was asked for.")
    raise RunError(_nothing_kept(run_dir, step, [*saved, *kept_states(run_dir)]))


def _kept(
    run_dir: Path, recipe: Recipe, tokenizer: Tokenizer, step: int
) -> tuple[TrainingState | None, TrainingState | None]:
    """The state of a step, and else the nearest one before from which it can be repeated."""
    places = kept_states(run_dir)
    if step in places:
        return load_state_file(places[step], "cpu"), None
    if has_state(run_dir):
        last = load_state_file(run_dir / STATE_FILE, "cpu")
        if last.step == step:
            return _whole(run_dir, recipe, tokenizer, last), None
        if not last.shards:
            places[last.step] = run_dir / STATE_FILE
    # Kept as often as the recipe says, no step is further from one: what is further costs more
    # time than a person expects of a beginning.
    near = [at for at in places if at < step <= at + recipe.snapshot_every]
    return None, load_state_file(places[max(near)], "cpu") if near else None


def _whole(
    run_dir: Path, recipe: Recipe, tokenizer: Tokenizer, state: TrainingState
) -> TrainingState:
    """A state with all its tensors; one in shards is put together."""
    if not state.shards:
        return state
    with torch.random.fork_rng(devices=[]):
        transformer = Transformer(recipe.config(tokenizer.n_tokens), empty=True)
    optimiser = optimiser_of(transformer, recipe)
    load_shards(run_dir / STATE / state.shards, transformer, optimiser, ALONE)
    return replace(
        state,
        transformer=transformer.state_dict(),
        optimiser=optimiser.state_dict(),
        shards="",
    )


def _repeating(
    run_dir: Path, recipe: Recipe, tokenizer: Tokenizer, state: TrainingState, step: int
) -> Generator[Prepared, None, Found]:
    """Do a run's updates again, from a kept state up to a step."""
    recipe = with_precision(as_it_was(recipe, run_dir, tokenizer), "cpu")
    data = yield from prepare(recipe, tokenizer)
    check_text(recipe, run_dir, data)
    if recipe.threads:
        torch.set_num_threads(recipe.threads)
    spread = spread_out(
        recipe.config(tokenizer.n_tokens),
        ALONE,
        "cpu",
        sharded=False,
        seed=recipe.seed,
        first=recipe.first_weights,
    )
    updates = Updates(spread, recipe, batches_of(data, recipe))
    updates.take(state, run_dir)
    n = step - state.step
    for done in range(n):
        yield Prepared(f"Repeating the {counted(n, 'step')} before step {step:,}", done / n)
        update = updates.advance()
        if update is not None and not update.finite:
            raise RunError(f"{run_dir} diverges before step {step:,}. Choose an earlier step.")
    return Found(spread.transformer.state_dict(), updates.optimiser.state_dict(), "repeated", "")


def _weights(snapshot: Path, recipe: Recipe, tokenizer: Tokenizer) -> dict[str, Tensor]:
    """A snapshot's, without what its format has more than the run's network: biases of zero."""
    from model.checkpoint import open_checkpoint

    with torch.device("meta"):
        names = Transformer(recipe.config(tokenizer.n_tokens), empty=True).state_dict().keys()
    state = open_checkpoint(snapshot, dtype=torch.float32).transformer.state_dict()
    return {name: value for name, value in state.items() if name in names}


def _same(a: dict[str, Tensor], b: dict[str, Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(value, b[name]) for name, value in a.items())


def _nothing_kept(run_dir: Path, step: int, kept: list[int]) -> str:
    if not kept:
        return f"{run_dir} has kept no step yet, so nothing can branch from it."
    nearest = sorted(sorted(set(kept), key=lambda at: abs(at - step))[:3])
    steps = ", ".join(f"{at:,}" for at in nearest)
    return f"Nothing is kept of step {step:,} of {run_dir}. The nearest that are kept: {steps}."


def recipe_of_parent(departure: Departure) -> Recipe:
    """The recipe of the run that a branch comes of.

    Raises:
        RunError: the folder holds no run.
    """
    return read_recipe(Path(departure.parent))

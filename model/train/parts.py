"""What a run works with, and how it is made or taken up again: text, network, updates, folder.

Knows recipe, data, updates and run folder; neither events of steps nor when anything is due.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from model.checkpoint.families import family_for
from model.config import TransformerConfig
from model.precision import slowdown
from model.tokenizer.tokenizer import Tokenizer
from model.train.batches import batches_of, example_batches, validation_batches, validation_of
from model.train.claim import Claim
from model.train.curves_file import last_values
from model.train.data import TextData, prepare
from model.train.events import Prepared
from model.train.kept_states import drop_states_after
from model.train.measuring import Measuring
from model.train.optimiser import warm_up
from model.train.places import from_run
from model.train.processes.group import ALONE, Group
from model.train.processes.handing import handing, received
from model.train.processes.spread import Parallel, fits, spread_out, take_whole
from model.train.recipe import Recipe
from model.train.resuming import as_it_was, check_text
from model.train.run_folder import RunError, snapshots
from model.train.run_writing import NoFolder, RunFolder
from model.train.snapshot_plan import SnapshotPlan, Thrift, plan_of
from model.train.state import TrainingState, can_resume, has_state, load_state, values_of
from model.train.tasks.examples import MOST_HELD_OUT
from model.train.tuning import base_of
from model.train.tuning_updates import check_tuning, tuning_updates
from model.train.updates import Updates
from model.transformer import Transformer

_WORTH_IT = 0.7
"""How short a product in bfloat16 must be beside one in float32: casting takes time, too."""
_PROMPT_TOKENS = 8
"""Tokens of the validation text that a sample begins with, where the recipe names no prompt."""


@dataclass(slots=True, eq=False)
class Parts:
    """What a run works with once it has started, and at which step it last did what.

    Attributes:
        recipe: what is run, its text named by where it was found.
        data: text and tokenizer.
        updates: the network and its optimiser.
        folder: what is written.
        validation: batches that are never trained on.
        trained_on: of a task, examples that it is trained on, beside those of ``validation``.
        prompt_ids: what a sample begins with.
        seconds: that the run had taken before it was taken up.
        val_loss: its last one then, if there was any.
        measuring: what the curves are measured by.
        last_values: the last numbers of the curves, of a run that goes on.
        evaluated_at, sampled_at, measured_at, saved_at, kept_at: steps; -1 for never. Saved are
            snapshot and state; kept is a snapshot, perhaps without the state.
        plan: the steps that are kept.
        family: as which its network is saved.
        old: batches of a text that the model knew before it was tuned, if it is watched.
        thrift: what the early ones among them have cost.
        state_is_old: whether something was measured since the state was saved.
    """

    recipe: Recipe
    data: TextData
    updates: Updates
    folder: RunFolder | NoFolder
    validation: Sequence[NDArray[np.int64]]
    prompt_ids: list[int]
    plan: SnapshotPlan
    measuring: Measuring
    trained_on: Sequence[NDArray[np.int64]] = ()
    last_values: tuple[tuple[str, str, float], ...] = ()
    family: str | None = None
    old: Sequence[NDArray[np.int64]] = ()
    thrift: Thrift = field(default_factory=Thrift)
    seconds: float = 0.0
    val_loss: float | None = None
    evaluated_at: int = -1
    sampled_at: int = -1
    measured_at: int = -1
    saved_at: int = -1
    kept_at: int = -1
    state_is_old: bool = False


def getting_ready(
    recipe: Recipe | None,
    run_dir: Path,
    device: str,
    resume: bool,
    group: Group = ALONE,
    parallel: Parallel = "auto",
) -> Generator[Prepared, None, Parts]:
    """Read the text, make the network, and the run folder or what is in it.

    From the first slice on no other process can begin or resume a run in the folder; where this
    fails or is closed, it is as it was. Of several processes that train together the first one
    claims the folder, reads the text and the saved state, and hands them to the others.

    Raises:
        DataError, TokenizerError: the text or the tokenizer is no good.
        RunError, CheckpointError: the run folder can't be made, or the run not resumed.
    """
    if not group.is_first:
        text, recipe = received(group)
        yield Prepared("Making the network", 0.0)
        return _made(recipe, text, run_dir, device, resume, group, parallel, None)
    assert recipe is not None  # the first process has one
    with handing(group) as hand:
        claim = Claim.of_run(run_dir) if resume else Claim.new(run_dir)
        try:
            text, recipe = yield from _text(recipe, run_dir, resume, group, device, parallel)
            hand(text, recipe)
        except BaseException:
            claim.release()
            raise
    try:
        return _made(recipe, text, run_dir, device, resume, group, parallel, claim)
    except BaseException:
        claim.release()
        raise


def _text(
    recipe: Recipe, run_dir: Path, resume: bool, group: Group, device: str, parallel: Parallel
) -> Generator[Prepared, None, tuple[TextData, Recipe]]:
    """The run's text in tokens, and the recipe with the text's place as it is today."""
    _set_threads(recipe)
    tokenizer = None
    if resume:
        tokenizer = Tokenizer.from_folder(run_dir)
        recipe = as_it_was(recipe, run_dir, tokenizer)
    base = base_of(recipe, run_dir)
    recipe = with_precision(recipe, device)
    data = yield from prepare(recipe, tokenizer)
    if recipe.batch_size < group.size:
        raise RunError(
            f"A batch of {recipe.batch_size} windows can't be shared by {group.size} processes: "
            "start fewer, or give the recipe a larger batch_size."
        )
    # Before anything is spent on it: can the result be saved at all?
    if base is None:
        family_for(recipe.config(data.tokenizer.n_tokens))
    else:
        check_tuning(recipe, base, data, group, parallel)
    if resume:
        check_text(recipe, run_dir, data)
    return data, recipe


def _made(
    recipe: Recipe,
    data: TextData,
    run_dir: Path,
    device: str,
    resume: bool,
    group: Group,
    parallel: Parallel,
    claim: Claim | None,
) -> Parts:
    """The network and the folder; in every process of the group, each step of it by all."""
    base = group.together(lambda: base_of(recipe, run_dir))
    config = recipe.config(data.tokenizer.n_tokens) if base is None else base.config

    def network() -> tuple[Updates, TrainingState | None]:
        _set_threads(recipe)
        warm_up()
        if base is not None:
            updates = tuning_updates(recipe, base, data, device, group)
            return updates, _restore(run_dir, updates, group) if resume else None
        batches = batches_of(data, recipe)
        sharded = parallel == "fsdp" or (parallel == "auto" and not fits(config, device))
        spread = spread_out(
            config,
            group,
            device,
            sharded=sharded and not group.is_alone,
            seed=recipe.seed,
            first=recipe.first_weights,
        )
        updates = Updates(spread, recipe, batches)
        state = _restore(run_dir, updates, group) if resume else None
        if recipe.weights and state is None:
            _take_weights(updates.transformer, recipe.weights)
        return updates, state

    updates, state = group.together(network)

    def opened() -> RunFolder | NoFolder:
        if claim is None:
            return NoFolder(run_dir)
        if resume:
            kept = -1 if state is None else state.step
            drop_states_after(run_dir, kept)
            return RunFolder.resume(run_dir, kept, data.tokenizer, recipe, claim)
        facts = _facts(recipe, run_dir, data, device, updates, config)
        return RunFolder.create(run_dir, recipe, data.tokenizer, facts, claim)

    validation: Sequence[NDArray[np.int64]] = ()
    if not data.pairs:
        validation = validation_of(data, recipe)
    measuring = Measuring(
        updates.spread,
        data.tokenizer,
        validation,
        recipe.curves_every,
        recipe.steps,
        recipe.interventions(config.n_layers),
    )
    updates.measuring = measuring
    parts = Parts(
        recipe=recipe,
        data=data,
        updates=updates,
        folder=group.together(opened),
        validation=validation,
        trained_on=example_batches(data.rows[0][:MOST_HELD_OUT], recipe.batch_size, 0)
        if data.n_example
        else (),
        measuring=measuring,
        prompt_ids=_prompt_ids(recipe, data),
        plan=plan_of(recipe, config.n_params),
        family=family_for(config) if base is None else base.family,
        old=old_batches(recipe, data),
    )
    if state is not None:
        parts.seconds, parts.val_loss = state.seconds, state.val_loss
        parts.evaluated_at, parts.sampled_at = state.evaluated_at, state.sampled_at
        parts.measured_at = state.measured_at
        parts.last_values = last_values(run_dir)
        # A state may be saved where the budget has no room for a snapshot.
        is_kept = state.step in dict(snapshots(run_dir))
        parts.kept_at = parts.saved_at = state.step if is_kept else -1
    return parts


def old_batches(recipe: Recipe, data: TextData) -> Sequence[NDArray[np.int64]]:
    """Windows of the text that shows what is forgotten; none where there is no such text."""
    if data.old_ids is None:
        return ()
    return validation_batches(data.old_ids, recipe.batch_size, recipe.n_ctx, recipe.eval_batches)


def with_precision(recipe: Recipe, device: str) -> Recipe:
    """The recipe with a precision of its own: which one is known where it is computed."""
    if recipe.precision != "auto":
        return recipe
    if device.startswith("cuda"):
        fast = torch.cuda.is_bf16_supported()
    else:
        fast = device == "cpu" and slowdown("bfloat16") < _WORTH_IT
    return replace(recipe, precision="bfloat16" if fast else "float32")


def _set_threads(recipe: Recipe) -> None:
    if recipe.threads:
        torch.set_num_threads(recipe.threads)


def _take_weights(transformer: Transformer, path: str) -> None:
    """Begin with the weights of another model.

    Raises:
        RunError: they are another network's.
        CheckpointError: they can't be read.
    """
    from model.checkpoint import open_checkpoint

    weights = open_checkpoint(path, dtype=torch.float32).transformer.state_dict()
    try:
        take_whole(transformer, weights)
    except RuntimeError as error:
        raise RunError(
            f"The weights of {path} are not those of this recipe's network: sizes and vocabulary "
            "must be the same. Give the sizes and the tokenizer of that model."
        ) from error


def _restore(run_dir: Path, updates: Updates, group: Group) -> TrainingState | None:
    """Put the saved state in place; None where the run ended before its first.

    A whole state is read by the first process and handed on, one in shards by all.

    Raises:
        RunError: the state is damaged, or is gone though the run had learned something.
    """

    def read() -> dict[str, Any] | None:
        if not has_state(run_dir) and can_resume(run_dir):
            return None
        return values_of(load_state(run_dir, "cpu"))

    values = group.hand(group.first_only(read))
    if values is None:
        return None
    state = TrainingState(**values)
    updates.take(state, run_dir)
    return state


def _facts(
    recipe: Recipe,
    run_dir: Path,
    data: TextData,
    device: str,
    updates: Updates,
    config: TransformerConfig,
) -> dict[str, dict[str, object]]:
    """What run.toml says besides the recipe."""
    group = updates.spread.group
    machine: dict[str, object] = {"device": device, "threads": torch.get_num_threads()}
    if not group.is_alone:
        machine |= {"processes": group.size, "parallel": updates.spread.kind}
    return {
        "data": {
            "sha256": data.sha256,
            "n_bytes": data.n_bytes,
            "n_train_tokens": len(data.train_ids),
            "n_val_tokens": len(data.val_ids),
            "val_tokens_per_byte": data.val_tokens_per_byte,
            **from_run(recipe, run_dir),
            **({"notes": " ".join(data.notes)} if data.notes else {}),
        },
        "network": {"d_vocab": config.d_vocab, "n_params": config.n_params},
        "machine": machine,
    }


def _prompt_ids(recipe: Recipe, data: TextData) -> list[int]:
    """What a sample begins with; room for one new token at least is left."""
    ids = data.tokenizer.encode(recipe.sample_prompt).ids if recipe.sample_prompt else []
    # Of a task a question that was held out.
    ids = ids or [int(i) for i in data.val_ids[: data.answer_at or _PROMPT_TOKENS]]
    return ids[: max(1, recipe.n_ctx - 1)]

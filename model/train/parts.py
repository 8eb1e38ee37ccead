"""What a run works with, and how it is made or taken up again: text, network, updates, folder.

Knows recipe, data, updates and run folder; neither events of steps nor when anything is due.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from model.checkpoint.families import FAMILIES
from model.tokenizer.tokenizer import Tokenizer
from model.train.data import Batches, TextData, prepare, validation_batches
from model.train.events import Prepared
from model.train.optimiser import warm_up
from model.train.recipe import Recipe
from model.train.run_folder import RunError, RunFolder, read_run
from model.train.state import load_state
from model.train.updates import Updates
from model.transformer import Transformer

_PROMPT_TOKENS = 8
"""Tokens of the validation text that a sample begins with, where the recipe names no prompt."""


@dataclass(slots=True, eq=False)
class Parts:
    """What a run works with once it has started, and at which step it last did what.

    Attributes:
        data: text and tokenizer.
        updates: the network and its optimiser.
        folder: what is written.
        validation: batches that are never trained on.
        prompt_ids: what a sample begins with.
        seconds: that the run had taken before it was taken up.
        val_loss: its last one then, if there was any.
        evaluated_at, sampled_at, saved_at: steps.
    """

    data: TextData
    updates: Updates
    folder: RunFolder
    validation: Sequence[NDArray[np.int64]]
    prompt_ids: list[int]
    seconds: float = 0.0
    val_loss: float | None = None
    evaluated_at: int = -1
    sampled_at: int = -1
    saved_at: int = -1


def getting_ready(
    recipe: Recipe, run_dir: Path, device: str, resume: bool
) -> Generator[Prepared, None, Parts]:
    """Read the text, make the network, and the run folder or what is in it.

    Raises:
        DataError, TokenizerError: the text or the tokenizer is no good.
        RunError, CheckpointError: the run folder can't be made, or the run not resumed.
    """
    if recipe.threads:
        torch.set_num_threads(recipe.threads)
    warm_up()
    tokenizer = Tokenizer.from_folder(run_dir) if resume else None
    data = yield from prepare(recipe, tokenizer)
    config = recipe.config(data.tokenizer.n_tokens)
    # Before anything is spent on it: can the result be saved at all?
    FAMILIES["gpt2"].config_to_hf(config)
    with torch.random.fork_rng(devices=[]):  # torch's own first weights draw from the global one
        transformer = Transformer(config)
    transformer.initialize(torch.Generator().manual_seed(recipe.seed), recipe.init_std)
    if recipe.weights and not resume:
        _take_weights(transformer, recipe.weights)
    transformer.eval().to(device)
    batches = Batches(data.train_ids, recipe.batch_size, recipe.n_ctx, recipe.seed)
    updates = Updates(transformer, recipe, batches)
    seconds, val_loss = 0.0, None
    if resume:
        seconds, val_loss = _restore(run_dir, device, data, updates)
        folder = RunFolder.resume(run_dir, updates.step, data.tokenizer)
    else:
        folder = RunFolder.create(run_dir, recipe, data.tokenizer, _facts(recipe, data, device))
    return Parts(
        data=data,
        updates=updates,
        folder=folder,
        validation=validation_batches(
            data.val_ids, recipe.batch_size, recipe.n_ctx, recipe.eval_batches
        ),
        prompt_ids=_prompt_ids(recipe, data),
        seconds=seconds,
        val_loss=val_loss,
    )


def _take_weights(transformer: Transformer, path: str) -> None:
    """Begin with the weights of another model.

    Raises:
        RunError: they are another network's.
        CheckpointError: they can't be read.
    """
    from model.checkpoint import open_checkpoint

    weights = open_checkpoint(path, dtype=torch.float32).transformer.state_dict()
    try:
        transformer.load_state_dict(weights)
    except RuntimeError as error:
        raise RunError(
            f"The weights of {path} are not those of this recipe's network: sizes and vocabulary "
            "must be the same. Give the sizes and the tokenizer of that model."
        ) from error


def _restore(
    run_dir: Path, device: str, data: TextData, updates: Updates
) -> tuple[float, float | None]:
    """Put the saved state in place; the seconds that the run has taken, its validation loss."""
    if read_run(run_dir).get("data", {}).get("sha256") != data.sha256:
        raise RunError(
            f"The text of {run_dir} has changed since the run began, so it can't be "
            "resumed. Put the old text back, or start a new run."
        )
    state = load_state(run_dir, device)
    updates.transformer.load_state_dict(state.transformer)
    updates.optimiser.load_state_dict(state.optimiser)
    updates.step = state.step
    return state.seconds, state.val_loss


def _facts(recipe: Recipe, data: TextData, device: str) -> dict[str, dict[str, object]]:
    """What run.toml says besides the recipe."""
    config = recipe.config(data.tokenizer.n_tokens)
    return {
        "data": {
            "sha256": data.sha256,
            "n_bytes": data.n_bytes,
            "n_train_tokens": len(data.train_ids),
            "n_val_tokens": len(data.val_ids),
            "val_tokens_per_byte": data.val_tokens_per_byte,
        },
        "network": {"d_vocab": config.d_vocab, "n_params": config.n_params},
        "machine": {"device": device, "threads": torch.get_num_threads()},
    }


def _prompt_ids(recipe: Recipe, data: TextData) -> list[int]:
    """What a sample begins with; room for one new token at least is left."""
    ids = data.tokenizer.encode(recipe.sample_prompt).ids if recipe.sample_prompt else []
    ids = ids or [int(i) for i in data.val_ids[:_PROMPT_TOKENS]]
    return ids[: max(1, recipe.n_ctx - 1)]


_MAY_CHANGE = frozenset(
    (
        "name",
        "steps",
        "lr",
        "min_lr",
        "warmup_steps",
        "schedule",
        "grad_clip",
        "eval_every",
        "eval_batches",
        "sample_every",
        "sample_prompt",
        "sample_tokens",
        "snapshot_every",
        "max_seconds",
        "target_val_loss",
        "threads",
    )
)


def checked_for_resume(recipe: Recipe, own: Recipe) -> Recipe:
    """The recipe to go on with, if it fits the run that is there.

    Raises:
        RunError: it changes what a run can't change.
    """
    for name in Recipe.__dataclass_fields__:
        if name not in _MAY_CHANGE and getattr(recipe, name) != getattr(own, name):
            raise RunError(
                f"The run was begun with {name} = {getattr(own, name)!r} and can't go on with "
                f"{getattr(recipe, name)!r}. Start a new run for that."
            )
    return recipe

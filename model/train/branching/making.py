"""Making a branch: a new run folder that stands where another run was at a step.

Curve and samples up to there are the parent's, so that the folder tells of its whole way; weights
and optimiser are the parent's too, as far as the new recipe's network has them. It is resumed like
any run. Knows run folders, recipes and states; no loop.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Generator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from model.checkpoint import save_checkpoint
from model.quoting import quoted
from model.tokenizer.tokenizer import Tokenizer
from model.train.branching.carrying import Carried, carried, carried_tuning
from model.train.branching.departure import finding
from model.train.branching.record import (
    BRANCH,
    CHANGED_FROM,
    CHANGED_TO,
    Departure,
    tables_of_branch,
)
from model.train.claim import check_free
from model.train.curves_file import CURVES_FILE, keep_curves
from model.train.data import TextData, prepare
from model.train.events import Prepared
from model.train.kept_states import keep_last_state
from model.train.margins_file import keep_margins
from model.train.places import from_run, is_written, with_whole_paths
from model.train.recipe import Recipe, RecipeError
from model.train.resuming import as_it_was
from model.train.run_files import add_columns, keep_rows, keep_samples, toml_tables, versions
from model.train.run_folder import (
    METRICS_FILE,
    RUN_FILE,
    SNAPSHOTS,
    RunError,
    read_metrics,
    read_recipe,
    read_run,
    whole_lines,
)
from model.train.samples import SAMPLES_FILE, read_samples
from model.train.state import OWED, TrainingState, save_state
from model.train.tuning import base_of, write_adapter
from model.train.under import extra_of
from model.train.whole_snapshot import is_whole
from model.whole_file import write_whole
from model.whole_folder import whole_folder

_OF_THE_TEXT = ("data", "data_tokens", "tokenizer")
_OF_THE_TUNING = ("weights", "tokenizer", "objective", "lora_rank", "lora_alpha", "lora_targets")
_OF_VALIDATION = ("batch_size", "eval_batches")


def making_branch(
    departure: Departure, recipe: Recipe, run_dir: Path
) -> Generator[Prepared, None, str]:
    """Write the folder of a branch; it appears whole or not at all.

    Args:
        departure: which run it comes of, and at which step.
        recipe: its own; what it has in common with the parent's goes on as it was.
        run_dir: the folder: new or empty.

    Yields:
        Signs of progress, for slices.

    Returns:
        What was taken over and what wasn't, in sentences; empty where it is all of it.

    Raises:
        RecipeError: the recipe can't be run, or ends before the branch begins.
        RunError: the parent has nothing of that step, the folder is taken, or the disk refuses.
        CheckpointError, DataError, TokenizerError: what the parent has can't be read.
    """
    parent = Path(departure.parent)
    own = read_recipe(parent)
    recipe = with_whole_paths(recipe).validate()
    if departure.step >= recipe.steps:
        raise RecipeError(
            f"The branch begins at step {departure.step:,}, and its recipe ends at step "
            f"{recipe.steps:,}: give it more steps."
        )
    _check_limits(parent, departure.step, recipe)
    _check_tuning(parent, departure.step, own, recipe)
    check_free(run_dir)
    found = yield from finding(departure, own)
    tokenizer = Tokenizer.from_folder(parent)
    tables = {name: table for name, table in read_run(parent).items() if isinstance(table, dict)}
    text: TextData | None = None
    if _has_another_text(own, recipe):
        kept = None if own.tokenizer != recipe.tokenizer else tokenizer
        text = yield from prepare(recipe, kept)
    else:
        recipe = as_it_was(recipe, parent, tokenizer)
    yield Prepared("Writing the branch", 0.0)
    now = tokenizer if text is None else text.tokenizer
    same_tokens = now.to_json() == tokenizer.to_json()
    base = base_of(recipe, parent)
    if base is not None:
        network = carried_tuning(found.weights, found.adapter, found.optimiser, own, recipe, base)
    else:
        network = carried(
            found.weights,
            found.optimiser,
            own,
            recipe,
            now.n_tokens,
            d_vocab_before=tokenizer.n_tokens,
            same_tokens=same_tokens,
        )
    notes = [found.note, network.note]
    if not same_tokens:
        notes.append("Its tokenizer is another one, so the vectors of tokens begin anew.")
    note = " ".join(part for part in notes if part)
    tables = _tables(tables, recipe, run_dir, text, network)
    tables |= tables_of_branch(run_dir, departure, found.optimiser_is, note, own, recipe)
    try:
        with whole_folder(run_dir) as beside:
            _write(beside, parent, departure.step, own, recipe, network, now, tables)
            if base is not None:
                _write_tuning(beside, parent, departure.step, recipe, network)
            yield Prepared("Writing the branch", 0.9)
            check_free(run_dir)
    except OSError as error:
        raise RunError(
            f"The branch can't be written to {run_dir}: {error.strerror or error}. Choose another "
            "place for it."
        ) from error
    return note


def _check_tuning(parent: Path, step: int, own: Recipe, recipe: Recipe) -> None:
    """See that both runs tune the same model in the same way, or neither does.

    Raises:
        RecipeError: they don't.
    """
    if not own.tuning and not recipe.tuning:
        return
    snapshot = parent / SNAPSHOTS / f"step-{step:06d}"
    names = ("tuning", *(_OF_THE_TUNING if own.tuning else ()))
    for name in names:
        was, now = getattr(own, name), getattr(recipe, name)
        if was != now:
            raise RecipeError(
                f"The run has {name} = {was!r}, and a branch of it can't have {now!r}. Tune its "
                f"network instead: python -m model finetune {quoted(snapshot)}"
            )


def _write_tuning(folder: Path, parent: Path, step: int, recipe: Recipe, network: Carried) -> None:
    """What the branch of a run that tunes a model has besides: the model, adapter and choices."""
    if network.adapter is not None:
        write_adapter(folder, step, network.adapter, recipe)
    keep_margins(parent, folder, step)
    first = f"step-{0:06d}"
    if step and is_whole(parent / SNAPSHOTS / first):
        target = folder / SNAPSHOTS / first
        shutil.copytree(parent / SNAPSHOTS / first, target, copy_function=_linked)


def _linked(source: str, target: str) -> None:
    """A second name for a file that is replaced, never written into: it takes no room."""
    try:
        os.link(source, target)
    except OSError:  # no file system for it
        shutil.copyfile(source, target)


def _check_limits(parent: Path, step: int, recipe: Recipe) -> None:
    """See that the branch doesn't end where it begins, by what ended its parent.

    Raises:
        RecipeError: its time is over, or its target reached.
    """
    try:
        metrics = read_metrics(parent)
    except RunError:
        return  # said where it is copied
    seen = metrics["step"] <= step
    seconds, losses = metrics["seconds"][seen], metrics["val_loss"][seen]
    if recipe.max_seconds and len(seconds) and seconds[-1] >= recipe.max_seconds:
        raise RecipeError(
            f"At step {step:,} the run had taken {seconds[-1]:.0f} s, and max_seconds is "
            f"{recipe.max_seconds:g}: raise it, or set it to 0."
        )
    losses = losses[~np.isnan(losses)]
    if recipe.target_val_loss and len(losses) and losses[-1] <= recipe.target_val_loss:
        raise RecipeError(
            f"At step {step:,} the run was at its target, a validation loss of "
            f"{recipe.target_val_loss:g}: lower target_val_loss, or set it to 0."
        )


def _has_another_text(own: Recipe, recipe: Recipe) -> bool:
    """Whether the text, or how it is cut, has to be made anew."""
    named = any(getattr(own, name) != getattr(recipe, name) for name in _OF_THE_TEXT)
    return named or (is_written(own.data) and own.seed != recipe.seed)


def _tables(
    tables: dict[str, Any],
    recipe: Recipe,
    run_dir: Path,
    text: TextData | None,
    network: Carried,
) -> dict[str, Any]:
    """run.toml's, but for what tells of the branch."""
    data = dict(tables.get("data", {}))
    if text is not None:
        data = {
            "sha256": text.sha256,
            "n_bytes": text.n_bytes,
            "n_train_tokens": len(text.train_ids),
            "n_val_tokens": len(text.val_ids),
            "val_tokens_per_byte": text.val_tokens_per_byte,
        }
    data |= from_run(recipe, run_dir)
    config = network.transformer.config
    others = {
        name: table
        for name, table in tables.items()
        if name not in (BRANCH, CHANGED_FROM, CHANGED_TO)
    }
    return others | {
        "recipe": asdict(recipe),
        "data": data,
        "network": {"d_vocab": config.d_vocab, "n_params": config.n_params},
        "machine": {"device": "cpu", "threads": torch.get_num_threads()},
        "versions": versions(),
    }


def _write(
    folder: Path,
    parent: Path,
    step: int,
    own: Recipe,
    recipe: Recipe,
    network: Carried,
    tokenizer: Tokenizer,
    tables: dict[str, Any],
) -> None:
    """Everything of a branch, run.toml last: it makes the folder a run."""
    (folder / SNAPSHOTS).mkdir()
    tokenizer.save(folder)
    for name in (METRICS_FILE, SAMPLES_FILE, CURVES_FILE):
        if (parent / name).exists():
            shutil.copyfile(parent / name, folder / name)
    keep_rows(folder / METRICS_FILE, step)
    keep_samples(folder, step)
    keep_curves(folder, step)
    measured = network.all_taken and not _is_measured_otherwise(own, recipe)
    rows = _rows(folder / METRICS_FILE)
    if not measured:
        _forget_validation(folder / METRICS_FILE, step)
    add_columns(folder / METRICS_FILE, recipe)
    last = rows[-1] if rows else {}
    evaluated = [row for row in rows if row.get("val_loss")]
    at = int(evaluated[-1]["step"]) if evaluated else -1
    sampled_at = max((sample.step for sample in read_samples(folder, step)), default=-1)
    save_checkpoint(
        folder / SNAPSHOTS / f"step-{step:06d}",
        network.transformer,
        tokenizer,
        extra=extra_of(step, recipe.interventions(network.transformer.config.n_layers)),
        family=network.family,
    )
    save_state(
        folder,
        TrainingState(
            step=step,
            seconds=float(last.get("seconds") or 0.0),
            val_loss=float(evaluated[-1]["val_loss"]) if evaluated and measured else None,
            transformer=network.transformer.state_dict(),
            optimiser=network.optimiser,
            evaluated_at=at if measured else OWED,
            sampled_at=sampled_at,
            adapter={} if network.adapter is None else network.adapter.state_dict(),
        ),
    )
    if recipe.snapshot_states:
        keep_last_state(folder, step)
    write_whole(folder / RUN_FILE, toml_tables(tables))


def _is_measured_otherwise(own: Recipe, recipe: Recipe) -> bool:
    """Whether the same weights would have another validation loss by the new recipe."""
    if _has_another_text(own, recipe) or own.config(1) != recipe.config(1):
        return True
    if own.interventions() != recipe.interventions():
        return True
    return any(getattr(own, name) != getattr(recipe, name) for name in _OF_VALIDATION)


def _rows(metrics: Path) -> list[dict[str, str]]:
    header, *lines = whole_lines(metrics)
    names = header.split(",")
    return [dict(zip(names, line.split(","), strict=False)) for line in lines]


def _forget_validation(metrics: Path, step: int) -> None:
    """The step of departure is validated anew: what the changes do at once is seen there."""
    header, *lines = whole_lines(metrics)
    names = header.split(",")
    if not lines or "val_loss" not in names:
        return
    cells = lines[-1].split(",")
    if cells[names.index("step")] == str(step):
        cells[names.index("val_loss")] = ""
        lines[-1] = ",".join(cells)
        write_whole(metrics, "".join(f"{line}\n" for line in (header, *lines)), ordinary=True)

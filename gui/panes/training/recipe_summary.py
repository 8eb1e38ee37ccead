"""How large a recipe's network would be, how much text it would see, and what is kept of it.

Knows recipes; no widget.
"""

from __future__ import annotations

from pathlib import Path

from model.config import ConfigError
from model.counting import counted
from model.preview import file_size
from model.train.recipe import Recipe, RecipeError
from model.train.snapshot_plan import MEBIBYTE, plan_of
from model.train.tasks.chosen import TaskError, chosen_task, is_task


def summary(recipe: Recipe, folder: Path) -> str:
    """In a paragraph.

    Args:
        recipe: as it stands; it may not be one that can be run.
        folder: in which the run's own would be made.
    """
    seen = f"{short(recipe.steps * recipe.batch_size * recipe.n_ctx)} tokens to train on"
    if recipe.tuning:  # its sizes are the model's
        how = "all weights learn" if recipe.tuning == "full" else "a low-rank change learns"
        return f"{how} · {seen} · {folder / (recipe.name or '…')}"
    try:
        task = chosen_task(recipe.data) if is_task(recipe.data) else None
        size_known = recipe.bpe_size if task is None else task.d_vocab
        if size_known is not None:
            n_params = recipe.config(size_known).n_params
            size = f"{short(n_params)} parameters"
        else:
            # How many characters there are is known when the text is read.
            one, two = recipe.config(1).n_params, recipe.config(2).n_params
            n_params = 2 * one - two
            size = f"{short(n_params)} parameters + {two - one} per token"
    except (ConfigError, RecipeError, TaskError):
        return seen
    return f"{size} · {seen} · {_kept(recipe, n_params)} · {folder / (recipe.name or '…')}"


def _kept(recipe: Recipe, n_params: int) -> str:
    """How many steps are kept for the timeline, and what they take of the disk."""
    plan = plan_of(recipe, n_params)
    most = f" of at most {file_size(recipe.snapshot_mb * MEBIBYTE)}" if recipe.snapshot_mb else ""
    apart = f", {plan.thinned} × as far apart to fit" if plan.thinned > 1 else ""
    states = f" + {len(plan.states)} with optimiser" if plan.states else ""
    size = file_size(plan.total_bytes + plan.states_bytes)
    return f"{counted(len(plan.steps), 'snapshot')}{states}, {size}{most}{apart}"


def short(n: int) -> str:
    """A count in four digits: 12,345 is 12.3k."""
    for limit, letter in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if n >= limit:
            return f"{n / (1000.0 if letter == 'k' else limit):.3g}{letter}"
    return f"{n:,}"

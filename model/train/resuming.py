"""What a run that goes on must have in common with what it was begun with: recipe, tokenizer, text.

Knows recipes and run folders; no network, no state.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from model.tokenizer.tokenizer import Tokenizer
from model.train.data import (
    TextData,
    sha256_of_text,
)
from model.train.places import is_written, names_a_file, places_of_text
from model.train.recipe import WORLD, Recipe
from model.train.run_folder import RunError, read_recipe, read_run
from model.train.tokenizer_choice import tokenizer_at


def as_it_was(recipe: Recipe, run_dir: Path, tokenizer: Tokenizer) -> Recipe:
    """The recipe of a run that goes on, with the place of its text as it is today.

    Raises:
        RunError: the text is nowhere, or the recipe names another tokenizer.
    """
    own = read_recipe(run_dir)
    if recipe.tokenizer != own.tokenizer:
        named = tokenizer_at(recipe.tokenizer)
        if named.to_json() != tokenizer.to_json():
            raise RunError(
                f"{recipe.tokenizer} is another tokenizer than that of {run_dir}, which has its "
                "own copy. Name none, or start a new run."
            )
        recipe = replace(recipe, tokenizer=own.tokenizer)
    if not recipe.data or is_written(recipe.data) or recipe.data != own.data:
        return recipe
    table = read_run(run_dir).get("data", {})
    places = places_of_text(run_dir, own, table)
    if not places:
        raise RunError(
            f"The text of {run_dir} is no longer at {recipe.data}. Give its new place (--data "
            "FILE); the run goes on with the same text, wherever it lies."
        )
    same = (place for place in places[1:] if sha256_of_text(place) == table.get("sha256"))
    if len(places) > 1 and sha256_of_text(places[0]) != table.get("sha256"):
        return replace(recipe, data=str(next(same, places[0])))
    return replace(recipe, data=str(places[0]))


def check_text(recipe: Recipe, run_dir: Path, data: TextData) -> None:
    """See that a run goes on with the text that it was begun with.

    Raises:
        RunError: it is another one.
    """
    if read_run(run_dir).get("data", {}).get("sha256") != data.sha256:
        text = "story world's text" if recipe.data == WORLD else f"text in {recipe.data}"
        raise RunError(
            f"The {text} has changed since the run began, or is another one, so {run_dir} can't "
            "be resumed with it. Put the old text back, give its place (--data FILE), or start a "
            "new run."
        )


_MAY_CHANGE = frozenset(
    (
        "name",
        "steps",
        "lr",
        "min_lr",
        "warmup_steps",
        "schedule",
        "lr_changes",
        "grad_clip",
        "eval_every",
        "eval_batches",
        "sample_every",
        "sample_prompt",
        "sample_tokens",
        "micro_batch",
        "snapshot_every",
        "snapshot_early",
        "snapshot_states",
        "snapshot_mb",
        "curves_every",
        "watched",
        "stop_when",
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
        given, begun = getattr(recipe, name), getattr(own, name)
        if name in _MAY_CHANGE or given == begun:
            continue
        if name == "precision" and given == "auto":
            recipe = replace(recipe, precision=begun)  # as it was found then
            continue
        # A file may lie elsewhere now: what is in it decides, once it is read.
        if name == "data" and not (is_written(given) or is_written(begun)):
            continue
        if name == "tokenizer" and names_a_file(given) and names_a_file(begun):
            continue
        raise RunError(
            f"The run was begun with {name} = {begun!r} and can't go on with {given!r}. Start a "
            "new run for that."
        )
    return recipe

"""Where a run's text and tokenizer lie, also once folders were renamed, moved or copied.

A run's text is known by its sha256, not by its path: run.toml holds the whole path and the path
from the run's folder, a person may name a new one, and whichever leads to the same text will do.

Knows paths and recipes; no text, no torch.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from model.train.recipe import TASK_TOKENIZER, WORLD, Recipe
from model.train.tasks.chosen import is_task

FROM_RUN = "path_from_run"
"""Key of run.toml's table of the text: its path from the run's folder."""


def with_whole_paths(recipe: Recipe) -> Recipe:
    """The recipe with what it names as a file named by its whole path, whatever is there now.

    What is neither there nor a kind stays as it was typed, for the sentence about it.
    """
    changes: dict[str, Any] = {}
    if not is_written(recipe.data) and os.path.lexists(recipe.data):
        changes["data"] = _whole(recipe.data)
    if names_a_file(recipe.tokenizer) and os.path.lexists(recipe.tokenizer):
        changes["tokenizer"] = _whole(recipe.tokenizer)
    if recipe.weights and os.path.lexists(recipe.weights):
        changes["weights"] = _whole(recipe.weights)
    return replace(recipe, **changes)


def names_a_file(tokenizer: str) -> bool:
    """Whether a recipe's tokenizer is the path of one, not a kind."""
    return tokenizer not in ("char", TASK_TOKENIZER) and not tokenizer.startswith("bpe:")


def is_written(data: str) -> bool:
    """Whether a recipe's text is written for it: the story world's, or a task's examples."""
    return data == WORLD or is_task(data)


def from_run(recipe: Recipe, run_dir: Path) -> dict[str, str]:
    """What run.toml says of the text's place besides its whole path."""
    if is_written(recipe.data):
        return {}
    try:
        return {FROM_RUN: Path(os.path.relpath(recipe.data, run_dir)).as_posix()}
    except ValueError:  # another drive of Windows
        return {}


def places_of_text(run_dir: Path, own: Recipe, table: Mapping[str, Any]) -> list[Path]:
    """Files that may be a run's text, the likeliest first.

    Args:
        run_dir: the run's folder.
        own: the recipe in its run.toml.
        table: run.toml's of the text.
    """
    given = Path(own.data)
    places = [given]
    if isinstance(table.get(FROM_RUN), str):
        places.append(run_dir / table[FROM_RUN])
    if not given.is_absolute():  # as older versions wrote it: from where they were called
        places += [folder / given for folder in Path(_whole(run_dir)).parents]
    found: dict[str, Path] = {}
    for place in places:
        if os.path.isfile(place):  # noqa: PTH113 - Path's raises for a name too long
            found.setdefault(os.path.realpath(place), Path(_whole(place)))
    return list(found.values())


def _whole(path: str | Path) -> str:
    """A path from the root; a link on it stays a link."""
    return os.path.abspath(path)  # noqa: PTH100 - Path.resolve follows links

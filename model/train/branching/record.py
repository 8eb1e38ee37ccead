"""What a run folder tells of the run that it branches from, and in what their recipes differ.

In run.toml: the table ``[branch]`` names the parent's folder (whole, and from the branch's own
folder, as both may be moved together), the step, and what was taken over; ``[changed_from]`` and
``[changed_to]`` hold the recipe's values that differ. Knows recipes and run folders; no torch.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal, get_type_hints

from model.train.recipe import Recipe, RecipeError
from model.train.run_folder import is_run

BRANCH, CHANGED_FROM, CHANGED_TO = "branch", "changed_from", "changed_to"
OptimiserIs = Literal["kept", "repeated", "fresh"]
_SAME_AS = {"learning_rate": "lr", "min_learning_rate": "min_lr", "context": "n_ctx"}
"""What people type, and the recipe's name for it."""
_NO_CHANGE = frozenset(("name",))
"""What says nothing about the training."""


@dataclass(frozen=True, slots=True)
class Departure:
    """Where a branch begins.

    Attributes:
        parent: the run folder that it comes of.
        step: updates that its weights have had.
        fresh_optimiser: whether the optimiser is to begin anew, also where it was kept.
    """

    parent: str
    step: int
    fresh_optimiser: bool = False


@dataclass(frozen=True, slots=True)
class BranchRecord:
    """What a branch's folder says of its beginning.

    Attributes:
        parent: the parent's folder as it was named when the branch was made.
        found: where the parent lies today; None where it isn't there any more.
        step: at which the branch leaves it.
        optimiser: ``kept``: the parent's; ``repeated``: the parent's, had again by repeating its
            last steps; ``fresh``: a new one.
        note: what was taken over and what wasn't, in sentences.
    """

    parent: str
    found: Path | None
    step: int
    optimiser: OptimiserIs
    note: str


def tables_of_branch(
    run_dir: Path,
    departure: Departure,
    optimiser: OptimiserIs,
    note: str,
    before: Recipe,
    after: Recipe,
) -> dict[str, dict[str, Any]]:
    """What run.toml of a branch says besides what every run's says."""
    parent = os.path.abspath(departure.parent)  # noqa: PTH100 - Path.resolve follows links
    table: dict[str, Any] = {"parent": parent, "step": departure.step}
    with suppress(ValueError):  # another drive of Windows
        table["parent_from_run"] = Path(os.path.relpath(parent, run_dir)).as_posix()
    changes = differences(before, after)
    return {
        BRANCH: table | {"optimiser": optimiser, "note": note},
        CHANGED_FROM: {name: was for name, (was, _) in changes.items()},
        CHANGED_TO: {name: now for name, (_, now) in changes.items()},
    }


def branch_of(tables: Mapping[str, Any], run_dir: Path) -> BranchRecord | None:
    """What run.toml's tables say of a branch's beginning; None of a run that is no branch."""
    table = tables.get(BRANCH)
    if not isinstance(table, dict):
        return None
    parent, step = table.get("parent"), table.get("step")
    if not isinstance(parent, str) or type(step) is not int:
        return None
    places = [Path(parent)]
    relative = table.get("parent_from_run")
    if isinstance(relative, str):
        # First where both were moved to: the old place may hold another run by now.
        places.insert(0, Path(os.path.normpath(run_dir / relative)))
    optimiser = table.get("optimiser")
    return BranchRecord(
        parent=parent,
        found=next((place for place in places if is_run(place)), None),
        step=step,
        optimiser=optimiser if optimiser in ("kept", "repeated") else "fresh",
        note=str(table.get("note", "")),
    )


def differences(before: Recipe, after: Recipe) -> dict[str, tuple[Any, Any]]:
    """The recipe's values that differ, by name: what they were and are; not the run's name."""
    was, now = asdict(before), asdict(after)
    return {
        name: (was[name], now[name])
        for name in was
        if was[name] != now[name] and name not in _NO_CHANGE
    }


def shown(value: object) -> str:
    """A setting's value for people: numbers in six digits, and a word for no text."""
    if isinstance(value, float):
        return f"{value:.6g}"
    return "none" if value == "" else str(value)


def changed(recipe: Recipe, settings: Iterable[str]) -> Recipe:
    """A recipe with settings as they are typed: ``lr=1e-3``, ``data=stories.txt``.

    Raises:
        RecipeError: one is no setting, there is none of its name, or its value is no good.
    """
    hints = get_type_hints(Recipe)
    names = [field.name for field in fields(Recipe)]
    values: dict[str, Any] = {}
    for setting in settings:
        typed, equals, text = setting.partition("=")
        name = _SAME_AS.get(typed.strip(), typed.strip())
        if not equals:
            raise RecipeError(f"{setting!r} sets nothing: give NAME=VALUE, for example lr=1e-3.")
        if name not in names:
            near = get_close_matches(name, names, n=3, cutoff=0.5)
            nearest = f" The nearest are {', '.join(near)}." if near else ""
            raise RecipeError(f"A recipe has no {name!r}.{nearest}")
        if (name, text.strip()) == ("norm", "none"):
            name, text = "norms", "false"  # which kind its weights are for stays as it is
        is_text = hints[name] not in (int, float, bool)
        values[name] = text if is_text else _number(name, text.strip())
    return Recipe.from_mapping(asdict(recipe) | values)


def _number(name: str, text: str) -> Any:
    """A number or truth value as TOML writes it, and 1_000 or True as Python does."""
    try:
        return tomllib.loads(f"value = {text.lower()}")["value"]
    except tomllib.TOMLDecodeError:
        raise RecipeError(
            f"{name} is {text!r}, which is no number and neither true nor false."
        ) from None

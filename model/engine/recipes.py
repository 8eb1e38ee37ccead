"""Recipes before they run: what one would take, an update a slice, and those in TOML files.

Knows messages, recipes and how one is measured; no queue, no thread, no Qt.
"""

from __future__ import annotations

from pathlib import Path

from model import messages as m
from model.engine.job import Job, RequestError
from model.engine.workplace import Workplace

MOST_BYTES = 1 << 20
"""Of a recipe's file."""


def measure_recipe(request: m.MeasureRecipe, place: Workplace) -> Job:
    """Answers `MeasureRecipe`; not beside a run, which would slow it and be slowed."""
    from model.device import choose_device
    from model.train.recipe_measuring import measuring

    if place.run is not None:
        raise RequestError("A run is going: what another one takes can be measured after it.")
    yield m.Activity(request_id=request.id, what="measuring a recipe")
    steps = measuring(request.recipe, choose_device(place.device).name)
    try:
        while True:
            try:
                share = next(steps)
            except StopIteration as stop:
                yield m.RecipeMeasured(request_id=request.id, estimate=stop.value)
                return
            yield m.Progress(
                request_id=request.id,
                what="Measuring a recipe",
                done=round(1000 * share),
                total=1000,
            )
            yield None
    finally:
        steps.close()


def read_recipe(request: m.ReadRecipe, place: Workplace) -> Job:
    """Answers `ReadRecipe`."""
    from model.train.recipe import Recipe

    path = Path(request.path)
    try:
        if path.stat().st_size > MOST_BYTES:
            raise RequestError(f"{path} is too large for a recipe.")
        recipe = Recipe.from_file(path)
    except UnicodeDecodeError as error:
        raise RequestError(f"{path} is no TOML file: it is no text.") from error
    except OSError as error:
        raise RequestError(f"{path} can't be read: {error.strerror or error}.") from error
    yield m.RecipeRead(request_id=request.id, recipe=recipe)


def write_recipe(request: m.WriteRecipe, place: Workplace) -> Job:
    """Answers `WriteRecipe`; the file appears whole or not at all."""
    from model.whole_file import write_whole

    write_whole(request.path, request.recipe.to_toml(), ordinary=True)
    yield m.RecipeWritten(request_id=request.id, path=request.path)


def write_text(request: m.WriteText, place: Workplace) -> Job:
    """Answers `WriteText`; the file appears whole or not at all."""
    from model.whole_file import write_whole

    path = Path(request.path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, request.text, ordinary=True)
    except OSError as error:
        raise RequestError(f"{path} can't be written: {error.strerror or error}.") from error
    yield m.TextWritten(request_id=request.id, path=request.path)

"""Training: a recipe and a text become a run folder, one typed event at a time.

    from model.train import Training, preset

    training = Training(preset("minute"), Path("runs/minute"))
    for event in training.events():
        print(event)

Recipes, presets, events and measures are there without torch; the rest is imported on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from model.train.events import (
    Evaluated,
    Event,
    Finished,
    Prepared,
    Sampled,
    SnapshotSaved,
    Started,
    StepDone,
    Working,
)
from model.train.metrics import MEASURES, Measure, measured
from model.train.presets import ALIASES, PRESETS, preset
from model.train.recipe import Recipe, RecipeError

if TYPE_CHECKING:
    from model.train.data import DataError as DataError
    from model.train.loop import Training as Training
    from model.train.loop import train as train
    from model.train.optimiser import warm_up as warm_up
    from model.train.run_folder import RunError as RunError
    from model.train.run_folder import read_metrics as read_metrics
    from model.train.run_folder import snapshots as snapshots
    from model.train.run_folder import unique_run_dir as unique_run_dir

_HOMES = {
    "DataError": "data",
    "RunError": "run_folder",
    "Training": "loop",
    "read_metrics": "run_folder",
    "snapshots": "run_folder",
    "train": "loop",
    "unique_run_dir": "run_folder",
    "warm_up": "optimiser",
}
__all__ = [
    "ALIASES",
    "MEASURES",
    "PRESETS",
    "DataError",
    "Evaluated",
    "Event",
    "Finished",
    "Measure",
    "Prepared",
    "Recipe",
    "RecipeError",
    "RunError",
    "Sampled",
    "SnapshotSaved",
    "Started",
    "StepDone",
    "Training",
    "Working",
    "measured",
    "preset",
    "read_metrics",
    "snapshots",
    "train",
    "unique_run_dir",
    "warm_up",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'model.train' has no attribute {name!r}")
    return getattr(import_module(f"model.train.{_HOMES[name]}"), name)

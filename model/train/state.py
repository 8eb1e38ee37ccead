"""What a run needs to go on exactly where it was: weights, optimiser, counters.

One file, so that its parts always belong to the same step; of a network in shards it names the
folder that holds them (`model.train.processes.sharded_state`). The batches and the dropout need no
saved generator: both are functions of the seed and the step.
"""

from __future__ import annotations

import pickle
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import torch

from model.train.kept_states import LAST
from model.train.run_folder import STATE, RunError, read_metrics, snapshots

STATE_FILE = Path(STATE) / LAST

OWED = -2
"""In place of the step of the last validation: the step of the state itself is to be validated."""


@dataclass(frozen=True, slots=True)
class TrainingState:
    """A run between two steps.

    Attributes:
        step, seconds: as in `StepDone`.
        val_loss: the last validation, None before the first.
        transformer: the network's state dict; empty where its state is in shards.
        optimiser: the optimiser's; the same.
        adapter: of a low-rank change that learns, its factors.
        evaluated_at, sampled_at, measured_at: the last step at which this was done; -1 for never.
            What was due at ``step`` and isn't done yet is done when the run goes on; a validation
            that is `OWED`, whether it was due or not.
    """

    step: int
    seconds: float
    val_loss: float | None
    transformer: dict[str, Any]
    optimiser: dict[str, Any]
    evaluated_at: int = -1
    sampled_at: int = -1
    shards: str = ""
    measured_at: int = -1
    adapter: dict[str, Any] = field(default_factory=dict)


def save_state(run_dir: Path, state: TrainingState) -> None:
    """Write the state; the older one stays until the new one is whole.

    Raises:
        RunError: the disk refuses.
    """
    path = run_dir / STATE_FILE
    beside = path.with_name(f".{path.name}.part")
    values = values_of(state)
    try:
        path.parent.mkdir(exist_ok=True)
        # Through a file of ours: torch's own says of a full disk only that a position is wrong.
        with beside.open("wb") as file:
            torch.save(values, file)
        beside.replace(path)
    except (OSError, RuntimeError) as error:
        cause = error.__context__ if isinstance(error.__context__, OSError) else error
        reason = (isinstance(cause, OSError) and cause.strerror) or cause
        raise RunError(
            f"The state of {run_dir} can't be written: {reason}. What was saved before stays."
        ) from error
    finally:
        beside.unlink(missing_ok=True)


def values_of(state: TrainingState) -> dict[str, Any]:
    """A state's values by name. Not asdict, which would copy every tensor first."""
    return {field.name: getattr(state, field.name) for field in fields(state)}


def has_state(run_dir: Path) -> bool:
    """Whether a run has been saved."""
    return (run_dir / STATE_FILE).exists()


def can_resume(run_dir: Path) -> bool:
    """Whether a run can go on: from its state, or from its beginning where it learned nothing."""
    return has_state(run_dir) or _has_learned_nothing(run_dir)


def _has_learned_nothing(run_dir: Path) -> bool:
    """Whether nothing is lost when the run begins at its first step again."""
    if any(step > 0 for step, _ in snapshots(run_dir)):
        return False
    try:
        return not (read_metrics(run_dir)["step"] > 0).any()
    except (RunError, KeyError):
        return True


def load_state(run_dir: Path, device: str) -> TrainingState:
    """Read the last state of a run.

    Raises:
        RunError: there is none, or it is damaged.
    """
    return load_state_file(run_dir / STATE_FILE, device)


def load_state_file(path: Path, device: str) -> TrainingState:
    """Read a state, the last one or one that was kept.

    Raises:
        RunError: there is none, or it is damaged.
    """
    run_dir = path.parent.parent
    try:
        # weights_only: a pickle that some other program put here can't run code.
        values = torch.load(path, map_location=device, weights_only=True)
        return TrainingState(**values)
    except FileNotFoundError:
        raise RunError(f"{run_dir} has no saved state, so it can't be resumed.") from None
    except (OSError, RuntimeError, TypeError, EOFError, pickle.UnpicklingError) as error:
        raise RunError(
            f"{path} is damaged, so the run can't be resumed; its snapshots can be opened."
        ) from error

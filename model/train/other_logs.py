"""Curves of trainings that other programs have done, from what lies beside their checkpoints.

The Hugging Face Trainer keeps its log in ``trainer_state.json`` (``log_history``: losses, rates,
gradient norms), nanoGPT the step and the best validation loss until then in each checkpoint. Told
as a run that has ended; nothing of it can go on here.

Knows events and records, and how checkpoints of others are read without running anything.
"""

from __future__ import annotations

import math
from collections.abc import Generator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from model.checkpoint.errors import CheckpointError
from model.checkpoint.sources.step_names import step_name
from model.checkpoint.sources.torch_file import read_torch_file
from model.checkpoint.steps import steps_beside
from model.checkpoint.stored import StoredTensor, parse_json, read_exactly, read_text, reading
from model.train.events import Evaluated, StepDone
from model.train.recipe import Recipe
from model.train.record import RunRecord
from model.train.run_folder import RunError

TRAINER_FILE = "trainer_state.json"
TRAINER, NANOGPT = "Hugging Face Trainer", "nanoGPT"
_MOST_BYTES = 256 * 2**20
_FLOATS = {"float32": "<f4", "float64": "<f8", "float16": "<f2"}


def log_beside(path: Path, file_format: str) -> Path | None:
    """Where another program's log of the training of a checkpoint lies; None where there is none.

    Args:
        path: of the checkpoint, a file or a folder.
        file_format: how it is stored, as `Source.format` has it.
    """
    with suppress(OSError):
        if path.is_dir():
            return _trainer_file(path)
        if file_format == NANOGPT:
            return path
    return None


def reading_log(path: Path) -> Generator[None, None, RunRecord]:
    """What another program's log tells, as a run that has ended.

    Args:
        path: as `log_beside` has found it.

    Raises:
        RunError: it can't be read, or tells of no step.
    """
    if path.name == TRAINER_FILE:
        yield
        return _of_trainer(path)
    return (yield from _of_nanogpt(path))


def _trainer_file(folder: Path) -> Path | None:
    """That of the last step, which has the log of all before it: the whole training's own first."""
    if step_name(folder.name) is None:
        own = folder / TRAINER_FILE
        if own.is_file():
            return own
        steps = [(_step_of(one), one) for one in folder.glob(f"checkpoint-*/{TRAINER_FILE}")]
        return max(steps)[1] if steps else None
    beside = [place.path for place in steps_beside(folder).places] or [folder]
    files = [one / TRAINER_FILE for one in reversed(beside)]
    return next((file for file in (folder.parent / TRAINER_FILE, *files) if file.is_file()), None)


def _step_of(file: Path) -> int:
    found = step_name(file.parent.name)
    return -1 if found is None else found.step


def _of_trainer(path: Path) -> RunRecord:
    try:
        state = parse_json(read_text(path, _MOST_BYTES, "a Trainer's state"))
    except (CheckpointError, ValueError) as error:
        raise RunError(f"The log {path} can't be read: {error}") from error
    history = state.get("log_history") if isinstance(state, dict) else None
    if not isinstance(history, list):
        raise RunError(f"{path} has no log_history, so there is no curve to draw.")
    steps: dict[int, StepDone] = {}
    evaluations: dict[int, Evaluated] = {}
    for entry in history:
        step = _whole(entry.get("step")) if isinstance(entry, dict) else None
        if step is None:
            continue
        tokens = _whole(entry.get("num_input_tokens_seen")) or 0
        loss, evaluated = _number(entry.get("loss")), _number(entry.get("eval_loss"))
        if not math.isnan(loss):
            steps[step] = StepDone(
                step=step,
                tokens=tokens,
                seconds=math.nan,
                train_loss=loss,
                lr=_number(entry.get("learning_rate")),
                grad_norm=_number(entry.get("grad_norm")),
                tokens_per_second=math.nan,
            )
        if not math.isnan(evaluated):
            evaluations[step] = Evaluated(step, tokens, math.nan, evaluated, math.nan)
    planned = _whole(state.get("max_steps")) or 0
    return _record(path, path.parent, TRAINER, steps, evaluations, planned, "")


def _of_nanogpt(path: Path) -> Generator[None, None, RunRecord]:
    places = [place.path for place in steps_beside(path).places]
    evaluations: dict[int, Evaluated] = {}
    planned = 0
    for file in dict.fromkeys((*places, path)):
        yield
        try:
            value = read_torch_file(file)
        except CheckpointError:
            continue  # one that is being written tells nothing; the others do
        if not isinstance(value, dict):
            continue
        step, best = _whole(value.get("iter_num")), _number(value.get("best_val_loss"))
        settings = value.get("config")
        if isinstance(settings, dict):
            planned = _whole(settings.get("max_iters")) or planned
        if step is not None and not math.isnan(best) and best < _UNTRAINED:
            evaluations[step] = Evaluated(step, 0, math.nan, best, math.nan)
    said = "The points are the best validation loss until then, which is what nanoGPT keeps."
    return _record(path, path.parent, NANOGPT, {}, evaluations, planned, said)


_UNTRAINED = 1e8
"""nanoGPT begins with 1e9 as its best loss: nothing was measured yet."""


def _record(
    path: Path,
    folder: Path,
    program: str,
    steps: dict[int, StepDone],
    evaluations: dict[int, Evaluated],
    planned: int,
    said: str,
) -> RunRecord:
    if not steps and not evaluations:
        raise RunError(f"{path} tells no loss of any step, so there is no curve to draw.")
    last = max((*steps, *evaluations))
    name = folder.name if step_name(folder.name) is None else folder.parent.name
    return RunRecord(
        run_dir=str(path),
        recipe=Recipe(name=name, data="", steps=max(planned, last, 1), curves_every=0),
        steps=tuple(steps[step] for step in sorted(steps)),
        evaluations=tuple(evaluations[step] for step in sorted(evaluations)),
        is_done=True,
        ending=f"Trained by {program}: its log ends at step {last:,}. {said}".strip(),
        program=program,
    )


def _whole(value: Any) -> int | None:
    """A number of steps or tokens; None for what is none."""
    number = _number(value)
    return int(number) if number >= 0 and number.is_integer() else None


def _number(value: Any) -> float:
    """A number, or the only one of a tensor; NaN for what is none."""
    if isinstance(value, StoredTensor):
        return _only(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return math.nan
    with suppress(OverflowError):
        return float(value)
    return math.nan


def _only(stored: StoredTensor) -> float:
    """The number of a tensor that has one, as nanoGPT keeps its loss."""
    kind = _FLOATS.get(stored.dtype)
    if kind is None or stored.n != 1:
        return math.nan
    try:
        with reading(stored.path) as (file, _):
            file.seek(stored.offset)
            raw = read_exactly(file, np.dtype(kind).itemsize, stored.path)
    except CheckpointError:
        return math.nan
    return float(np.frombuffer(raw, kind)[0])

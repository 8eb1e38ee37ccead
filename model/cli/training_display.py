"""Training from a terminal: a progress line, one sentence per validation; Ctrl+C and `kill` save.

Knows the trainer and rich; arguments are read by `model.cli.train`.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any, TypeVar

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from model.counting import counted
from model.device import default_threads
from model.end_signals import heeded
from model.train.events import (
    ConditionMet,
    Evaluated,
    Event,
    Finished,
    Measured,
    Prepared,
    Sampled,
    SnapshotSaved,
    Started,
    StepDone,
    Working,
)
from model.train.loop import Training
from model.train.metrics import sayings
from model.train.presets import preset
from model.train.processes.group import LostError, is_restart, joined
from model.train.processes.spread import Parallel
from model.train.recipe import Recipe, RecipeError
from model.train.run_folder import is_run, read_recipe
from model.train.task_presets import recipe_of_task
from model.train.tokenizer_choice import with_tokenizer_word
from model.train.watches import ACCURACY

T = TypeVar("T")


def run_from_command_line(
    *,
    out: Path,
    data: str | None = None,
    task: str | None = None,
    tokenizer: str | None = None,
    preset_name: str = "minute",
    recipe_file: Path | None = None,
    parallel: Parallel = "auto",
    steps: int | None = None,
    max_seconds: float | None = None,
    target_val_loss: float | None = None,
    seed: int | None = None,
    watched: tuple[str, ...] | None = None,
    stop_when: tuple[str, ...] | None = None,
    device: str = "auto",
    threads: int = 0,
    resume: bool = False,
    console: Console | None = None,
) -> dict[str, Any]:
    """Train, and say how it went; under torchrun together with the other processes.

    Args:
        out: the run folder, new or empty; with ``resume`` a run.
        data: replaces the preset's text (with ``resume`` the run's, as the five below).
        task: a toy task in the text's place; without a preset or a file of its own recipe.
        tokenizer: replaces its tokenizer.
        steps: replaces its number of updates.
        max_seconds: replaces its limit of time.
        target_val_loss: replaces its target.
        seed: replaces its seed.
        watched: replaces what is watched.
        stop_when: replaces the conditions at which it stops; all is saved then.
        preset_name: where the other choices come from; with ``resume`` not looked at.
        recipe_file: a TOML file in the preset's place, a run's run.toml too.
        parallel: how the network lies over several processes: ``ddp``, ``fsdp`` or ``auto``.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        threads: CPU threads; 0 takes the recipe's, or all cores but one.
        resume: go on with the run in ``out``.
        console: where progress is written; standard error by default, so that standard output
            stays clean for results.

    Returns:
        ``val_loss`` (None where the run ended before any validation), ``steps``, ``seconds``,
        ``n_params``, ``tokens_per_second``, and ``reason``, ``message``, ``run``.

    Raises:
        RecipeError, DataError, TokenizerError, RunError, CheckpointError, DeviceError: with a
            sentence for the person.
    """
    if data is not None and task is not None:
        raise RecipeError("A task is a text of its own: give --task or --data, not both.")
    if task is not None and resume:
        raise RecipeError("A run goes on with what it was begun with: leave --task out.")
    changes: dict[str, Any] = {
        "data": data,
        "tokenizer": tokenizer,
        "steps": steps,
        "max_seconds": max_seconds,
        "target_val_loss": target_val_loss,
        "seed": seed,
        "watched": watched,
        "stop_when": stop_when,
    }
    with joined(device) as (group, own_device):
        # Processes that torchrun has started anew after one failed go on where the run was.
        resume = group.first(lambda: resume or (is_restart() and is_run(out)))

        def made() -> Training:
            recipe: Recipe | None = None
            if group.is_first:
                base = read_recipe(out) if resume else _begun_from(preset_name, recipe_file, task)
                recipe = replace(base, **{k: v for k, v in changes.items() if v is not None})
                recipe = with_tokenizer_word(recipe)
                # The real number goes into run.toml: on a CPU it decides the last bits.
                each = max(1, default_threads() // group.local_size)
                recipe = replace(recipe, threads=threads or recipe.threads or each)
            return Training(
                recipe, out, device=own_device, resume=resume, group=group, parallel=parallel
            )

        return _train(group.together(made), out, console, group.rank)


def run_recipe(
    recipe_of: Callable[[int], Recipe],
    out: Path,
    device: str,
    resume: bool = False,
    console: Console | None = None,
) -> dict[str, Any]:
    """Train by a recipe, and say how it went; under torchrun together with the other processes.

    Args:
        recipe_of: gives what to train, of how many processes share this machine; called in the
            first one, and not with ``resume``, which goes on with the run in ``out``.
        out, device, resume, console: as of `run_from_command_line`.
    """
    with joined(device) as (group, own_device):
        resume = group.first(lambda: resume or (is_restart() and is_run(out)))

        def made() -> Training:
            new = group.is_first and not resume
            recipe = recipe_of(group.local_size) if new else None
            return Training(recipe, out, device=own_device, resume=resume, group=group)

        return _train(group.together(made), out, console, group.rank)


def made_with_progress(making: Generator[Prepared, None, T]) -> T:
    """Go through what gets ready, saying of each part that it begins.

    Returns:
        What it makes.
    """
    console, said = Console(stderr=True), ""
    while True:
        try:
            event = next(making)
        except StopIteration as stop:
            made: T = stop.value
            return made
        if event.what != said:
            said = event.what
            console.print(f"{said} …", markup=False, highlight=False, soft_wrap=True)


def _begun_from(preset_name: str, recipe_file: Path | None, task: str | None) -> Recipe:
    if recipe_file is None and task is not None and preset_name == "minute":
        return recipe_of_task(task)  # its own
    recipe = preset(preset_name) if recipe_file is None else Recipe.from_file(recipe_file)
    return recipe if task is None else recipe_of_task(task, recipe)


def _train(training: Training, out: Path, console: Console | None, rank: int) -> dict[str, Any]:
    """Go through a run, telling of it unless another process does."""
    console = Console(quiet=True) if rank > 0 else console or Console(stderr=True)
    n_params = 0
    met: list[str] = []
    finished: Finished | None = None
    with _Display(training.recipe, console) as display, _signals_stop(training):
        try:
            for event in training.events():
                display.show(event)
                if isinstance(event, Started):
                    n_params = event.n_params
                elif isinstance(event, ConditionMet):
                    met.append(event.message)
                    training.stop()  # nobody is there who could press Resume
                elif isinstance(event, Finished):
                    finished = event
        except LostError as error:
            # At once: torchrun ends the others as soon as it has seen that one is gone. The second
            # process says it too where it is the first that is gone.
            if rank < 2:
                print(str(error), file=sys.stderr, flush=True)
            raise
    assert finished is not None  # the last event always is
    return {
        "val_loss": finished.val_loss,
        "steps": finished.step,
        "seconds": finished.seconds,
        "n_params": n_params,
        "tokens_per_second": training.tokens_per_second,
        "reason": finished.reason,
        "message": " ".join([*met, finished.message]),
        "run": str(out),
    }


@contextmanager
def _signals_stop(training: Training) -> Iterator[None]:
    """A signal to end ends the run after the step that is going on; a second one works as usual."""
    before = heeded()

    def stop(number: int, _frame: FrameType | None) -> None:
        training.stop()
        signal.signal(number, before[signal.Signals(number)])

    try:
        for number in before:
            signal.signal(number, stop)
    except ValueError:  # not the main thread, where signals can't be had
        yield
        return
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _Display:
    """One progress line on a terminal, sentences above it; on a file only the sentences."""

    def __init__(self, recipe: Recipe, console: Console) -> None:
        self._recipe = recipe
        self._console = console
        self._prepared = ""
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[numbers]}"),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self._progress.add_task("Preparing", total=1.0, numbers="")

    def __enter__(self) -> _Display:
        self._progress.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._progress.stop()

    def show(self, event: Event) -> None:
        match event:
            case Prepared():
                if event.what != self._prepared:
                    self._prepared = event.what
                    self._say(f"{event.what} …")
                self._progress.update(self._task, description=event.what, completed=event.fraction)
            case Started():
                for note in event.notes:
                    self._say(note)
                self._say(
                    f"{event.n_params:,} parameters on {event.device}, "
                    f"{counted(event.threads, 'thread')}; "
                    f"{event.n_train_tokens:,} training tokens; run folder {event.run_dir}"
                )
                self._progress.update(
                    self._task,
                    description="Training",
                    total=self._recipe.steps,
                    completed=event.step,
                )
            case StepDone():
                self._progress.update(
                    self._task,
                    description="Training",
                    completed=event.step,
                    numbers="  ".join([f"step {event.step:,}", *sayings(event)]),
                )
            case Working():
                self._progress.update(self._task, description=event.what.capitalize())
            case Evaluated():
                self._say(f"step {event.step:>6,}  {', '.join(sayings(event))}")
            case Sampled():
                self._say(f"step {event.step:>6,}  {event.text!r}")
            case Measured():
                if said := _accuracies(event):
                    self._say(f"step {event.step:>6,}  {said}")
            case SnapshotSaved():
                pass  # too many to be told
            case ConditionMet():
                self._say(f"{event.message} It was to stop when {event.condition}.")
            case Finished():
                self._say(event.message)

    def _say(self, sentence: str) -> None:
        # Text of a person's own: brackets in it are no markup.
        self._console.print(sentence, markup=False, highlight=False, soft_wrap=True)


def _accuracies(event: Measured) -> str:
    """A task's metric; empty where other curves were measured, which are too many to be told."""
    return ", ".join(
        f"{place} accuracy {value:.1%}"
        for place, measure, value in event.values
        if measure == ACCURACY
    )
